// Lots against the real program: found by initial consonants, the passport with the curves of the machine while it
// was made and the material it was made of, held with all that was made of it, recalled as a file.
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

describe('lots', () => {
  let browser;
  let url;
  let desk;
  let made; // The lot that press 1 makes.
  const api = (path) => `${url}/api/v1/plants/demo/${path}`;
  const read = async (path) => (await desk.page.request.get(api(path))).json();

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    made = (await read('orders')).items.find((one) => one.item === 'P-110').order;
    const booked = await desk.page.request.post(api('events'), { data: { type: 'order.book', order: made }, headers: { 'X-Requested-With': 'maru', 'Idempotency-Key': 'lots-1' } });
    assert.ok(booked.ok(), await booked.text());
    await desk.page.goto(`${url}/lots`);
    await desk.page.getByRole('heading', { name: '로트', level: 1 }).waitFor(WAIT);
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('a lot is found by initial consonants of its item', async () => {
    const { page } = desk;
    await page.getByRole('link', { name: /BAR-2611-03/ }).waitFor(WAIT);
    await page.getByRole('searchbox').fill('ㅎㅇㅈ ㅅ');
    await page.getByRole('link', { name: /BAR-2611-03/ }).waitFor({ ...WAIT, state: 'detached' });
    await page.getByRole('link', { name: new RegExp(made) }).click();
    await page.getByRole('heading', { name: made, level: 1 }).waitFor(WAIT);
  });

  test('its passport shows the temperature while it was made, and the material', async () => {
    const { page } = desk;
    // What left its limits comes first, and the first six are shown.
    await page.getByRole('button', { name: /곡선 \d+개 모두 보기/ }).click();
    const curve = page.getByRole('img', { name: '사출 1 배럴 1 온도 곡선' });
    await curve.locator('canvas').waitFor(WAIT);
    const told = (await read(`lots/${made}/curves`)).items.find((one) => one.tag.endsWith('press1.barrel1') || one.display === '사출 1 배럴 1 온도');
    assert.ok(told.points.length > 100, `${told.points.length} points`);
    const row = page.getByRole('listitem').filter({ has: curve });
    assert.match(await row.textContent(), /최소.*평균.*최대.*한계 150~280/s);
    // The line is there: in the left and in the right half there is something of its colour.
    const drawn = await curve.locator('canvas').evaluate((canvas) => {
      const { width, height } = canvas;
      const line = getComputedStyle(document.documentElement).getPropertyValue('--c0').trim().match(/\w\w/g).map((two) => parseInt(two, 16));
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      const halves = [0, 0];
      for (let i = 0; i < data.length; i += 4) {
        if (line.every((one, k) => Math.abs(one - data[i + k]) < 40) && data[i + 3] > 200) {
          halves[((i / 4) % width) * 2 < width ? 0 : 1]++;
        }
      }
      return halves;
    });
    assert.ok(drawn.every((count) => count > 50), String(drawn));
    await page.getByRole('link', { name: 'ABS-2611-07' }).waitFor(WAIT);
    await page.getByText('사출 1호기').first().waitFor(WAIT);
  });

  test('a material that is held holds what was made of it; the recall names both', async () => {
    const { page } = desk;
    await page.getByRole('link', { name: 'ABS-2611-07' }).click();
    await page.getByRole('heading', { name: 'ABS-2611-07', level: 1 }).waitFor(WAIT);
    await page.getByRole('button', { name: '사용 보류' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('이유').fill('흑점');
    await sheet.getByRole('button', { name: '로트 보류(하위 로트 포함)', exact: true }).click();
    await page.getByText('로트 2건을 보류했습니다.').waitFor(WAIT);
    assert.equal((await read(`lots/${made}`)).state, 'held');
    await page.getByRole('button', { name: '회수 목록' }).click();
    await page.getByRole('dialog').getByRole('link', { name: made }).waitFor(WAIT);
    const file = await desk.page.request.get(new URL(await page.getByRole('link', { name: '엑셀로 받기' }).getAttribute('href'), url).href);
    assert.equal((await file.body()).subarray(0, 2).toString(), 'PK');
    await page.getByRole('dialog').getByRole('button', { name: '닫기' }).last().click();
    await page.getByRole('button', { name: '보류 해제' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '로트 보류 해제', exact: true }).click();
    await page.getByText('로트 2건의 보류를 해제했습니다.').waitFor(WAIT);
  });

  test('a lot is split by a form with rows', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '분할' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('수량').fill('100');
    await sheet.getByLabel('새 로트 번호').fill('ABS-PART');
    await sheet.getByRole('button', { name: '로트 분할', exact: true }).click();
    await page.getByText(/새 로트: ABS-PART/).waitFor(WAIT);
    assert.equal((await read('lots/ABS-PART')).stock[0].quantity, 100);
  });

  for (const size of someOf(SIZES)) {
    test(`calm at ${size.width}, ${size.theme}`, async () => {
      const { page, context } = await openPage(browser, { ...size, lang: 'ko', touch: size.width < 1000 });
      await context.addCookies(await desk.context.cookies());
      for (const [name, path] of [['lots', '/lots'], ['lot', `/lots/${made}`]]) {
        await page.goto(`${url}${path}`);
        await page.getByText(made).first().waitFor(WAIT);
        await (name === 'lot' ? page.locator('canvas').first().waitFor(WAIT) : undefined);
        assert.deepEqual(await axe(page), []);
        assert.equal(await sideways(page), 0);
        assert.deepEqual(await smallTargets(page, size.width < 1000 ? 44 : 24), []);
        await picture(page, `${name}-${size.width}-${size.theme}`);
      }
      await context.close();
    });
  }
});
