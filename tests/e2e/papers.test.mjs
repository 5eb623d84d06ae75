// Papers of the build in the browser: hardware and a training are entered, a file is put in and comes
// back, every paper is made with one click. MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { openDemo, START_MS, stopAll } from './program.mjs';

describe('papers of the build', () => {
  let browser;
  let desk;
  let url;
  const folder = mkdtempSync(join(tmpdir(), 'maru-papers-'));

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    await desk.page.goto(`${url}/data/papers`);
    await desk.page.waitForSelector('.makes');
  });
  after(async () => {
    await browser?.close();
    await stopAll();
    rmSync(folder, { recursive: true, force: true });
  });

  const part = (name) => desk.page.getByRole('region', { name });

  test('hardware is entered, stands in the list, and its end is due', async () => {
    const { page } = desk;
    const hardware = part(/하드웨어 관리대장/);
    await hardware.getByRole('button', { name: '추가' }).click();
    await hardware.getByLabel('종류').selectOption('scanner');
    await hardware.getByLabel('이름').fill('출하 스캐너');
    await hardware.getByLabel('제조사').fill('제브라');
    const soon = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10);
    await hardware.getByLabel('보증 만료').fill(soon);
    await hardware.getByRole('button', { name: '저장' }).click();
    await hardware.getByRole('cell', { name: '출하 스캐너' }).waitFor({ timeout: START_MS });
    await page.locator('.due li').filter({ hasText: '출하 스캐너' }).waitFor({ timeout: START_MS });
  });

  test('what is wrong is said in words, and nothing is stored', async () => {
    const training = part(/교육 실적/);
    await training.getByRole('button', { name: '추가' }).click();
    await training.getByLabel('날짜').fill('2026-03-02');
    await training.getByLabel('교육 내용').fill('데이터 기초');
    await training.getByLabel('시간').fill('두 시간');
    await training.getByRole('button', { name: '저장' }).click();
    await training.getByRole('alert').waitFor();
    await training.getByLabel('시간').fill('2');
    await training.getByRole('button', { name: '저장' }).click();
    await training.getByRole('cell', { name: '데이터 기초' }).waitFor();
  });

  test('a file is put in and comes back byte for byte', async () => {
    const { page } = desk;
    const path = join(folder, '설명서.txt');
    writeFileSync(path, '운영 설명서\n'.repeat(1000));
    const files = part(/산출물/);
    await files.locator('input[type=file]').setInputFiles(path);
    await files.getByRole('cell', { name: '설명서.txt' }).waitFor({ timeout: START_MS });
    const [download] = await Promise.all([page.waitForEvent('download'), files.locator('td.does button').first().click()]);
    assert.equal(readFileSync(await download.path(), 'utf8'), '운영 설명서\n'.repeat(1000));
    assert.equal(download.suggestedFilename(), '설명서.txt');
  });

  //
  test('a security product is entered with its evidence, and its end is due', async () => {
    const security = part(/보안 제품 관리대장/);
    await security.getByRole('button', { name: '추가' }).click();
    await security.getByLabel('종류').selectOption('firewall');
    await security.getByLabel('이름').fill('통합 보안 장비');
    await security.getByLabel('보호 대상').fill('현장 장치망');
    await security.getByLabel('증빙 파일').selectOption({ index: 1 });
    await security.getByLabel('라이선스 만료').fill(new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10));
    await security.getByRole('button', { name: '저장' }).click();
    await security.getByRole('cell', { name: '통합 보안 장비' }).waitFor({ timeout: START_MS });
    await security.locator('.due li').filter({ hasText: '라이선스 만료' }).waitFor({ timeout: START_MS });
  });

  for (const [name, head] of [
    ['데이터 수집 정의서 PDF', '%PDF'],
    ['데이터 수집 정의서 XLSX', 'PK'],
    ['하드웨어 관리대장 XLSX', 'PK'],
    ['보안 제품 관리대장 PDF', '%PDF'],
    ['인수인계 파일 ZIP', 'PK'],
  ]) {
    test(`${name} is made with one click`, async () => {
      const { page } = desk;
      const [download] = await Promise.all([page.waitForEvent('download', { timeout: START_MS }), page.getByRole('button', { name, exact: true }).click()]);
      const bytes = readFileSync(await download.path());
      assert.equal(bytes.subarray(0, head.length).toString('latin1'), head);
      if (process.env.MARU_KEEP_PAPERS) {
        await download.saveAs(join(process.env.MARU_KEEP_PAPERS, download.suggestedFilename()));
      }
    });
  }

  test('measures are shown', async () => {
    const { page } = desk;
    await page.getByRole('button', { name: '측정값 보기' }).click();
    await page.locator('.measured dd').first().waitFor({ timeout: START_MS });
    assert.match(await page.locator('.measured dd').first().innerText(), /^\d+\.\d\d %$/);
  });

  for (const look of [
    { width: 390, height: 844, theme: 'light', lang: 'ko' },
    { width: 390, height: 844, theme: 'dark', lang: 'en' },
    { width: 1440, height: 900, theme: 'dark', lang: 'ko' },
  ]) {
    test(`fits and reads at ${look.width} ${look.theme} ${look.lang}`, async () => {
      const cookies = await desk.context.cookies();
      const { page, context, troubles } = await openPage(browser, look);
      await context.addCookies(cookies);
      await page.goto(`${url}/data/papers`);
      await page.locator('td').first().waitFor({ timeout: START_MS });
      await picture(page, `papers-${look.width}-${look.theme}-${look.lang}`);
      assert.equal(await sideways(page), 0, 'scrolls sideways');
      assert.deepEqual(await axe(page), []);
      assert.deepEqual(await smallTargets(page, look.width < 1000 ? 44 : 32), []);
      const contrast = await leastContrast(page, 'main');
      assert.ok(contrast.ratio >= 4.5, `contrast ${contrast.ratio} of ${contrast.text}`);
      assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /undefined|NaN|\[object|\{\w+\}/);
      assert.deepEqual(troubles, []);
      await context.close();
    });
  }
});
