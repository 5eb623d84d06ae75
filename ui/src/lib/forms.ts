// Papers of the shop floor as docs/HTTP.md has them: sheets that are due, sheets to fill in, entries; and the
// rows of master data of which a form is made.
import { API, del, get, plantPath, post, put, query, type Items, type Plant } from './api';
import type { MasterRow } from './master';
import type { Key } from './words.svelte';

export type DueState = 'filled' | 'due' | 'missing' | 'later';
export interface About {
  machine?: string;
  order?: string;
  lot?: string;
  day?: string;
  shift?: string;
}
export interface DueSheet {
  form: string;
  name: string;
  every: string;
  machine: string | null;
  machine_name: string | null;
  order: string | null;
  lot: string | null;
  day: string;
  shift: string | null;
  shift_name: string | null;
  from: string;
  to: string;
  state: DueState;
  entry: number | null;
  outside: number;
}
export interface SheetField {
  field: string;
  name: string;
  kind: string;
  unit: string;
  lower: number | null;
  upper: number | null;
  choices: string[];
  tag: string | null;
  needed: boolean;
  note: string | null;
  value: string | null;
}
export interface FormSheet {
  form: string;
  name: string;
  every: string;
  note: string | null;
  version: number;
  machine: string | null;
  machine_name: string | null;
  order: string | null;
  lot: string | null;
  day: string;
  shift: string | null;
  shift_name: string | null;
  entry: number | null;
  fields: SheetField[];
}
export interface Entry {
  number: number;
  form: string;
  name: string;
  version: number;
  time: string;
  day: string;
  shift: string | null;
  machine: string | null;
  machine_name: string | null;
  order: string | null;
  lot: string | null;
  worker: string | null;
  actor: string;
  outside: number;
  replaces: number | null;
  replaced_by: number | null;
  why: string | null;
  values: { field: string; value: string; number: number | null; outside: boolean }[];
  body?: { name: string; fields: { field: string; name: string; kind: string; unit: string }[] };
}

export const dueSheets = (plant: string, day: string): Promise<DueSheet[]> => get<Items<DueSheet>>(plantPath(plant, `form-due?${query(day === '' ? {} : { day })}`)).then((answer) => answer.items);
export const sheetOf = (plant: string, form: string, about: About): Promise<FormSheet> =>
  get<FormSheet>(plantPath(plant, `forms/${encodeURIComponent(form)}/sheet?${query(Object.fromEntries(Object.entries(about).filter(([, value]) => value)))}`));
export const entriesOf = (plant: string, asked: Record<string, string>): Promise<Items<Entry>> => get<Items<Entry>>(plantPath(plant, `form-entries?${query(asked)}`));
export const entryOf = (plant: string, number: number): Promise<Entry> => get<Entry>(plantPath(plant, `form-entries/${number}`));
export const paperHref = (plant: string, number: number): string => `${API}${plantPath(plant, `form-entries/${number}/paper`)}`;
export const tableHref = (plant: string, form: string, format: string): string => `${API}${plantPath(plant, `forms/${encodeURIComponent(form)}/entries?format=${format}`)}`;

export const STATE_WORDS: Record<DueState, Key> = { filled: 'forms.filled', due: 'forms.due', missing: 'forms.missing', later: 'forms.later' };
export const COUNTED = ['good', 'bad', 'run_minutes', 'stop_minutes'];
const NUMBERS = ['number', ...COUNTED];
export const isNumber = (kind: string): boolean => NUMBERS.includes(kind);

/** A number outside its limits, or a check that is not in order. */
export function isOutside(field: SheetField, text: string): boolean {
  if (field.kind === 'check') {
    return text === '0';
  }
  const value = Number(text);
  return text !== '' && (isNumber(field.kind) || field.kind === 'tag') && ((field.lower !== null && value < field.lower) || (field.upper !== null && value > field.upper));
}

/* ---- The builder: rows of master data ---- */

export interface Draft {
  number: number; // 0: new.
  fields: Record<string, string>;
}
export const formRows = (plant: Plant): Promise<MasterRow[]> => get<Items<MasterRow>>(plantPath(plant.id, 'master/forms?limit=1000')).then((answer) => answer.items);
const LINES_STEP = 10;

/** Of one form, in their order on the paper. */
export async function fieldRows(plant: Plant, form: string): Promise<MasterRow[]> {
  const all: MasterRow[] = [];
  let cursor: string | null | undefined = '';
  do {
    const page: Items<MasterRow> = await get<Items<MasterRow>>(plantPath(plant.id, `master/form_fields?${query({ limit: '1000', ...(cursor ? { cursor } : {}) })}`));
    all.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return all.filter((row) => row.fields['form'] === form).sort((a, b) => Number(a.fields['line']) - Number(b.fields['line']) || a.number - b.number);
}

/** A name that the form does not use yet: f1, f2, ... */
export function freeName(drafts: Draft[]): string {
  const used = new Set(drafts.map((one) => one.fields['field']));
  let n = 1;
  while (used.has(`f${n}`)) {
    n++;
  }
  return `f${n}`;
}

/** Makes the rows be what was drafted, in its order: what is gone first, so that names are free. */
export async function storeFields(plant: Plant, form: string, before: MasterRow[], drafts: Draft[]): Promise<void> {
  const base = plantPath(plant.id, 'master/form_fields');
  for (const row of before.filter((one) => !drafts.some((draft) => draft.number === one.number))) {
    await del(`${base}/${row.number}`);
  }
  for (const [at, draft] of drafts.entries()) {
    const fields: Record<string, string> = { ...draft.fields, form, line: String((at + 1) * LINES_STEP) };
    const old = before.find((one) => one.number === draft.number);
    if (!old) {
      await post(base, { fields });
    } else if (Object.entries(fields).some(([name, value]) => (old.fields[name] ?? '') !== value)) {
      await put(`${base}/${old.number}`, { fields });
    }
  }
}
