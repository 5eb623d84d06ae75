// The pages come in parts: what is looked at first, the rest while nobody waits, so that a page that is
// opened later is there at once, also when the server is away by then.
import type { Component } from 'svelte';
import { Problem } from './api';
import { loadWords, wantWords, type Group } from './words.svelte';

// Whatever a page wants to be told it takes; the frame tells all of it.
type Part = Component<any>;
export interface Lazy {
  load: () => Promise<{ default: Part }>;
  /** Words that stand apart (words/later) and come with it. */
  words?: Group[];
  /** Begins anew when another plant is looked at. */
  byPlant?: boolean;
}

const floor: Lazy = { load: () => import('../pages/Floor.svelte') };
const flow: Lazy = { load: () => import('../pages/Flow.svelte') };
const lots: Lazy = { load: () => import('../pages/Lots.svelte'), words: ['lots', 'production', 'inspections', 'labels'], byPlant: true };
const settings: Lazy = { load: () => import('../pages/Settings.svelte'), words: ['settings', 'start'] };
const start: Lazy = { load: () => import('../pages/Start.svelte'), words: ['start', 'devices'], byPlant: true };
// Pages are found by their names in either language.
const search: Lazy = {
  load: async () => (await Promise.all([import('../parts/Search.svelte'), loadWords('ko'), loadWords('en')]))[0],
};
const help: Lazy = { load: () => import('../pages/Help.svelte'), words: ['help'] };
export const shell: Lazy = { load: () => import('../parts/Shell.svelte') };

/** What each address shows; `search` is no page, but comes in the same way. */
export const ADDRESSES = {
  '/floor': floor,
  '/signin': floor,
  '/data': flow,
  '/data/flow': flow,
  '/data/live': { load: () => import('../pages/Live.svelte'), words: ['live'] },
  '/data/trend': { load: () => import('../pages/Trend.svelte'), words: ['trend'], byPlant: true },
  '/data/devices': { load: () => import('../pages/Devices.svelte'), words: ['devices'] },
  '/data/tag': { load: () => import('../pages/Tag.svelte'), words: ['tag', 'devices'] },
  '/data/quality': { load: () => import('../pages/Quality.svelte'), words: ['values'], byPlant: true },
  '/data/outbox': { load: () => import('../pages/Outbox.svelte'), words: ['outbox'] },
  '/data/master': { load: () => import('../pages/Master.svelte'), words: ['master', 'production', 'upload', 'devices', 'labels'], byPlant: true },
  '/data/papers': { load: () => import('../pages/Papers.svelte'), words: ['papers'] },
  '/data/indicators': { load: () => import('../pages/Indicators.svelte'), words: ['indicators'], byPlant: true },
  '/data/upload': { load: () => import('../pages/Upload.svelte'), words: ['upload', 'devices'] },
  '/deliveries': { load: () => import('../pages/Deliveries.svelte'), words: ['deliveries', 'production', 'stock'], byPlant: true },
  '/factories': { load: () => import('../pages/Factories.svelte'), words: ['factories'] },
  '/help': help,
  '/forms': { load: () => import('../pages/Forms.svelte'), words: ['forms', 'production'], byPlant: true },
  '/health': { load: () => import('../pages/Health.svelte'), words: ['health'] },
  '/inspections': { load: () => import('../pages/Inspections.svelte'), words: ['inspections', 'production'], byPlant: true },
  '/lots': lots,
  '/stock': { load: () => import('../pages/Stock.svelte'), words: ['stock', 'production'], byPlant: true },
  '/output': { load: () => import('../pages/Output.svelte'), words: ['output', 'production'], byPlant: true },
  '/maintenance': { load: () => import('../pages/Maintenance.svelte'), words: ['upkeep', 'production'], byPlant: true },
  '/sales': { load: () => import('../pages/Sales.svelte'), words: ['sales', 'production'], byPlant: true },
  '/costs': { load: () => import('../pages/Costs.svelte'), words: ['costs', 'production'], byPlant: true },
  '/orders': { load: () => import('../pages/Orders.svelte'), words: ['orders', 'production', 'labels'], byPlant: true },
  '/scan': { load: () => import('../pages/Scan.svelte'), words: ['scan'] },
  '/settings': settings,
  '/start': start,
  '/terminal': { load: () => import('../pages/Terminal.svelte'), words: ['labels'], byPlant: true },
  '/tv': { load: () => import('../pages/Tv.svelte') },
  search,
} satisfies Record<string, Lazy>;

export const lazy = $state<{ parts: Map<Lazy, Part>; failed: Problem | null }>({ parts: new Map(), failed: null });

/** Lots, settings, the guided set-up and the help have addresses below their own. */
export function pageOf(address: string): Lazy | undefined {
  const known: Record<string, Lazy> = ADDRESSES;
  const below: [string, Lazy][] = [['/lots/', lots], ['/settings/', settings], ['/start/', start], ['/help/', help]];
  return known[address] ?? below.find(([parent]) => address.startsWith(parent))?.[1];
}

// A file that is gone: the program was renewed while this page stood open. The new one comes in its place.
async function renewed(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>('script[type="module"][src]');
  const index = await fetch('/index.html', { cache: 'no-store' }).catch(() => null);
  return own !== null && index?.ok === true && !(await index.text()).includes(own.getAttribute('src') ?? '');
}

// Page and words come side by side.
async function bring(part: Lazy): Promise<void> {
  const [{ default: loaded }] = await Promise.all([part.load(), wantWords(part.words ?? [])]);
  lazy.parts = new Map(lazy.parts).set(part, loaded);
}

/** Nothing to wait for when it is there already. Never refuses: `lazy.failed` says why it did not come. */
export function fetchPart(part: Lazy | undefined): Promise<void> | undefined {
  if (!part || lazy.parts.has(part)) {
    return undefined;
  }
  const fetch = async (): Promise<void> => {
    try {
      await bring(part);
      lazy.failed = null;
    } catch (error) {
      if (await renewed()) {
        location.reload();
      }
      lazy.failed = new Problem(0, String(error), 'unreachable');
    }
  };
  return fetch();
}

/** What the page of an address needs; doors and unknown addresses need nothing. */
export const fetchPage = (address: string): Promise<void> | undefined => fetchPart(pageOf(address));

const IDLE_MS = 1_500;
let begun = false;
/** Everything else, one after the other. What does not come is asked for again when it is opened. */
export function fetchRest(): void {
  if (begun) {
    return;
  }
  begun = true;
  const rest = async (): Promise<void> => {
    for (const part of [shell, ...Object.values<Lazy>(ADDRESSES)]) {
      await (lazy.parts.has(part) ? undefined : bring(part));
    }
  };
  setTimeout(() => void rest().catch(() => (begun = false)), IDLE_MS);
}
