// What machines made and lost (docs/HTTP.md, production/kpi, losses, stops).
import { get, plantPath, query, type Items } from './api';
import { fixed, NOTHING } from './format';
import { fieldOf, msOfField } from './zone';
import type { Key } from './words.svelte';

export interface Kpi {
  machine: string | null;
  from: string;
  to: string;
  day: string | null;
  shift: string | null;
  apt_s: number;
  pbt_s: number;
  aust_s: number;
  adet_s: number;
  pq: number;
  gq: number;
  sq: number;
  availability: number | null;
  effectiveness: number | null;
  quality: number | null;
  oee: number | null;
}
export interface KpiAnswer {
  items: Kpi[];
  total: Kpi;
}
export interface Loss {
  leaf: string;
  minutes: number;
  pieces: number | null;
  won: number | null;
}
export interface LossAnswer {
  items: Loss[];
  minutes: number;
}
export interface Stop {
  number: number;
  machine: string;
  machine_name: string;
  order: string | null;
  begin: string;
  end: string | null;
  seconds: number;
  reason: string | null;
  reason_name: string | null;
}
export interface Reason {
  reason: string;
  name: string;
  loss: string;
}
export interface MadeBy {
  machine: string;
  name: string;
  line: string | null;
  day_begin: string;
}

/** One of them or none; from and to, or what the program takes for today. */
export interface Asked {
  machine: string;
  line: string;
  from: string;
  to: string;
}
const asks = (asked: Asked, more: Record<string, string> = {}): string => query({ ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== '')), ...more });
const at = (plant: string, rest: string): string => plantPath(plant, `production/${rest}`);
export const kpiOf = (plant: string, asked: Asked, by: string): Promise<KpiAnswer> => get<KpiAnswer>(at(plant, `kpi?${asks(asked, { by })}`));
export const lossesOf = (plant: string, asked: Asked): Promise<LossAnswer> => get<LossAnswer>(at(plant, `losses?${asks(asked)}`));
export const machinesOf = (plant: string): Promise<MadeBy[]> => get<Items<MadeBy>>(at(plant, 'machines')).then((answer) => answer.items);
export const reasonsOf = (plant: string, stop: number): Promise<Reason[]> => get<Items<Reason>>(at(plant, `stops/${stop}/reasons`)).then((answer) => answer.items);
export function stopsOf(plant: string, asked: Asked, limit: number, more: Record<string, string> = { unreasoned: '1' }): Promise<Items<Stop>> {
  const { machine, from, to } = asked;
  return get<Items<Stop>>(at(plant, `stops?${asks({ machine, line: '', from, to }, { ...more, limit: String(limit) })}`));
}

export const RANGES: { id: string; words: Key; days: number; until: number }[] = [
  { id: 'today', words: 'output.today', days: 1, until: 0 },
  { id: 'yesterday', words: 'output.yesterday', days: 1, until: 1 },
  { id: '7d', words: 'output.week', days: 7, until: 0 },
  { id: '30d', words: 'output.month', days: 30, until: 0 },
];
/** The begin of a production day so many days before the one that begins at `dayMs`, by the plant's clocks. */
export function dayBefore(dayMs: number, days: number, zone: string): number {
  const shown = Date.parse(`${fieldOf(dayMs, zone)}Z`) - days * 86_400_000;
  return msOfField(new Date(shown).toISOString().slice(0, 16), zone);
}
/** From and to of a choice; the begin of `today` in ms. */
export function spanOf(range: string, day: string, today: number, zone: string): { from: string; to: string } {
  const text = (ms: number): string => new Date(ms).toISOString();
  if (day !== '') {
    const begin = msOfField(`${day}T${fieldOf(today, zone).slice(11)}`, zone);
    return { from: text(begin), to: text(dayBefore(begin, -1, zone)) };
  }
  const chosen = RANGES.find((one) => one.id === range) ?? RANGES[0]!;
  return { from: text(dayBefore(today, chosen.days - 1 + chosen.until, zone)), to: text(dayBefore(today, chosen.until - 1, zone)) };
}

export const percent = (value: number | null): string => (value === null ? NOTHING : `${fixed(value * 100, 1)}%`);

export interface Branch {
  words: Key;
  leaves: { leaf: string; words: Key }[];
}
/** Calendar time from what nobody planned to what was of use; the leaves add up to all of it. */
export const TREE: Branch[] = [
  { words: 'output.outside', leaves: [{ leaf: 'off', words: 'output.off' }, { leaf: 'break', words: 'output.break' }, { leaf: 'planned', words: 'output.planned' }, { leaf: 'no_order', words: 'output.no_order' }] },
  {
    words: 'output.lost_time',
    leaves: [
      { leaf: 'breakdown', words: 'output.breakdown' }, { leaf: 'setup', words: 'output.setup' }, { leaf: 'material', words: 'output.material' }, { leaf: 'people', words: 'output.people' },
      { leaf: 'quality_stop', words: 'output.quality_stop' }, { leaf: 'other', words: 'output.other' }, { leaf: 'unreasoned', words: 'output.unreasoned' }, { leaf: 'minor', words: 'output.minor' }, { leaf: 'unknown', words: 'output.unknown' },
    ],
  },
  { words: 'output.lost_run', leaves: [{ leaf: 'speed', words: 'output.speed' }, { leaf: 'quality', words: 'output.quality_loss' }, { leaf: 'no_ideal', words: 'output.no_ideal' }] },
  { words: 'output.of_use', leaves: [{ leaf: 'effective', words: 'output.effective' }] },
];
