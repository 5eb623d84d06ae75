// Quality against the real program: what is due is inspected on the page, a failure holds its lot and is decided
// on, a slip is asked first, and what a terminal told while it was offline waits for a decision.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 1280, height: 900, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 800, height: 1280, theme: 'light' },
  { width: 1920, height: 1080, theme: 'dark' },
];

describe('inspections', () => {
  let browser;
  let url;
  let desk;
  const api = (path) => `${url}/api/v1/plants/demo/${path}`;
  const read = async (path) => (await desk.page.request.get(api(path))).json();
  const tell = (key, data, more = {}) => desk.page.request.post(api('events'), { data, headers: { 'X-Requested-With': 'maru', 'Idempotency-Key': key, ...more } });

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await desk.page.goto(`${url}/inspections`);
    await desk.page.getByRole('heading', { name: '검사', level: 1 }).waitFor(WAIT);
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  const dueRow = (text) => desk.page.getByRole('listitem').filter({ hasText: text }).filter({ has: desk.page.getByRole('button', { name: '검사하기' }) });

  test('a lot that came in is inspected; the slip is asked, the failure holds it', async () => {
    const { page } = desk;
    await dueRow('ABS-2611-18').getByRole('button', { name: '검사하기' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('button', { name: '합격', exact: true }).click();
    await sheet.getByLabel('수분율 시료 1').fill('0.05');
    await sheet.getByLabel('수분율 시료 2').fill('48');
    assert.equal(await sheet.getByLabel('수분율 시료 2').getAttribute('aria-invalid'), 'true');
    await sheet.getByLabel('수분율 시료 3').fill('0.12');
    await sheet.getByRole('button', { name: '판정' }).click();
    await sheet.getByRole('alert').filter({ hasText: '맞습니까?' }).waitFor(WAIT);
    assert.equal((await read('inspections?lot=ABS-2611-18')).items.length, 0);
    await sheet.getByLabel('수분율 시료 2').fill('0.048');
    await sheet.getByRole('button', { name: '판정' }).click();
    await page.getByRole('status').filter({ hasText: /판정: 불합격\. 부적합 2번을 등록하고 로트 1건을 보류했습니다/ }).waitFor(WAIT);
    assert.equal((await read('lots/ABS-2611-18')).state, 'held');
    await dueRow('ABS-2611-18').waitFor({ ...WAIT, state: 'detached' });
  });

  test('the non-conformity is decided on and the rest may be used', async () => {
    const { page } = desk;
    const row = page.getByRole('listitem').filter({ hasText: 'NC-2' });
    await row.getByRole('button', { name: '처리 결정' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('처리', { exact: true }).selectOption({ label: '선별(불량만 폐기)' });
    await sheet.getByLabel('수량', { exact: true }).fill('25');
    await sheet.getByRole('button', { name: '부적합 처리 결정', exact: true }).click();
    await row.getByText('선별 25 kg').waitFor(WAIT);
    const [chooser] = await Promise.all([page.waitForEvent('filechooser', WAIT), row.getByRole('button', { name: '사진·파일 첨부' }).click()]);
    await chooser.setFiles({ name: '불량.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('photo') });
    const [saved] = await Promise.all([page.waitForEvent('download', WAIT), row.getByRole('button', { name: '불량.jpg' }).click()]);
    assert.equal(saved.suggestedFilename(), '불량.jpg');
    const lot = await read('lots/ABS-2611-18');
    assert.deepEqual([lot.state, lot.stock[0].quantity, lot.nonconformances[0].decision], ['open', 225, 'sort']);
    // An action that did not help is open again; it helped at the second look.
    await tell('action-1', { type: 'action.open', nonconformance: '2', measure: '건조 시간 연장', worker: 'E-101', due: '2099-12-01' });
    for (const [i, helped] of ['효과 없음', '효과 있음'].entries()) {
      const { number } = (await read('nonconformances?state=unsettled')).items.find((one) => one.number === 2).actions[0];
      await tell(`action-done-${i}`, { type: 'action.done', action: String(number) });
      await page.reload();
      await row.getByRole('button', { name: '효과 확인' }).click();
      await page.getByRole('dialog').getByLabel(helped).check();
      await page.getByRole('dialog').locator('[type=submit]').click();
      await page.getByRole('dialog').waitFor({ ...WAIT, state: 'detached' });
    }
    await row.getByRole('button', { name: '종결' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '부적합 종결', exact: true }).click();
    await row.waitFor({ ...WAIT, state: 'detached' });
  });

  test('work is inspected with what its tag tells, and corrected with the original kept', async () => {
    const { page } = desk;
    const work = (await read('inspections/due')).items.find((one) => one.kind === 'in_process') ?? (await read(`inspections/due?operation=${encodeURIComponent(`${(await read('orders')).items.find((one) => one.item === 'P-110').order}/10`)}`)).items.find((one) => one.kind === 'in_process');
    await page.getByRole('searchbox', { name: '로트 또는 작업 스캔' }).fill(work.operation);
    await page.keyboard.press('Enter');
    await page.getByRole('listitem').filter({ hasText: '공정 검사' }).getByRole('button', { name: '검사하기' }).click();
    const sheet = page.getByRole('dialog');
    for (const [i, value] of ['86', '85.2', '86.8'].entries()) {
      await sheet.getByLabel(`중량 시료 ${i + 1}`).fill(value);
    }
    await sheet.getByText('태그에서 지금 값을 가져옵니다.').waitFor(WAIT);
    await sheet.getByRole('button', { name: '판정' }).click();
    await page.getByRole('status').filter({ hasText: '판정: 합격.' }).waitFor(WAIT);
    const [made] = (await read(`inspections?operation=${encodeURIComponent(work.operation)}`)).items;
    const { values } = await read(`inspections/${made.number}`);
    assert.deepEqual(values.map((one) => one.source), ['typed', 'typed', 'typed', 'tag']);
    assert.deepEqual(values.slice(0, 3).map((one) => one.pass), [true, true, true]); // On both limits.
    await page.getByRole('button', { name: /공정 검사.*합격/ }).first().click();
    await page.getByRole('button', { name: '정정' }).click();
    for (const [i, value] of ['86', '85.3', '86.8'].entries()) {
      await page.getByRole('dialog').getByLabel(`중량 시료 ${i + 1}`).fill(value);
    }
    await page.getByRole('dialog').getByLabel('이유').fill('오기');
    await page.getByRole('dialog').getByRole('button', { name: '판정' }).click();
    await page.getByRole('dialog').waitFor({ ...WAIT, state: 'detached' });
    assert.equal((await read(`inspections/${made.number}`)).corrected_by, made.number + 1);
  });

  test('what came from a terminal that was offline waits for a decision', async () => {
    const { page } = desk;
    const late = (key, quantity) => tell(key, { type: 'stock.count', lot: 'ABS-2611-12', place: 'RAW', quantity }, { 'Maru-Later': '1', 'Maru-Terminal': 'store-1' });
    assert.equal(typeof (await (await late('later-1', '5000')).json()).doubtful, 'number');
    await late('later-2', '50');
    await page.reload();
    const rows = page.getByRole('listitem').filter({ has: page.getByRole('button', { name: '그대로 맞음' }) });
    await rows.nth(1).waitFor(WAIT);
    await picture(page, 'inspections-doubts');
    await rows.filter({ hasText: '5000' }).getByRole('button', { name: '버리기' }).click();
    await rows.nth(1).waitFor({ ...WAIT, state: 'detached' });
    assert.equal((await read('lots/ABS-2611-12')).stock[0].quantity, 500);
    await rows.getByRole('button', { name: '그대로 맞음' }).click();
    await rows.first().waitFor({ ...WAIT, state: 'detached' });
    assert.equal((await read('lots/ABS-2611-12')).stock[0].quantity, 50);
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      await page.goto(`${url}/inspections`);
      await page.getByText('NC-1').waitFor(WAIT);
      for (const name of ['inspections', 'inspection']) {
        if (name === 'inspection') {
          await page.getByRole('searchbox', { name: '로트 또는 작업 스캔' }).fill('ABS-2611-07');
          await page.keyboard.press('Enter');
          await page.getByRole('listitem').filter({ hasText: '수입 검사' }).getByRole('button', { name: '검사하기' }).click();
          await page.getByRole('dialog').getByLabel('수분율 시료 1').fill('0.5');
        }
        assert.deepEqual(await axe(page), []);
        assert.equal(await sideways(page), 0);
        assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), []);
        await picture(page, `${name}-${size.width}-${size.theme}`);
      }
      await context.close();
    });
  }
});
