// The shop-floor terminal against the real program: begun, paused and ended by a reader alone, filed
// without the server and sent once and in order, refused with a sentence, in six languages.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 800, height: 1280, theme: 'light' },
  { width: 800, height: 1280, theme: 'dark' },
  { width: 1280, height: 800, theme: 'dark' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 390, height: 844, theme: 'light' },
];
const MASTER = [
  ['workers', { code: 'W1', name: '김철수', badge: '900001' }],
  ['items', { code: 'CASE', name: '케이스' }],
  ['processes', { code: 'MOULD', name: '사출' }],
  ['machines', { asset: 'fill1' }],
  ['routings', { item: 'CASE', step: '10', process: 'MOULD', machine: 'fill1' }],
  ['items', { code: 'LID', name: '뚜껑' }],
  ['routings', { item: 'LID', step: '10', process: 'MOULD', machine: 'fill1' }],
  ['moulds', { code: 'LID-A', name: '뚜껑 금형 가', item: 'LID' }],
  ['moulds', { code: 'LID-B', name: '뚜껑 금형 나', item: 'LID' }],
  ['reasons', { kind: 'defect', code: 'D-LOOK', name: '외관' }],
  ['reasons', { kind: 'defect', code: 'D-DENT', name: '찍힘', parent: 'D-LOOK' }],
];

describe('terminal', () => {
  let browser;
  let url;
  let desk;
  let cookies;
  let plant;
  let told = 0;

  const ask = async (method, rest, data, headers = {}) => {
    const answer = await desk.page.request.fetch(`${url}/api/v1/plants/${plant}/${rest}`, { method, data, headers: { 'X-Requested-With': 'maru', ...headers } });
    assert.ok(answer.ok(), `${method} ${rest}: ${answer.status()} ${await answer.text()}`);
    return answer.json();
  };
  const tell = (body) => ask('POST', 'events', body, { 'Idempotency-Key': `setup-${++told}` });
  /** What the terminal filed, oldest first. */
  const filed = async () => (await ask('GET', 'events?limit=1000')).items.filter((one) => one.terminal === 'fill1').reverse();
  const bodies = async () => (await filed()).map((one) => (typeof one.body === 'string' ? JSON.parse(one.body) : one.body));
  const make = (code) => tell({ type: 'order.make', item: 'CASE', quantity: 100, due: '2099-12-01', release: '1', code });
  /** As a reader does: letters wherever the cursor is, then Enter. Each says when it was pressed, 4 ms after the one before: a busy
   *  computer passes them on as late as it likes. */
  let keys;
  let typedTo;
  const scan = async (code) => {
    if (typedTo !== desk.page) {
      [keys, typedTo] = [await desk.context.newCDPSession(desk.page), desk.page];
    }
    const all = [...[...code].map((key) => ({ key, text: key })), { key: 'Enter', code: 'Enter', text: '\r', windowsVirtualKeyCode: 13 }];
    const begin = Date.now() / 1000;
    await Promise.all(all.flatMap((one, i) => ['keyDown', 'keyUp'].map((type) => keys.send('Input.dispatchKeyEvent', { type, timestamp: begin + i * 0.004, ...one }))));
  };
  const saysEvents = (count) => async () => {
    for (const end = Date.now() + WAIT.timeout; Date.now() < end; ) {
      if ((await filed()).length >= count) {
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`${(await filed()).length} of ${count} events`);
  };

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    cookies = await desk.context.cookies();
    plant = (await (await desk.page.request.get(`${url}/api/v1/session`)).json()).plants[0].id;
    for (const [noun, fields] of MASTER) {
      await ask('POST', `master/${noun}`, { fields });
    }
    for (const code of ['WO-1', 'WO-2', 'WO-3', 'WO-4']) {
      await make(code);
    }
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('a reader alone chooses the machine and the worker, begins, pauses, goes on and ends', async () => {
    const { page } = desk;
    await page.goto(`${url}/terminal`);
    await page.locator('.machines', { hasNotText: '공기압축기' }).waitFor(WAIT); // What is in the master data alone.
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: '명령 코드 인쇄(PDF)' }).click();
    assert.equal(readFileSync(await (await saved).path()).toString('latin1', 0, 5), '%PDF-');
    await scan('#fill1');
    await page.getByRole('button', { name: 'WO-1/10' }).waitFor(WAIT);
    await page.getByRole('button', { name: '작업자 없음' }).click();
    await scan('NEWBIE-9');
    await page.locator('.said', { hasText: 'NEWBIE-9: 등록된 작업자가 아닙니다' }).waitFor(WAIT);
    await scan('900001');
    await page.getByRole('button', { name: '김철수' }).waitFor(WAIT);
    await scan('WO-1/10');
    await page.locator('dialog').getByRole('button', { name: '작업 시작' }).waitFor(WAIT);
    await scan('MARU-BEGIN');
    await page.locator('.now', { hasText: 'WO-1/10' }).waitFor(WAIT);
    await scan('MARU-PAUSE');
    await page.locator('.idle').waitFor(WAIT);
    await scan('MARU-BEGIN');
    await page.locator('.now').waitFor(WAIT);
    await saysEvents(3)();
    await scan('MARU-END');
    await page.locator('dialog', { hasText: 'MARU-YES' }).waitFor(WAIT);
    assert.equal((await filed()).length, 3);
    await scan('MARU-YES');
    await page.locator('.idle').waitFor(WAIT);
    await saysEvents(4)();
    assert.deepEqual((await bodies()).map((one) => [one.type, one.operation, one.worker ?? '']), [
      ['operation.begin', 'WO-1/10', 'W1'],
      ['operation.pause', 'WO-1/10', ''],
      ['operation.begin', 'WO-1/10', 'W1'],
      ['operation.end', 'WO-1/10', ''],
    ]);
    assert.equal((await ask('GET', 'orders/WO-1')).operations[0].state, 'done');
  });

  test('an unknown code is told with what to do, and a scan in the middle of an amount takes nothing away', async () => {
    const { page } = desk;
    await scan('NO-SUCH-CODE');
    await page.locator('.said', { hasText: 'NO-SUCH-CODE' }).waitFor(WAIT);
    assert.equal(await page.getByRole('button', { name: '작업자로 정하기' }).count(), 0);
    await scan('WO-1');
    await page.locator('.said', { hasText: '끝난 작업입니다' }).waitFor(WAIT);
    await page.getByRole('button', { name: 'WO-2/10' }).click();
    await page.locator('dialog').getByRole('button', { name: '작업 시작' }).click();
    await page.getByRole('button', { name: '수량 입력' }).click();
    await page.keyboard.type('25', { delay: 80 });
    await scan('900001');
    assert.equal(await page.locator('.amount b').first().innerText(), '25');
    await page.locator('dialog').getByRole('button', { name: '등록' }).click();
    await page.locator('.now dd', { hasText: '25' }).waitFor(WAIT);
    await saysEvents(6)();
    const last = (await bodies()).at(-1);
    assert.deepEqual([last.type, last.operation, last.good], ['made.enter', 'WO-2/10', '25']);
  });

  test('20 events are told without the server, over a new page, and come once and in order', async () => {
    const { page, context } = desk;
    const before = (await filed()).length;
    await context.setOffline(true);
    for (let i = 1; i <= 17; i++) {
      await page.getByRole('button', { name: '수량 입력' }).click();
      await page.keyboard.press(String(1 + (i % 9)));
      await page.locator('dialog').getByRole('button', { name: '등록' }).click();
    }
    await page.getByRole('button', { name: '일시정지' }).first().click();
    await page.getByRole('button', { name: '자재 대기' }).click();
    await page.getByRole('button', { name: 'WO-3/10' }).click();
    await page.locator('dialog').getByRole('button', { name: '작업 시작' }).click();
    await page.getByRole('button', { name: '작업 종료' }).click();
    await page.locator('dialog', { hasText: '100 가운데 0만 만들었습니다' }).getByRole('button', { name: '작업 종료' }).click();
    await page.locator('.waits', { hasText: '20건 대기' }).waitFor(WAIT);
    await page.locator('.said', { hasText: '응답하지 않습니다' }).waitFor(WAIT);
    assert.equal((await filed()).length, before);
    await picture(page, 'terminal-away');
    // The page is closed with them in it. The first answers of the next one are lost on the way.
    const other = await context.newPage();
    await page.close();
    desk.page = other;
    let lost = 0;
    await other.route('**/events', async (route) => {
      if (route.request().method() === 'POST' && lost++ < 2) {
        await route.fetch();
        return route.abort();
      }
      return route.continue();
    });
    await context.setOffline(false);
    await other.goto(`${url}/terminal`);
    await other.locator('.idle').waitFor(WAIT);
    await other.waitForFunction(() => !document.querySelector('.waits'), undefined, WAIT);
    await other.unroute('**/events');
    const sent = (await bodies()).slice(before);
    const made = sent.reduce((sum, one) => sum + Number(one.good ?? 0), 0);
    assert.equal(sent.length, 20);
    assert.deepEqual(sent.map((one) => [one.type, one.good ?? one.why ?? one.operation]), [
      ...Array.from({ length: 17 }, (_, i) => ['made.enter', String(1 + ((i + 1) % 9))]),
      ['operation.pause', '자재 대기'],
      ['operation.begin', 'WO-3/10'],
      ['operation.end', 'WO-3/10'],
    ]);
    assert.equal((await ask('GET', 'orders/WO-2')).good, 25 + made);
    assert.equal(await other.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('maru.event.')).length), 0);
  });

  test('what the server refuses stands aside with its sentence and can be left to the foreman', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: 'WO-4/10' }).waitFor(WAIT);
    await page.getByRole('button', { name: 'WO-4/10' }).click();
    await tell({ type: 'order.hold', order: 'WO-4', why: 'x' });
    await page.locator('dialog').getByRole('button', { name: '작업 시작' }).click();
    const card = page.locator('[role="alert"]', { hasText: '거부된 입력' });
    await card.waitFor(WAIT);
    assert.match(await card.innerText(), /WO-4/);
    const before = (await filed()).length;
    await page.getByRole('button', { name: 'WO-2/10' }).click();
    await page.locator('dialog').getByRole('button', { name: /다시 시작/ }).click();
    await saysEvents(before + 1)();
    await page.reload();
    await card.getByRole('button', { name: '반장에게 남기기' }).click();
    await card.waitFor({ state: 'detached' });
    await saysEvents(before + 2)();
    const last = (await bodies()).at(-1);
    assert.equal(last.type, 'remark');
    assert.match(last.text, /WO-4/);
  });

  test('bad pieces carry their defect and a correction its reason, by presses alone', async () => {
    const { page } = desk;
    const sheet = page.locator('dialog');
    const before = (await filed()).length;
    await page.getByRole('button', { name: '수량 입력' }).click();
    await sheet.getByRole('button', { name: /^불량/ }).click();
    await page.keyboard.press('3');
    await sheet.getByRole('button', { name: '등록' }).click();
    await sheet.getByRole('button', { name: '외관' }).click();
    await picture(page, 'terminal-defect');
    await sheet.getByRole('button', { name: '찍힘' }).click();
    await saysEvents(before + 1)();
    await page.getByRole('button', { name: '수량 입력' }).click();
    await sheet.getByRole('button', { name: '2', exact: true }).click();
    await sheet.getByRole('button', { name: '더하기·빼기' }).click();
    await sheet.getByRole('button', { name: '등록' }).click();
    await sheet.getByRole('button', { name: '잘못 셈' }).click();
    await saysEvents(before + 2)();
    const [bad, corrected] = (await bodies()).slice(before);
    assert.deepEqual([bad.bad, bad.reason, bad.good], ['3', 'D-DENT', undefined]);
    assert.deepEqual([corrected.good, corrected.why, corrected.reason], ['-2', '잘못 셈', undefined]);
  });

  test('of several moulds that fit the mounted one is preset, and another one may be taken', async () => {
    const { page } = desk;
    const sheet = page.locator('dialog');
    await tell({ type: 'mould.mount', mould: 'LID-B', machine: 'fill1' });
    await tell({ type: 'order.make', item: 'LID', quantity: 10, due: '2099-12-01', release: '1', code: 'WO-5' });
    const before = (await filed()).length;
    await scan('WO-5/10');
    await sheet.getByRole('button', { name: /뚜껑 금형 나/, pressed: true }).waitFor(WAIT);
    await picture(page, 'terminal-moulds');
    await sheet.getByRole('button', { name: /뚜껑 금형 가/ }).click();
    await sheet.getByRole('button', { name: '멈추고 이 작업 시작' }).click();
    await page.locator('.now', { hasText: 'WO-5/10' }).waitFor(WAIT);
    await saysEvents(before + 2)();
    assert.deepEqual((await bodies()).slice(before).map((one) => [one.type, one.mould ?? '']), [['operation.pause', ''], ['operation.begin', 'LID-A']]);
    assert.equal((await ask('GET', 'orders/WO-5')).operations[0].run.mould, 'LID-A');
    await page.getByRole('button', { name: 'WO-2/10' }).click();
    await sheet.getByRole('button', { name: '멈추고 이 작업 시작' }).click();
    await page.locator('.now', { hasText: 'WO-2/10' }).waitFor(WAIT);
  });

  test('a stop takes any reason of the tree, and another one later', async () => {
    const { page } = desk;
    const sheet = page.locator('dialog');
    // Its state means that it never runs.
    const machine = (await ask('GET', 'master/machines')).items.find((one) => one.fields.asset === 'cnc1');
    await ask('PUT', `master/machines/${machine.number}`, { fields: { run_values: '99', stop_after: '1' } });
    await page.goto(`${url}/terminal#cnc1`);
    const card = page.locator('section.panel', { hasText: '설비가 서 있습니다' });
    await card.getByRole('button', { name: '다른 사유' }).click(WAIT);
    await picture(page, 'terminal-reasons');
    await sheet.getByRole('button', { name: '자재 대기' }).click();
    await card.getByText(/자재 대기/).waitFor(WAIT);
    await card.getByRole('button', { name: '사유 변경' }).click();
    await sheet.getByRole('button', { name: '작업자 부재' }).click();
    await card.getByText(/작업자 부재/).waitFor(WAIT);
    await page.waitForFunction(() => !document.querySelector('.waits'), undefined, WAIT);
    const [stop] = (await ask('GET', 'production/stops?open=1&machine=cnc1')).items;
    assert.equal(stop.reason, 'S-MAN');
    const told_ = (await ask('GET', 'events?limit=100')).items.filter((one) => one.type === 'stop.file');
    assert.deepEqual(told_.map((one) => (typeof one.body === 'string' ? JSON.parse(one.body) : one.body).reason), ['S-MAN', 'S-MAT']);
    await page.goto(`${url}/terminal#fill1`);
  });

  test('it speaks six languages, the last four on this page alone', async () => {
    const { page } = desk;
    for (const [id, words] of [['vi', 'Tạm dừng'], ['ne', 'रोक्नुहोस्'], ['uz', 'Toʻxtatib turish'], ['th', 'พักงาน'], ['en', 'Pause'], ['ko', '일시정지']]) {
      await page.locator('select').selectOption(id);
      await page.locator('.now').getByRole('button', { name: words }).waitFor(WAIT);
      assert.equal(await page.locator('.terminal').getAttribute('lang'), id);
    }
  });

  for (const look of someOf(SIZES)) {
    test(`at ${look.width}x${look.height} ${look.theme}: fits, can be pressed and read with gloves, breaks no rule of axe`, async () => {
      const { page, context, troubles } = await openPage(browser, { ...look, touch: true });
      await context.addCookies(cookies);
      await page.goto(`${url}/terminal#fill1`);
      await page.locator('.now').waitFor(WAIT);
      await page.locator('section ul').or(page.locator('.none')).waitFor(WAIT);
      await picture(page, `terminal-${look.width}-${look.theme}`);
      const inMain = async () => (await smallTargets(page, 48)).length - (await outside());
      const outside = () => page.evaluate(() => [...document.querySelectorAll('a[href], button, input, select')].filter((one) => {
        const box = one.getBoundingClientRect();
        return !one.closest('main') && box.width > 0 && box.bottom >= 0 && !one.classList.contains('skip') && (box.height < 47.5 || box.width < 47.5);
      }).length);
      assert.equal(await inMain(), 0, (await smallTargets(page, 48)).join('\n'));
      const least = await page.evaluate(() => Math.min(...[...document.querySelectorAll('.first button, section li button')].map((one) => one.getBoundingClientRect().height)));
      assert.ok(least >= 72, `a main target of ${least} px`);
      assert.equal(await sideways(page), 0, 'scrolls sideways');
      assert.deepEqual(await axe(page), []);
      const contrast = await leastContrast(page, 'main');
      assert.ok(contrast.ratio >= 7, `contrast ${contrast.ratio} of ${contrast.text}`);
      await page.getByRole('button', { name: '수량 입력' }).click();
      await picture(page, `terminal-keys-${look.width}-${look.theme}`);
      assert.deepEqual(await axe(page), []);
      assert.equal(await inMain(), 0, (await smallTargets(page, 48)).join('\n'));
      assert.deepEqual(troubles, []);
      await context.close();
    });
  }
});
