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

// What people call an action; one that is not here goes by its own name.
const DID: Record<string, Record<string, Key>> = {
  session: {
    begin: 'did.session_begin',
    refused: 'did.session_refused',
    link: 'did.session_link',
    end: 'did.session_end',
    end_one: 'did.session_end_one',
    end_others: 'did.session_end_others',
  },
  user: {
    change: 'did.user_change',
    disable: 'did.user_disable',
    enable: 'did.user_enable',
    erase: 'did.user_erase',
    password: 'did.user_password',
    password_link: 'did.user_password_link',
    reset: 'did.user_reset',
    sign_out: 'did.user_sign_out',
  },
  owner: { create: 'did.owner_create', reset: 'did.owner_reset' },
  access: { put: 'did.access_put', remove: 'did.access_remove' },
  invitation: {
    create: 'did.invitation_create',
    take: 'did.invitation_take',
    withdraw: 'did.invitation_withdraw',
  },
  token: { create: 'did.token_create', revoke: 'did.token_revoke' },
  organisation: { create: 'did.organisation_create', change: 'did.organisation_change' },
  plant: { create: 'did.plant_create', enter: 'did.plant_enter' },
  request: { denied: 'did.request_denied' },
  tag: { put: 'did.tag_put', rerefine: 'did.tag_rerefine' },
  device: { put: 'did.device_put' },
  asset: { put: 'did.asset_put' },
  import: {
    tags: 'did.import_tags',
    devices: 'did.import_devices',
    equipment: 'did.import_equipment',
    samples: 'did.import_samples',
    archive: 'did.import_archive',
  },
  correct: { samples: 'did.correct_samples' },
  retention: { put: 'did.retention_put' },
  grant: { give: 'did.grant_give', revoke: 'did.grant_revoke' },
  consent: { grant: 'did.consent_grant', withdraw: 'did.consent_withdraw' },
  data: { disclose: 'did.data_disclose' },
  annotation: { enter: 'did.annotation_enter', remove: 'did.annotation_remove' },
};
export function didWords(action: string): Key | undefined {
  const [room = '', ...what] = action.split('.');
  return DID[room]?.[what.join('.')];
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** A subject with names for the people it knows; what nobody knows keeps the end of its id, which tells it apart. */
export const subjectText = (subject: string, nameOf: (id: string) => string): string => subject.replace(ID, (id) => nameOf(id) || `\u2026${id.slice(-6)}`);

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

export function matches(entry: Entry, filter: Filter, nameOf: (actor: string) => string, wordsOf: (action: string) => string): boolean {
  const ms = msOf(entry.time);
  const has = (text: string, wanted: string): boolean => text.toLowerCase().includes(wanted.trim().toLowerCase());
  return (
    !(ms < filter.fromMs) &&
    !(ms >= filter.toMs) &&
    (filter.actor.trim() === '' || has(`${entry.actor} ${nameOf(entry.actor)}`, filter.actor)) &&
    has(`${entry.action} ${wordsOf(entry.action)}`, filter.action) &&
    has(`${entry.subject} ${subjectText(entry.subject, nameOf)} ${entry.payload ?? ''}`, filter.subject)
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
