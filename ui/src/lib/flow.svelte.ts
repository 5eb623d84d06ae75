// The data flow, asked every two seconds on every page (the banner lives from it) and every second
// where it is shown. Counts are totals since the start; rates are differences over a few seconds.
import { get, msOf, plantPath, type Device, type Flow, type Problem } from './api';
import { session } from './session.svelte';

const WINDOW_MS = 5_000;

interface Shot {
  at: number;
  flow: Flow;
}

let shots: Shot[] = [];
let latest = $state.raw<{ flow: Flow | null; base: Shot | null; failed: Problem | null }>({
  flow: null,
  base: null,
  failed: null,
});
let timer = 0;
let periodMs = 2_000;
let watched = '';

export function flow(): Flow | null {
  return latest.flow;
}

export function flowProblem(): Problem | null {
  return latest.failed;
}

export function deviceOf(id: string | null): Device | undefined {
  return id === null ? undefined : latest.flow?.sources.find((d) => d.id === id);
}

/** Units per second of a total, or NaN before two looks. */
export function rate(total: (flow: Flow) => number | undefined): number {
  const { flow: now, base } = latest;
  const last = shots[shots.length - 1];
  if (!now || !base || !last || last.at <= base.at) {
    return NaN;
  }
  const difference = (total(now) ?? NaN) - (total(base.flow) ?? NaN);
  return difference < 0 ? NaN : (difference * 1000) / (last.at - base.at);
}

async function look(): Promise<void> {
  const plant = watched;
  try {
    const seen = await get<Flow>(plantPath(plant, 'flow'));
    if (plant !== watched) {
      return;
    }
    const at = msOf(seen.now);
    // A restarted server counts from nothing.
    if (shots.some((s) => s.flow.pipeline.rows_in > seen.pipeline.rows_in)) {
      shots = [];
    }
    shots.push({ at, flow: seen });
    while (shots.length > 2 && at - shots[1]!.at >= WINDOW_MS) {
      shots.shift();
    }
    latest = { flow: seen, base: shots[0]!, failed: null };
  } catch (error) {
    latest = { ...latest, failed: error as Problem };
  }
}

async function loop(): Promise<void> {
  if (!document.hidden && session.user !== null) {
    await look();
  }
  if (watched !== '') {
    timer = window.setTimeout(() => void loop(), periodMs);
  }
}

export function watchFlow(plant: string): () => void {
  watched = plant;
  shots = [];
  latest = { flow: null, base: null, failed: null };
  clearTimeout(timer);
  void loop();
  return () => {
    watched = '';
    clearTimeout(timer);
  };
}

/** Looks twice as often until the answer is called. */
export function watchClosely(): () => void {
  periodMs = 1_000;
  return () => {
    periodMs = 2_000;
  };
}
