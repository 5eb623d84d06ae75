// The audit chain as it is read: pages of newest first, looked through here, written out as a table.
import { get, msOf, plantPath, query, type Items } from './api';
import type { Key } from './words.svelte';

export interface Entry {
  sequence: number;
  time: string;
  actor: string;
  action: string;
  subject: string;
  payload: string | null;
}

export interface Filter {
  fromMs: number;
  toMs: number;
  actor: string;
  action: string;
  subject: string;
}

export const CHAINS: { id: string; words: Key }[] = [
  { id: 'plant', words: 'audit.of_plant' },
  { id: 'home', words: 'audit.of_home' },
];
const PAGE = 500;

export function pageOf(chain: string, plant: string, before: string): Promise<Items<Entry>> {
  const path = chain === 'home' ? '/audit' : plantPath(plant, 'audit');
  return get<Items<Entry>>(`${path}?${query({ limit: PAGE, ...(before === '' ? {} : { before }) })}`);
}

export function matches(entry: Entry, filter: Filter, nameOf: (actor: string) => string): boolean {
  const ms = msOf(entry.time);
  const has = (text: string, wanted: string): boolean => text.toLowerCase().includes(wanted.trim().toLowerCase());
  return (
    !(ms < filter.fromMs) &&
    !(ms >= filter.toMs) &&
    (filter.actor.trim() === '' || has(`${entry.actor} ${nameOf(entry.actor)}`, filter.actor)) &&
    has(entry.action, filter.action) &&
    has(`${entry.subject} ${entry.payload ?? ''}`, filter.subject)
  );
}

// A text that a spreadsheet would take for a formula gets an apostrophe.
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** RFC 4180 with a mark, so that a spreadsheet takes it for UTF-8. */
export function csvOf(entries: Entry[], nameOf: (actor: string) => string): string {
  const rows = entries.map((one) => [String(one.sequence), one.time, one.actor, nameOf(one.actor), one.action, one.subject, one.payload ?? ''].map(cell).join(','));
  return `\ufeff${['sequence,time,actor,name,action,subject,payload', ...rows].join('\r\n')}\r\n`;
}

/** Where neighbours do not follow each other; an unbroken chain has none. */
export function holesOf(entries: Entry[]): number[] {
  return entries.flatMap((one, i) => (i > 0 && entries[i - 1]!.sequence !== one.sequence + 1 ? [one.sequence] : []));
}
