// The scan page against the real program: a reader that types and ends with Enter, a server that goes
// away and comes back, an answer that is lost on the way. Each scan is stored once, in order, with its
// leading zeros. MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 1440, height: 900, theme: 'dark' },
  { width: 820, height: 1180, theme: 'light' },
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
];

describe('scans', () => {
  let browser;
  let url;
  let desk;
  let cookies;
  let plant;

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    cookies = await desk.context.cookies();
    plant = (await (await desk.page.request.get(`${url}/api/v1/session`)).json()).plants[0].id;
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  /** As a reader does: letters wherever the cursor is, then Enter. */
  const read = async (code) => {
    await desk.page.keyboard.type(code);
    await desk.page.keyboard.press('Enter');
  };
  const item = (code) => desk.page.locator('section li', { has: desk.page.locator('.read', { hasText: new RegExp(`^${code}$`) }) });
  const stored = async (tag) => {
    const answer = await desk.page.request.get(`${url}/api/v1/plants/${plant}/samples?versions=1&tag=${tag}`);
    return (await answer.json()).items.map((one) => one.value);
  };

  test('a tag is made with the first scan; leading zeros stay; what the label says is told', async () => {
    const { page } = desk;
    await page.goto(`${url}/scan`);
    await page.getByLabel('새 태그 이름').fill('gate.inbound');
    await page.getByRole('button', { name: '이 태그 사용' }).click();
    await page.waitForFunction(() => document.activeElement?.classList.contains('code'));
    await read('000123');
    await item('000123').locator('.state', { hasText: '저장됨' }).waitFor(WAIT);
    await read('(01)08801234567893(17)261231(10)L-7');
    await page.getByText('품목(GTIN) 08801234567893 · 소비기한 2026-12-31 · 로트 L-7').waitFor(WAIT);
    await read('8801234567890');
    await page.locator('.said', { hasText: '검사 숫자' }).waitFor(WAIT);
    assert.equal(await page.locator('.sums b').first().innerText(), '3');
    assert.deepEqual(await stored('gate.inbound'), ['000123', '(01)08801234567893(17)261231(10)L-7', '8801234567890']);
    assert.deepEqual(await axe(page), []);
    await picture(page, 'scan');
  });

  test('a scan works wherever the cursor is', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '변경' }).focus();
    await read('A-77');
    await item('A-77').locator('.state', { hasText: '저장됨' }).waitFor(WAIT);
  });

  test('scans wait while the server is away, also over a new page, and come each once and in order', async () => {
    const { page, context } = desk;
    await page.goto(`${url}/scan?tag=gate.away`);
    await page.locator('.code').waitFor(WAIT);
    await page.getByText('연결됨').waitFor(WAIT);
    await context.setOffline(true);
    const codes = Array.from({ length: 25 }, (_, i) => `0${100 + i}`);
    for (const code of codes) {
      await read(code);
    }
    await page.locator('.said', { hasText: '응답하지 않습니다' }).waitFor(WAIT);
    await item('0124').locator('.state', { hasText: '보낼 예정' }).waitFor(WAIT);
    assert.equal(await page.locator('.held b').innerText(), '25');
    // What waits is its reader's: under another account's name it is neither shown nor sent.
    await page.evaluate(() => {
      for (const key of Object.keys(localStorage).filter((one) => one.startsWith('maru.scan.')).slice(0, 1)) {
        const [, , , plant] = key.split('.');
        const one = JSON.parse(localStorage.getItem(key));
        localStorage.setItem(`maru.scan.somebody-else.${plant}.${one.time}`, JSON.stringify({ ...one, code: '0999' }));
      }
    });
    await picture(page, 'scan-away');
    // The page is closed with scans in it; another one takes them up.
    const other = await context.newPage();
    await page.close();
    desk.page = other;
    await context.setOffline(false);
    await other.goto(`${url}/scan?tag=gate.away`);
    await other.locator('.said').waitFor(WAIT);
    await other.waitForFunction(() => document.querySelectorAll('li.stored').length === 20 && document.querySelectorAll('li.waiting').length === 0, undefined, WAIT);
    assert.deepEqual(await stored('gate.away'), codes);
    assert.equal(await other.evaluate(() => Object.keys(localStorage).filter((key) => /^maru\.scan\./.test(key)).length), 1);
    await other.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('somebody-else')).forEach((key) => localStorage.removeItem(key)));
  });

  test('an answer that is lost makes no second scan', async () => {
    const { page } = desk;
    await page.goto(`${url}/scan?tag=gate.lost`);
    await page.locator('.code').waitFor(WAIT);
    let lost = 0;
    await page.route('**/scans', async (route) => {
      if (lost++ < 2) {
        await route.fetch(); // Stored, but the answer never arrives.
        await route.abort();
      } else {
        await route.continue();
      }
    });
    await read('007');
    await read('008');
    await item('008').locator('.state', { hasText: '저장됨' }).waitFor(WAIT);
    await page.unroute('**/scans');
    assert.ok(lost >= 4, `${lost} requests`);
    assert.deepEqual(await stored('gate.lost'), ['007', '008']);
  });

  test('what the server refuses stays on the list with the reason and stops nothing', async () => {
    const { page } = desk;
    await page.route('**/scans', async (route) => {
      const body = route.request().postDataJSON();
      await (body.code === 'BAD' ? route.continue({ postData: JSON.stringify({ ...body, time: 'never' }) }) : route.continue());
    });
    await read('BAD');
    await read('GOOD');
    await item('GOOD').locator('.state', { hasText: '저장됨' }).waitFor(WAIT);
    const bad = item('BAD');
    assert.match(await bad.innerText(), /거부됨/);
    assert.match(await bad.innerText(), /never/);
    await page.unroute('**/scans');
    await bad.getByRole('button', { name: '다시 시도' }).click();
    await bad.locator('.state', { hasText: '저장됨' }).waitFor(WAIT);
  });

  for (const look of someOf(SIZES)) {
    test(`at ${look.width}x${look.height} ${look.theme}: fits, can be pressed and read with gloves, breaks no rule of axe`, async () => {
      const { page, context, troubles } = await openPage(browser, { ...look, touch: look.width < 1000 });
      await context.addCookies(cookies);
      await page.goto(`${url}/scan`);
      await page.getByLabel('새 태그 이름').waitFor(WAIT);
      await picture(page, `scan-choose-${look.width}-${look.theme}`);
      assert.deepEqual(await axe(page), []);
      assert.equal(await sideways(page), 0);
      await page.goto(`${url}/scan?tag=gate.inbound`);
      await page.locator('.code').fill('(01)08801234567893(17)261231(10)L-7(21)A-000001234');
      await page.keyboard.press('Enter');
      await page.locator('li.stored').waitFor(WAIT);
      await page.locator('.code').fill('0012');
      await page.keyboard.press('Enter');
      await page.locator('li.stored').nth(1).waitFor(WAIT);
      await page.evaluate(() => document.querySelector('main').scrollTo(0, 0));
      await picture(page, `scan-${look.width}-${look.theme}`);
      assert.equal(await sideways(page), 0, 'scrolls sideways');
      assert.deepEqual(await axe(page), []);
      assert.deepEqual(await smallTargets(page, look.width < 1000 ? 44 : 32), []);
      const contrast = await leastContrast(page, 'main');
      assert.ok(contrast.ratio >= 7, `contrast ${contrast.ratio} of ${contrast.text}`);
      assert.deepEqual(troubles, []);
      await context.close();
    });
  }
});
