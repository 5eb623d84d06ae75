// Refine rules as a form: the program's table of rules (GET refine/rules), the line that a tag holds,
// and what a preview tells.
import type { RawValue, Stage, Tag } from './api';
import { lineOf, optionsOf } from './devices';
import type { Key } from './words.svelte';

export interface Rule {
  name: string;
  kind: 'NUMBER' | 'WHOLE' | 'TEXT' | 'TAG';
  min: number;
  max: number;
  help: string;
}

export interface Rules {
  rules: Rule[];
  stages: { id: string; words: string }[];
}

export interface StageCounts extends Stage {
  made: number;
}

export interface Preview {
  tag: string;
  from: 'raw' | 'stored';
  cut: boolean;
  raw: RawValue[];
  t: number[];
  v: RawValue[];
  status: number[];
  stored: boolean[];
  effects: number[];
  stages: StageCounts[];
  made: { tag: string; t: number; v: RawValue; status: number }[];
}

/** A tag as the program answers it, with its rules. */
export interface RefinedTag extends Tag {
  refine: string;
  keep_raw: boolean;
  retention_days: number;
  rollup_days: number;
}

export const TITLES: Record<string, Key> = {
  enum: 'rule.enum',
  unit_from: 'rule.unit_from',
  gap: 'rule.gap',
  period_s: 'rule.period_s',
  rate: 'rule.rate',
  spike: 'rule.spike',
  spike_window: 'rule.spike_window',
  spike_min: 'rule.spike_min',
  stuck_s: 'rule.stuck_s',
  swing: 'rule.swing',
  swing_s: 'rule.swing_s',
  increment: 'rule.increment',
  counter_max: 'rule.counter_max',
  state: 'rule.state',
  state_tag: 'rule.state_tag',
  cycle_tag: 'rule.cycle_tag',
  clean: 'rule.clean',
  extract: 'rule.extract',
  deident: 'rule.deident',
};

/** Rules that only say more about another one. */
export const PART_OF: Record<string, string> = {
  period_s: 'gap',
  spike_window: 'spike',
  spike_min: 'spike',
  swing_s: 'swing',
  state_tag: 'state',
  cycle_tag: 'state',
};

/** What is usual where nothing is said. */
export const USUAL: Record<string, string> = { spike_window: '7', swing_s: '60' };

const NUMBERS_ONLY = new Set(['unit_from', 'rate', 'spike', 'stuck_s', 'swing', 'increment', 'counter_max', 'state']);
const TEXTS_ONLY = new Set(['clean', 'extract']);
const COUNTERS_ONLY = new Set(['increment', 'counter_max']);

/** Whether a rule can say something about such a tag; the program has the last word. */
export function suits(rule: string, tag: RefinedTag): boolean {
  const number = tag.type === 'f64' || tag.type === 'i64';
  if (TEXTS_ONLY.has(rule)) {
    return tag.type === 'text';
  }
  if (COUNTERS_ONLY.has(rule)) {
    return number && tag.kind === 'counter';
  }
  if (rule === 'enum') {
    return tag.type === 'text' || tag.type === 'i64';
  }
  return number || !NUMBERS_ONLY.has(rule);
}

/** A value to begin with when a rule is switched on. */
export function firstValue(rule: string, tag: RefinedTag): string {
  const known: Record<string, string> = {
    enum: '0:stop,1:run',
    unit_from: tag.unit,
    gap: '5',
    rate: '10',
    spike: '3',
    stuck_s: '600',
    swing: '0.5',
    increment: `${tag.name}_more`,
    counter_max: '65535',
    state: 'run:>5,stop:<=4',
    clean: 'trim',
    extract: 'AA-####',
    deident: 'pseudonym',
  };
  return known[rule] ?? '';
}

export const rulesOf = (line: string): Map<string, string> => optionsOf(line);
export const ruleLine = (rules: Map<string, string>): string => lineOf(rules, []);

export type Fault = { words: 'rules.empty' } | { words: 'rules.number' } | { words: 'rules.whole' } | { words: 'rules.limits'; min: number; max: number };

/** What is wrong with a value as it is typed, or null. */
export function faultOf(rule: Rule, value: string): Fault | null {
  if (value.trim() === '') {
    return { words: 'rules.empty' };
  }
  if (rule.kind !== 'NUMBER' && rule.kind !== 'WHOLE') {
    return null;
  }
  const number = Number(value);
  if (!Number.isFinite(number)) {
    return { words: 'rules.number' };
  }
  if (rule.kind === 'WHOLE' && !Number.isInteger(number)) {
    return { words: 'rules.whole' };
  }
  return number < rule.min || number > rule.max ? { words: 'rules.limits', min: rule.min, max: rule.max } : null;
}

export type Effect = 'none' | 'changed' | 'marked' | 'omitted';

/** What came in the tag's own scale, so that it stands beside what is made of it. */
export function scaledRaw(preview: Preview, scale: number, offset: number): RawValue[] {
  return scale === 1 && offset === 0 ? preview.raw : preview.raw.map((value) => (typeof value === 'number' ? value * scale + offset : value));
}

const isSame = (a: RawValue, b: RawValue): boolean =>
  a === b || (typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b)));

/** What the stages together did to a row; scale and offset alone are no change. */
export function effectOf(preview: Preview, raw: RawValue[], i: number): Effect {
  if (!preview.stored[i]) {
    return 'omitted';
  }
  if (preview.status[i]! >>> 30 > 0) {
    return 'marked';
  }
  return isSame(preview.v[i] ?? null, raw[i] ?? null) ? 'none' : 'changed';
}
