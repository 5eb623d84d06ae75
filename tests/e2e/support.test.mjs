// Remote support: the owner looks at who asks and approves, everybody sees it, one word ends it; at the
// supplier's a case gives a link, and the factory's pages open in a frame of their own. Against the mock.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { GOOD_LINK } from '../../ui/mock/support.mjs';
import { axe, launch, openPage, picture, sideways, smallTargets } from './browser.mjs';

const WAIT = { timeout: 10_000 };
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900, theme: 'dark' };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function opened(t, look) {
  const mock = await startMock({ mode: 'demo', lang: 'ko' });
  const { page, context, troubles } = await openPage(browser, look);
  t.after(async () => {
    await context.close();
    await mock.close();
  });
  return { mock, page, troubles };
}

async function looked(page, name, least) {
  await picture(page, name);
  assert.deepEqual(await axe(page), [], name);
  assert.equal(await sideways(page), 0, name);
  assert.deepEqual(await smallTargets(page, least), [], name);
}

describe('remote support', () => {
  test('is approved by the owner, seen on every page and ended by a word', async (t) => {
    const { mock, page, troubles } = await opened(t, PHONE);
    await page.goto(`${mock.url}/settings/support`);
    await page.getByLabel('지원 링크').fill(GOOD_LINK);
    await page.getByRole('button', { name: '누구인지 확인' }).click();
    await page.getByRole('heading', { name: '정유진 (한빛자동화) 지원 요청' }).waitFor(WAIT);
    assert.match(await page.locator('dl').innerText(), /support\.hanbit\.example[\s\S]*링크의 지문으로 확인함[\s\S]*0F:1E/);
    assert.equal(await page.getByRole('radio').count(), 2, 'no role but two');
    await looked(page, 'support-offer', 44);
    await page.getByRole('button', { name: '승인' }).click();
    const strip = page.locator('.guest');
    await strip.getByText('정유진 (한빛자동화) 원격 지원 중').waitFor(WAIT);
    await page.goto(`${mock.url}/floor`);
    await strip.waitFor(WAIT);
    await looked(page, 'support-strip', 44);
    await strip.getByRole('button', { name: '끝내기' }).click();
    await strip.waitFor({ ...WAIT, state: 'detached' });
    assert.deepEqual(troubles, []);
  });

  test('shows the factory through the desk, says where one is, and leads back', async (t) => {
    const { mock, page, troubles } = await opened(t, DESK);
    const direct = [];
    await page.goto(`${mock.url}/settings/desk`);
    await page.getByRole('button', { name: '새 지원 건' }).click();
    await page.getByLabel('공장', { exact: true }).fill('새한정공');
    await page.getByRole('dialog').getByRole('button', { name: '링크 만들기' }).click();
    await page.getByText(GOOD_LINK).waitFor(WAIT);
    await page.getByRole('dialog').locator('.button.main', { hasText: '닫기' }).click();
    await looked(page, 'support-desk', 24);
    await page.getByRole('button', { name: '한솔사출 열기' }).click();
    const strip = page.locator('.guest');
    await strip.getByText('한솔사출에 접속 중').waitFor(WAIT);
    page.on('request', (request) => direct.push(new URL(request.url()).pathname));
    await page.goto(`${mock.url}/data/live`);
    await page.getByText('line1.press1').first().waitFor(WAIT);
    await looked(page, 'support-via', 24);
    const own = direct.filter((path) => path.startsWith('/api/v1/') && !/^\/api\/v1\/(session|support\/|openapi\.json)/.test(path));
    assert.deepEqual(own, [], 'nothing is asked of this Maru in the name of the factory');
    await page.goto(`${mock.url}/settings`);
    assert.equal(await page.getByRole('link', { name: 'API 토큰' }).count(), 0);
    await strip.getByRole('button', { name: '데스크로 돌아가기' }).click();
    await page.waitForURL('**/settings/desk', WAIT);
    assert.equal(await page.locator('.guest').count(), 0);
    assert.deepEqual(troubles, []);
  });
});
