// Setting a device up in the browser: from an IP address to a value that moves in at most six clicks,
// the doctor's report, and the right word order picked by eye. MARU_PROGRAM and MARU_SIM name other builds.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, openPage, picture, sideways } from './browser.mjs';
import { freePort, openDemo, SIM, start, START_MS, stopAll } from './program.mjs';

const CLICKS_MAX = 6;

/** Counts what a person does with the pointer; typing is not counted. */
class Hand {
  clicks = 0;
  constructor(page) {
    this.page = page;
  }
  async click(locator) {
    this.clicks++;
    await locator.click({ timeout: START_MS });
  }
  async type(locator, text) {
    await this.click(locator);
    await this.page.keyboard.type(text);
  }
}

describe('setting a device up', () => {
  let browser;
  let desk;
  let url;
  let port;

  before(async () => {
    port = await freePort();
    start(SIM, ['press1', '--port', String(port)]);
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  test('from an IP address to a value that moves', async () => {
    const { page } = desk;
    const hand = new Hand(page);
    await hand.click(page.locator('nav a[href^="/data"]').first());
    await hand.click(page.getByRole('link', { name: '장치', exact: true }));
    await hand.click(page.getByRole('button', { name: '장치 추가' }).first());
    await hand.type(page.getByLabel('주소', { exact: true }), `127.0.0.1:${port}`);
    await hand.type(page.getByLabel('장치 안의 주소', { exact: true }), 'input:8 f32 ABCD');
    await hand.click(page.getByRole('button', { name: '태그 추가' }));
    const cell = page.locator('td[data-tag^="line1.modbus1."]');
    await cell.waitFor({ timeout: START_MS });
    await page.waitForFunction(
      () => /\d/.test(document.querySelector('td[data-tag^="line1.modbus1."]')?.textContent ?? ''),
      undefined,
      { timeout: START_MS },
    );
    assert.ok(hand.clicks <= CLICKS_MAX, `${hand.clicks} clicks`);
    await picture(page, 'devices-new');
  });

  test('the doctor names a refused port and offers word orders', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/devices?device=new&lang=ko`);
    await page.getByLabel('주소', { exact: true }).fill(`127.0.0.1:${await freePort()}`);
    await page.getByRole('button', { name: '연결 진단' }).click();
    await page.getByText('원인을 찾았습니다').waitFor({ timeout: START_MS });
    assert.match(await page.locator('li.bad').innerText(), /포트/);
    await page.getByLabel('주소', { exact: true }).fill(`127.0.0.1:${port}`);
    await page.getByLabel('장치 안의 주소', { exact: true }).fill('input:8 f32 CDAB');
    await page.getByRole('button', { name: '시험 읽기' }).click();
    const choice = page.getByRole('button', { name: /^f32 ABCD/ });
    await choice.waitFor({ timeout: START_MS });
    await choice.click();
    assert.match(await page.getByLabel('장치 안의 주소', { exact: true }).inputValue(), /f32 ABCD/);
  });

  test('what is wrong is said while it is typed', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/devices?device=new&lang=ko`);
    await page.getByLabel('주소', { exact: true }).fill('192.168.0.10');
    await page.getByText('1~65535의 포트가 필요합니다').waitFor({ timeout: START_MS });
    assert.ok(await page.getByRole('button', { name: '저장' }).isDisabled());
  });

  test('the page is usable by all and on a phone', async () => {
    assert.deepEqual(await axe(desk.page), []);
    const phone = await openPage(browser, { width: 390, height: 844 });
    await phone.context.addCookies(await desk.context.cookies());
    await phone.page.goto(`${url}/data/devices?device=press1`);
    await phone.page.waitForSelector('form', { timeout: START_MS });
    assert.equal(await sideways(phone.page), 0);
    assert.deepEqual(await axe(phone.page), []);
    await picture(phone.page, 'devices-phone');
    await phone.context.close();
    assert.deepEqual(desk.troubles, []);
  });
});
