// A tag's rules tried before they are saved, a computed tag, data quality and its reasons, and health
// that leads to the doctor of a device that is down. MARU_PROGRAM and MARU_SIM name other builds.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { freePort, openDemo, SIM, start, START_MS, stopAll } from './program.mjs';

const LEAST_TARGET = 44;
// The demo's sensor that loses its wire now and then, and says 3000 °C in between.
const TAG = 'line1.press1.temp_barrel1';

describe('what data is worth, and what is wrong', () => {
  let browser;
  let desk;
  let url;
  let machine;

  before(async () => {
    const port = await freePort();
    machine = start(SIM, ['press1', '--port', String(port)]);
    browser = await launch();
    ({ url, desk } = await openDemo(browser, ['--external', `press1=${port}`]));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  const api = (path) => desk.page.evaluate((to) => fetch(to).then((answer) => answer.json()), `/api/v1/plants/demo/${path}`);

  /** The same page on a phone, in the dark: usable by touch, without scrolling sideways. */
  async function onPhone(path, ready, name) {
    const phone = await openPage(browser, { width: 390, height: 844, theme: 'dark' });
    await phone.context.addCookies(await desk.context.cookies());
    await phone.page.goto(url + path);
    await phone.page.waitForSelector(ready, { timeout: START_MS });
    assert.equal(await sideways(phone.page), 0);
    assert.deepEqual(await axe(phone.page), []);
    assert.deepEqual(await smallTargets(phone.page, LEAST_TARGET), []);
    await picture(phone.page, name);
    assert.deepEqual(phone.troubles, []);
    await phone.context.close();
  }

  //
  test('a rule is tried, saved, seen in the history and taken back', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/tag?name=${TAG}&lang=ko`);
    await page.waitForSelector('.now .value b', { timeout: START_MS });
    const rule = page.getByLabel('튀는 값 표시 spike', { exact: true });
    await rule.first().check({ timeout: START_MS });
    await page.locator('tr[data-stage="spike"]').waitFor({ timeout: START_MS });
    assert.equal((await api(`tags/${TAG}`)).refine, '', 'nothing is stored before it is saved');
    await picture(page, 'tag-rules');

    // A value outside its limits is refused under its field, and cannot be saved.
    const value = page.locator('.rules input.input').first();
    await value.fill('1000');
    await page.getByText('0.5~100 사이로 입력하십시오.').waitFor({ timeout: START_MS });
    assert.ok(await page.getByRole('button', { name: '저장', exact: true }).isDisabled());
    await value.fill('4');

    await page.getByRole('button', { name: '저장', exact: true }).click();
    await page.getByText('저장했습니다. 새로 오는 값부터 적용합니다.').waitFor({ timeout: START_MS });
    assert.equal((await api(`tags/${TAG}`)).refine, 'spike=4');
    await page.getByText('refine: spike=4').waitFor({ timeout: START_MS });
    await page.locator('footer').getByRole('button', { name: '되돌리기' }).click();
    await page.waitForFunction((name) => fetch(`/api/v1/plants/demo/tags/${name}`).then((answer) => answer.json()).then((tag) => tag.refine === ''), TAG, { timeout: START_MS });
    assert.deepEqual(await axe(page), []);
    await onPhone(`/data/tag?name=${TAG}`, 'tr[data-stage]', 'tag-phone');
  });

  test('stored values are refined again after a trial, and the run is undone', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/tag?name=${TAG}&lang=ko`);
    await page.getByLabel('최댓값', { exact: true }).fill('190');
    await page.getByRole('button', { name: '저장', exact: true }).click();
    await page.getByText('저장했습니다. 새로 오는 값부터 적용합니다.').waitFor({ timeout: START_MS });
    const apply = page.getByRole('button', { name: '다시 정제', exact: true });
    assert.ok(await apply.isDisabled(), 'no run without a trial');
    await page.getByRole('button', { name: '시험 실행' }).click();
    await page.getByText(/행 가운데 .*행이 바뀝니다/).waitFor({ timeout: START_MS });
    assert.deepEqual((await api('rerefine')).items, []);
    await apply.click();
    await page.getByText(/개 값을 다시 정제했습니다/).waitFor({ timeout: START_MS });
    await page.locator('section[aria-labelledby="rerefine-title"] li button').first().click();
    await page.getByText(/개 값을 되돌렸습니다/).waitFor({ timeout: START_MS });
    const runs = (await api('rerefine')).items;
    assert.equal(runs.length, 2);
    assert.equal(runs[0].undoes, runs[1].id);
    assert.ok(runs[1].changed > 0);
  });

  test('an expression is checked while it is typed, and makes a tag', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/tag?new=derived&lang=ko`);
    const expression = page.getByRole('textbox', { name: '계산식' });
    await page.getByLabel('태그 이름').fill('line1.press1.temp_f');
    await expression.fill('tag("line1.nothing.here") * 2');
    await page.locator('#derived-check.wrong').getByText(/line1\.nothing\.here/).waitFor({ timeout: START_MS });
    assert.ok(await page.getByRole('button', { name: '저장', exact: true }).isDisabled());
    await expression.fill(`tag("${TAG}") * 1.8 + 32`);
    await page.getByText('계산식이 올바릅니다.').waitFor({ timeout: START_MS });
    await page.getByRole('button', { name: '저장', exact: true }).click();
    await page.waitForFunction(() => /\d/.test(document.querySelector('.now .value b')?.textContent ?? ''), undefined, { timeout: START_MS });
    assert.match(page.url(), /name=line1\.press1\.temp_f/);
    // It must not depend on itself.
    await page.getByRole('textbox', { name: '계산식' }).fill('tag("line1.press1.temp_f") + 1');
    await page.waitForSelector('#derived-check.wrong', { timeout: START_MS });
  });

  //
  test('a score is opened down to its reasons', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/quality?lang=ko`);
    await page.getByRole('button', { name: '오늘 점수 계산' }).first().click({ timeout: START_MS });
    const cell = page.locator(`button[data-tag="${TAG}"]`);
    await cell.waitFor({ timeout: START_MS });
    await cell.click();
    const why = page.locator('section.why');
    await why.waitFor({ timeout: START_MS });
    assert.equal(await why.locator('li').count(), 5);
    const day = await cell.getAttribute('data-day');
    const stored = (await api(`quality?day=${day}&limit=1000`)).items.find((one) => one.tag === TAG);
    const points = (await why.locator('.points').allInnerTexts()).map(Number);
    assert.equal(points[0], Math.floor(Math.min(stored.gaps, stored.stuck ?? 100, stored.in_range ?? 100, stored.duplicates, stored.clock)));
    assert.deepEqual(await axe(page), []);
    await picture(page, 'quality');
    await onPhone(`/data/quality?tag=${TAG}&day=${day}`, 'section.why', 'quality-phone');
  });

  test('health names a machine that is down and leads to its doctor', async () => {
    const { page } = desk;
    await page.goto(`${url}/health?lang=ko`);
    await page.getByRole('heading', { name: '디스크' }).waitFor({ timeout: START_MS });
    machine.kill('SIGTERM');
    await machine.ended;
    const finding = page.locator('li[data-id="device.down"][data-subject="press1"]');
    await finding.waitFor({ timeout: 60_000 });
    assert.equal(await page.locator('.findings li').first().getAttribute('data-id'), 'device.down', 'the worst stands first');
    assert.deepEqual(await axe(page), []);
    await picture(page, 'health');
    await onPhone('/health', '.findings li', 'health-phone');
    await finding.getByRole('link', { name: '연결 진단' }).click();
    await page.getByText('원인을 찾았습니다').waitFor({ timeout: 60_000 });
    assert.match(page.url(), /device=press1/);
  });

  test('search finds the pages by initial consonants', async () => {
    const { page } = desk;
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: '검색' }).fill('ㅅㅌㅈㄱ');
    await page.getByRole('option', { name: /상태 점검/ }).waitFor({ timeout: START_MS });
    await page.keyboard.press('Escape');
    assert.deepEqual(desk.troubles, []);
  });
});
