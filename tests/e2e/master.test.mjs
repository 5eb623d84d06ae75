// Master data in the browser, against the real program: an item is entered and changed, found by initial
// consonants, three rows come by paste, a row at fault is told. With the mock: how it looks.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { startMock } from '../../ui/mock/server.mjs';
import { axe, launch, leastContrast, openPage, picture, sideways, smallTargets } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const LOOKS = [
  { width: 390, height: 844, theme: 'light', lang: 'ko' },
  { width: 1440, height: 900, theme: 'dark', lang: 'en' },
];

describe('master data', () => {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  //
  for (const look of LOOKS) {
    test(`fits and reads at ${look.width} ${look.theme} ${look.lang}`, async () => {
      const mock = await startMock({ mode: 'demo', lang: look.lang });
      const { page, context, troubles } = await openPage(browser, look);
      try {
        await page.goto(`${mock.url}/data/master`);
        await page.getByRole('button', { name: '00125' }).waitFor();
        await picture(page, `master-${look.width}-${look.theme}-${look.lang}`);
        assert.equal(await sideways(page), 0, 'scrolls sideways');
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(await smallTargets(page, look.width < 1000 ? 44 : 32), []);
        const contrast = await leastContrast(page, 'main');
        assert.ok(contrast.ratio >= 4.5, `contrast ${contrast.ratio} of ${contrast.text}`);
        await page.getByRole('button', { name: '00125' }).click();
        await page.getByRole('dialog').waitFor();
        await picture(page, `master-row-${look.width}-${look.theme}-${look.lang}`);
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(troubles, []);
      } finally {
        await context.close();
        await mock.close();
      }
    });
  }

  //
  test('an item is entered, changed, found, and others come by paste', async () => {
    const { url, desk } = await openDemo(browser);
    const { page } = desk;
    await page.goto(`${url}/data/master?noun=items`);
    await page.getByRole('button', { name: '추가', exact: true }).click(WAIT);
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel(/^코드/).fill('00777');
    await sheet.getByLabel(/^이름/).fill('사출 시험품');
    await sheet.getByLabel('바코드(GTIN)').fill('8809999999998');
    await sheet.getByRole('button', { name: '저장' }).click();
    await sheet.getByRole('alert').filter({ hasText: 'GTIN' }).waitFor(WAIT); // The check digit is wrong.
    await sheet.getByLabel('바코드(GTIN)').fill('8809999999997');
    await sheet.getByRole('button', { name: '저장' }).click();
    await page.getByRole('button', { name: '00777' }).click(WAIT);
    await sheet.getByLabel('표준 원가(원)').fill('1,250.50');
    await sheet.getByRole('button', { name: '저장' }).click();
    await sheet.waitFor({ state: 'hidden' });
    await page.getByRole('searchbox').fill('ㅅㅊ ㅅㅎ');
    const row = page.getByRole('row').filter({ hasText: '사출 시험품' });
    await row.getByText('1,250.5', { exact: true }).waitFor(WAIT);
    await page.getByRole('row').nth(2).waitFor({ state: 'detached', ...WAIT }); // Its head, and itself.

    await page.getByRole('button', { name: '엑셀 가져오기' }).click();
    await page.getByText('템플릿 받기').waitFor();
    const paste = (text) =>
      page.evaluate((cells) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', cells);
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
      }, text);
    await paste('코드\t이름\t안전 재고\nP-1\t커버\t10\nP-2\t\t20\nP-3\t캡\t30\n');
    await page.getByText('비워 둘 수 없습니다').first().waitFor(WAIT);
    assert.ok(await page.getByRole('button', { name: '가져오기', exact: true }).isDisabled());
    await page.getByRole('button', { name: '취소' }).click();
    await paste('코드\t이름\t안전 재고\nP-1\t커버\t10\nP-2\t손잡이\t20\nP-3\t캡\t30\n');
    await page.getByRole('button', { name: '가져오기', exact: true }).click(WAIT);
    await page.getByRole('button', { name: '다른 파일 넣기' }).waitFor(WAIT);
    await page.getByRole('button', { name: '목록으로' }).click();
    await page.getByRole('searchbox').fill('P-');
    for (const code of ['P-1', 'P-2', 'P-3']) {
      await page.getByRole('button', { name: code, exact: true }).waitFor(WAIT);
    }
    assert.deepEqual(desk.troubles.filter((one) => !/40\d/.test(one)), []);
    await desk.context.close();
  });
});
