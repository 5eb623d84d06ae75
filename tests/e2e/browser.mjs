// One Chromium for a test file, Debian's own, without any network but loopback.
import { chromium } from 'playwright-core';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const ROOT = join(here, '..', '..');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-domain-reliability',
  '--no-first-run',
  '--no-default-browser-check',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export function launch() {
  const executablePath = process.env.MARU_CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: FLAGS });
}

/** The whole run: every page at every size. The quick run takes some of them. */
export const ALL = process.env.MARU_PICTURES === 'all';
/** A wide and a narrow one of four looks, or all. */
export const someOf = (looks) => looks.filter((_, i) => ALL || i % 3 === 0);

/** A page that notes every console error, page error and request to another host. */
export async function openPage(browser, { width, height, theme = 'light', lang = 'ko', touch = width < 1000, worker = false }) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: lang === 'ko' ? 'ko-KR' : 'en-US',
    timezoneId: 'Asia/Seoul',
    hasTouch: touch,
    acceptDownloads: true,
    // Most tests look at the program itself; those of offline reading let its worker in.
    serviceWorkers: worker ? 'allow' : 'block',
  });
  const page = await context.newPage();
  const troubles = [];
  page.on('console', (message) => {
    if (/Service Worker registration blocked/.test(message.text())) {
      return;
    }
    if (message.type() === 'error' || message.type() === 'warning') {
      troubles.push(`${message.type()}: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => troubles.push(`page error: ${error.message}`));
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && hostname !== '127.0.0.1') {
      troubles.push(`a request left the machine: ${request.url()}`);
    }
  });
  return { page, context, troubles };
}

/** Violations that axe-core finds, one line each. */
export async function axe(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    // Only what is wrong is asked for: what passes takes as long to tell again.
    globalThis.axe.run(document, { resultTypes: ['violations'], preload: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')} (${one.help}) ${node.failureSummary ?? ''}`));
}

/** Things to press that are smaller than `least` in either direction. */
export function smallTargets(page, least) {
  return page.evaluate((size) => {
    const out = [];
    for (const element of document.querySelectorAll('a[href], button, input, select, summary, [role="option"]')) {
      // A control inside a larger label or row is pressed through it.
      const target = (element.matches('input[type="checkbox"], input[type="radio"]') ? element.closest('.c-check, label') : null) ?? element;
      const box = target.getBoundingClientRect();
      const style = getComputedStyle(element);
      const hidden = box.width === 0 || style.visibility === 'hidden' || box.bottom < 0 || element.classList.contains('skip');
      const inText = element.tagName === 'A' && element.closest('p, dd');
      if (!hidden && !inText && (box.height < size - 0.5 || box.width < size - 0.5)) {
        out.push(`${element.tagName} ${element.className} ${Math.round(box.width)}x${Math.round(box.height)} "${(element.textContent ?? '').trim().slice(0, 30)}"`);
      }
    }
    return out;
  }, least);
}

/** How far the page can be scrolled sideways, in pixels. */
export function sideways(page) {
  return page.evaluate(() => {
    const main = document.querySelector('main');
    return Math.max(document.documentElement.scrollWidth - innerWidth, main ? main.scrollWidth - main.clientWidth : 0);
  });
}

/** Least contrast of visible text against what is painted behind it, with the text that has it. */
export function leastContrast(page, selector) {
  return page.evaluate((within) => {
    const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const light = ([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = parse(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) {
          return colour;
        }
      }
      return [255, 255, 255];
    };
    let least = { ratio: 21, text: '' };
    for (const root of document.querySelectorAll(within)) {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const text = walker.currentNode.textContent.trim();
        if (text === '' || element.closest('.hidden-words') || element.getClientRects().length === 0) {
          continue;
        }
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < least.ratio) {
          least = { ratio: Math.round(ratio * 100) / 100, text: `${text.slice(0, 40)} <${element.tagName} ${element.className}>` };
        }
      }
    }
    return least;
  }, selector);
}

const PICTURES = process.env.MARU_PICTURES_DIR ?? join(ROOT, 'build', 'pictures');
export async function picture(page, name, folder = PICTURES) {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
