// The last hour of a machine's state, as stretches of time: for the strip under a machine and for
// "since when". Asked from the store once a minute, kept current from the live values in between.
import { get, plantPath, query, type Series, type SeriesAnswer } from './api';
import type { Machine } from './machines';
import { values } from './values';

export interface Stretch {
  from: number;
  to: number;
  state: number;
}

export const HISTORY_MS = 3_600_000;
// A young plant fills its strip all the same: the window grows with what is known.
const WINDOWS_MS = [600_000, 1_800_000, HISTORY_MS] as const;
const AT_ONCE = 8;
const POINTS = 1200;
// Neighbours further apart than this are a gap: nobody knows what the machine did.
const GAP_MS = 15_000;

function statesOf(series: Series): (number | null)[] {
  if (series.v) {
    return series.v.map((v) => (v === null ? null : Number(v)));
  }
  // A bucket that saw two states counts as the worse one.
  return series.max ?? [];
}

export function stretchesOf(series: Series): Stretch[] {
  const out: Stretch[] = [];
  const states = statesOf(series);
  const step = series.every_ms;
  const gap = Math.max(GAP_MS, step * 2.5);
  let last: Stretch | null = null;
  for (let i = 0; i < series.t.length; i++) {
    const time = series.t[i]!;
    const state = states[i] ?? null;
    if (state === null) {
      last = null;
    } else if (last !== null && last.state === state && time - last.to <= gap) {
      last.to = time + step;
    } else {
      if (last !== null && time - last.to <= gap) {
        last.to = time;
      }
      last = { from: time, to: time + step, state };
      out.push(last);
    }
  }
  return out;
}

export async function loadHistory(plant: string, machines: Machine[], nowMs: number): Promise<Map<string, Stretch[]>> {
  const out = new Map<string, Stretch[]>();
  const tags = machines.flatMap((machine) => (machine.state ? [machine.state.name] : []));
  for (let i = 0; i < tags.length; i += AT_ONCE) {
    const search = query({
      tag: tags.slice(i, i + AT_ONCE),
      from: new Date(nowMs - HISTORY_MS).toISOString(),
      to: new Date(nowMs).toISOString(),
      points: POINTS,
    });
    const answer = await get<SeriesAnswer>(plantPath(plant, `series?${search}`));
    for (const series of answer.series) {
      out.set(series.tag, stretchesOf(series));
    }
  }
  return out;
}

/** Carries the newest live value of a state tag into its stretches. */
export function extend(stretches: Stretch[], slot: number): void {
  const time = values.time[slot]!;
  const state = values.number[slot]!;
  if (Number.isNaN(time) || Number.isNaN(state) || values.status[slot]! >>> 30 >= 2) {
    return;
  }
  const last = stretches[stretches.length - 1];
  if (last === undefined || time - last.to > GAP_MS) {
    stretches.push({ from: time, to: time, state });
  } else if (time > last.to) {
    last.to = time;
    if (last.state !== state) {
      stretches.push({ from: time, to: time, state });
    }
  }
}

/** The least window that holds all that is known. */
export function windowOf(all: Iterable<Stretch[]>, nowMs: number): number {
  let first = nowMs;
  for (const stretches of all) {
    first = Math.min(first, stretches[0]?.from ?? nowMs);
  }
  return WINDOWS_MS.find((ms) => nowMs - first <= ms) ?? HISTORY_MS;
}

/** Since when the newest state stands, NaN when unknown. */
export function sinceOf(stretches: Stretch[] | undefined): number {
  const last = stretches?.[stretches.length - 1];
  return last === undefined ? NaN : last.from;
}
