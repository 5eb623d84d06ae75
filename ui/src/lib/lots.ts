// Lots, stock, what is bought and sold, as docs/HTTP.md has them.
import { get, plantPath, query, type Items } from './api';
import { fixed, NOTHING } from './format';
import type { Inspection } from './inspections';
import type { Key } from './words.svelte';

/** A number, or a text where it has more digits than numbers keep. */
export type Amount = number | string;

export type LotState = 'planned' | 'open' | 'held' | 'scrapped';
export interface Lot {
  number: number;
  lot: string;
  state: LotState;
  item: string;
  name: string;
  unit: string;
  hold: string;
  partner: string;
  partner_lot: string;
  made: string | null;
  expires: string;
  quantity: Amount;
  waits: boolean; // For its inspection.
}
export interface LotRun {
  run: number;
  order: string;
  step: number;
  process: string;
  machine: string;
  machine_name: string;
  phase: string;
  mould: string;
  worker: string;
  begin: string;
  end: string | null;
  pieces: number;
  bad: number;
}
export interface LotMove {
  time: string;
  kind: string;
  place: string;
  quantity: Amount;
  order: string | null;
  partner: string | null;
  document: string;
  event: number;
}
export interface Passport extends Omit<Lot, 'quantity'> {
  spec: string;
  partner_name: string;
  note: string;
  created: string;
  actor: string;
  holds: { cause: string; why: string; time: string }[];
  stock: { place: string; name: string; quantity: Amount }[];
  runs: LotRun[];
  moves: LotMove[];
  inspections: Inspection[];
  nonconformances: { number: number; time: string; state: string; description: string; decision: string | null }[];
}
export interface TraceLot {
  lot: string;
  item: string;
  name: string;
  state: LotState;
  partner: string;
  partner_lot: string;
  depth: number;
}
export interface TraceLink {
  parent: string;
  child: string;
  kind: string;
  quantity: Amount;
  time: string;
}
export interface Way {
  lots: TraceLot[];
  links: TraceLink[];
  cut: boolean;
}
export interface Trace {
  back: Way;
  forward: Way;
}
export interface Recalled {
  lot: string;
  item: string;
  name: string;
  unit: string;
  where: 'stock' | 'shipped' | 'none';
  place: string;
  partner: string;
  partner_name: string;
  phone: string;
  document: string;
  quantity: string;
}
export interface LotCurve {
  tag: string;
  display: string;
  unit: string;
  lower: number | null;
  upper: number | null;
  count: number;
  bad: number;
  min: number | null;
  avg: number | null;
  max: number | null;
  points: [number, number, number, number][];
}
export interface Curves {
  every_s: number;
  runs: { run: number; machine: string; begin: string; end: string }[];
  items: LotCurve[];
}

export interface StockItem {
  item: string;
  name: string;
  unit: string;
  kind: string;
  quantity: Amount;
  usable: Amount;
  held: Amount;
  ordered: Amount;
  making: Amount;
  safety: Amount | null;
  lots: number;
  short: boolean;
}
export interface StockRow {
  item: string;
  name: string;
  unit: string;
  lot: string;
  state: LotState | '';
  expires: string;
  place: string;
  quantity: Amount;
  since: string;
  age: string;
  turn: number | null;
  waits: boolean;
}
export interface Purchase {
  number: number;
  item: string;
  item_name: string;
  unit: string;
  quantity: Amount;
  due: string;
  partner: string | null;
  order: string | null;
  state: 'proposed' | 'ordered' | 'received' | 'dropped';
}

export const LOT_STATES: Record<LotState, Key> = { planned: 'production.lot_planned', open: 'production.lot_open', held: 'production.lot_held', scrapped: 'production.lot_scrapped' };
export const LINK_KINDS: Record<string, Key> = {
  consume: 'production.link_consume', split: 'production.move_split', merge: 'production.move_merge', mix: 'production.move_mix', rework: 'production.move_rework',
};
export const MOVE_KINDS: Record<string, Key> = {
  receipt: 'production.move_receipt', issue: 'production.move_issue', consume: 'production.move_consume', output: 'production.move_output', transfer: 'production.move_transfer',
  supply: 'production.move_supply', count: 'production.move_count', ship: 'production.move_ship', scrap: 'production.move_scrap', return: 'production.move_return',
  split: 'production.move_split', merge: 'production.move_merge', mix: 'production.move_mix', rework: 'production.move_rework',
};

/** A quantity with the digits it has, at most three decimals. */
export function amountText(value: Amount | null): string {
  const number = Number(value ?? NaN);
  if (!Number.isFinite(number)) {
    return NOTHING;
  }
  const rounded = Math.round(number * 1000) / 1000;
  return fixed(rounded, (String(rounded).split('.')[1] ?? '').length);
}

export const lotPath = (code: string): string => `/lots/${encodeURIComponent(code)}`;

const PAGE = '100';
export function lotsOf(plant: string, asked: Record<string, string>): Promise<Items<Lot>> {
  return get<Items<Lot>>(plantPath(plant, `lots?${query({ limit: PAGE, ...asked })}`));
}
const one = (plant: string, code: string, rest = ''): string => plantPath(plant, `lots/${encodeURIComponent(code)}${rest}`);
export const passportOf = (plant: string, code: string): Promise<Passport> => get<Passport>(one(plant, code));
export const traceOf = (plant: string, code: string): Promise<Trace> => get<Trace>(one(plant, code, '/trace'));
export const curvesOf = (plant: string, code: string): Promise<Curves> => get<Curves>(one(plant, code, '/curves'));
export const recallFile = (plant: string, code: string): string => `/api/v1${one(plant, code, '/recall?format=xlsx')}`;

/** A list that goes on behind `next`, to its end; at most so many pages. */
export async function allOf<T>(plant: string, path: string, asked: Record<string, string>, by: string): Promise<T[]> {
  const out: T[] = [];
  let at: string | null | undefined = '';
  for (let page = 0; page < 50 && at !== null && at !== undefined; page++) {
    const answer: Items<T> = await get<Items<T>>(plantPath(plant, `${path}?${query(at === '' ? asked : { ...asked, [by]: at })}`));
    out.push(...answer.items);
    at = answer.next;
  }
  return out;
}

/** A lot below the one that is looked at, and what of it went over. */
export interface Branch {
  lot: TraceLot;
  link: TraceLink | null;
  branches: Branch[];
  /** Its branches stand where it was met first. */
  again: boolean;
}
const MOST = 400;
/** The tree of a way, from the lot that was asked for; `left`: lots that found no room in it. */
export function treeOf(way: Way, back: boolean): { root: Branch; left: number } {
  const lots = new Map(way.lots.map((lot) => [lot.lot, lot]));
  const next = new Map<string, TraceLink[]>();
  for (const link of way.links) {
    const from = back ? link.child : link.parent;
    const list = next.get(from) ?? [];
    // Taken several times, it is one branch.
    const same = list.find((one) => one.parent === link.parent && one.child === link.child && one.kind === link.kind);
    if (same) {
      same.quantity = Number(same.quantity) + Number(link.quantity);
    } else {
      next.set(from, [...list, { ...link }]);
    }
  }
  const root: Branch = { lot: way.lots[0]!, link: null, branches: [], again: false };
  const met = new Set([root.lot.lot]);
  const open = [root];
  let count = 1;
  for (let at = 0; at < open.length; at++) {
    for (const link of next.get(open[at]!.lot.lot) ?? []) {
      const lot = lots.get(back ? link.parent : link.child);
      if (!lot || count >= MOST) {
        continue;
      }
      const branch: Branch = { lot, link, branches: [], again: met.has(lot.lot) };
      open[at]!.branches.push(branch);
      count++;
      if (!branch.again) {
        met.add(lot.lot);
        open.push(branch);
      }
    }
  }
  return { root, left: way.lots.length - met.size };
}
