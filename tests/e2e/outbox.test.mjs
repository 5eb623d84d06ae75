// Data that leaves the plant: a consent recorded on the page, a receiver that gets what it covers, and
// the button that ends it. MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { axe, launch, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { openDemo, START_MS, stopAll } from './program.mjs';

const SEND_MS = 45_000;
const LEAST_TARGET = 44;
const TAG = 'line1.press2.strokes';

describe('giving data to others', () => {
  let browser;
  let desk;
  let url;
  let receiver;
  let target;
  const taken = [];

  before(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes) => (body += bytes));
      request.on('end', () => {
        taken.push({ at: Date.now(), auth: request.headers.authorization, lines: body.trim().split('\n').map((one) => JSON.parse(one)) });
        response.end('ok');
      });
    });
    await new Promise((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    target = `http://127.0.0.1:${receiver.address().port}/in`;
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
    receiver?.closeAllConnections();
    receiver?.close();
  });

  test('a consent is recorded, and only what it names is sent', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/outbox?lang=ko`);
    await page.getByRole('button', { name: '동의 기록' }).last().click({ timeout: START_MS });
    const record = page.getByRole('button', { name: '기록', exact: true });
    await page.getByLabel('받는 곳', { exact: true }).fill('시험 수신처');
    await page.getByLabel('동의한 사람', { exact: true }).fill('김대표');
    await page.getByLabel('목적', { exact: true }).fill('사출기 분석');
    await page.getByLabel('동의 이름(영문)').fill('try-1');
    await page.getByLabel('보내는 주소', { exact: true }).fill('mqtts://broker.example/out');
    await page.getByLabel('브로커의 사용자:비밀번호').waitFor({ timeout: START_MS });
    await page.getByLabel('보내는 주소', { exact: true }).fill(target);
    await page.getByLabel('받는 곳의 토큰').fill('word');
    assert.ok(await record.isDisabled(), 'without a tag there is nothing to consent to');
    await page.getByLabel('태그', { exact: true }).fill(TAG);
    await page.getByRole('button', { name: '추가', exact: true }).click();
    assert.deepEqual(await axe(page), []);
    await picture(page, 'outbox-new');
    // The form leaves the pause between two messages at ten seconds; a test does not wait so long.
    await page.route('**/consents/*', (route) => {
      const body = route.request().postDataJSON();
      return route.continue(body ? { postData: JSON.stringify({ ...body, every_s: 1 }) } : {});
    });
    await record.click();
    await page.locator('li[data-consent="try-1"][data-state="active"]').waitFor({ timeout: START_MS });
    const end = Date.now() + SEND_MS;
    while (taken.length < 3 && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await page.unroute('**/consents/*');
    assert.ok(taken.length > 2, `the receiver got ${taken.length} messages`);
    assert.equal(taken[0].auth, 'Bearer word');
    assert.equal(taken[0].lines[0].purpose, '사출기 분석');
    assert.deepEqual([...new Set(taken.flatMap((one) => one.lines.slice(1).map((row) => row.tag)))], [TAG]);
    await page.locator('.receipts li').first().waitFor({ timeout: START_MS });
  });

  test('the page is usable on a phone, in the dark', async () => {
    const phone = await openPage(browser, { width: 390, height: 844, theme: 'dark' });
    await phone.context.addCookies(await desk.context.cookies());
    await phone.page.goto(`${url}/data/outbox?consent=try-1`);
    await phone.page.waitForSelector('li[data-consent]', { timeout: START_MS });
    assert.equal(await sideways(phone.page), 0);
    assert.deepEqual(await axe(phone.page), []);
    assert.deepEqual(await smallTargets(phone.page, LEAST_TARGET), []);
    await picture(phone.page, 'outbox-phone');
    await phone.context.close();
  });

  test('who is not the owner sees what leaves, and why nothing can be recorded', async () => {
    const other = await openPage(browser, { width: 1440, height: 900 });
    await other.context.addCookies(await desk.context.cookies());
    await other.page.route('**/api/v1/session', async (route) => {
      const answer = await route.fetch();
      const body = await answer.json();
      await route.fulfill({ response: answer, json: { ...body, plants: body.plants.map((plant) => ({ ...plant, role: 'installer' })) } });
    });
    await other.page.goto(`${url}/data/outbox?new=1&lang=ko`);
    await other.page.locator('li[data-consent="try-1"]').waitFor({ timeout: START_MS });
    await other.page.getByText('동의는 소유자만 기록할 수 있습니다.').waitFor({ timeout: START_MS });
    assert.equal(await other.page.getByRole('button', { name: '동의 기록' }).count(), 0);
    assert.equal(await other.page.locator('form').count(), 0);
    assert.equal(await other.page.getByRole('button', { name: '동의 철회' }).count(), 1);
    assert.deepEqual(await axe(other.page), []);
    await other.context.close();
  });

  test('one button withdraws it, after a question, and nothing more is sent', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '동의 철회' }).click();
    const dialog = page.getByRole('dialog', { name: '시험 수신처에 더 보내지 않습니다' });
    await dialog.waitFor({ timeout: START_MS });
    assert.deepEqual(await axe(page), []);
    await picture(page, 'outbox-withdraw');
    await dialog.getByRole('button', { name: '닫기' }).click();
    assert.equal(await page.locator('li[data-state="active"]').count(), 1, 'closing the question changes nothing');
    await page.getByRole('button', { name: '동의 철회' }).click();
    await dialog.getByRole('button', { name: '동의 철회' }).click();
    await page.locator('li[data-consent="try-1"][data-state="withdrawn"]').waitFor({ timeout: START_MS });
    // What was on its way is broken off within a second.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = taken.length;
    // Much longer than it was ever silent while the consent stood.
    const silences = taken.slice(1).map((one, i) => one.at - taken[i].at);
    await new Promise((resolve) => setTimeout(resolve, 2 * Math.max(1000, ...silences)));
    assert.equal(taken.length, before);
    assert.equal(await page.getByRole('button', { name: '동의 철회' }).count(), 0);
    await picture(page, 'outbox');
    assert.deepEqual(desk.troubles, []);
  });
});
