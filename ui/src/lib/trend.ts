// The data of a trend: what the store answered, carried on by live values, and the arithmetic of
// looking at it. Times are milliseconds since 1970 UTC.
import type { Series, Tag } from './api';
import { localText, zonedMs } from './times';
import { values } from './values';
import type { Key } from './words.svelte';

/** Of one request, and as many as stay readable in one picture. */
export const MAX_TAGS = 8;
/** Beyond MAX_TAGS each tag has a picture of its own. */
export const MOST_TAGS = 32;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
export const PRESETS = ['1m', '5m', '15m', '1h', '8h', '1d', '7d', '30d', '90d', '1y'] as const;
export type Preset = (typeof PRESETS)[number];
export const PRESET_MS: Record<Preset, number> = {
  '1m': 60_000,
  '5m': 300_000,
  '15m': 900_000,
  '1h': HOUR_MS,
  '8h': 8 * HOUR_MS,
  '1d': DAY_MS,
  '7d': 7 * DAY_MS,
  '30d': 30 * DAY_MS,
  '90d': 90 * DAY_MS,
  '1y': 365 * DAY_MS,
};
export const PRESET_WORDS: Record<Preset, Key> = {
  '1m': 'range.1m',
  '5m': 'range.5m',
  '15m': 'range.15m',
  '1h': 'range.1h',
  '8h': 'range.8h',
  '1d': 'range.1d',
  '7d': 'range.7d',
  '30d': 'range.30d',
  '90d': 'range.90d',
  '1y': 'range.1y',
};

export const isPreset = (text: string | null): text is Preset => text !== null && (PRESETS as readonly string[]).includes(text);

/** What a period is laid beside: so many days before by the plant's calendar, or the one right before it. */
export const COMPARES = ['prev', '1d', '7d', '28d', '364d'] as const;
export type Compare = (typeof COMPARES)[number];
export const COMPARE_WORDS: Record<Compare, Key> = {
  prev: 'compare.prev',
  '1d': 'compare.1d',
  '7d': 'compare.7d',
  '28d': 'compare.28d',
  '364d': 'compare.364d',
};

export const isCompare = (text: string | null): text is Compare => text !== null && (COMPARES as readonly string[]).includes(text);

/** How far back the compared period lies. Days are the plant's: a day on which the clock changed has 23 or 25 hours. */
export function shiftOf(compare: Compare, view: Window, zone: string): number {
  if (compare === 'prev') {
    return view.to - view.from;
  }
  const days = Number.parseInt(compare, 10);
  const end = Math.round(view.to);
  const local = localText(end, zone);
  const before = new Date(Date.parse(`${local}Z`) - days * DAY_MS).toISOString().slice(0, 23);
  return end - zonedMs(before, zone);
}

const MIN_SPAN_MS = 1_000;
const MAX_SPAN_MS = 400 * 86_400_000;
// Further points of a raw series are cut at the old end: 1,200 came, as many may be added live.
const MAX_LIVE_POINTS = 6_000;

export interface Curve {
  tag: Tag;
  everyMs: number;
  t: number[];
  /** The line: raw values or averages. */
  v: (number | null)[];
  /** The band around it; null for raw values. */
  min: (number | null)[] | null;
  max: (number | null)[] | null;
  /** Times of bad values, or of buckets that hold some. */
  bad: number[];
}

function numeric(value: number | string | boolean | null): number | null {
  if (value === null) {
    return null;
  }
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** `shift`: how much later it is drawn than it was, to lie beside another period. */
export function curveOf(tag: Tag, series: Series, shift = 0): Curve {
  const bad = (series.bad ?? []).map((at) => series.t[at]! + shift);
  if (series.v) {
    return { tag, everyMs: 0, t: series.t.map((time) => time + shift), v: series.v.map(numeric), min: null, max: null, bad };
  }
  const clean = (column: (number | null)[] | undefined) => (column ?? []).map(numeric);
  // A bucket stands in its middle.
  const half = series.every_ms / 2 + shift;
  return {
    tag,
    everyMs: series.every_ms,
    t: series.t.map((time) => time + half),
    v: clean(series.avg),
    min: clean(series.min),
    max: clean(series.max),
    bad,
  };
}

function usualStep(t: number[]): number {
  const steps: number[] = [];
  for (let i = Math.max(1, t.length - 20); i < t.length; i++) {
    steps.push(t[i]! - t[i - 1]!);
  }
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? NaN;
}

/** Adds the newest live value of the tag to a raw curve. True when something came. */
export function appendLive(curve: Curve): boolean {
  if (curve.everyMs !== 0) {
    return false;
  }
  const slot = values.slot(curve.tag.number);
  const time = values.time[slot]!;
  const last = curve.t[curve.t.length - 1] ?? -Infinity;
  if (!(time > last)) {
    return false;
  }
  const usual = usualStep(curve.t);
  if (curve.t.length > 2 && time - last > Math.max(usual * 4, 3_000)) {
    curve.t.push(last + usual);
    curve.v.push(null);
  }
  const bad = values.status[slot]! >>> 30 >= 2;
  if (bad) {
    curve.bad.push(time);
  }
  curve.t.push(time);
  curve.v.push(bad || Number.isNaN(values.number[slot]!) ? null : values.number[slot]!);
  if (curve.t.length > MAX_LIVE_POINTS) {
    curve.t.splice(0, MAX_LIVE_POINTS / 4);
    curve.v.splice(0, MAX_LIVE_POINTS / 4);
  }
  return true;
}

/** Where the raw values of the tags begin that have expired furthest; null: nothing of the range has. */
export function expiredOf(series: Series[]): { raw: number; rollup: number | null } | null {
  let found: { raw: number; rollup: number | null } | null = null;
  for (const one of series) {
    if (one.raw_from_ms !== undefined && one.raw_from_ms > (found?.raw ?? -Infinity)) {
      found = { raw: one.raw_from_ms, rollup: one.rollup_from_ms ?? null };
    }
  }
  return found;
}

export interface Point {
  time: number;
  value: number;
  min: number | null;
  max: number | null;
}

/** The point of a curve nearest to a time, or null where there is a gap. */
export function pointAt(curve: Curve, time: number): Point | null {
  const { t, v } = curve;
  let low = 0;
  let high = t.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t[middle]! < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const at = low > 0 && Math.abs(t[low - 1]! - time) <= Math.abs((t[low] ?? Infinity) - time) ? low - 1 : low;
  const value = v[at];
  if (value === null || value === undefined) {
    return null;
  }
  return { time: t[at]!, value, min: curve.min?.[at] ?? null, max: curve.max?.[at] ?? null };
}

export interface Window {
  from: number;
  to: number;
}

export function zoomed(view: Window, factor: number, around: number): Window {
  const span = Math.min(MAX_SPAN_MS, Math.max(MIN_SPAN_MS, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  const from = around - span * share;
  return { from, to: from + span };
}

export function panned(view: Window, ms: number): Window {
  return { from: view.from + ms, to: view.to + ms };
}

export interface Lane {
  key: string;
  unit: string;
  tags: Tag[];
}

/** Tags of one unit share a lane; what has no unit stands alone, for nothing says it can be compared. */
export function lanesOf(tags: Tag[]): Lane[] {
  const lanes: Lane[] = [];
  for (const tag of tags) {
    const shared = tag.unit !== '' && tag.kind !== 'counter' ? lanes.find((one) => one.key === tag.unit) : undefined;
    if (shared) {
      shared.tags.push(tag);
    } else {
      const alone = tag.unit === '' || tag.kind === 'counter';
      lanes.push({ key: alone ? tag.name : tag.unit, unit: tag.unit, tags: [tag] });
    }
  }
  return lanes;
}

/** Each tag for itself. */
export function lanesApart(tags: Tag[]): Lane[] {
  return tags.map((tag) => ({ key: tag.name, unit: tag.unit, tags: [tag] }));
}

// More axes than this beside one picture leave no room for it.
const AXES_MOST = 4;

/** Lanes that are laid over each other, each with an axis of its own; those that find no axis stand below. */
export function lanesTogether(tags: Tag[]): Lane[][] {
  const lanes = lanesOf(tags);
  return lanes.length === 0 ? [] : [lanes.slice(0, AXES_MOST), ...lanes.slice(AXES_MOST).map((lane) => [lane])];
}

/** Room beside the picture for its axes, by their number and the width of the screen. */
export function insetsOf(axes: number, width: number): { one: number; left: number; right: number } {
  const one = width < 520 ? 52 : 72;
  return { one, left: one * Math.ceil(axes / 2), right: axes > 1 ? one * Math.floor(axes / 2) : 14 };
}

export const COLOURS = 8;
const DASHES: number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** The same tag has the same colour everywhere; where two meet in one lane the later is dashed. */
export function inkOf(tag: Tag, lane: Tag[]): { colour: string; dash: number[] } {
  const index = tag.number % COLOURS;
  const before = lane.slice(0, lane.indexOf(tag)).filter((one) => one.number % COLOURS === index).length;
  return { colour: `--c${index}`, dash: DASHES[before % DASHES.length]! };
}

export function isStepped(tag: Tag): boolean {
  return tag.type === 'bool' || tag.kind === 'state' || tag.kind === 'setpoint';
}
