// Labels, delivery notes and outsourced work against the real program, with a label printer that answers ~HS.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 1280, height: 900, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
  { width: 1920, height: 1080, theme: 'light' },
  { width: 390, height: 844, theme: 'light' },
];
const IDLE = '\x02030,0,0,1245,000,0,0,0,000,0,0,0\x03\r\n\x02001,0,0,0,1,2,6,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n';

describe('deliveries', () => {
  let browser;
  let url;
  let desk;
  let printer;
  let printed = '';
  let told = 0;
  const headers = () => ({ 'X-Requested-With': 'maru', 'Idempotency-Key': `deliveries-${++told}` });
  const ask = async (path, data) => {
    const answer = await desk.page.request.post(`${url}/api/v1/plants/demo/${path}`, { data, headers: headers() });
    assert.ok(answer.ok(), await answer.text());
    return answer.json();
  };
  const row = (noun, fields) => ask(`master/${noun}`, { fields });
  const tell = (body) => ask('events', body);

  before(async () => {
    printer = createServer((socket) => {
      let got = '';
      socket.on('data', (bytes) => {
        got += bytes.toString('latin1');
        if (got.includes('~HS')) {
          printed += got;
          got = '';
          socket.write(IDLE);
        }
      });
      socket.on('error', () => {});
    });
    await new Promise((resolve) => printer.listen(0, '127.0.0.1', resolve));
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await row('printers', { code: 'LP1', name: '출하장 프린터', address: `127.0.0.1:${printer.address().port}`, dpi: '203' });
    await row('partners', { code: 'PAINT', name: '한도장', kind: 'outsourcer' });
    await row('places', { code: 'OUT', name: '한도장 창고', kind: 'outside', partner: 'PAINT' });
    await row('processes', { code: 'PNT', name: '도장', kind: 'outsourced' });
    await row('items', { code: 'P-900', name: '커버 도장품', kind: 'semi', unit: 'EA', place: 'FG', gtin: '8809999000013' });
    await row('routings', { item: 'P-900', version: '1', step: '10', process: 'PNT', partner: 'PAINT', price: '350' });
    await tell({ type: 'order.make', item: 'P-900', quantity: 300, due: '2099-12-01', release: '1', code: 'E2E-9' });
    for (const [lot, quantity] of [['E2E-L1', 120], ['E2E-L2', 80]]) {
      await tell({ type: 'stock.receive', item: 'P-900', quantity, lot, place: 'FG' });
    }
  });
  after(async () => {
    await browser?.close();
    await stopAll();
    await new Promise((resolve) => printer.close(resolve));
  });

  test('a label is looked at, printed, and the printer says so', async () => {
    const { page } = desk;
    await page.goto(`${url}/orders`);
    await page.getByRole('listitem').filter({ hasText: 'E2E-9' }).getByRole('button', { name: '라벨' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('img', { name: 'E2E-9 라벨 미리 보기' }).waitFor(WAIT);
    await sheet.getByLabel('매수').fill('2');
    await picture(page, 'label-desk');
    await sheet.getByRole('button', { name: '인쇄', exact: true }).click();
    await sheet.getByRole('status').getByText('인쇄함').waitFor(WAIT);
    assert.match(printed, /^\^XA\n\^CI28[\s\S]*\^FDE2E-9\^FS[\s\S]*\^GFA,[\s\S]*\^PQ2,0,0,N\n\^XZ\n~HS/);
    const saved = page.waitForEvent('download');
    await sheet.getByRole('button', { name: 'PDF' }).click();
    assert.equal(readFileSync(await (await saved).path()).toString('latin1', 0, 5), '%PDF-');
    await page.keyboard.press('Escape');
  });

  test('the terminal shows the label of what runs', async () => {
    const { page, context } = await openPage(browser, { width: 800, height: 1280, theme: 'light', lang: 'ko', touch: true });
    await context.addCookies(await desk.context.cookies());
    await page.goto(`${url}/terminal#press1`);
    await page.getByRole('button', { name: '라벨', exact: true }).click();
    await page.getByRole('dialog').getByRole('img').waitFor(WAIT);
    await page.keyboard.press('Escape');
    await picture(page, 'terminal-label');
    await context.close();
  });

  test('scanned lots go out with a note, whose second paper is a copy', async () => {
    const { page } = desk;
    await page.goto(`${url}/deliveries`);
    await page.getByRole('button', { name: '출하', exact: true }).click();
    const sheet = page.getByRole('dialog');
    for (const code of ['E2E-L1', 'NO-SUCH', 'E2E-L2']) {
      await sheet.getByLabel('로트 스캔').fill(code);
      await sheet.getByLabel('로트 스캔').press('Enter');
      await (code === 'NO-SUCH' ? sheet.getByText(/등록되지 않은 코드입니다/) : sheet.getByText(code, { exact: true })).waitFor(WAIT);
    }
    assert.equal(await sheet.getByLabel('E2E-L1 수량').getAttribute('placeholder'), '전량 120 EA');
    await sheet.getByLabel('고객').fill('DAEIL');
    await page.keyboard.press('Tab');
    await picture(page, 'ship-desk');
    await sheet.getByRole('button', { name: '2개 로트 출하' }).click();
    await sheet.waitFor({ state: 'hidden', ...WAIT }).catch(async () => assert.fail(await sheet.innerText()));
    const note = page.getByRole('listitem').filter({ hasText: '대일전자' }).first();
    await note.getByText('2행').waitFor(WAIT);
    for (const name of ['인쇄', '다시 인쇄(사본)']) {
      const saved = page.waitForEvent('download');
      await note.getByRole('button', { name, exact: true }).click();
      assert.equal(readFileSync(await (await saved).path()).toString('latin1', 0, 5), '%PDF-');
    }
    await note.getByText('2번 인쇄').waitFor(WAIT);
  });

  test('work goes to a partner and comes back', async () => {
    const { page } = desk;
    await tell({ type: 'outsource.send', operation: 'E2E-9/10', quantity: 300, material: ['ABS-2611-07'], material_quantity: [12], supply: 'free', due: '2099-12-01' });
    await page.goto(`${url}/deliveries?show=work`);
    await page.getByText('외주처에 있는 자재').waitFor(WAIT);
    await picture(page, 'outsourced-desk');
    await page.getByRole('listitem').filter({ hasText: '도장' }).getByRole('button', { name: '외주 입고' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('양품').fill('295');
    await sheet.getByLabel('불량', { exact: true }).fill('5');
    await sheet.getByRole('button', { name: '외주 입고', exact: true }).click();
    await page.locator('b', { hasText: /^295$/ }).waitFor(WAIT);
    const { items } = await (await desk.page.request.get(`${url}/api/v1/plants/demo/outsourcings`)).json();
    assert.deepEqual([items[0].state, items[0].good, items[0].bad], ['done', 295, 5]);
  });

  test('what a box says stands in the receipt already', async () => {
    const { page } = desk;
    await page.goto(`${url}/deliveries?show=in`);
    await page.getByPlaceholder('상자의 코드를 스캔하거나 비워 두기').fill('(01)08809999000013(17)600131(10)A77(37)24');
    await page.keyboard.press('Enter');
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('품목').waitFor(WAIT);
    assert.equal(await sheet.getByLabel('품목').inputValue(), 'P-900');
    assert.equal(await sheet.getByLabel('수량').inputValue(), '24');
    assert.equal(await sheet.getByLabel('유효 기한').inputValue(), '2060-01-31');
    await sheet.getByRole('button', { name: '입고', exact: true }).click();
    await page.getByRole('listitem').filter({ hasText: '커버 도장품' }).locator('b', { hasText: /^24$/ }).waitFor(WAIT);
    assert.equal((await (await page.request.get(`${url}/api/v1/plants/demo/lots?q=A77`)).json()).items[0].expires, '2060-01-31');
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      for (const show of ['', '?show=work', '?show=in']) {
        await page.goto(`${url}/deliveries${show}`);
        await page.getByRole('listitem').filter({ hasText: show === '?show=in' ? 'ABS' : show === '' ? '대일전자' : '도장' }).first().waitFor(WAIT);
        assert.deepEqual(await axe(page), []);
        assert.equal(await sideways(page), 0);
        assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), []);
        await picture(page, `deliveries${show.replace(/\W+show=/, '-')}-${size.width}-${size.theme}`);
      }
      await context.close();
    });
  }
});
