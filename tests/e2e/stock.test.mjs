// Stock and output against the real program: what is below its safety stock, the lots in the order in which they are
// used, receipt of a purchase and issue by forms; key figures, the loss tree, a stop's reason by one press.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 1280, height: 900, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 800, height: 1280, theme: 'dark' },
  { width: 1920, height: 1080, theme: 'light' },
];

describe('stock and output', () => {
  let browser;
  let url;
  let desk;
  let told = 0;
  const api = (path) => `${url}/api/v1/plants/demo/${path}`;
  const read = async (path) => (await desk.page.request.get(api(path))).json();
  const tell = async (body) => {
    const answer = await desk.page.request.post(api('events'), { data: body, headers: { 'X-Requested-With': 'maru', 'Idempotency-Key': `stock-${++told}` } });
    assert.ok(answer.ok(), await answer.text());
  };
  const open = async (path, title) => {
    await desk.page.goto(`${url}${path}`);
    await desk.page.getByRole('heading', { name: title, level: 1 }).waitFor(WAIT);
  };

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await tell({ type: 'lot.hold', lot: 'ABS-2611-12', why: '흑점' });
    await open('/stock', '재고');
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('lots stand in the order of their use; what is held is passed over', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: /ABS 수지/ }).click();
    const links = page.getByRole('listitem').getByRole('link', { name: /^ABS-/ });
    await links.first().waitFor(WAIT);
    const known = (await read('stock?item=R-ABS')).items.sort((a, b) => (a.turn ?? Infinity) - (b.turn ?? Infinity));
    assert.deepEqual(await links.allTextContents(), known.map((one) => one.lot));
    assert.equal(known[0].lot, 'ABS-2611-07');
    const row = (lot) => page.getByRole('listitem').filter({ has: page.getByRole('link', { name: lot }) }).last();
    assert.match(await row('ABS-2611-07').textContent(), /먼저 쓸 것/);
    assert.match(await row('ABS-2611-12').textContent(), /사용 보류/);
    assert.match(await row('ABS-2611-18').textContent(), /검사 대기/);
    assert.ok(await row('ABS-2611-12').getByRole('button', { name: '불출' }).isDisabled());
  });

  test('an issue of an item takes the oldest lot, and the safety stock is watched', async () => {
    const { page } = desk;
    const { usable } = (await read('stock/items?q=R-ABS')).items[0];
    await page.getByRole('button', { name: '불출', exact: true }).first().click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('품목').fill('R-ABS');
    await sheet.getByLabel('수량').fill(String(usable - 150));
    await sheet.getByRole('button', { name: '불출', exact: true }).click();
    await page.getByText(/처리한 로트: ABS-2611-07 \d+/).waitFor(WAIT);
    const item = page.getByRole('button', { name: /ABS 수지/ });
    await item.filter({ hasText: '안전 재고 미달' }).waitFor(WAIT);
    assert.equal((await read('stock/items?short=1')).items[0].usable, 150);
  });

  test('a proposed purchase is ordered and received', async () => {
    const { page } = desk;
    const wanted = (await read('purchases')).items[0].quantity;
    await page.getByRole('button', { name: '구매', exact: true }).click();
    await page.getByRole('checkbox', { name: /구매 1 선택/ }).check();
    await page.getByRole('button', { name: '발주', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: '구매 발주', exact: true }).click();
    const row = page.getByRole('listitem').filter({ hasText: '#1' });
    await row.filter({ hasText: '발주함' }).waitFor(WAIT);
    await row.getByRole('button', { name: '입고' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('로트', { exact: true }).fill('ABS-NEW');
    await sheet.getByRole('button', { name: '입고', exact: true }).click();
    await page.getByText(/로트 ABS-NEW/).waitFor(WAIT);
    await page.getByText('살 것이 없습니다').waitFor(WAIT);
    assert.equal((await read('purchases')).items[0].state, 'received');
    assert.equal((await read('stock?lot=ABS-NEW')).items[0].quantity, wanted);
  });

  test('what is rare is told by its own form, and a rule shows what holds', async () => {
    const { page } = desk;
    await open('/stock', '재고');
    const more = page.getByRole('combobox', { name: '다른 처리' });
    const sheet = page.getByRole('dialog');
    const { quantity } = (await read('stock?lot=ABS-2611-15')).items[0];
    await more.selectOption('재고 폐기');
    await sheet.getByLabel('로트', { exact: true }).fill('ABS-2611-15');
    await sheet.getByLabel('수량').fill('5');
    await sheet.getByLabel('사유').fill('D-SHORT');
    await sheet.locator('[type=submit]').click();
    await sheet.waitFor({ ...WAIT, state: 'detached' });
    assert.equal((await read('stock?lot=ABS-2611-15')).items.find((one) => one.place === 'RAW').quantity, quantity - 5);
    await more.selectOption('재고·로트 번호 규칙');
    assert.equal(await sheet.getByLabel('로트 번호 형식').inputValue(), '{date}-{counter}');
    assert.equal(await sheet.getByLabel('재고 부족 출고 허용').inputValue(), 'refuse');
    await sheet.getByLabel('로트 번호 형식').fill('{item}/{counter:4}');
    await picture(page, 'stock-rules');
    await sheet.locator('[type=submit]').click();
    await sheet.waitFor({ ...WAIT, state: 'detached' });
    await more.selectOption('재고·로트 번호 규칙');
    assert.equal(await sheet.getByLabel('로트 번호 형식').inputValue(), '{item}/{counter:4}');
    await page.keyboard.press('Escape');
    // Of a lot, at its passport: reworked into a new one.
    await page.goto(`${url}/lots/ABS-2611-07`);
    await more.selectOption('로트 재작업');
    await sheet.getByLabel('수량').first().fill('10');
    await picture(page, 'lot-rework');
    await sheet.locator('[type=submit]').click();
    await page.getByText(/새 로트: /).waitFor(WAIT);
    assert.ok((await read('lots/ABS-2611-07/trace')).forward.links.some((one) => one.kind === 'rework'));
  });

  test('the page Output has the figures of the program, and files a reason by one press', async () => {
    const { page } = desk;
    await open('/output?range=7d', '생산 실적'); // Just after the day's begin the demo's hour is yesterday's.
    const heading = page.getByRole('heading', { name: /사유 없는 비가동 \d+/ });
    await heading.waitFor(WAIT);
    const before = (await read('production/stops?unreasoned=1&limit=1000')).items;
    const first = page.getByRole('group', { name: /비가동 사유/ }).first();
    await first.getByRole('button').first().click();
    await page.getByText(/등록했습니다/).waitFor(WAIT);
    const open_ = new Set((await read('production/stops?unreasoned=1&limit=1000')).items.map((one) => one.number));
    assert.equal(before.filter((one) => !open_.has(one.number)).length, 1);
    // One that is not among the likeliest; then it is changed.
    await page.getByRole('group', { name: /비가동 사유/ }).first().getByRole('button', { name: '다른 사유' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('button', { name: '계획 청소' }).click();
    await sheet.waitFor({ ...WAIT, state: 'detached' });
    await page.getByText('사유를 등록한 비가동').click();
    const row = page.getByRole('listitem').filter({ hasText: '계획 청소' }).filter({ has: page.getByRole('button', { name: '사유 변경' }) });
    await row.getByRole('button', { name: '사유 변경' }).click();
    await picture(page, 'output-reasons');
    await sheet.getByRole('button', { name: '품질 확인' }).click();
    await sheet.waitFor({ ...WAIT, state: 'detached' });
    await row.waitFor({ ...WAIT, state: 'detached' });
    const losses = await read('production/losses');
    assert.ok(Math.abs(losses.items.reduce((sum, one) => sum + one.minutes, 0) - losses.minutes) < 1e-6);
    await page.getByRole('button', { name: '사출 1호기' }).click();
    await page.getByRole('heading', { name: '설비별' }).waitFor(WAIT);
    await page.waitForFunction(() => document.querySelectorAll('section.part ul')[1] && new URL(location.href).searchParams.get('machine') === 'press1');
    await page.getByRole('button', { name: '원', exact: true }).click();
    await page.getByText(/임률로 환산한/).waitFor(WAIT);
  });

  test('a day of the week is a press away', async () => {
    const { page } = desk;
    await open('/output?range=7d', '생산 실적');
    const days = page.getByRole('button', { name: /^\d{4}-\d{2}-\d{2}$/ });
    await days.first().waitFor(WAIT);
    assert.equal(await days.count(), 7);
    const day = await days.last().textContent();
    await days.last().click();
    await page.getByRole('button', { name: '근무조별', pressed: true }).waitFor(WAIT);
    assert.equal(new URL(page.url()).searchParams.get('day'), day);
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      for (const [name, path, wait] of [['stock', '/stock', 'ABS 수지'], ['purchases', '/stock?part=purchases', '끝난 것도 보기'], ['moves', '/stock?part=moves', '포장 상자'], ['output', '/output', '전체 시간']]) {
        await page.goto(`${url}${path}`);
        await page.getByText(wait).first().waitFor(WAIT);
        assert.deepEqual(await axe(page), []);
        assert.equal(await sideways(page), 0);
        assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), []);
        await picture(page, `${name}-${size.width}-${size.theme}`);
      }
      await context.close();
    });
  }
});
