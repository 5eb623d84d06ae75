// Tables in and out and corrections in the browser, against the real program: a CP949 file previewed as
// what it is, taken in with progress, a second time nothing new, rejected rows named, and what is
// downloaded goes back without a change. MARU_PROGRAM names another build.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { axe, launch, openPage, picture, sideways, smallTargets, someOf } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const WAIT = { timeout: 20_000 };
const SIZES = [
  { width: 1440, height: 900, theme: 'light' },
  { width: 820, height: 1180, theme: 'dark' },
  { width: 390, height: 844, theme: 'light' },
  { width: 390, height: 844, theme: 'dark' },
];
const ROWS = 400_000;
const UPLOAD_BYTES_PER_S = 4_000_000; // A bar can only be seen to move where the line is no faster.
// "온도,압력" and a unit in CP949.
const CP949_TAGS = Buffer.concat([
  Buffer.from('tag,type,display,unit\r\ncp.temp,f64,'),
  Buffer.from([0xbf, 0xc2, 0xb5, 0xb5]),
  Buffer.from(',C\r\ncp.pressure,f64,'),
  Buffer.from([0xbe, 0xd0, 0xb7, 0xc2]),
  Buffer.from(',bar\r\n'),
]);

describe('tables', () => {
  let browser;
  let url;
  let desk;
  let cookies;

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
    cookies = await desk.context.cookies();
  });
  after(async () => {
    await browser?.close();
    await stopAll();
  });

  const give = (name, buffer) => desk.page.setInputFiles('#u-file', { name, mimeType: 'text/csv', buffer });
  const take = async () => {
    await desk.page.getByRole('button', { name: '가져오기', exact: true }).click(WAIT);
    await desk.page.getByRole('button', { name: '다른 파일 넣기' }).waitFor(WAIT);
  };
  const sum = async (name) => Number((await desk.page.locator('dl div', { hasText: name }).locator('dd').innerText()).replaceAll(',', ''));

  //
  test('a CP949 file is previewed as what it is and taken in; a second time nothing is new', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/upload`);
    await give('태그.csv', CP949_TAGS);
    await page.getByRole('cell', { name: '온도' }).waitFor(WAIT);
    assert.match(await page.getByLabel('인코딩').locator('option:checked').innerText(), /CP949 \(\d+%\)/);
    assert.equal(await page.getByLabel('종류').inputValue(), 'tags');
    assert.deepEqual(await axe(page), []);
    await picture(page, 'upload-preview');
    await take();
    assert.equal(await sum('저장'), 2);
    await page.getByRole('button', { name: '다른 파일 넣기' }).click();
    await give('태그.csv', CP949_TAGS);
    await page.getByRole('cell', { name: '온도' }).waitFor(WAIT);
    await take();
    assert.equal(await sum('저장'), 0);
    assert.equal(await sum('이미 있음'), 2);
    assert.match(await page.locator('.said').innerText(), /새로 저장할 것이 없/);
  });

  test('a wrong guess is put right by hand, and the preview follows', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/upload`);
    await give('값.csv', Buffer.from('tag;time;value\ncp.temp;2026-03-02T09:00:00;1,5\n'));
    await page.getByLabel('종류').waitFor(WAIT);
    await page.getByLabel('구분자').selectOption('tab');
    await page.getByText('제목 행').first().waitFor(WAIT);
    await page.getByRole('cell', { name: 'cp.temp;2026-03-02T09:00:00;1,5' }).waitFor(WAIT);
    await page.getByLabel('구분자').selectOption('semicolon');
    await page.getByRole('cell', { name: 'cp.temp', exact: true }).waitFor(WAIT);
  });

  test('rejected rows are named by line and column; nothing is stored, or the good rows alone', async () => {
    const { page } = desk;
    const table = Buffer.from('tag,time,value\ncp.temp,2026-03-02T09:00:00+09:00,20.5\ncp.temp,soon,21\n');
    await page.goto(`${url}/data/upload`);
    await give('값.csv', table);
    const fault = page.locator('[aria-label="잘못된 행"] tbody tr');
    await fault.waitFor(WAIT);
    assert.match(await fault.innerText(), /3[\s\S]*time[\s\S]*soon|3[\s\S]*soon[\s\S]*time/);
    const button = page.getByRole('button', { name: '가져오기', exact: true });
    assert.equal(await button.isDisabled(), true);
    await picture(page, 'upload-faults');
    await page.getByLabel('올바른 행만 넣기').check();
    await take();
    assert.equal(await sum('저장'), 1);
    assert.equal(await sum('거부'), 1);
    assert.match(await page.locator('[aria-label="잘못된 행"] tbody tr').innerText(), /soon/);
    await picture(page, 'upload-done');
    const download = page.waitForEvent('download', WAIT);
    await page.getByRole('link', { name: '거부한 행(CSV)' }).first().click();
    const rejected = await readFile(await (await download).path(), 'utf8');
    assert.match(rejected, /^\ufeff?line,reason\r\n3,/);
  });

  test('a large file goes in parts with a moving bar, goes on when the page is left, and can be stopped', async () => {
    const { page } = desk;
    const rows = ['tag,ts_ms,value'];
    for (let i = 0; i < ROWS; i++) {
      rows.push(`cp.many,${1_700_000_000_000 + i * 100},${i}`);
    }
    const table = Buffer.from(`${rows.join('\n')}\n`);
    const line = await desk.context.newCDPSession(page);
    await line.send('Network.enable');
    const speed = (uploadThroughput) =>
      line.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
    await speed(UPLOAD_BYTES_PER_S);
    await page.goto(`${url}/data/upload`);
    await give('many.csv', table);
    await page.getByRole('cell', { name: 'cp.many' }).first().waitFor(WAIT);
    await page.getByRole('button', { name: '가져오기', exact: true }).click(WAIT);
    const seen = new Set();
    const bar = page.locator('progress');
    await bar.waitFor(WAIT);
    while ((await page.getByRole('button', { name: '다른 파일 넣기' }).count()) === 0) {
      seen.add(await bar.getAttribute('value', { timeout: 500 }).catch(() => null));
      await page.waitForTimeout(50);
    }
    assert.ok([...seen].filter((one) => one !== null).length >= 3, `the bar stood at ${[...seen].join(' ')}`);
    assert.equal(await sum('저장'), ROWS);
    await page.getByRole('button', { name: '다른 파일 넣기' }).click();
    await give('many2.csv', Buffer.from(table.toString().replaceAll('cp.many', 'cp.more')));
    await page.getByRole('cell', { name: 'cp.more' }).first().waitFor(WAIT);
    await page.getByRole('button', { name: '가져오기', exact: true }).click(WAIT);
    await bar.waitFor(WAIT);
    await page.getByRole('link', { name: '데이터', exact: true }).click();
    await page.waitForSelector('.flow', WAIT);
    await page.getByRole('link', { name: '자료', exact: true }).click();
    await page.getByRole('button', { name: '중지' }).click(WAIT);
    await page.locator('.said', { hasText: '중지' }).waitFor(WAIT);
    await speed(-1);
    await line.detach();
  });

  test('what is downloaded comes back as nothing new', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/upload?part=export`);
    for (const [kind, extra] of [
      ['tags', {}],
      ['samples', { names: 'cp.temp,cp.pressure' }],
      ['samples', { names: 'cp.temp', format: 'xlsx' }],
    ]) {
      await page.goto(`${url}/data/upload?${new URLSearchParams({ part: 'export', as: kind, ...extra })}`);
      const waiting = page.waitForEvent('download', WAIT);
      await page.getByRole('button', { name: '내려받기', exact: true }).click();
      const download = await waiting;
      assert.match(download.suggestedFilename(), extra.format ? /\.xlsx$/ : /\.csv$/);
      const bytes = await readFile(await download.path());
      await page.goto(`${url}/data/upload`);
      await give(download.suggestedFilename(), bytes);
      await page.locator('[aria-label="처음 20행"] td').first().waitFor(WAIT);
      assert.equal(await page.getByLabel('종류').inputValue(), kind);
      await take();
      assert.equal(await sum('저장'), 0);
      assert.equal(await sum('거부'), 0);
      assert.ok((await sum('이미 있음')) > 0);
    }
    // Parquet is offered for samples alone, and is not given back.
    await page.goto(`${url}/data/upload?part=export&as=tags&format=parquet`);
    assert.equal(await page.getByLabel(/^형식/).inputValue(), 'csv');
    await page.goto(`${url}/data/upload?part=export&as=samples&names=cp.temp`);
    await page.getByLabel(/^형식/).selectOption('parquet');
    const waiting = page.waitForEvent('download', WAIT);
    await page.getByRole('button', { name: '내려받기', exact: true }).click();
    const download = await waiting;
    assert.match(download.suggestedFilename(), /-samples\.parquet$/);
    const bytes = await readFile(await download.path());
    assert.equal(`${bytes.subarray(0, 4)}${bytes.subarray(-4)}`, 'PAR1PAR1');
    await page.goto(`${url}/data/upload?part=export&names=no.such.tag`);
    await page.getByRole('button', { name: '내려받기', exact: true }).click();
    await page.locator('form [role=alert]').waitFor(WAIT);
  });

  //
  test('a stored value is found, shown and corrected with a reason', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/upload?part=correct&tag=cp.temp`);
    await page.getByLabel('시각', { exact: true }).fill('2026-03-02T09:00:10');
    await page.locator('[role=radiogroup] label.chosen', { hasText: '20.50' }).waitFor(WAIT);
    await page.getByLabel(/옳은 값 /).fill('25.5');
    const save = page.getByRole('button', { name: '정정 저장' });
    assert.equal(await save.isDisabled(), true, 'without a reason');
    await page.getByLabel('사유').fill('눈금을 잘못 읽음');
    await save.click();
    await page.locator('[role=radiogroup] label.chosen', { hasText: '25.50' }).waitFor(WAIT);
    const entry = page.locator('[aria-label="정정 이력"] li').first();
    await entry.waitFor(WAIT);
    assert.match(await entry.innerText(), /20\.5[\s\S]*25\.5[\s\S]*눈금을 잘못 읽음/);
    await page.getByLabel(/옳은 값 /).fill('warm');
    await page.getByLabel('사유').fill('x');
    await save.click();
    await page.locator('form [role=alert]').waitFor(WAIT);
    await picture(page, 'upload-correct');
  });

  test('a press on the trend picks the time', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/trend?tags=line1.press1.temp_mould`);
    await page.getByRole('link', { name: '값 정정' }).click(WAIT);
    await page.waitForURL(/part=correct&tag=line1\.press1\.temp_mould/);
    const over = page.locator('.u-over');
    await over.waitFor(WAIT);
    await page.waitForTimeout(1500);
    const box = await over.boundingBox();
    await page.mouse.move(box.x + box.width - 4, box.y + 40);
    await page.mouse.move(box.x + box.width - 2, box.y + 42);
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/at=/, WAIT);
    await page.locator('[role=radiogroup] label.chosen').waitFor(WAIT);
  });

  for (const look of someOf(SIZES)) {
    test(`at ${look.width}x${look.height} ${look.theme}: fits, can be pressed, breaks no rule of axe`, async () => {
      const { page, context, troubles } = await openPage(browser, { ...look, touch: look.width < 1000 });
      await context.addCookies(cookies);
      for (const [name, query] of [
        ['in', 'part=import'],
        ['out', 'part=export'],
        ['parquet', 'part=export&format=parquet'],
        ['correct', 'part=correct&tag=cp.temp&at=2026-03-02T09:00:10'],
      ]) {
        await page.goto(`${url}/data/upload?${query}`);
        await page.waitForSelector('.panel', WAIT);
        await page.waitForTimeout(800);
        if (name === 'in') {
          await page.setInputFiles('#u-file', { name: '태그.csv', mimeType: 'text/csv', buffer: CP949_TAGS });
          await page.getByRole('cell', { name: '온도' }).waitFor(WAIT);
        }
        await page.evaluate(() => document.querySelector('main').scrollTo(0, 0));
        await picture(page, `upload-${name}-${look.width}-${look.theme}`);
        assert.equal(await sideways(page), 0, `${name} scrolls sideways`);
        assert.deepEqual(await axe(page), []);
        assert.deepEqual(await smallTargets(page, look.width < 1000 ? 44 : 24), []);
      }
      assert.deepEqual(troubles, []);
      await context.close();
    });
  }
});
