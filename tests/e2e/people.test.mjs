// People: the second factor at the door, invitations, new passwords, two plants with a role each, and a
// program that knows nothing of it yet. All against the mock.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { axe, launch, openPage, picture, sideways, smallTargets } from './browser.mjs';

const WAIT = { timeout: 10_000 };
const LEAST_TARGET = 44;
const PHONE = { width: 390, height: 844 };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** A mock and a page of it, both ended with the test. */
async function opened(t, { mode = 'demo', look = PHONE } = {}) {
  const mock = await startMock({ mode, lang: look.lang ?? 'ko' });
  const { page, context, troubles } = await openPage(browser, look);
  t.after(async () => {
    await context.close();
    await mock.close();
  });
  return { mock, page, troubles };
}

async function looked(page, name, least = LEAST_TARGET) {
  await picture(page, name);
  assert.deepEqual(await axe(page), [], name);
  assert.equal(await sideways(page), 0, name);
  assert.deepEqual(await smallTargets(page, least), [], name);
}

describe('the door', () => {
  test('asks for the second factor only where there is one, and takes a recovery code', async (t) => {
    const { mock, page } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/signin`);
    await page.fill('#login', 'park');
    await page.fill('#password', 'maru-mock-2026');
    await page.keyboard.press('Enter');
    const code = page.locator('#code');
    await code.waitFor(WAIT);
    assert.equal(await code.evaluate((one) => one === document.activeElement), true, 'the code is typed at once');
    assert.equal(await code.getAttribute('autocomplete'), 'one-time-code');
    await looked(page, 'people-code');
    await page.keyboard.type('111111'); // The sixth digit sends it.
    await page.getByRole('alert').filter({ hasText: '인증 코드가 맞지 않습니다' }).waitFor(WAIT);
    assert.equal(await code.inputValue(), '');
    await page.getByRole('button', { name: '복구 코드로 로그인' }).click();
    await code.fill('k7wd-29qf');
    await page.keyboard.press('Enter');
    await page.waitForSelector('article .big', WAIT);
    assert.equal(new URL(page.url()).pathname, '/floor');
  });

  test('an invitation tells plant, organisation and role before anything is typed, and makes the account', async (t) => {
    const { mock, page, troubles } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/invite#used-secret`);
    await page.getByText('이 링크는 이미 쓰였거나 기간이 지났습니다').waitFor(WAIT);
    troubles.length = 0; // The refusal stands in the console, too.
    await page.goto(`${mock.url}/invite`);
    await page.getByText('# 뒤까지 모두').waitFor(WAIT);
    await page.goto(`${mock.url}/invite#good-secret`);
    await page.reload();
    await page.getByText('마루정밀 시범공장 초대').waitFor(WAIT);
    const told = await page.locator('dl').innerText();
    assert.match(told, /마루정밀[\s\S]*작업자[\s\S]*정정할 수 있습니다/);
    await page.fill('#display', '한주임');
    await page.fill('#login', 'Han');
    assert.equal(await page.locator('#login').getAttribute('aria-invalid'), 'true');
    await page.fill('#login', 'han');
    await page.fill('#password', 'night-shift-7');
    const submit = page.getByRole('button', { name: '계정 등록' });
    assert.ok(await submit.isDisabled(), 'typed once only');
    await page.fill('#password-repeat', 'night-shift-7');
    await looked(page, 'people-invite');
    await submit.click();
    await page.waitForSelector('article .big', WAIT);
    assert.doesNotMatch(page.url(), /secret/);
    assert.deepEqual(troubles, []);
  });

  test('a link for a new password asks for nothing but the password', async (t) => {
    const { mock, page } = await opened(t, { mode: 'signedout' });
    await page.goto(`${mock.url}/reset#good-secret`);
    await page.fill('#password', 'second-lamp-40');
    await page.fill('#password-repeat', 'second-lamp-40');
    assert.equal(await page.locator('#login, #display').count(), 0);
    await page.getByRole('button', { name: '비밀번호 저장' }).click();
    await page.waitForSelector('article .big', WAIT);
  });
});

describe('two plants', () => {
  test('the bar tells the role in each, and the pages follow it', async (t) => {
    const { mock, page } = await opened(t, { mode: 'two', look: { width: 1440, height: 900 } });
    await page.goto(`${mock.url}/data/upload?part=import`);
    await page.getByText('이곳에 파일을 놓으십시오').waitFor(WAIT);
    const plants = page.locator('#plant');
    assert.deepEqual(await plants.locator('option').allInnerTexts(), ['마루정밀 시범공장 · 소유자', '제2공장 · 조회']);
    await plants.selectOption('annex');
    await page.waitForFunction(() => new URLSearchParams(location.search).get('plant') === 'annex');
    await page.getByText('이 계정은 볼 수만 있습니다').waitFor(WAIT);
  });

  test('a program that knows one role a person is served by it', async (t) => {
    const { mock, page, troubles } = await opened(t, { mode: 'old', look: { width: 1440, height: 900 } });
    await page.goto(`${mock.url}/settings`);
    await page.getByText('소유자', { exact: true }).waitFor(WAIT);
    await page.getByRole('button', { name: '결과 보기' }).waitFor(WAIT); // An owner may set the rule.
    assert.deepEqual(troubles, []);
  });
});
