// What there is to tell (docs/HTTP.md, event-types): forms are made of it, so that they have the program's
// own words and ask for what it takes.
import { get, plantPath, query, type Items, type Plant } from './api';
import { nounsOf, picksOf, type Pick } from './master';
import { msOfField } from './zone';
import { lang } from './words.svelte';

export interface Member {
  name: string;
  kind: string;
  need: 'needed' | 'free' | 'list' | 'many';
  words: string;
  noun: string;
  choices: string[];
  choice_words?: string[]; // In the order of the choices.
  value?: string | null; // What holds now, of a rule of the plant.
}
export interface EventType {
  type: string;
  right: 'operate' | 'manage';
  words: string;
  members: Member[];
}
/** A member has one text, or one for each row of a list. */
export type Draft = Record<string, string | string[]>;

const kept = new Map<string, Promise<EventType[]>>();
/** Asked once a plant and language: they change with the program alone. */
export function typesOf(plant: Plant): Promise<EventType[]> {
  const key = `${plant.id} ${lang()}`;
  let asked = kept.get(key);
  if (!asked) {
    asked = get<Items<EventType>>(plantPath(plant.id, 'event-types')).then((answer) => answer.items);
    kept.set(key, asked);
    asked.catch(() => kept.delete(key));
  }
  return asked;
}

/** A rule was told: what holds is asked anew. */
export const forgetTypes = (): void => kept.clear();

/** Not asked for: what looks like a slip is, when it is told. */
export const SURE = 'sure';
export const isRow = (member: Member): boolean => member.need === 'many' || member.need === 'list';
const DECIMALS = ['quantity', 'level', 'change', 'money', 'seconds', 'number', 'count', 'stop', 'run'];
export const isDecimal = (member: Member): boolean => DECIMALS.includes(member.kind);

const NOUN_OF: Record<string, string> = { worker: 'workers' };
const PICKS = '30';
interface Found {
  lot: string;
  order: string;
  sales: string;
  name: string;
  item_name: string;
  partner_name: string;
  operations: { step: number; process_name: string }[];
}
/** What a member may name, found by what was typed; undefined where it names nothing that is known. */
export function searchOf(plant: Plant, member: Member): ((text: string) => Promise<Pick[]>) | undefined {
  const list = async (path: string, asked: Record<string, string>): Promise<Found[]> => (await get<Items<Found>>(plantPath(plant.id, `${path}?${query(asked)}`))).items;
  const noun = member.kind === 'ref' ? member.noun : NOUN_OF[member.kind];
  if (noun) {
    return async (text) => {
      const found = (await nounsOf(plant)).items.find((one) => one.name === noun);
      return found ? picksOf(plant, found, text) : [];
    };
  }
  if (member.kind === 'lot') {
    return async (text) => (await list('lots', { q: text, limit: PICKS })).map((one) => ({ code: one.lot, name: one.name }));
  }
  if (member.kind === 'order') {
    return async (text) => (await list('orders', { q: text, limit: PICKS })).map((one) => ({ code: one.order, name: one.item_name }));
  }
  if (member.kind === 'operation') {
    // Its order is looked for; what stands behind the last stroke is the step.
    return async (text) =>
      (await list('orders', { q: text.replace(/\/\d*$/, ''), limit: PICKS })).flatMap((one) => one.operations.map((step) => ({ code: `${one.order}/${step.step}`, name: `${one.item_name} \u00b7 ${step.process_name}` })));
  }
  if (member.kind === 'sales') {
    return async (text) => (await list('sales', { state: 'open', limit: '200' })).filter((one) => one.sales.includes(text)).map((one) => ({ code: one.sales, name: one.partner_name }));
  }
  return undefined;
}

/** The event as it is told: what was left empty is left out, but in lists whose rows belong together. */
export function bodyOf(type: EventType, draft: Draft, zone: string): Record<string, unknown> {
  const body: Record<string, unknown> = { type: type.type };
  for (const member of type.members) {
    const value = draft[member.name];
    const one = (text: string): string => (member.kind === 'time' && text !== '' ? new Date(msOfField(text, zone)).toISOString() : text.trim());
    if (Array.isArray(value)) {
      if (value.some((text) => text.trim() !== '')) {
        body[member.name] = value.map(one);
      }
    } else if (value !== undefined && value.trim() !== '') {
      body[member.name] = isRow(member) ? [one(value)] : one(value);
    }
  }
  return body;
}
