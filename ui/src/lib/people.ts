// People of a plant and of the home: shapes of the answers (docs/HTTP.md), and how their times are told.
import { get, msOf, type Items, type Organisation, type Role, type User } from './api';
import { plant } from './session.svelte';
import { NOTHING } from './format';
import { lang, type Key } from './words.svelte';

type Time = string | null;

export interface Invited {
  plant: string | { id: string; display: string };
  role: Role;
  organisation: string | Organisation | null;
  until: Time;
  label?: string;
}

export interface Person {
  id: string;
  login: string;
  display: string;
  email?: string;
  admin?: boolean;
  disabled?: boolean;
  second_factor?: boolean;
  organisation?: Organisation | null;
  created?: Time;
  seen?: Time;
  erased?: Time | boolean;
}

export interface Access {
  user: Person;
  role: Role;
  until: Time;
  ended?: boolean;
  given_by?: string | { display: string } | null;
  created?: Time;
}

export interface Invitation {
  id: string;
  role: Role;
  label: string;
  email?: string;
  organisation?: Organisation | null;
  until: Time;
  created?: Time;
}

export interface Token {
  id: string;
  label: string;
  role: Role;
  scopes: string[];
  plant?: string | null;
  created?: Time;
  created_by?: string | { display: string } | null;
  last_used?: Time;
  until?: Time;
  revoked?: Time | boolean;
}

export interface Me extends User {
  email?: string;
  phone?: string;
  language?: string;
}

export interface Visit {
  id: string;
  current: boolean;
  created: Time;
  seen: Time;
  address: string;
  agent: string;
}

export interface Link {
  link: string;
  until: Time;
}

export const ORGANISATION_KINDS = ['manufacturer', 'supplier', 'agency', 'assessor'] as const;
export const KIND_WORDS: Record<string, Key> = {
  manufacturer: 'organisation.manufacturer',
  supplier: 'organisation.supplier',
  agency: 'organisation.agency',
  assessor: 'organisation.assessor',
};

/** A list that is answered whole. */
export const listOf = async <T>(path: string): Promise<T[]> => (await get<Items<T>>(path)).items;

/** A link that opens on this very server, whatever of it the answer gave. */
export function wholeLink(link: string): string {
  return new URL(link, location.origin).href;
}

const DAY_MS = 86_400_000;

function zoned(ms: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(lang() === 'ko' ? 'ko-KR' : 'en-GB', { timeZone: plant()?.zone, ...options }).format(ms).replaceAll(' ', '\u00a0');
}

/** "2026. 11. 28." by the plant's clocks; a dash for nothing. */
export function dayText(time: Time | undefined): string {
  const ms = msOf(time);
  return Number.isNaN(ms) ? NOTHING : zoned(ms, { dateStyle: 'medium' });
}

/** The last day of a time that ends at a moment: what ends at midnight ends with the day before it. */
export function lastDayText(time: Time | undefined): string {
  const ms = msOf(time);
  return Number.isNaN(ms) ? NOTHING : zoned(ms - 1, { dateStyle: 'medium' });
}

/** With the clock, where the hour matters. */
export function momentText(time: Time | undefined): string {
  const ms = msOf(time);
  return Number.isNaN(ms) ? NOTHING : zoned(ms, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
}

/** The last moment of a day that a date field names, in the plant's zone; null for an empty field. */
export function endOfDay(day: string, toMs: (text: string) => number): string | null {
  const ms = day === '' ? NaN : toMs(`${day}T00:00`) + DAY_MS;
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

export const nameOf = (by: string | { display: string } | null | undefined): string => (typeof by === 'string' ? by : (by?.display ?? NOTHING));

/** The browser and system that an agent line names, for a person to know the own phone by. */
export function agentText(agent: string): string {
  // The telling words first: Android says Linux as well, every browser says Safari.
  const first = (words: string[]): string => words.find((word) => agent.includes(word)) ?? '';
  const system = first(['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS X', 'CrOS', 'Linux']);
  const browser = first(['Edg', 'SamsungBrowser', 'Whale', 'OPR', 'Firefox', 'Chrome', 'Safari', 'curl']);
  const names: Record<string, string> = { Edg: 'Edge', SamsungBrowser: 'Samsung Internet', OPR: 'Opera', 'Mac OS X': 'macOS', CrOS: 'ChromeOS' };
  const parts = [browser, system].filter((one) => one !== '').map((one) => names[one] ?? one);
  return parts.length > 0 ? parts.join(' \u00b7 ') : agent.slice(0, 40) || NOTHING;
}
