// Work orders and the board against the real program: planned, put on machines, dragged to another time,
// held and taken up again; what lies in the way is told.
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

describe('orders', () => {
  let browser;
  let url;
  let desk;
  let told = 0;
  const tell = async (body) => {
    const answer = await desk.page.request.post(`${url}/api/v1/plants/demo/events`, { data: body, headers: { 'X-Requested-With': 'maru', 'Idempotency-Key': `orders-${++told}` } });
    assert.ok(answer.ok(), await answer.text());
    return answer.json();
  };
  const orders = async () => (await (await desk.page.request.get(`${url}/api/v1/plants/demo/orders`)).json()).items;

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await tell({ type: 'order.make', item: 'P-110', quantity: 600, due: '2099-12-01', release: '1', code: 'E2E-1' });
    await desk.page.goto(`${url}/orders`);
    await desk.page.getByRole('heading', { name: '작업 지시', level: 1 }).waitFor(WAIT);
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('all work is put on its machines by one press', async () => {
    await desk.page.getByRole('button', { name: '일정 배정' }).click();
    await desk.page.getByText(/건의 일정을 배정했습니다/).waitFor(WAIT);
    const placed = (await orders()).find((one) => one.order === 'E2E-1').operations[0];
    const running = (await orders()).find((one) => one.state === 'running' && one.operations[0].machine === 'press1').operations[0];
    assert.equal(placed.machine, 'press1');
    assert.ok(placed.begin >= running.end, `${placed.begin} behind ${running.end}`);
  });

  test('a bar is dragged to another machine and time, and what lies there is told', async () => {
    const { page } = desk;
    const bar = page.getByRole('button', { name: /E2E-1/ });
    await bar.waitFor(WAIT);
    const from = await bar.boundingBox();
    const lane = await page.locator('.track[data-machine="press2"]').boundingBox();
    const before = (await orders()).find((one) => one.order === 'E2E-1').operations[0];
    await page.mouse.move(from.x + 6, from.y + 20);
    await page.mouse.down();
    await page.mouse.move(from.x - 60, lane.y + 20, { steps: 6 });
    await page.mouse.up();
    await page.getByText(/같은 시간에 작업 지시/).waitFor(WAIT);
    const moved = (await orders()).find((one) => one.order === 'E2E-1').operations[0];
    assert.equal(moved.machine, 'press2');
    assert.ok(moved.begin < before.begin);
    assert.equal(await page.locator('.track[data-machine="press2"] .bar.clash').count(), 2);
  });

  test('a finger that swipes over a bar moves nothing; one that rests on it takes it up', async () => {
    const { page, context } = await openPage(browser, { width: 800, height: 1280, theme: 'light', touch: true });
    await context.addCookies(await desk.context.cookies());
    await page.goto(`${url}/orders`);
    const bar = page.getByRole('button', { name: /E2E-1/ });
    await bar.waitFor(WAIT);
    const finger = await context.newCDPSession(page);
    const touch = (type, x, y) => finger.send('Input.dispatchTouchEvent', { type, touchPoints: x === undefined ? [] : [{ x, y }] });
    const step = async () => (await orders()).find((one) => one.order === 'E2E-1').operations[0];
    const before = await step();
    const { x, y } = await bar.boundingBox();
    await touch('touchStart', x + 6, y + 20);
    await touch('touchMove', x + 60, y + 24);
    await touch('touchMove', x + 120, y + 26);
    await touch('touchEnd');
    assert.equal(await page.locator('.bar.held').count(), 0);
    assert.equal((await step()).begin, before.begin);
    await touch('touchStart', x + 6, y + 20);
    await page.locator('.bar.held').waitFor(WAIT);
    await touch('touchMove', x + 40, y + 21);
    await touch('touchMove', x + 90, y + 22);
    await touch('touchEnd');
    await page.getByText(/옮겼습니다/).waitFor(WAIT);
    assert.ok((await step()).begin > before.begin);
    await context.close();
  });

  test('an order is held and taken up again', async () => {
    const { page } = desk;
    const row = page.getByRole('listitem').filter({ hasText: 'E2E-1' });
    await row.getByRole('button', { name: '보류' }).click();
    await page.getByRole('dialog').getByLabel('이유').fill('원료 확인');
    await page.getByRole('dialog').getByRole('button', { name: '보류' }).click();
    await row.getByRole('button', { name: '보류 해제' }).waitFor(WAIT);
    assert.equal((await orders()).find((one) => one.order === 'E2E-1').state, 'held');
    await row.getByRole('button', { name: '보류 해제' }).click();
    await row.getByRole('button', { name: '보류', exact: true }).waitFor(WAIT);
  });

  test('a new order is made by hand', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '새 작업 지시' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('품목').selectOption('C-200');
    await sheet.getByLabel('수량').fill('1,250');
    await sheet.getByRole('button', { name: '저장' }).click();
    await page.getByText(/을 만들었습니다|를 만들었습니다/).waitFor(WAIT);
    assert.ok((await orders()).some((one) => one.item === 'C-200' && one.quantity === 1250 && one.state === 'released'));
  });

  test('what is over is listed, found and opened again', async () => {
    const { page } = desk;
    await tell({ type: 'order.make', item: 'P-120', quantity: 70, due: '2099-12-01', release: '1', code: 'E2E-2' });
    await tell({ type: 'order.finish', order: 'E2E-2' });
    await page.getByRole('button', { name: '마감·취소' }).click();
    const row = page.locator('ul.orders > li').filter({ hasText: 'E2E-2' });
    await row.getByText('마감', { exact: true }).waitFor(WAIT);
    await page.getByRole('searchbox', { name: /지시 번호/ }).fill('없는 것');
    await page.getByText('찾는 작업 지시가 없습니다').waitFor(WAIT);
    await page.getByRole('searchbox', { name: /지시 번호/ }).fill('e2e-2');
    await row.waitFor(WAIT);
    assert.equal(await page.locator('ul.orders > li').count(), 1);
    await picture(page, 'orders-closed');
    await row.getByRole('button', { name: '마감 취소' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '마감 취소' }).click();
    await row.waitFor({ ...WAIT, state: 'detached' });
    await page.getByRole('button', { name: '열림' }).click();
    await row.getByText('확정', { exact: true }).first().waitFor(WAIT);
    await page.getByRole('searchbox', { name: /지시 번호/ }).fill('');
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      await page.goto(`${url}/orders`);
      await page.getByText('E2E-1').first().waitFor(WAIT);
      assert.deepEqual(await axe(page), []);
      assert.equal(await sideways(page), 0);
      assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), []);
      await picture(page, `orders-${size.width}-${size.theme}`);
      await context.close();
    });
  }
});
