// Words of the pages: ko.json and en.json hold the same keys (scripts/check-words.mjs sees to it).
// A placeholder is {name}; {name:A/B} also appends the Korean particle that fits the last letter
// (A after a final consonant, B after a vowel).
// The words of the language that is read come with the page, those of the other one when they are asked for;
// those of one page alone come with that page (words/later).
import type ko from '../words/ko.json';
import type { Group, Later } from '../words/later';
import { particle } from './hangul';

export type Key = keyof typeof ko | { [G in Group]: keyof Later[G] }[Group];
export type { Group };
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

const LATER = import.meta.glob<{ default: Partial<Table> }>('../words/later/*.json');
const wanted = new Set<Group>();
const asked = new Set<Lang>();

const laterOf = async (language: Lang, groups: Iterable<Group>): Promise<Partial<Table>[]> =>
  (await Promise.all([...groups].map((group) => LATER[`../words/later/${group}.${language}.json`]!()))).map((one) => one.default);

/** Before anything is shown; afterwards for the other language. With it come the words of pages that were opened. */
export async function loadWords(language: Lang = chosen.lang): Promise<void> {
  asked.add(language);
  const first = language === 'ko' ? import('../words/ko.json') : import('../words/en.json');
  const [{ default: words }, later] = await Promise.all([first, laterOf(language, wanted)]);
  tables[language] = Object.assign(tables[language] ?? {}, words, ...later) as Table;
  if (language === chosen.lang) {
    table = tables[language];
  }
}

/** The words of a page, in each language that is there or on its way; refuses when those that are read do not come. */
export async function wantWords(groups: Group[]): Promise<void> {
  groups.forEach((group) => wanted.add(group)); // Whoever asks for a language from now on gets them with it.
  const bring = async (language: Lang): Promise<void> => {
    const words = await laterOf(language, groups);
    tables[language] = Object.assign(tables[language] ?? {}, ...words) as Table;
  };
  await Promise.all([...asked].map((one) => (one === chosen.lang ? bring(one) : bring(one).catch(() => undefined))));
}

/** Stays with the language it is when the words of the other one do not come. */
export async function setLang(next: Lang): Promise<void> {
  const words = await loadWords(next).then(() => tables[next], () => undefined);
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
