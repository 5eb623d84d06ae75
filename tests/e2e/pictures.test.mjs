// The pictures of the documents (docs/pictures), of the demo in both languages: MARU_PICTURES_TO_DOCS=1 takes
// them anew. WebP, so that all of them together weigh little in the program.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launch, openPage, ROOT } from './browser.mjs';
import { openDemo, stopAll } from './program.mjs';

const DOCS = join(ROOT, 'docs', 'pictures');
const TAKE = process.env.MARU_PICTURES_TO_DOCS === '1';
// A few minutes of history make the pictures honest; they are taken as the demo then stands.
const AGE_MS = Number(process.env.MARU_PICTURES_AGE_MS ?? 60_000);
const DESK = { width: 1280, height: 800 };
const P1 = 'line1.press1';
const ONLY = (process.env.MARU_PICTURES_ONLY ?? '').split(',').filter(Boolean); // By name; empty: all.

const TABLE = 'tag,time,value\nline1.scale.weight,2026-03-02 09:10,12.4\nline1.scale.weight,2026-03-02 09:11,12.6\nline1.scale.weight,2026-03-02 09:12,ok\n';
/** A file that has one row at fault. */
async function choose(page) {
  await page.setInputFiles('#u-file', { name: 'scale.csv', mimeType: 'text/csv', buffer: Buffer.from(TABLE) });
  await page.waitForSelector('main table');
  await page.waitForTimeout(800);
}
/** The passport of the lot that press 1 makes, with its curves. */
async function openLot(page) {
  await page.locator('main li a', { hasText: 'P-110' }).first().click();
  await page.waitForSelector('.uplot canvas');
  await page.waitForTimeout(1500);
}
const openItem = async (page) => page.locator('main li button', { hasText: 'R-ABS' }).first().click();
/** Names of what the demo does not have by itself. */
const OWN = {
  ko: { invitations: ['이정비 \u00b7 2교대', '박기사 \u00b7 공급기업'], indicator: '불량률', source: '검사 일지', why: '흑점' },
  en: { invitations: ['Lee, second shift', 'Park, supplier'], indicator: 'Reject rate', source: 'inspection log', why: 'black specks' },
};
async function prepare(page, lang) {
  await page.evaluate(async ({ invitations, indicator, source, why }) => {
    const ask = async (method, path, body) => {
      const headers = { 'Content-Type': 'application/json', 'X-Requested-With': 'maru', 'Idempotency-Key': crypto.randomUUID() };
      const answer = await fetch(`/api/v1/plants/demo/${path}`, { method, headers, body: JSON.stringify(body) });
      if (!answer.ok) {
        throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      }
      return answer.status === 204 ? null : answer.json();
    };
    const { items } = await (await fetch('/api/v1/plants/demo/orders')).json();
    await ask('POST', 'events', { type: 'order.book', order: items.find((one) => one.item === 'P-110').order });
    await ask('POST', 'events', { type: 'lot.hold', lot: 'ABS-2611-12', why });
    await ask('POST', 'events', { type: 'board.run' });
    await ask('POST', 'invitations', { role: 'operator', label: invitations[0] });
    await ask('POST', 'invitations', { role: 'installer', label: invitations[1] });
    const made = await ask('POST', 'indicators', { effect: 'quality', name: indicator, unit: '%', better: 'lower', baseline: 2.4, target: 1.2, target_date: '2026-12-31' });
    for (const [i, value] of [2.3, 2.1, 2.2, 1.8, 1.6].entries()) {
      const month = new Date(Date.now() - (5 - i) * 30.5 * 86_400_000).toISOString().slice(0, 7);
      await ask('PUT', `indicators/${made.number}/values`, { month, value, source });
    }
  }, OWN[lang]);
}
/** Two lots shipped, and the label of the first order. */
async function ship(page) {
  await page.evaluate(async () => {
    const tell = (key, body) => fetch('/api/v1/plants/demo/events', { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'maru', 'Idempotency-Key': key }, body: JSON.stringify(body) });
    for (const [i, quantity] of [480, 360].entries()) {
      await tell(`picture-${i}`, { type: 'stock.receive', item: 'C-200', lot: `C-26110${i + 1}`, quantity, place: 'FG' });
    }
    await tell('picture-2', { type: 'delivery.ship', partner: 'DAEIL', lot: ['C-261101'] });
    await tell('picture-3', { type: 'delivery.ship', partner: 'DAEIL', lot: ['C-261102'] });
  });
  await page.reload();
  await page.waitForSelector('main ul.list li');
}
async function label(page) {
  await page.getByRole('button', { name: /^(라벨|Label)$/ }).first().click();
  await page.waitForSelector('dialog img');
  await page.waitForTimeout(400);
}
/** Name, address, what must be there, how high, what is done before. */
const PICTURES = [
  ['floor', '/floor', 'article.panel .big'],
  ['machine', `/floor?machine=${P1}`, 'aside li'],
  ['flow', '/data/flow', '.flow table'],
  ['live', '/data/live', '[role=row].body'],
  ['trend', `/data/trend?tags=${P1}.temp_mould,${P1}.inj_pressure,${P1}.screw_pos&range=15m`, '.uplot canvas'],
  ['devices', '/data/devices?device=press1', 'form'],
  ['tag', `/data/tag?name=${P1}.temp_mould`, 'h1'],
  ['tables', '/data/upload', 'h1', 800, choose],
  ['correct', `/data/upload?part=correct&tag=${P1}.temp_mould&range=15m`, '.uplot canvas'],
  ['papers', '/data/papers', 'h1'],
  ['indicators', '/data/indicators', 'main svg', 560],
  ['master', '/data/master', 'main table', 700],
  ['forms', '/forms', 'main ul.panel li', 620],
  ['maintenance', '/maintenance', 'main ul.panel li', 620],
  ['deliveries', '/deliveries', 'h1', 480, ship],
  ['label', '/orders', 'main ul.orders li', 760, label],
  ['inspections', '/inspections', 'main ul.panel li', 700],
  ['scan', '/scan', 'h1', 560],
  ['orders', '/orders', 'progress', 900],
  ['lot', '/lots', 'main li a', 1180, openLot],
  ['stock', '/stock', 'main li button', 760, openItem],
  ['output', '/output', 'dl.sums', 1240],
  ['sales', '/sales', 'main section', 440],
  ['costs', '/costs', 'main ul.list', 660],
  ['health', '/health', 'h1', 700],
  ['settings', '/settings', 'h1', 560],
  ['people', '/settings/people', 'h1', 560],
  ['keeping', '/settings/keeping', 'h1', 660],
  ['wizard', '/start/lines', 'h1', 720],
  ['wizard-device', '/start/device', 'h1', 440],
  ['backup', '/start/backup', 'h1', 600],
];
const OTHER = [
  ['phone', '/floor', 'article.panel .big', { width: 390, height: 780 }],
  ['tv', '/tv?pages=floor&every=20s', 'article.panel .big', { width: 1280, height: 720, touch: false }],
];

const wanted = (name) => ONLY.length === 0 || ONLY.includes(name);

let browser;
let painter;
before(async () => {
  if (TAKE) {
    browser = await launch();
    painter = (await openPage(browser, DESK)).page;
  }
});
after(async () => {
  await browser?.close();
  await stopAll();
});

/** A screenshot as WebP, made by the browser itself. */
async function save(png, file) {
  const bytes = await painter.evaluate(async (base64) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height);
    canvas.getContext('2d').drawImage(image, 0, 0);
    const made = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 })).arrayBuffer());
    return btoa(Array.from(made, (byte) => String.fromCharCode(byte)).join(''));
  }, png.toString('base64'));
  const webp = Buffer.from(bytes, 'base64');
  assert.equal(webp.toString('latin1', 8, 12), 'WEBP');
  writeFileSync(file, webp);
}

for (const lang of ['ko', 'en']) {
  test(`pictures of the documents, ${lang}`, { skip: !TAKE && 'only with MARU_PICTURES_TO_DOCS=1' }, async () => {
    const { url, desk } = await openDemo(browser, ['--lang', lang]);
    await new Promise((resolve) => setTimeout(resolve, AGE_MS));
    const cookies = await desk.context.cookies();
    mkdirSync(join(DOCS, lang), { recursive: true });
    const { page, context } = await openPage(browser, { ...DESK, lang });
    await context.addCookies(cookies);
    await page.goto(`${url}/floor`);
    await prepare(page, lang);
    for (const [name, path, wait, height = DESK.height, act] of PICTURES.filter(([one]) => wanted(one))) {
      await page.setViewportSize({ ...DESK, height });
      await page.goto(url + path);
      await page.waitForSelector(wait);
      await page.waitForTimeout(2500);
      await act?.(page);
      await save(await page.screenshot(), join(DOCS, lang, `${name}.webp`));
    }
    await context.close();
    for (const [name, path, wait, look] of OTHER.filter(([one]) => wanted(one))) {
      const other = await openPage(browser, { ...look, lang });
      await other.context.addCookies(cookies);
      await other.page.goto(url + path);
      await other.page.waitForSelector(wait);
      await other.page.waitForTimeout(2500);
      await save(await other.page.screenshot(), join(DOCS, lang, `${name}.webp`));
      await other.context.close();
    }
    await stopAll();
  });
}
