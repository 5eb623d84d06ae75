// Tags granted to another organisation: given, revoked, and what their people see of the plant; and the
// factories of somebody who looks after ten, on a desk, a phone and a wall. Against the mock.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';

const WAIT = { timeout: 10_000 };
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
const WALL = { width: 1920, height: 1080, theme: 'dark' };
const LEAST_TARGET = 44;
const LEAST_CONTRAST = 4.5;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function opened(t, mode, look) {
  const mock = await startMock({ mode, lang: 'ko' });
  const { page, context, troubles } = await openPage(browser, look);
  t.after(async () => {
    await context.close();
    await mock.close();
  });
  return { mock, page, troubles };
}

async function looked(page, name, least = 24) {
  await picture(page, name);
  assert.deepEqual(await axe(page), [], name);
  assert.equal(await sideways(page), 0, name);
  assert.deepEqual(await smallTargets(page, least), [], name);
}

describe('what is granted', () => {
  test('is given with a count of the tags that fit, and revoked after a question', async (t) => {
    const { mock, page, troubles } = await opened(t, 'demo', PHONE);
    await page.goto(`${mock.url}/settings/grants`);
    await page.getByText('line1.press1.*').waitFor(WAIT);
    await page.getByRole('button', { name: '태그 공개' }).click();
    const give = page.getByRole('dialog').getByRole('button', { name: '태그 공개' });
    await page.fill('#grant-tags', 'line1.press9.temp');
    await page.getByText('없는 태그: line1.press9.temp').waitFor(WAIT);
    await page.fill('#grant-tags', 'line1.press1.temp_nozzle line1.press2.*');
    await page.getByText(/^태그 \d\d개: /).waitFor(WAIT);
    assert.equal(await give.isDisabled(), true, 'not without a purpose');
    await page.getByLabel('목적').fill('금형 온도 분석');
    await page.getByLabel('상세 정도').selectOption('600');
    await looked(page, 'grants-give', LEAST_TARGET);
    await give.click();
    const row = page.locator('li', { hasText: '금형 온도 분석' });
    await row.waitFor(WAIT);
    assert.match(await row.innerText(), /한빛자동화[\s\S]*line1\.press2\.\*[\s\S]*10분 평균/);
    await looked(page, 'grants-list', LEAST_TARGET);
    await row.getByRole('button', { name: '한빛자동화 사람 초대' }).click();
    await page.getByRole('dialog').getByText('/invite#').waitFor(WAIT);
    assert.match(await page.getByRole('dialog').innerText(), /공장 역할은 생기지 않습니다/);
    await page.keyboard.press('Escape');
    await row.getByRole('button', { name: '한빛자동화 공개 철회' }).click();
    await page.getByText('바로 이 태그를 볼 수 없습니다').waitFor(WAIT);
    await page.getByRole('dialog').getByRole('button', { name: '철회', exact: true }).click();
    await page.locator('.past li', { hasText: '금형 온도 분석' }).waitFor(WAIT);
    assert.deepEqual(troubles, []);
  });

  test('is all that its reader sees: two pages, those tags, and no error', async (t) => {
    const { mock, page, troubles } = await opened(t, 'granted', DESK);
    const refused = [];
    page.on('response', (answer) => answer.status() >= 400 && refused.push(answer.url()));
    await page.goto(mock.url);
    await page.waitForURL(/\/data\/live/, WAIT);
    await page.locator('[role="row"].body').first().waitFor(WAIT);
    assert.deepEqual(await page.locator('nav[aria-label="메뉴"] a, nav li a').evaluateAll((all) => [...new Set(all.map((one) => one.pathname))]), ['/data/live', '/settings']);
    assert.equal(await page.locator('[role="row"].body').filter({ hasNotText: 'line1.press1.' }).count(), 0);
    await looked(page, 'grants-live');
    await page.goto(`${mock.url}/data/trend?tags=line1.press1.temp_nozzle`);
    await page.locator('.pictures canvas').first().waitFor(WAIT);
    await page.getByRole('link', { name: '실시간' }).waitFor(WAIT);
    await looked(page, 'grants-trend');
    for (const address of ['/health', '/settings/keeping', '/tv']) {
      await page.goto(`${mock.url}${address}`);
      await page.locator('main h1, main h2, main .empty, main p').first().waitFor(WAIT);
    }
    assert.deepEqual(refused, []);
    assert.deepEqual(troubles, []);
  });
});

describe('a tag that leaves a grant', () => {
  test('is forgotten: not shown, and not kept for reading offline', async (t) => {
    const { mock, page, troubles } = await opened(t, 'granted', DESK);
    await page.addInitScript(() => {
      // What is handed to the worker that keeps things for reading offline.
      Object.defineProperty(navigator.serviceWorker, 'controller', { get: () => ({ postMessage: (told) => (window.told = told) }) });
    });
    const kept = () =>
      page.evaluate(() => {
        dispatchEvent(new Event('pagehide'));
        return window.told.rows.map(([number]) => number);
      });
    const gone = mock.plant.tags(0, 100_000).find((one) => one.name === 'line1.press1.temp_nozzle');
    await page.goto(`${mock.url}/data/live`);
    const row = page.locator('[role="row"].body', { hasText: gone.name });
    await row.waitFor(WAIT);
    const before = await kept();
    assert.ok(before.includes(gone.number));
    mock.withdraw(gone.name);
    await row.waitFor({ ...WAIT, state: 'detached' });
    const after = await kept();
    assert.ok(!after.includes(gone.number), 'its newest value is not in memory');
    assert.equal(after.length, before.length - 1, 'the others are');
    assert.deepEqual(troubles, []);
  });
});

describe('ten factories', () => {
  test('stand worst first, each a way in', async (t) => {
    const { mock, page, troubles } = await opened(t, 'ten', DESK);
    await page.goto(`${mock.url}/factories`);
    await page.getByText('공장 10곳: 문제 2곳, 주의 1곳').waitFor(WAIT);
    const names = await page.locator('.factories li .name b').allInnerTexts();
    assert.deepEqual([names.length, ...names.slice(0, 3), names.at(-1)], [10, '대림금속', '미래화학', '태성기계', '삼진전자']);
    const granted = page.locator('.factories li', { hasText: '삼진전자' });
    assert.match(await granted.innerText(), /공개된 태그만/);
    await looked(page, 'factories-desk');
    assert.ok((await leastContrast(page, '.factories')).ratio >= LEAST_CONTRAST);
    await page.locator('.factories a', { hasText: '태성기계' }).click();
    await page.waitForURL(/\/floor\?plant=f4/, WAIT);
    assert.equal(await page.locator('#plant').inputValue(), 'f4');
    assert.deepEqual(troubles, []);
  });

  test('are cards on a phone and a board on a wall', async (t) => {
    const phone = await opened(t, 'ten', PHONE);
    await phone.page.goto(`${phone.mock.url}/factories`);
    await phone.page.locator('.factories li').nth(9).waitFor(WAIT);
    await looked(phone.page, 'factories-phone', LEAST_TARGET);
    const wall = await opened(t, 'ten', WALL);
    await wall.page.goto(`${wall.mock.url}/factories?tv=1`);
    await wall.page.locator('.factories li').nth(9).waitFor(WAIT);
    await picture(wall.page, 'factories-wall');
    assert.equal(await sideways(wall.page), 0);
    assert.equal(await wall.page.locator('.factories a').evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length), 0, 'nothing is cut');
    assert.equal(await wall.page.locator('nav[aria-label]').count(), 0, 'no menu');
  });
});
