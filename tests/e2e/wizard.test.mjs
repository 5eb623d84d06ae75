// The guided set-up of a new plant against the real program and a pymodbus server, by somebody who
// knows nothing but the machine's IP address: clicks and typed characters are counted and printed.
// MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startMock } from '../../ui/mock/server.mjs';
import { ALL, axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { freePort, line, PROGRAM, start, START_MS, stopAll } from './program.mjs';

const WAIT = { timeout: START_MS };
const LEAST_TARGET = 44;
// From the set-up link to a machine that moves on the Floor, the owner's account included.
const CLICKS_MAX = 16;
const TYPED_MAX = 50;
const MINUTES_MAX = 10;

/** Counts what a person does: presses of the pointer and keys. */
class Hand {
  clicks = 0;
  typed = 0;
  constructor(page) {
    this.page = page;
  }
  async click(locator) {
    this.clicks++;
    await locator.click(WAIT);
  }
  async type(text) {
    this.typed += text.length;
    await this.page.keyboard.type(text);
  }
  async press(key) {
    this.typed++;
    await this.page.keyboard.press(key);
  }
}

describe('a new plant', () => {
  const home = join(mkdtempSync(join(tmpdir(), 'maru-wizard-')), 'home');
  let browser;
  let desk;
  let url;
  let setup;
  let port;

  before(async () => {
    port = await freePort();
    await line(start('/usr/bin/python3', [new URL('modbus_peer.py', import.meta.url).pathname, String(port)]), /^(ready)$/m);
    const made = start(PROGRAM, ['init', home, '--plant', 'p1', '--name', '한솔정밀']);
    await made.ended;
    const run = start(PROGRAM, ['run', home, '--listen', '127.0.0.1:0']);
    url = await line(run, /^ready (http:\S+)$/m);
    setup = await line(run, /^setup (http:\S+)$/m);
    browser = await launch();
    desk = await openPage(browser, { width: 1440, height: 900 });
  });

  after(async () => {
    await browser?.close();
    await stopAll();
    rmSync(join(home, '..'), { recursive: true });
  });

  test('from the set-up link to a machine that moves, with an IP address alone', async () => {
    const { page, troubles } = desk;
    const hand = new Hand(page);
    const begun = Date.now();
    const next = page.getByRole('button', { name: '다음', exact: true });
    await page.goto(setup);

    await hand.click(page.locator('#display'));
    await hand.type('김사장');
    await hand.press('Tab');
    await hand.type('kim');
    await hand.press('Tab');
    await hand.type('floor-lamp-29');
    await hand.click(page.getByRole('button', { name: '표시' })); // Shown, it is typed once.
    await hand.click(page.getByRole('button', { name: '소유자 등록' }));

    await page.getByText('6단계 중 1단계').waitFor(WAIT);
    assert.equal(await page.getByLabel('공장 이름').inputValue(), '한솔정밀');
    await hand.click(next);

    await page.getByText('6단계 중 2단계').waitFor(WAIT);
    await hand.click(next);

    await page.getByText('6단계 중 3단계').waitFor(WAIT);
    const address = page.getByLabel('IP 주소');
    assert.equal(await address.evaluate((one) => one === document.activeElement), true, 'it is typed at once');
    await hand.type(`127.0.0.1:${port}`);
    await hand.press('Enter');
    await page.getByText('Modbus TCP·RTU 연결됨').waitFor(WAIT);
    const source = page.getByLabel('장치 안의 주소');
    // The first place of a controller that can be read; it is looked for after the connection is told.
    await page.waitForFunction((one) => one.value === 'holding:0', await source.elementHandle(WAIT), WAIT);
    await picture(page, 'wizard-reading');
    assert.deepEqual(await axe(page), []);
    await hand.click(page.getByRole('button', { name: /^u16 \d/ }));
    await hand.click(page.getByRole('button', { name: '운전 상태' }));
    await hand.click(page.getByRole('button', { name: '값 추가' }));
    await page.waitForFunction(() => /\S/.test(document.querySelector('[data-tag="line1.m1.state"]')?.textContent ?? ''), undefined, WAIT);
    // One more, whose address stands in the manual.
    await hand.click(page.getByLabel('값 하나 더: 장치 안의 주소'));
    await hand.type('input:8');
    await hand.press('Enter');
    await hand.click(page.getByRole('button', { name: /^f32 ABCD/ }));
    await hand.click(page.getByRole('button', { name: '값 추가' }));
    await page.locator('[data-tag="line1.m1.value"]').filter({ hasText: /\d/ }).waitFor(WAIT);
    await picture(page, 'wizard-values');
    await hand.click(next);

    await page.getByText('6단계 중 4단계').waitFor(WAIT);
    await hand.click(page.getByRole('button', { name: '건너뛰기' }));

    await page.getByText('6단계 중 5단계').waitFor(WAIT);
    await page.getByText('backup_dir').waitFor(WAIT);
    await hand.click(next);

    await page.getByText('6단계 중 6단계').waitFor(WAIT);
    await page.getByText('1호기 운전 상태').waitFor(WAIT);
    assert.deepEqual((await page.locator('.left a').allInnerTexts()).map((one) => one.trim()), ['사람'], 'what was passed over is told');
    await picture(page, 'wizard-done');
    await hand.click(page.getByRole('button', { name: '생산현황 열기' }));
    await page.locator('article').filter({ hasText: '1호기' }).waitFor(WAIT);
    await page.locator('article').getByText('가동').waitFor(WAIT);
    await picture(page, 'wizard-floor');

    const seconds = Math.round((Date.now() - begun) / 1000);
    console.log(`guided set-up: ${hand.clicks} clicks, ${hand.typed} keys, ${seconds} s of waiting and pressing`);
    assert.ok(hand.clicks <= CLICKS_MAX, `${hand.clicks} clicks`);
    assert.ok(hand.typed <= TYPED_MAX, `${hand.typed} keys`);
    assert.ok(seconds < MINUTES_MAX * 60);
    const assets = await page.evaluate(() => fetch('/api/v1/plants/p1/assets').then((answer) => answer.json()));
    assert.deepEqual(assets.items.map((one) => [one.id, one.parent, one.level, one.display]), [['line1', null, 'line', '1라인'], ['m1', 'line1', 'equipment', '1호기']]);
    assert.deepEqual(troubles, []);
  });

  test('it goes on where it was left, and changes names without doubling anything', async () => {
    const { page, troubles } = desk;
    await page.goto(`${url}/settings/plant`);
    await page.getByRole('link', { name: '처음 설정 열기' }).click();
    await page.getByText('6단계 중 6단계').waitFor(WAIT); // All was walked through.
    await page.getByRole('link', { name: '라인과 설비' }).click();
    await page.getByLabel('설비 이름').fill('사출 1호기');
    await page.getByRole('button', { name: '설비 추가' }).click();
    await page.getByLabel('설비 이름').nth(1).fill('사출 2호기');
    await page.getByRole('button', { name: '다음', exact: true }).click();
    await page.getByText('6단계 중 3단계').waitFor(WAIT);
    assert.deepEqual(await page.locator('.where select').first().locator('option').allInnerTexts(), ['1라인 · 사출 1호기', '1라인 · 사출 2호기']);
    assert.deepEqual(troubles, []);
  });

  test('where the way to a machine ends, it says at which step and what to do', async () => {
    const { page, troubles } = desk;
    await page.getByLabel('IP 주소').fill(`127.0.0.1:${await freePort()}`);
    await page.keyboard.press('Enter');
    await page.getByText('원인을 찾았습니다').waitFor(WAIT);
    await page.getByText('아는 프로토콜로는 대답하지 않습니다').waitFor(WAIT);
    assert.match(await page.locator('li.bad').innerText(), /포트/);
    assert.deepEqual(await axe(page), []);
    await picture(page, 'wizard-refused');
    assert.deepEqual(troubles, []);
  });
});

describe('every step on every screen', { concurrency: 2 }, () => {
  const STEPS = ['lines', 'device', 'backup', 'done', ...(ALL ? ['plant', 'people'] : [])];
  const LOOKS = [
    { width: 390, height: 844, theme: 'light', lang: 'ko' },
    { width: 1440, height: 900, theme: 'dark', lang: 'en' },
    { width: 800, height: 1280, theme: 'dark', lang: 'en' },
    { width: 1920, height: 1080, theme: 'light', lang: 'ko' },
  ];
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  for (const [i, step] of STEPS.entries()) {
    // The quick run takes each step on one of the screens, neighbours in turn.
    for (const look of ALL ? LOOKS : [LOOKS[i % 4]]) {
      const name = `wizard-${step}-${look.width}-${look.theme}-${look.lang}`;
      test(name, async (t) => {
        const mock = await startMock({ mode: 'empty', lang: look.lang });
        const { page, context, troubles } = await openPage(browser, look);
        t.after(async () => {
          await context.close();
          await mock.close();
        });
        await page.goto(`${mock.url}/start/${step}`);
        await page.waitForSelector('.step footer', WAIT);
        if (step === 'device') {
          await page.keyboard.type('192.168.0.10');
          await page.keyboard.press('Enter');
          await page.waitForSelector('.readings .button', WAIT);
        }
        await page.waitForTimeout(300);
        await picture(page, name);
        assert.deepEqual(await axe(page), []);
        assert.equal(await sideways(page), 0);
        assert.deepEqual(await smallTargets(page, look.width < 1000 ? LEAST_TARGET : 32), []);
        const contrast = await leastContrast(page, 'main');
        assert.ok(contrast.ratio >= 4.5, `contrast ${contrast.ratio} of ${contrast.text}`);
        const words = await page.evaluate(() => document.body.innerText);
        assert.doesNotMatch(words, /undefined|NaN|\[object|\{\w+\}/, 'a hole in the words');
        if (look.lang === 'en') {
          assert.doesNotMatch(words.replaceAll('한국어', ''), /[\uac00-\ud7a3]/, 'Korean on an English page');
        }
        assert.deepEqual(troubles, []);
      });
    }
  }
});
