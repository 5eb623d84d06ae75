// Inspections, non-conformities, corrective actions and doubtful entries, as docs/HTTP.md has them.
import { get, plantPath, query, type Items } from './api';
import { amountText, type Amount, type LotState } from './lots';
import type { Key } from './words.svelte';

export type Kind = 'incoming' | 'first' | 'in_process' | 'final';
export type Result = 'pass' | 'fail' | 'conditional';
export type Method = 'typed' | 'gauge' | 'tag' | 'judged';

export interface Line {
  line: number;
  name: string;
  method: Method;
  unit: string;
  nominal: Amount | null;
  lower: Amount | null;
  upper: Amount | null;
  samples: number;
  tag: string | null;
}
export interface Due {
  kind: Kind;
  due: boolean;
  item: string;
  item_name: string;
  lot: string | null;
  operation: string | null;
  machine: string | null;
  machine_name: string | null;
  since: string | null;
  pieces: number | null;
  lines: Line[];
}
export interface Value {
  line: number;
  name: string;
  unit: string;
  sample: number;
  value: Amount | null;
  lower: Amount | null;
  upper: Amount | null;
  pass: boolean;
  source: Method;
  time: string;
}
export interface Inspection {
  number: number;
  kind: Kind;
  item: string;
  item_name: string;
  lot: string | null;
  operation: string | null;
  machine: string | null;
  machine_name: string | null;
  worker: string | null;
  worker_name: string | null;
  time: string;
  result: Result;
  why: string;
  note: string;
  corrects: number | null;
  corrected_by: number | null;
  values?: Value[];
}
export interface Action {
  number: number;
  nonconformance: number;
  cause: string;
  measure: string;
  worker: string;
  worker_name: string;
  due: string;
  state: 'open' | 'done' | 'effective';
  done_note: string;
}
export type Decision = 'use_as_is' | 'rework' | 'scrap' | 'return' | 'sort';
export interface Nonconformance {
  number: number;
  time: string;
  state: 'open' | 'decided' | 'closed' | 'withdrawn';
  item: string | null;
  item_name: string | null;
  unit: string | null;
  lot: string | null;
  lot_state: LotState | null;
  operation: string | null;
  machine_name: string | null;
  reason_name: string | null;
  quantity: Amount | null;
  description: string;
  holds: boolean;
  decisions: { decision: Decision; quantity: Amount | null; why: string; time: string; actor: string }[];
  actions: Action[];
  files: { number: number; name: string; size: number }[];
}
export interface Doubt {
  number: number;
  key: string;
  type: string;
  time: string;
  terminal: string;
  why: string;
  body: Record<string, string | string[]>;
}

const list = async <T>(plant: string, path: string, asked: Record<string, string>): Promise<T[]> => (await get<Items<T>>(plantPath(plant, `${path}?${query(asked)}`))).items;

/** All that is due, or what can be inspected of a lot (its code) or an operation (ORDER/STEP). */
export function dueOf(plant: string, code: string): Promise<Due[]> {
  return list<Due>(plant, 'inspections/due', code === '' ? {} : /\/\d+$/.test(code) ? { operation: code } : { lot: code });
}
export const pastOf = (plant: string): Promise<Inspection[]> => list(plant, 'inspections', { limit: '20' });
export const inspectionOf = (plant: string, number: number): Promise<Inspection> => get(plantPath(plant, `inspections/${number}`));
export const nonconformancesOf = (plant: string): Promise<Nonconformance[]> => list(plant, 'nonconformances', { state: 'unsettled' });
export const doubtsOf = (plant: string): Promise<Doubt[]> => list(plant, 'doubtful-events', { state: 'open' });

export const KINDS: Record<Kind, Key> = { incoming: 'inspections.incoming', first: 'inspections.first', in_process: 'inspections.in_process', final: 'inspections.final' };
export const RESULTS: Record<Result, Key> = { pass: 'inspections.pass', fail: 'inspections.fail', conditional: 'inspections.conditional' };
export const DECISIONS: Record<Decision, Key> = {
  use_as_is: 'inspections.use_as_is',
  rework: 'inspections.rework',
  scrap: 'inspections.scrap',
  return: 'inspections.return',
  sort: 'inspections.sort',
};

/** "85.2 – 86.8 g", "≤ 0.1 %", "≥ 3"; empty without limits. */
export function limitsText({ lower, upper, unit }: { lower: Amount | null; upper: Amount | null; unit: string }): string {
  const both = lower !== null && upper !== null ? `${amountText(lower)} – ${amountText(upper)}` : lower !== null ? `≥ ${amountText(lower)}` : upper !== null ? `≤ ${amountText(upper)}` : '';
  return both === '' ? '' : `${both} ${unit}`.trim();
}
/** Of what is typed, whether it is inside: null while it is no number. The program judges; this only shows. */
export function isInside(text: string, line: Line): boolean | null {
  const value = Number(text.replaceAll(',', ''));
  return text.trim() === '' || !Number.isFinite(value) ? null : (line.lower === null || value >= Number(line.lower)) && (line.upper === null || value <= Number(line.upper));
}
