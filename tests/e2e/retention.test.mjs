// How long values are kept: the page tells what a rule means before it is saved, and refuses in words.
// MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, START_MS, stopAll } from './program.mjs';

const LEAST_TARGET = 44;
const TAG = 'line1.press1.strokes';

describe('how long values are kept', () => {
  let browser;
  let desk;
  let url;
  const folder = mkdtempSync(join(tmpdir(), 'maru-archive-'));

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
    rmSync(folder, { recursive: true });
  });

  test('a rule is weighed, refused where its folder is missing, confirmed and kept', async () => {
    const { page, troubles } = desk;
    await page.goto(`${url}/settings/keeping?lang=ko`);
    const part = page.locator('#retention');
    await part.getByText('값을 계속 보관합니다').waitFor({ timeout: START_MS });
    const weigh = part.getByRole('button', { name: '결과 보기' });
    assert.ok(await weigh.isDisabled(), 'nothing was changed yet');
    await part.getByLabel('값 보존(일)').fill('x');
    assert.ok(await weigh.isDisabled(), 'that is no number of days');
    await part.getByLabel('값 보존(일)').fill('400');
    await part.getByLabel('집계 보존(일)').fill('3650');
    await part.getByLabel('정리할 값 보관').selectOption('both');
    await part.getByLabel('서버의 보관 폴더').fill(`${folder}/none`);
    await weigh.click();
    await part.getByRole('alert').filter({ hasText: '보관 폴더가 없습니다' }).waitFor({ timeout: START_MS });
    troubles.length = 0; // The refusal of the server stands in the console, too.
    await part.getByLabel('서버의 보관 폴더').fill(folder);
    await weigh.click();
    const sure = page.locator('dialog[open]');
    await sure.getByText('400일보다 오래된 값을 정리합니다').waitFor({ timeout: START_MS });
    await sure.getByText(folder).waitFor();
    assert.deepEqual(await axe(page), []);
    await picture(page, 'retention-sure');
    await sure.getByRole('button', { name: '닫기' }).click();
    await page.reload();
    await part.getByText('값을 계속 보관합니다').waitFor({ timeout: START_MS }); // Looking stores nothing.
    await part.getByLabel('값 보존(일)').fill('400');
    await weigh.click();
    await sure.getByRole('button', { name: '규칙 저장' }).click();
    await part.getByText('저장했습니다').waitFor({ timeout: START_MS });
    await page.reload();
    await part.getByText('400일보다 오래된 값을 정리합니다').waitFor({ timeout: START_MS });
    assert.equal(await part.getByLabel('값 보존(일)').inputValue(), '400');
    assert.deepEqual(troubles, []);
  });

  test('a tag has days of its own, which can be taken back', async () => {
    const { page, troubles } = desk;
    const tagNow = () => page.evaluate((name) => fetch(`/api/v1/plants/demo/tags/${name}`).then((answer) => answer.json()), TAG);
    await page.goto(`${url}/data/tag?name=${TAG}&lang=ko`);
    const save = page.getByRole('button', { name: '저장', exact: true });
    await page.getByLabel('값 보존(일)').fill('1.5', { timeout: START_MS });
    await page.getByText('0부터 36525까지의 정수입니다').waitFor({ timeout: START_MS });
    assert.ok(await save.isDisabled());
    await page.getByLabel('값 보존(일)').fill('30');
    await page.getByLabel('집계 보존(일)').fill('90');
    await page.getByText('30일보다 오래된 값을 정리합니다').waitFor({ timeout: START_MS });
    await save.click();
    await page.getByText('저장했습니다. 새로 오는 값부터 적용합니다.').waitFor({ timeout: START_MS });
    const set = await tagNow();
    assert.deepEqual([set.retention_days, set.rollup_days], [30, 90]);
    assert.deepEqual(await axe(page), []);
    await picture(page, 'retention-tag');
    await page.locator('footer').getByRole('button', { name: '되돌리기' }).click();
    await page.locator('footer').getByRole('button', { name: '되돌리기' }).waitFor({ state: 'detached', timeout: START_MS });
    assert.equal((await tagNow()).retention_days, 0);
    assert.deepEqual(troubles, []);
  });

  test('it can be read and pressed on every screen', async () => {
    const state = await desk.context.storageState();
    const looks = [
      { width: 390, height: 844, theme: 'light', lang: 'ko' },
      { width: 800, height: 1280, theme: 'dark', lang: 'en' },
      { width: 1366, height: 768, theme: 'dark', lang: 'ko' },
      { width: 1920, height: 1080, theme: 'light', lang: 'en' },
    ];
    for (const look of someOf(looks)) {
      const { page, context, troubles } = await openPage(browser, look);
      await context.addCookies(state.cookies);
      await page.goto(`${url}/settings/keeping?lang=${look.lang}`);
      await page.locator('#retention table').waitFor({ timeout: START_MS });
      await page.locator('#retention').scrollIntoViewIfNeeded();
      const name = `retention-${look.width}`;
      assert.equal(await sideways(page), 0, name);
      assert.deepEqual(await axe(page), [], name);
      assert.deepEqual(look.width < 1000 ? await smallTargets(page, LEAST_TARGET) : [], [], name);
      assert.deepEqual(troubles, [], name);
      await picture(page, name);
      await context.close();
    }
  });
});
