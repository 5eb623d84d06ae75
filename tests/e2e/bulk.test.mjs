// Tags as a table: typed, pasted from a spreadsheet, undone, checked while they come, saved as one step;
// what somebody else changed meanwhile is told and not overwritten.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { axe, launch, openPage, picture } from './browser.mjs';
import { freePort, openDemo, START_MS, stopAll } from './program.mjs';

const MANY = 5_000;
const PAINT_MS = 1_000;

describe('tags as a table', () => {
  let browser;
  let desk;
  let url;

  before(async () => {
    browser = await launch();
    ({ url, desk } = await openDemo(browser));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  const api = (path, options = {}) =>
    desk.page.evaluate(
      async ([where, given]) => {
        const answer = await fetch(`/api/v1/plants/${where}`, { ...given, headers: { 'X-Requested-With': 'maru', ...given.headers } });
        const text = await answer.text();
        return { status: answer.status, body: answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text };
      },
      [path, options],
    );
  let plant;
  const put = (name, body) => api(`${plant}/tags/${name}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

  const paste = (text) =>
    desk.page.evaluate((what) => {
      const data = new DataTransfer();
      data.setData('text/plain', what);
      document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    }, text);
  const cell = (name, column) => desk.page.locator(`[role="row"]:has([data-c="0"]:text-is("${name}")) [data-c="${column}"]`);
  const saved = async () => {
    await desk.page.getByRole('button', { name: /행 저장$/ }).click({ timeout: START_MS });
    await desk.page.getByText(/행을 저장했습니다/).waitFor({ timeout: START_MS });
  };

  async function openTable() {
    const { page } = desk;
    await page.goto(`${url}/data/devices?view=table&lang=ko`);
    await page.locator('[role="grid"] [role="gridcell"]').first().waitFor({ timeout: START_MS });
    plant ??= (await page.evaluate(() => fetch('/api/v1/plants').then((a) => a.json()))).items[0].id;
  }

  test('a block pasted behind the last row makes new tags', async () => {
    const { page } = desk;
    await openTable();
    await page.locator('[role="gridcell"][data-c="1"]').first().click();
    await page.keyboard.press('Control+End');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowDown');
    // As Excel puts it: a quoted cell with a quote in it, and thousands with commas.
    await paste('bulk.a\t"온도 ""A"""\t\t\tf64\t°C\tmeasurement\t0.1\t0\t0\t"1,200"\r\nbulk.b\t압력\t\t\tf99\tbar\r\nbulk.c\t유량\t\t\ti64\tL\r\n');
    await page.getByRole('button', { name: '고칠 행 1개' }).waitFor({ timeout: START_MS });
    assert.ok(await page.getByRole('button', { name: '3행 저장' }).isDisabled(), 'a fault stops saving');
    await page.getByRole('button', { name: '고칠 행 1개' }).click();

    await page.getByText(/f99.*형식이 아닙니다/).first().waitFor({ timeout: START_MS });
    await picture(page, 'bulk-fault');
    await page.keyboard.type('f64');
    await page.keyboard.press('Enter');
    await saved();
    const { body } = await api(`${plant}/tags/bulk.a`);
    assert.deepEqual([body.display, body.unit, body.scale, body.max], ['온도 "A"', '°C', 0.1, 1200]);
  });

  test('filling down, undoing and doing again', async () => {
    const { page } = desk;
    await page.getByRole('searchbox').last().fill('bulk.');
    await cell('bulk.a', 5).click();
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Control+d');
    assert.equal(await cell('bulk.c', 5).innerText(), '°C');
    await page.keyboard.press('Control+z');
    assert.equal(await cell('bulk.c', 5).innerText(), 'L');
    await page.keyboard.press('Control+y');
    await cell('bulk.c', 7).click();
    await page.keyboard.press('F2');
    await page.keyboard.press('End');
    await page.keyboard.type('0');
    await page.keyboard.press('Tab');
    await page.keyboard.type('-5');
    await page.keyboard.press('Enter');
    await saved();
    const { body } = await api(`${plant}/tags/bulk.c`);
    assert.deepEqual([body.unit, body.scale, body.offset], ['°C', 10, -5]);
  });

  test('what somebody else changed is told and not overwritten', async () => {
    const { page } = desk;
    await page.getByRole('searchbox').last().fill('bulk.');
    await cell('bulk.a', 5).click();
    await page.keyboard.type('K');
    await page.keyboard.press('Enter');
    assert.equal((await put('bulk.a', { unit: '°F', display: '남이 바꿈' })).status, 200);
    assert.equal((await put('bulk.b', { unit: 'kPa' })).status, 200);
    await cell('bulk.a', 8).click();
    await page.keyboard.type('3');
    await page.keyboard.press('Enter');
    await page.getByText('1행을 다른 사람도 바꿨습니다').waitFor({ timeout: START_MS });
    assert.equal(await cell('bulk.a', 1).innerText(), '남이 바꿈', 'what was not changed here is taken over');
    assert.equal(await cell('bulk.b', 5).innerText(), 'kPa');
    assert.ok(await page.getByRole('button', { name: '1행 저장' }).isDisabled());
    assert.equal((await api(`${plant}/tags/bulk.a`)).body.unit, '°F');
    await cell('bulk.a', 5).click();
    await page.getByText('다른 사람이 저장한 값: °F').waitFor();
    await picture(page, 'bulk-disputed');
    await page.getByRole('button', { name: '내 값으로' }).click();
    await saved();
    const { body } = await api(`${plant}/tags/bulk.a`);
    assert.deepEqual([body.unit, body.offset, body.display], ['K', 3, '남이 바꿈']);
  });

  test('five thousand rows stay quick, and a table with its header goes by names', async () => {
    const { page } = desk;
    await page.getByRole('searchbox').last().fill('');
    await page.locator('[role="gridcell"][data-c="1"]').first().click();
    const rows = Array.from({ length: MANY }, (_, i) => `많음 ${i}\tbulk.many${i}\tkW`);
    await paste(['이름\t태그\t단위', ...rows, '이름 바꿈\tbulk.b\tbar'].join('\r\n'));
    await page.getByRole('button', { name: `${MANY + 1}`.replace(/(\d)(\d{3})$/, '$1,$2') + '행 저장' }).waitFor({ timeout: START_MS });
    const ms = await page.evaluate(async () => {
      const view = document.querySelector('.view');
      const begin = performance.now();
      for (let i = 0; i < 10; i++) {
        view.scrollTop = (view.scrollHeight / 10) * i;
        await new Promise(requestAnimationFrame);
      }
      return performance.now() - begin;
    });
    assert.ok(ms < 10 * PAINT_MS, `ten screens took ${ms} ms`);
    assert.ok((await page.locator('[role="row"]').count()) < 100, 'only rows in view exist');
    await saved();
    assert.deepEqual((await api(`${plant}/tags/bulk.b`)).body.display, '이름 바꿈');
    assert.equal((await api(`${plant}/tags/bulk.many${MANY - 1}`)).body.unit, 'kW');
  });

  test('a template is kept and made again under other names', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/devices?lang=ko`);
    await page.getByRole('button', { name: '템플릿', exact: true }).click({ timeout: START_MS });
    await page.getByRole('button', { name: '템플릿으로 보관' }).click({ timeout: START_MS });
    await page.getByLabel('템플릿 이름').fill('사출기');
    await page.locator('label.check', { hasText: 'press1' }).click();
    await page.getByRole('button', { name: '저장', exact: true }).click();
    await page.getByRole('button', { name: '만들기' }).click({ timeout: START_MS });
    await page.getByLabel('line1.press1 대신 쓸 이름').fill('line3.press9');
    await page.getByLabel('설비 이름').first().fill('사출 9');
    await page.getByLabel('press1 대신 쓸 장치 ID').fill('press9');
    await page.getByLabel('press1의 새 주소').fill(`127.0.0.1:${await freePort()}`);
    await page.getByRole('button', { name: '미리 보기' }).click();
    await page.getByText(/새로 만드는 것 \d+개/).waitFor({ timeout: START_MS });
    assert.deepEqual(await axe(page), []);
    await picture(page, 'template-preview');
    assert.equal((await api(`${plant}/devices/press9`)).status, 404, 'a look makes nothing');
    await page.getByRole('button', { name: '만들기' }).click();
    for (const end = Date.now() + START_MS; Date.now() < end && (await api(`${plant}/devices/press9`)).status === 404; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await page.getByRole('dialog').getByRole('button', { name: '닫기' }).last().click({ timeout: START_MS });
    const { body } = await api(`${plant}/tags/line3.press9.strokes`);
    assert.deepEqual([body.device, body.unit], ['press9', '회']);
    const made = (await api(`${plant}/assets`)).body.items.find((one) => one.id === 'press9');
    assert.deepEqual([made.parent, made.display], ['line3', '사출 9']);
    desk.troubles.splice(0, desk.troubles.length, ...desk.troubles.filter((one) => !/404/.test(one)));
  });

  test('mail is set up on a page, and a try says what went wrong', async () => {
    const { page } = desk;
    await page.goto(`${url}/settings/mail?lang=ko`);
    await page.getByLabel('메일 서버', { exact: true }).fill('127.0.0.1');
    await page.getByLabel('포트', { exact: true }).fill(String(await freePort()));
    await page.getByLabel('보내는 주소').fill('maru@plant.example');
    await page.getByLabel('받는 사람 1의 주소').fill('kim@plant.example');
    await page.getByRole('button', { name: '저장', exact: true }).click();
    await page.getByText('저장했습니다.').waitFor({ timeout: START_MS });
    await page.getByRole('button', { name: '시험 메일 보내기' }).click();
    await page.getByText(/연결할 수 없습니다/).first().waitFor({ timeout: START_MS });
    await picture(page, 'settings-mail');
    desk.troubles.splice(0, desk.troubles.length, ...desk.troubles.filter((one) => !/502/.test(one)));
  });

  test('devices are a table as well, and a phone keeps the list', async () => {
    const { page } = desk;
    await page.goto(`${url}/data/devices?view=table&of=devices&lang=ko`);
    await page.locator('[role="gridcell"][data-c="2"]').first().waitFor({ timeout: START_MS });
    assert.deepEqual(await axe(page), []);
    await picture(page, 'bulk-devices');
    const phone = await openPage(browser, { width: 390, height: 844 });
    await phone.context.addCookies(await desk.context.cookies());
    await phone.page.goto(`${url}/data/devices?view=table`);
    await phone.page.locator('ul.list li').first().waitFor({ timeout: START_MS });
    assert.equal(await phone.page.locator('[role="grid"]').count(), 0);
    await phone.context.close();
    assert.deepEqual(desk.troubles, []);
  });
});
