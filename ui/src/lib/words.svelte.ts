// Words of the pages: ko.json and en.json hold the same keys (scripts/check-words.mjs sees to it).
// A placeholder is {name}; {name:A/B} also appends the Korean particle that fits the last letter
// (A after a final consonant, B after a vowel).
// The words of the language that is read come with the page, those of the other one when they are asked for.
import type ko from '../words/ko.json';
import { particle } from './hangul';

export type Key = keyof typeof ko;
export type Lang = 'ko' | 'en';
export type Params = Record<string, string | number>;

type Table = Record<Key, string>;
const tables: Partial<Record<Lang, Table>> = {};
let table = {} as Table; // Of the language that is read.
const STORED = 'maru.lang';

function firstLang(): Lang {
  const asked = new URLSearchParams(location.search).get('lang');
  if (asked === 'ko' || asked === 'en') {
    return asked;
  }
  const kept = localStorage.getItem(STORED);
  if (kept === 'ko' || kept === 'en') {
    return kept;
  }
  return navigator.languages.some((l) => l.startsWith('ko')) || !navigator.language.startsWith('en')
    ? 'ko'
    : 'en';
}

const chosen = $state<{ lang: Lang }>({ lang: firstLang() });
document.documentElement.lang = chosen.lang;

export function lang(): Lang {
  return chosen.lang;
}

/** Before anything is shown; afterwards for the other language. */
export async function loadWords(language: Lang = chosen.lang): Promise<void> {
  tables[language] ??= (await (language === 'ko' ? import('../words/ko.json') : import('../words/en.json'))).default;
  if (language === chosen.lang) {
    table = tables[language];
  }
}

/** Stays with the language it is when the words of the other one do not come. */
export async function setLang(next: Lang): Promise<void> {
  await loadWords(next).catch(() => undefined);
  const words = tables[next];
  if (!words) {
    return;
  }
  table = words;
  chosen.lang = next;
  localStorage.setItem(STORED, next);
  document.documentElement.lang = next;
}

/** In each language that is there, for finding. */
export const both = (key: Key): string[] => [tables.ko, tables.en].flatMap((one) => one?.[key] ?? []);

const PLACEHOLDER = /\{(\w+)(?::([^/}]*)\/([^}]*))?\}/g;

/** The words with what belongs into their places. */
export function filled(text: string, params?: Params): string {
  if (!params) {
    return text;
  }
  return text.replace(PLACEHOLDER, (_all, name: string, closed?: string, open?: string) => {
    const value = String(params[name] ?? '');
    return closed === undefined || open === undefined ? value : value + particle(value, closed, open);
  });
}

export function t(key: Key, params?: Params): string {
  void chosen.lang; // Whoever shows words shows them anew in another language.
  return filled(table[key], params);
}
