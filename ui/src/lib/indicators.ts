// Performance indicators: what the program tells of them, and how their figures are written.
import { decimalsFor, fixed, NOTHING } from './format';
import type { Key } from './words.svelte';

export interface Point {
  month: string;
  value: number | null;
  closed: boolean;
}
export interface Definition {
  effect: string;
  name: string;
  unit: string;
  better: 'higher' | 'lower';
  weight: number;
  baseline: number | null;
  baseline_from: string;
  baseline_to: string;
  baseline_source: string;
  target: number | null;
  target_date: string;
  formula: string;
  since: string;
  note: string;
}
export interface Indicator extends Definition {
  number: number;
  revision: number;
  changed: string;
  result: Point | null;
  present: Point | null;
  improvement: number | null;
  improvement_words: string;
  achievement: number | null;
  achievement_words: string;
  months: Point[];
}
export interface IndicatorList {
  items: Indicator[];
  month: string;
  achievement: number | null;
  judged: number;
  references: { effect: string; value: number; persons: boolean }[];
  references_source: string;
}
export interface Derivation {
  formula: string;
  from: string;
  to: string;
  hours: number;
  reason: string;
  reason_tag: string;
  inputs: { tag: string; values: Record<string, number | null>; rows: number; bad: number; partial: boolean; gap_s?: number; missing?: number | null }[];
}
export interface Month extends Point {
  revision: number;
  derivation: Derivation | null;
  source: string;
  file: string;
  actor: string;
}
export interface Months {
  values: Month[];
  revisions: (Definition & { revision: number; changed: string; actor: string })[];
}

export const EFFECTS: { id: string; words: Key }[] = [
  { id: 'productivity', words: 'indicators.e.productivity' },
  { id: 'quality', words: 'indicators.e.quality' },
  { id: 'cost', words: 'indicators.e.cost' },
  { id: 'delivery', words: 'indicators.e.delivery' },
  { id: 'sales', words: 'indicators.e.sales' },
  { id: 'employment', words: 'indicators.e.employment' },
  { id: 'safety', words: 'indicators.e.safety' },
];

export const REASONS: Record<string, Key> = {
  no_value: 'indicators.no_value',
  by_zero: 'indicators.by_zero',
  too_large: 'indicators.too_large',
};

/** The fewest digits that are true: zeros behind the point say nothing. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return NOTHING;
  }
  const text = fixed(value, decimalsFor(value));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
export const percent = (value: number | null): string => (value === null ? NOTHING : `${fixed(value, 1)} %`);
export const signed = (value: number | null): string => (value !== null && value > 0 ? `+${percent(value)}` : percent(value));

/** Lines of a small picture of months, 100 wide and 28 high; a month without a value is a gap. */
export function lineOf(months: Point[], target: number | null): { lines: string[]; last: { x: number; y: number } | null; target: number | null } {
  const numbers = months.flatMap((one) => (one.value === null ? [] : [one.value]));
  if (numbers.length === 0) {
    return { lines: [], last: null, target: null };
  }
  const all = target === null ? numbers : [...numbers, target];
  const low = Math.min(...all);
  const high = Math.max(...all);
  const y = (value: number): number => (high === low ? 14 : Math.round((25 - (22 * (value - low)) / (high - low)) * 10) / 10);
  const x = (at: number): number => (months.length === 1 ? 50 : Math.round((3 + (94 * at) / (months.length - 1)) * 10) / 10);
  const lines: string[] = [];
  let line: string[] = [];
  let last: { x: number; y: number } | null = null;
  months.forEach((one, at) => {
    if (one.value === null) {
      lines.push(line.join(' '));
      line = [];
    } else {
      last = { x: x(at), y: y(one.value) };
      line.push(`${last.x},${last.y}`);
    }
  });
  lines.push(line.join(' '));
  return { lines: lines.filter((one) => one !== ''), last, target: target === null ? null : y(target) };
}
