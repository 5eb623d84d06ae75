// Words of the pages: ko.json and en.json hold the same keys (scripts/check-words.mjs sees to it).
// A placeholder is {name}; {name:A/B} also appends the Korean particle that fits the last letter
// (A after a final consonant, B after a vowel).
import ko from '../words/ko.json';
import en from '../words/en.json';
import { particle } from './hangul';

export type Key = keyof typeof ko;
export type Lang = 'ko' | 'en';
export type Params = Record<string, string | number>;

const tables: Record<Lang, Record<Key, string>> = { ko, en };
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

export function setLang(next: Lang): void {
  chosen.lang = next;
  localStorage.setItem(STORED, next);
  document.documentElement.lang = next;
}

/** In each language, for finding. */
export const both = (key: Key): string[] => [tables.ko[key], tables.en[key]];

const PLACEHOLDER = /\{(\w+)(?::([^/}]*)\/([^}]*))?\}/g;

export function t(key: Key, params?: Params): string {
  const text = tables[chosen.lang][key];
  if (!params) {
    return text;
  }
  return text.replace(PLACEHOLDER, (_all, name: string, closed?: string, open?: string) => {
    const value = String(params[name] ?? '');
    return closed === undefined || open === undefined ? value : value + particle(value, closed, open);
  });
}
