// The page of performance indicators with the mock: what stands in it, typing a month, trying a
// formula, and how it looks at every size, in both languages, light and dark.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';

const LOOKS = [
  { width: 390, height: 844, theme: 'light', lang: 'ko' },
  { width: 800, height: 1280, theme: 'dark', lang: 'en' },
  { width: 1440, height: 900, theme: 'dark', lang: 'ko' },
  { width: 1920, height: 1080, theme: 'light', lang: 'en' },
];

describe('performance indicators', () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());

  async function withPage(look, mode, work) {
    const mock = await startMock({ mode, lang: look.lang });
    const { page, context, troubles } = await openPage(browser, look);
    try {
      await page.goto(`${mock.url}/data/indicators`);
      await work(page);
      assert.deepEqual(troubles, []);
    } finally {
      await context.close();
      await mock.close();
    }
  }

  //
  for (const look of LOOKS) {
    test(`fits and reads at ${look.width} ${look.theme} ${look.lang}`, () =>
      withPage(look, 'demo', async (page) => {
        await page.locator('table').first().waitFor();
        await page.getByText('12,660').waitFor();
        await picture(page, `indicators-${look.width}-${look.theme}-${look.lang}`);
        assert.equal(await sideways(page), 0, 'scrolls sideways');
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(await smallTargets(page, look.width < 1000 ? 44 : 32), []);
        const contrast = await leastContrast(page, 'main');
        assert.ok(contrast.ratio >= 4.5, `contrast ${contrast.ratio} of ${contrast.text}`);
        assert.doesNotMatch(await page.evaluate(() => document.body.innerText), /undefined|NaN|\[object|\{\w+\}/);
      }));
  }

  test('a month is typed, and an indicator tells what it was made from', () =>
    withPage(LOOKS[2], 'demo', async (page) => {
      await page.getByRole('button', { name: '공정 불량률' }).click();
      const sheet = page.getByRole('dialog');
      await sheet.getByLabel('월', { exact: true }).fill('2026-11');
      await sheet.getByLabel('값 %').fill('1.5');
      await sheet.getByRole('button', { name: '월별 값 입력' }).click();
      await sheet.locator('li').filter({ hasText: '2026-11' }).getByText('1.5').waitFor();
      await sheet.getByRole('button', { name: '닫기' }).click();
      await page.getByRole('button', { name: '시간당 생산량' }).click();
      await page.getByRole('dialog').getByText('수집 누락 310회').first().waitFor();
      assert.deepEqual(await axe(page), []);
    }));

  test('a formula is tried before it is kept', () =>
    withPage(LOOKS[2], 'empty', async (page) => {
      await page.getByText('아직 성과지표가 없습니다').waitFor();
      await page.getByRole('button', { name: '지표 추가' }).click();
      await page.getByLabel('지표', { exact: true }).fill('시간당 생산량');
      await page.getByRole('button', { name: '태그에서 계산' }).click();
      await page.getByLabel('계산식').fill('increase("press1.count") / hours()');
      await page.getByRole('button', { name: '최근 석 달로 시험' }).click();
      await page.getByText('이 달에 press1.count의 값이 없습니다').waitFor();
      assert.deepEqual(await axe(page), []);
      await page.getByRole('button', { name: '저장' }).click();
      await page.getByRole('button', { name: '시간당 생산량' }).waitFor();
    }));
});
