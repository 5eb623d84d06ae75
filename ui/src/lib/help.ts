// The documents for users inside the program: chapters that the build made of docs/user (scripts/help.mjs).
import chapters from '../help.json';
import { findIn, hayOf, needleOf, type Hay } from './hangul';
import type { Lang } from './words.svelte';

export interface Head {
  level: number;
  text: string;
  id: string;
}
export interface Chapter {
  id: string;
  title: string;
  heads: Head[];
  html: string;
}
export interface Group {
  title: string;
  chapters: Chapter[];
}

export const isHelp = (path: string): boolean => path === '/help' || path.startsWith('/help/');

export async function readHelp(language: Lang): Promise<Group[]> {
  return (await (language === 'ko' ? import('virtual:help/ko') : import('virtual:help/en'))).default;
}

/** Where the help about a page stands. */
export function helpOf(path: string): string {
  const known: Record<string, string> = chapters;
  const parent = path.split('/').slice(0, 2).join('/');
  return `/help/${known[path] ?? known[parent] ?? ''}`.replace(/\/$/, '');
}

/** A stretch of text below one heading. */
interface Passage {
  to: string;
  chapter: string;
  title: string;
  text: string;
  titleHay: Hay;
  textHay: Hay;
}

export function passagesOf(groups: Group[]): Passage[] {
  const out: Passage[] = [];
  for (const chapter of groups.flatMap((group) => group.chapters)) {
    const page = new DOMParser().parseFromString(chapter.html, 'text/html');
    let open = { to: `/help/${chapter.id}`, title: chapter.title, text: [] as string[] };
    const close = (): void => {
      const text = open.text.join(' ').replace(/\s+/g, ' ').trim();
      out.push({ to: open.to, chapter: chapter.title, title: open.title, text, titleHay: hayOf(open.title, chapter.title), textHay: hayOf(text) });
    };
    for (const element of page.body.children) {
      if (/^H[2-4]$/.test(element.tagName)) {
        close();
        open = { to: `/help/${chapter.id}#${element.id}`, title: element.textContent ?? '', text: [] };
      } else if (element.tagName !== 'H1') {
        open.text.push(element.textContent ?? '');
      }
    }
    close();
  }
  return out;
}

export interface Found {
  to: string;
  chapter: string;
  title: string;
  /** Before, hit and after; the hit is empty where the heading matched. */
  around: [string, string, string];
}

const MOST = 30;
const BEFORE = 28;
const AFTER = 64;

/** Headings first, then the text below them. */
export function findHelp(passages: Passage[], asked: string): Found[] {
  const needle = needleOf(asked);
  if (needle.plain === '') {
    return [];
  }
  const hit = ({ to, chapter, title }: Passage, around: [string, string, string]): Found => ({ to, chapter, title, around });
  const titles = passages.filter((one) => findIn(one.titleHay, needle) >= 0);
  const texts = passages.filter((one) => !titles.includes(one) && findIn(one.textHay, needle) >= 0);
  return [...titles.map((one) => hit(one, [one.text.slice(0, BEFORE + AFTER), '', ''])), ...texts.map((one) => hit(one, excerpt(one, needle.plain.length, findIn(one.textHay, needle))))].slice(0, MOST);
}

// The hay has no spaces: the hit is found again by counting the others.
function excerpt(passage: Passage, length: number, at: number): [string, string, string] {
  const text = passage.text.normalize('NFC');
  let begin = -1;
  let end = text.length;
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    if (/\s/.test(text[i] ?? '')) {
      continue;
    }
    if (seen === at) {
      begin = i;
    }
    seen++;
    if (seen === at + length) {
      end = i + 1;
      break;
    }
  }
  const from = Math.max(0, begin - BEFORE);
  return [(from > 0 ? '\u2026' : '') + text.slice(from, begin), text.slice(begin, end), text.slice(end, end + AFTER)];
}
