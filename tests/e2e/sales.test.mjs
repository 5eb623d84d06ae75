// Sales orders and costs against the real program: entered by a form with rows, what is missing told and planned away,
// shipped; what orders cost adds up.
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

describe('sales and costs', () => {
  let browser;
  let url;
  let desk;
  const read = async (path) => (await desk.page.request.get(`${url}/api/v1/plants/demo/${path}`)).json();

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await desk.page.goto(`${url}/sales`);
    await desk.page.getByRole('heading', { name: '수주', level: 1 }).waitFor(WAIT);
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('a sales order is entered, and says what is missing', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '수주 등록' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('수주 번호').fill('E2E-7');
    await sheet.getByLabel('거래처').fill('DAEIL');
    await sheet.getByLabel('품목').fill('C-200');
    await sheet.getByLabel('수량').fill('1,500');
    await sheet.getByLabel('납기').fill('2099-12-01');
    await sheet.getByRole('button', { name: '수주 등록', exact: true }).click();
    const order = page.locator('section').filter({ hasText: 'E2E-7' });
    // The demo's open order of 400 brings what no sales order is named in.
    await order.getByText('작업 400').waitFor(WAIT);
    await order.getByText('1,100 모자람').waitFor(WAIT);
    assert.equal((await read('sales')).items[0].lines[0].quantity, 1500);
  });

  test('a line is changed', async () => {
    const { page } = desk;
    await page.locator('section').filter({ hasText: 'E2E-7' }).getByRole('button', { name: '변경' }).click();
    const sheet = page.getByRole('dialog');
    assert.equal(await sheet.getByLabel('납기').inputValue(), '2099-12-01');
    await sheet.getByLabel('수량').fill('1600');
    await sheet.locator('[type=submit]').click();
    await sheet.waitFor({ ...WAIT, state: 'detached' });
    assert.equal((await read('sales')).items[0].lines[0].quantity, 1600);
    await page.getByText('1,200 모자람').waitFor(WAIT);
  });

  test('planning leaves nothing missing', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '계획 수립' }).click();
    await page.getByText(/제안: 작업 지시 \d+건/).waitFor(WAIT);
    await page.getByText('1,200 모자람').waitFor({ ...WAIT, state: 'detached' });
    await page.locator('section').filter({ hasText: 'E2E-7' }).getByText('일정 미배정').waitFor(WAIT);
    await page.getByText(/모자라는 품목 0건/).waitFor(WAIT);
  });

  test('costs of items are those of their orders', async () => {
    const { page } = desk;
    await page.goto(`${url}/costs`);
    await page.getByRole('heading', { name: '원가', level: 1 }).waitFor(WAIT);
    await page.getByText('하우징 상').first().waitFor(WAIT);
    const rows = (await read('costs')).items;
    assert.equal(await page.locator('ul.list > li').count(), new Set(rows.map((one) => one.item)).size);
    await page.getByRole('button', { name: '지시별' }).click();
    await page.getByText(rows[0].order).waitFor(WAIT);
    assert.equal(await page.locator('ul.list > li').count(), rows.length);
    for (const one of rows) {
      assert.ok(Math.abs(one.material + one.machine + one.labour + one.outsourced - one.total) < 1e-6);
    }
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      for (const [name, path, wait] of [['sales', '/sales', 'E2E-7'], ['costs', '/costs', '하우징 상']]) {
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
