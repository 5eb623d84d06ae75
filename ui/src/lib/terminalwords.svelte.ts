// The terminal speaks the operator's language. Its words are files of their own (words/terminal): in the two
// languages of all pages and in four more, where what is missing is Korean.
import type ko from '../words/terminal/ko.json';
import { filled, lang, setLang, t as ofPages, type Key as PageKey, type Lang, type Params } from './words.svelte';

export type Tongue = Lang | 'vi' | 'ne' | 'uz' | 'th';
type Key = keyof typeof ko | 'terminal.title';
type Table = Partial<Record<Key, string>>;

/** Each by its own name. */
export const TONGUES: { id: Tongue; name: string }[] = [
  { id: 'ko', name: '\ud55c\uad6d\uc5b4' },
  { id: 'en', name: 'English' },
  { id: 'vi', name: 'Ti\u1ebfng Vi\u1ec7t' },
  { id: 'ne', name: '\u0928\u0947\u092a\u093e\u0932\u0940' },
  { id: 'uz', name: 'O\u02bbzbekcha' },
  { id: 'th', name: '\u0e44\u0e17\u0e22' },
];

const LOAD: Record<Tongue, () => Promise<{ default: Table }>> = {
  ko: () => import('../words/terminal/ko.json'),
  en: () => import('../words/terminal/en.json'),
  vi: () => import('../words/terminal/vi.json'),
  ne: () => import('../words/terminal/ne.json'),
  uz: () => import('../words/terminal/uz.json'),
  th: () => import('../words/terminal/th.json'),
};
const STORED = 'maru.terminal-lang';
const isPartial = (id: string | null): id is Exclude<Tongue, Lang> => id !== null && id in LOAD && id !== 'ko' && id !== 'en';

/** `ready`: there are words to show. */
export const spoken = $state<{ tongue: Tongue; ready: boolean }>({ tongue: 'ko', ready: false });
let table: Table = {};
let otherwise: Table = {};

export const tongue = (): Tongue => spoken.tongue;

/** Stays with what it was when the words do not come. */
async function speak(id: Tongue): Promise<void> {
  const [words, korean] = await Promise.all([LOAD[id](), LOAD.ko()]);
  table = words.default;
  otherwise = korean.default;
  Object.assign(spoken, { tongue: id, ready: true });
}

/** Chosen on the terminal: one of the four stays the terminal's own, the two are all pages'. */
export async function choose(id: Tongue): Promise<void> {
  await speak(id);
  if (isPartial(id)) {
    localStorage.setItem(STORED, id);
  } else {
    localStorage.removeItem(STORED);
    await setLang(id);
  }
}

/** The language that this browser's terminal had, else that of the pages. */
export function take(): Promise<void> {
  const kept = localStorage.getItem(STORED);
  return speak(isPartial(kept) ? kept : lang());
}

export function t(key: Key | PageKey, params?: Params): string {
  void spoken.tongue;
  const text = table[key as Key] ?? otherwise[key as Key];
  return text === undefined ? ofPages(key as PageKey, params) : filled(text, params);
}
