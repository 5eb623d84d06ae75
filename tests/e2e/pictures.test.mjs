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
const AGE_MS = Number(process.env.MARU_PICTURES_AGE_MS ?? 240_000);
const DESK = { width: 1280, height: 800 };
const P1 = 'line1.press1';

const open = (selector) => (page) => page.locator(selector).first().click();
const down = (selector) => (page) => page.locator(selector).first().evaluate((element) => element.scrollIntoView());
/** Name, address, what must be there, what is done before. */
const PICTURES = [
  ['floor', '/floor', 'article.panel .big'],
  ['machine', `/floor?machine=${P1}`, 'aside li'],
  ['flow', '/data/flow', '.flow table'],
  ['live', '/data/live', '[role=row].body'],
  ['trend', `/data/trend?tags=${P1}.temp_mould,${P1}.inj_pressure,${P1}.screw_pos&range=15m`, '.uplot canvas'],
  ['devices', '/data/devices?device=press1', 'form'],
  ['tag', `/data/tag?name=${P1}.temp_mould`, 'h1'],
  ['tables', '/data/upload', 'h1'],
  ['correct', `/data/upload?do=correct&tag=${P1}.temp_mould`, 'h1'],
  ['papers', '/data/papers', 'h1'],
  ['outbox', '/data/outbox', 'h1'],
  ['scan', '/scan', 'h1'],
  ['health', '/health', 'h1'],
  ['settings', '/settings', 'h1'],
  ['people', '/settings/people', 'h1'],
  ['keeping', '/settings/keeping', 'h1'],
  ['wizard', '/start/lines', 'h1'],
  ['wizard-device', '/start/device', 'h1'],
  ['backup', '/start/backup', 'h1'],
];
const OTHER = [
  ['phone', '/floor', 'article.panel .big', { width: 390, height: 780 }],
  ['tv', '/tv?pages=floor&every=20s', 'article.panel .big', { width: 1280, height: 720, touch: false }],
];

let browser;
let painter;
const demos = {};
before(async () => {
  if (TAKE) {
    browser = await launch();
    painter = (await openPage(browser, DESK)).page;
    for (const lang of ['ko', 'en']) {
      demos[lang] = await openDemo(browser, ['--lang', lang]);
    }
    await new Promise((resolve) => setTimeout(resolve, AGE_MS));
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
    const { url, desk } = demos[lang];
    const cookies = await desk.context.cookies();
    mkdirSync(join(DOCS, lang), { recursive: true });
    const { page, context } = await openPage(browser, { ...DESK, lang });
    await context.addCookies(cookies);
    for (const [name, path, wait, act] of PICTURES) {
      await page.goto(url + path);
      await page.waitForSelector(wait);
      await page.waitForTimeout(2500);
      await act?.(page);
      await save(await page.screenshot(), join(DOCS, lang, `${name}.webp`));
    }
    await context.close();
    for (const [name, path, wait, look] of OTHER) {
      const other = await openPage(browser, { ...look, lang });
      await other.context.addCookies(cookies);
      await other.page.goto(url + path);
      await other.page.waitForSelector(wait);
      await other.page.waitForTimeout(2500);
      await save(await other.page.screenshot(), join(DOCS, lang, `${name}.webp`));
      await other.context.close();
    }
  });
}
