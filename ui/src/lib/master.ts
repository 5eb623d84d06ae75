// Master data: what the program says of its nouns and fields. Pages make tables and forms from it and know
// no noun by name.
import { get, plantPath, query, type Items, type Plant } from './api';
import { lang } from './words.svelte';
import type { Key } from './words.svelte';

export interface Choice {
  name: string;
  words: string;
}
export interface Field {
  name: string;
  words: string;
  kind: string;
  key: boolean;
  needed: boolean;
  personal: boolean;
  preset: string;
  noun: string;
  choices: Choice[];
}
export interface Noun {
  name: string;
  words: string;
  group: string;
  fields: Field[];
}
export interface Nouns {
  items: Noun[];
  may_change: boolean;
}
export interface MasterRow {
  number: number;
  changed: string;
  fields: Record<string, string>;
}
export interface Pick {
  code: string;
  name: string;
}

export const GROUPS: { id: string; words: Key }[] = [
  { id: 'products', words: 'master.products' },
  { id: 'process', words: 'master.process' },
  { id: 'people', words: 'master.people' },
  { id: 'quality', words: 'master.quality' },
  { id: 'upkeep', words: 'master.upkeep' },
];

const kept = new Map<string, Promise<Nouns>>();
/** Asked once a plant and language: they change with the program alone. */
export function nounsOf(plant: Plant): Promise<Nouns> {
  const key = `${plant.id} ${plant.role} ${lang()}`;
  let asked = kept.get(key);
  if (!asked) {
    asked = get<Nouns>(plantPath(plant.id, 'master'));
    kept.set(key, asked);
    asked.catch(() => kept.delete(key));
  }
  return asked;
}

export const PAGE_ROWS = 100;
const PICKS = 30;
export function rowsOf(plant: Plant, noun: string, asked: Record<string, string>): Promise<Items<MasterRow>> {
  return get<Items<MasterRow>>(plantPath(plant.id, `master/${noun}?${query(asked)}`));
}

/** What a reference may name, as far as it was typed. */
export async function picksOf(plant: Plant, noun: Noun, text: string): Promise<Pick[]> {
  const code = noun.fields[0]?.name ?? '';
  const found = await rowsOf(plant, noun.name, { q: text, limit: String(PICKS) });
  return found.items.map((row) => ({ code: row.fields[code] ?? '', name: row.fields.name ?? '' }));
}

const LEFT_OUT = ['note', 'active'];
/** The fields of a table: its key, and whatever some row says. */
export function columnsOf(noun: Noun, rows: MasterRow[]): Field[] {
  return noun.fields.filter((field) => !LEFT_OUT.includes(field.name) && (field.key || field.needed || rows.some((row) => (row.fields[field.name] ?? '') !== '')));
}

const NUMBERS = ['quantity', 'money', 'seconds', 'count', 'number'];
export const isNumber = (field: Field): boolean => NUMBERS.includes(field.kind);

/** 1234567.5 becomes 1,234,567.5: the whole part in threes, the rest as it is. */
export function grouped(text: string): string {
  const [whole = '', part] = text.split('.');
  const threes = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return part === undefined ? threes : `${threes}.${part}`;
}

export function shown(field: Field, text: string): string {
  if (field.kind === 'choice') {
    return field.choices.find((one) => one.name === text)?.words ?? text;
  }
  return field.kind === 'quantity' || field.kind === 'money' ? grouped(text) : text;
}

/** What a form begins with. */
export function draftOf(noun: Noun, row: MasterRow | null): Record<string, string> {
  return Object.fromEntries(noun.fields.map((field) => [field.name, row?.fields[field.name] ?? field.preset]));
}
