// Maintenance as docs/HTTP.md has it: care that is due, moulds, repairs, failures, spare parts.
import { get, plantPath, query, type Items } from './api';
import type { Key } from './words.svelte';

export type CareState = 'ok' | 'soon' | 'due' | 'late';
export type Basis = 'days' | 'weeks' | 'months' | 'hours' | 'shots';
export interface Care {
  plan: string | null; // null: the care by shots that a mould itself asks for.
  name: string | null;
  machine: string | null;
  machine_name: string | null;
  mould: string | null;
  mould_name: string | null;
  worker_name: string | null;
  form: string | null;
  note: string | null;
  every: number;
  basis: Basis;
  tolerance: number;
  last: string | null;
  due_day: string | null;
  used: number;
  left: number;
  state: CareState;
}
export interface Mould {
  mould: string;
  name: string;
  item_name: string | null;
  cavities: number;
  open: number;
  shots: number;
  life: number | null;
  life_left: number | null;
  care_every: number | null;
  care_left: number | null;
  care: CareState;
  place: string | null;
  machine: string | null;
  machine_name: string | null;
  order: string | null;
  blocked: string | null;
  repair: number | null;
}
export interface Repair {
  number: number;
  state: 'asked' | 'begun' | 'done' | 'dropped';
  machine: string | null;
  machine_name: string | null;
  mould: string | null;
  mould_name: string | null;
  text: string;
  stands: boolean;
  asked: string;
  begun: string | null;
  done: string | null;
  worker: string | null;
  asker: string | null;
  cause: string | null;
  what: string | null;
  minutes: number | null;
  parts: string | null;
}
export interface Failure {
  begin: string;
  end: string | null;
  why: string;
  repair: number | null;
}
export interface CareMachine {
  machine: string;
  name: string | null;
  maker: string | null;
  model: string | null;
  serial: string | null;
  bought: string | null;
  failures: Failure[];
  count: number;
  run_h: number;
  down_h: number;
  mtbf_h: number | null;
  mttr_h: number | null;
}
export interface LogLine {
  time: string;
  kind: 'care' | 'repair' | 'cavities' | 'shots' | 'mount';
  machine: string | null;
  mould: string | null;
  text: string | null;
  more: string | null;
  worker: string | null;
  minutes: number | null;
}
export interface Spare {
  item: string;
  name: string;
  unit: string;
  spec: string | null;
  stock: number | string;
  least: number | string | null;
  low: boolean;
  place: string | null;
}

const list = <T>(plant: string, rest: string): Promise<T[]> => get<Items<T>>(plantPath(plant, `maintenance/${rest}`)).then((answer) => answer.items);
export const dueOf = (plant: string): Promise<Care[]> => list<Care>(plant, 'due');
export const mouldsOf = (plant: string): Promise<Mould[]> => list<Mould>(plant, 'moulds');
export const machinesOf = (plant: string): Promise<CareMachine[]> => list<CareMachine>(plant, 'machines');
export const sparesOf = (plant: string): Promise<Spare[]> => list<Spare>(plant, 'spares');
export const repairsOf = (plant: string, open: boolean): Promise<Repair[]> => list<Repair>(plant, `repairs?${query(open ? { open: '1' } : { limit: '50' })}`);
export const logOf = (plant: string, about: { machine?: string; mould?: string }): Promise<LogLine[]> => list<LogLine>(plant, `log?${query({ ...about, limit: '50' })}`);

export const CARE_WORDS: Record<CareState, Key> = { ok: 'upkeep.ok', soon: 'upkeep.soon', due: 'upkeep.due', late: 'upkeep.late' };
export const LEFT_WORDS: Record<Basis, Key> = { days: 'upkeep.left_days', weeks: 'upkeep.left_days', months: 'upkeep.left_days', hours: 'upkeep.left_hours', shots: 'upkeep.left_shots' };
export const OVER_WORDS: Record<Basis, Key> = { days: 'upkeep.over_days', weeks: 'upkeep.over_days', months: 'upkeep.over_days', hours: 'upkeep.over_hours', shots: 'upkeep.over_shots' };
export const EVERY_WORDS: Record<Basis, Key> = { days: 'upkeep.every_days', weeks: 'upkeep.every_weeks', months: 'upkeep.every_months', hours: 'upkeep.every_hours', shots: 'upkeep.every_shots' };
export const REPAIR_WORDS: Record<Repair['state'], Key> = { asked: 'upkeep.asked', begun: 'upkeep.begun', done: 'upkeep.done', dropped: 'upkeep.dropped' };
export const LOG_WORDS: Record<LogLine['kind'], Key> = { care: 'upkeep.log_care', repair: 'upkeep.log_repair', cavities: 'upkeep.log_cavities', shots: 'upkeep.log_shots', mount: 'upkeep.log_mount' };
