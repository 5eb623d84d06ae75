// The real program in a real browser: `maru demo`, one of whose machines is a process of its own that
// is killed and comes back. MARU_PROGRAM and MARU_SIM name other builds.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { axe, launch, openPage, picture, sideways } from './browser.mjs';
import { freePort, openDemo, SIM, start, stopAll } from './program.mjs';


// The compressor is there where a broker is installed.
const BROKER = ['/usr/sbin', ...(process.env.PATH ?? '').split(':')].some((folder) => existsSync(join(folder, 'mosquitto')));
const MACHINES = BROKER ? 7 : 6;

let port;
const startMachine = () => start(SIM, ['press1', '--port', String(port)]);

describe('maru demo', () => {
  let browser;
  let demo;
  let machine;
  let url;
  let desk;

  before(async () => {
    port = await freePort();
    machine = startMachine();
    browser = await launch();
    ({ demo, url, desk } = await openDemo(browser, ['--external', `press1=${port}`]));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('the link opens the floor: every machine in words, no secret in the address', async () => {
    const { page } = desk;
    assert.equal(page.url(), `${url}/floor`);
    assert.equal(await page.locator('article.panel').count(), MACHINES);
    await page.waitForFunction((n) => document.querySelectorAll('article.run, article.idle, article.stop, article.alarm').length === n, MACHINES, { timeout: 10_000 });
    assert.deepEqual(await axe(page), []);
  });

  //
  test('at least sixty tags stand on Live, and values move', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/live?group=none`);
    await page.waitForSelector('.row.body');
    const count = Number((await page.locator('.count').innerText()).replace(/\D/g, ''));
    assert.ok(count >= 60, `${count} tags`);
    const read = () => page.locator('.row.body .number').allInnerTexts();
    const first = await read();
    await page.waitForFunction(
      (before) => [...document.querySelectorAll('.row.body .number')].filter((one, i) => one.textContent !== before[i]).length >= 5,
      first,
      { timeout: 5000 },
    );
  });

  test('a trend draws, zooms by drag and keeps its window in the address', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/trend?tags=line1.press2.inj_pressure,line1.press2.screw_pos,line1.press2.temp_mould&range=1m`);
    await page.waitForSelector('.u-over');
    const inked = () => {
      const canvas = document.querySelector('.uplot canvas');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      let inked = 0;
      for (let i = 0; i < data.length; i += 4) {
        // Ink that is no grey: the curve itself.
        inked += data[i + 3] > 128 && Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 60 ? 1 : 0;
      }
      return inked > 50;
    };
    await page.waitForFunction(inked, undefined, { timeout: 10_000 });
    const box = await page.locator('.u-over').first().boundingBox();
    await page.mouse.move(box.x + box.width * 0.7, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.95, box.y + 40, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => new URLSearchParams(location.search).has('from'));
    const search = new URL(page.url()).searchParams;
    const span = Date.parse(search.get('to')) - Date.parse(search.get('from'));
    assert.ok(span > 10_000 && span < 20_000, `${span} ms`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('a.csv').click()]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) {
      chunks.push(chunk);
    }
    assert.match(Buffer.concat(chunks).toString(), /^tag,time,/);
  });

  //
  test('a killed machine is reported in Korean within five seconds and healed after its return', async () => {
    const { page } = desk;
    await page.goto(`${url}/floor`);
    const card = page.locator('article.panel', { hasText: '사출 1호기' });
    await page.waitForSelector('article.panel .big');
    await card.and(page.locator(':not(.lost)')).waitFor();
    machine.kill('SIGKILL');
    await machine.ended;
    const killed = Date.now();
    await page.waitForSelector('article.lost:has-text("사출 1호기"):has-text("통신 끊김")', { timeout: 5000 });
    await page.waitForSelector('header .notice:has-text("통신 끊김")', { timeout: Math.max(1, 5000 - (Date.now() - killed)) });
    console.log(`reported after ${Date.now() - killed} ms`);
    await picture(page, 'demo-lost-1440x900-light-ko');
    await page.goto(`${url}/data/flow`);
    const source = page.locator('article.down', { hasText: '사출성형기 1호' });
    await source.waitFor({ timeout: 5000 });
    assert.match(await source.locator('.error').innerText(), /[\uac00-\ud7a3].*니다|[\uac00-\ud7a3].*십시오/);
    await picture(page, 'demo-flow-lost-1440x900-light-ko');
    const back = Date.now();
    machine = startMachine();
    await page.waitForSelector('article.down', { state: 'detached', timeout: 20_000 });
    await page.goto(`${url}/floor`);
    await page.waitForSelector('article.panel:not(.lost):has-text("사출 1호기")', { timeout: 10_000 });
    await page.waitForSelector('header .notice', { state: 'detached', timeout: 10_000 });
    console.log(`healed after ${Date.now() - back} ms`);
  });

  test('a phone and a television show the same factory', async () => {
    const cookies = await desk.context.cookies();
    for (const [name, path, look] of [
      ['demo-phone', '/floor', { width: 390, height: 844 }],
      ['demo-tv', '/tv?pages=floor&every=20s', { width: 1920, height: 1080, touch: false }],
    ]) {
      const { page, context, troubles } = await openPage(browser, look);
      await context.addCookies(cookies);
      await page.goto(url + path);
      await page.waitForFunction((n) => document.querySelectorAll('article.panel').length === n, MACHINES);
      await page.locator('article.panel .strip').first().waitFor();
      await page.waitForTimeout(1000);
      await picture(page, name);
      assert.equal(await sideways(page), 0);
      if (name === 'demo-tv') {
        assert.equal(await page.evaluate(() => document.querySelector('main').scrollHeight - document.querySelector('main').clientHeight), 0, 'a wall is not scrolled');
      }
      assert.deepEqual(troubles, []);
      await context.close();
    }
  });

  test('the interface is described, with an example, and answers when tried', async () => {
    const { page } = desk;
    await page.goto(`${url}/help/api`);
    await page.locator('.api details summary', { hasText: '{plant}/assets' }).click();
    const open = page.locator('.api details[open]');
    assert.match(await open.locator('pre').first().innerText(), /^curl[^]*Authorization: Bearer TOKEN[^]*\/assets'$/);
    await open.locator('form button').click();
    await open.locator('pre').nth(2).and(open.locator('pre', { hasText: /^200\n\{[^]*"level": "equipment"/ })).waitFor();
    await page.goto(`${url}/floor`);
  });

  test('no page wrote an error or asked another host', () => {
    const expected = /net::ERR_(INCOMPLETE_CHUNKED_ENCODING|ABORTED)/;
    assert.deepEqual(desk.troubles.filter((one) => !expected.test(one)), []);
  });
});
