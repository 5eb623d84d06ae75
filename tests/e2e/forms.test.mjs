// Forms and maintenance against the real program: a form is built and filled in with what the machine counted,
// corrected, got as a file; care, repairs with parts and a mould's cavities are told by forms.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { ALL, axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 390, height: 844, theme: 'dark', lang: 'ko' },
  { width: 1280, height: 900, theme: 'light', lang: 'ko' },
  { width: 800, height: 1280, theme: 'dark', lang: 'en' },
  { width: 1920, height: 1080, theme: 'light', lang: 'ko' },
];
const VIEWS = [
  ['forms', '/forms'],
  ['forms-entries', '/forms?view=entries'],
  ['forms-build', '/forms?view=build'],
  ['maintenance', '/maintenance'],
  ['maintenance-repairs', '/maintenance?view=repairs'],
  ['maintenance-moulds', '/maintenance?view=moulds'],
  ['maintenance-machines', '/maintenance?view=machines'],
  ['maintenance-spares', '/maintenance?view=spares'],
];

describe('forms and maintenance', () => {
  let browser;
  let url;
  let desk;
  const read = async (path) => (await desk.page.request.get(`${url}/api/v1/plants/demo/${path}`)).json();

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await desk.page.goto(`${url}/forms`);
    await desk.page.getByRole('heading', { name: '작업일보·점검표', level: 1 }).waitFor(WAIT);
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('the daily work report of the shift stands there with what the machine counted', async () => {
    const { page } = desk;
    const due = (await read('form-due')).items.find((one) => one.form === 'DAILY' && one.machine === 'press1' && one.state === 'due');
    assert.ok(due, 'nothing is due');
    // In the first seconds of a shift nothing was made yet.
    const counted = async () => Number((await read(`forms/DAILY/sheet?machine=press1&day=${due.day}&shift=${due.shift}`)).fields.find((one) => one.kind === 'good').value);
    for (const end = Date.now() + 3 * WAIT.timeout; Date.now() < end && !((await counted()) > 0); ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const row = page.getByRole('listitem').filter({ hasText: '작업일보' }).filter({ hasText: '사출 1호기' }).filter({ hasText: due.shift_name }).first();
    await row.getByRole('button', { name: '작성' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('작업자').fill('E-101');
    const good = Number(await sheet.getByLabel('양품').inputValue());
    assert.ok(good > 0, `${good} good pieces`);
    await sheet.getByLabel('특이사항').fill('이상 없음');
    await sheet.getByRole('button', { name: '저장' }).click();
    await page.getByText(/번 기록을 저장했습니다/).waitFor(WAIT);
    const [entry] = (await read('form-entries?form=DAILY')).items;
    assert.equal(entry.values.find((one) => one.field === 'good').number, good);
    assert.equal(entry.shift, due.shift);
  });

  test('an entry is corrected with a reason; both stay, and come as a file', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '작성한 기록' }).click();
    await page.getByRole('button', { name: /설비 일상점검/ }).first().click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('button', { name: '정정' }).click();
    await sheet.getByLabel('작동유 온도').fill('52');
    await sheet.getByLabel('정정하는 이유').fill('잘못 읽음');
    await sheet.getByRole('button', { name: '저장' }).click();
    await sheet.waitFor({ state: 'hidden', ...WAIT }); // The words of the entry before still stand on the page.
    const all = (await read('form-entries?form=CHECK&replaced=1')).items;
    assert.equal(all.length, 2);
    assert.equal(all[1].replaced_by, all[0].number);
    assert.equal(all[0].why, '잘못 읽음');
    await page.getByRole('combobox').selectOption('CHECK');
    const file = await page.request.get(new URL(await page.getByRole('link', { name: '엑셀' }).getAttribute('href'), url).href);
    assert.equal((await file.body()).subarray(0, 2).toString(), 'PK');
  });

  test('a form is built: fields added, ordered, previewed, and due at once', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '양식 만들기' }).click();
    await page.getByRole('button', { name: '새 양식' }).click();
    await page.getByLabel('이름').fill('온습도 기록');
    await page.getByLabel('코드').fill('CLIMATE');
    await page.getByLabel('작성 단위').selectOption('plant');
    await page.getByLabel('작성 주기').selectOption('day');
    await page.getByLabel('항목 1', { exact: true }).fill('온도');
    await page.getByLabel('상한').fill('30');
    await page.getByRole('button', { name: '항목 추가' }).click();
    await page.getByLabel('항목 2', { exact: true }).fill('청소');
    await page.getByLabel('종류').nth(1).selectOption('check');
    await page.getByRole('button', { name: '항목 2 위로' }).click();
    await page.getByRole('region', { name: '미리 보기' }).getByText('청소').waitFor(WAIT);
    await page.getByRole('button', { name: '저장' }).click();
    await page.getByText('양식을 저장했습니다', { exact: false }).waitFor(WAIT);
    const sheet = await read('forms/CLIMATE/sheet');
    assert.deepEqual(sheet.fields.map((one) => one.name), ['청소', '온도']);
    assert.equal(sheet.fields[1].upper, 30);
    assert.ok((await read('form-due')).items.some((one) => one.form === 'CLIMATE' && one.state === 'due'));
  });

  test('care is done, a repair takes its parts out of stock', async () => {
    const { page } = desk;
    await page.goto(`${url}/maintenance`);
    const belt = page.getByRole('listitem').filter({ hasText: '벨트 장력 점검' });
    await belt.getByText('점검 필요').waitFor(WAIT);
    await belt.getByRole('button', { name: '점검 완료' }).click();
    await page.getByRole('dialog').getByLabel('작업자').fill('E-102');
    await page.getByRole('dialog').getByRole('button', { name: '예방 점검 완료', exact: true }).click();
    await belt.getByText('양호').waitFor(WAIT);
    await page.getByRole('button', { name: '수리', exact: true }).click();
    await page.getByRole('listitem').filter({ hasText: '노즐에서 수지 누출' }).getByRole('button', { name: '수리 완료' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('원인').fill('히터 단선');
    await sheet.getByLabel('조치 내용').fill('밴드 히터 교체');
    await sheet.getByLabel('예비품').fill('S-BAND');
    await sheet.getByLabel('수량').fill('2');
    await sheet.getByRole('button', { name: '수리 완료', exact: true }).click();
    await page.getByText(/S-BAND 2/).waitFor(WAIT);
    assert.equal((await read('maintenance/spares')).items.find((one) => one.item === 'S-BAND').stock, 1);
  });

  test('moulds count their shots, and one with closed cavities says so', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '금형', exact: true }).click();
    const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: '하우징 상 금형' }) });
    await card.getByText('/ 500,000숏').waitFor(WAIT);
    assert.ok((await read('maintenance/moulds')).items.find((one) => one.mould === 'M-110').shots > 182_400);
    await card.getByRole('button', { name: '이력' }).click();
    await page.getByRole('dialog').getByText('장착').waitFor(WAIT);
    await page.getByRole('dialog').getByRole('button', { name: '닫기' }).first().click();
    const failed = (await read('maintenance/machines')).items.find((one) => one.machine === 'cnc1');
    assert.equal(failed.count, 1);
    assert.ok(Math.abs(failed.mttr_h - 25 / 60) < 1e-6);
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}, ${size.lang}`, async () => {
      const { page, context } = await openPage(browser, { ...size, touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      for (const [name, path] of VIEWS.filter((_, i) => ALL || (size.width < 1000 ? [0, 2, 3, 5] : [1, 6]).includes(i))) {
        await page.goto(`${url}${path}`);
        await page.locator('main ul.panel li, main ul.moulds li, main ol li').first().waitFor(WAIT);
        assert.deepEqual(await axe(page), [], name);
        assert.equal(await sideways(page), 0, name);
        assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), [], name);
        await picture(page, `${name}-${size.width}-${size.theme}`);
      }
      await context.close();
    });
  }
});
