// The documents inside the program, against the mock: from each page to its chapter, search, both languages,
// before anybody is signed in, and while the server is away.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startMock } from '../../ui/mock/server.mjs';
import { axe, launch, openPage, picture, ROOT, sideways } from './browser.mjs';

const CHAPTERS = JSON.parse(readFileSync(join(ROOT, 'ui', 'src', 'help.json'), 'utf8'));

let browser;
let mock;
before(async () => {
  [browser, mock] = [await launch(), await startMock()];
});
after(async () => {
  await browser.close();
  await mock.close();
});

test('the question mark above each page opens the chapter about it, at its heading', async () => {
  const { page, context, troubles } = await openPage(browser, { width: 1440, height: 900 });
  for (const address of ['/floor', '/data/devices', '/data/quality', '/settings/people', '/start']) {
    await page.goto(mock.url + address);
    await page.locator('header a[href*="/help/"]').click();
    const [chapter, heading] = CHAPTERS[address].split('#');
    await page.waitForSelector('.doc h1');
    assert.equal(new URL(page.url()).pathname, `/help/${chapter}`);
    if (heading) {
      await page.waitForFunction((id) => document.getElementById(id).getBoundingClientRect().top < innerHeight / 2, heading);
    }
  }
  await page.goBack();
  await page.waitForURL(/\/start/);
  // The mock does not have every list that these pages ask for.
  assert.deepEqual(troubles.filter((one) => !/status of 404/.test(one)), []);
  await context.close();
});

test('chapters lead to each other, are found by initial consonants, and change their language', async () => {
  const { page, context, troubles } = await openPage(browser, { width: 390, height: 844 });
  await page.goto(`${mock.url}/help`);
  await page.waitForSelector('.doc h1');
  assert.deepEqual(await axe(page), []);
  await page.fill('#help-find', 'ㅂㅈㄱㄱ'); // Within a text: how long values are kept.
  await page.locator('.found a', { hasText: '보존 기간' }).first().click();
  await page.waitForURL(/\/help\/keeping#how-long-values-are-kept/);
  await page.waitForFunction(() => Math.abs(document.getElementById('how-long-values-are-kept').getBoundingClientRect().top) < 300);
  assert.equal(await sideways(page), 0);
  await picture(page, 'help-390');
  await page.locator('header').getByRole('button', { name: 'English' }).click();
  await page.waitForSelector('.doc h1:has-text("Keeping it running")');
  await page.goto(`${mock.url}/help/first-steps?lang=en`);
  await page.locator('.doc a', { hasText: 'Modbus' }).first().click();
  await page.waitForSelector('.doc h1:has-text("Modbus")');
  await page.goto(`${mock.url}/help/pages`);
  await page.waitForSelector('.doc img');
  const pictures = await page.locator('.doc img').evaluateAll(async (all) => {
    await Promise.all(all.map((one) => ((one.loading = 'eager'), one.decode())));
    return all.map((one) => [one.naturalWidth, one.alt.length > 8, one.getBoundingClientRect().width <= innerWidth]);
  });
  assert.ok(pictures.length >= 5 && pictures.every(([width, named, fits]) => width > 300 && named && fits), JSON.stringify(pictures));
  await page.goto(`${mock.url}/help/nothing`);
  await page.waitForSelector('.read h1:has-text("no such chapter")');
  assert.deepEqual(troubles, []);
  await context.close();
});

test('before anybody is signed in', async () => {
  const outside = await startMock({ mode: 'signedout' });
  const { page, context, troubles } = await openPage(browser, { width: 800, height: 1280, theme: 'dark', lang: 'en' });
  await page.goto(`${outside.url}/floor`);
  await page.locator('header a[href="/help"]').click();
  await page.waitForSelector('.doc h1');
  assert.deepEqual(await axe(page), []);
  await picture(page, 'help-outside-800');
  await page.locator('header').getByRole('link', { name: 'Sign in' }).click();
  await page.waitForSelector('form');
  assert.deepEqual(troubles, []);
  await context.close();
  await outside.close();
});

test('while the server is away every chapter is there, one that was never opened, too', async () => {
  const away = await startMock();
  const { page, context } = await openPage(browser, { width: 1440, height: 900, worker: true });
  await page.goto(`${away.url}/floor`);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await page.reload();
  await page.waitForSelector('article .big');
  await away.close();
  await page.goto(`${away.url}/help/trouble`);
  await page.waitForSelector('.doc h2', { timeout: 20_000 });
  await context.close();
});
