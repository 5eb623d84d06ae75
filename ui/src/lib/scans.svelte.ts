// Scans wait in the browser until the server has stored them. Each stands under a key of its own, so two
// windows never write over each other, and has its time from the moment it was read: sent twice it is
// the same scan. What waits is its reader's: another account on the same phone neither sees nor sends it.
// They go one after the other, in the order in which they were read.
import { plantPath, post, Problem } from './api';
import { serverNow } from './clock.svelte';
import { sentenceOf } from './errors';
import { session } from './session.svelte';

export interface Element {
  ai: string;
  value: string;
  shown: string;
  words: string;
}

interface Answer {
  tag: string;
  code: string;
  again: boolean;
  created: boolean;
  count_today: number;
  elements: Element[];
  note: string | null;
}

export interface Scan {
  time: string;
  tag: string;
  code: string;
  create: boolean;
  state: 'waiting' | 'stored' | 'refused';
  elements: Element[];
  note: string;
}

export const SHOWN = 20;
const KEY = 'maru.scan.';
const RETRY_MS = 2_000;

interface Scans {
  plant: string;
  owner: string; // The id of who reads.
  list: Scan[]; // Newest first: all that wait or were refused, and the last stored ones.
  today: number | null;
  away: boolean; // The server did not answer the last time.
  unkept: boolean; // The browser keeps nothing: closing the page loses what waits.
}

export const scans = $state<Scans>({ plant: '', owner: '', list: [], today: null, away: false, unkept: false });

let sending = false;
let timer = 0;
let lastMs = 0;
let told: (scan: Scan) => void = () => undefined;

const me = (): string => session.user?.id ?? '';
const keyOf = (time: string): string => `${KEY}${scans.owner}.${scans.plant}.${time}`;

function keep(scan: Scan): void {
  try {
    localStorage.setItem(keyOf(scan.time), JSON.stringify(scan));
  } catch {
    scans.unkept = true;
  }
}

function drop(scan: Scan): void {
  localStorage.removeItem(keyOf(scan.time));
}

/** The moment of a scan. Below the millisecond stand random digits, so that two phones that read at the
 * same moment do not have the same one. */
function newTime(): string {
  lastMs = Math.max(lastMs + 1, Math.floor(serverNow()));
  const below = String(crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000).padStart(6, '0');
  return new Date(lastMs).toISOString().replace('Z', `${below}Z`);
}

function readKept(owner: string, plant: string): Scan[] {
  const out: Scan[] = [];
  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i) ?? '';
    if (key.startsWith(`${KEY}${owner}.${plant}.`)) {
      try {
        out.push(JSON.parse(localStorage.getItem(key) ?? '') as Scan);
      } catch {
        continue; // Not ours.
      }
    }
  }
  return out.sort((a, b) => (a.time < b.time ? 1 : -1));
}

/** Keeps what waits and the last stored ones in view, and those stored in the browser no longer. */
function trim(): void {
  let stored = 0;
  scans.list = scans.list.filter((one) => one.state !== 'stored' || ++stored <= SHOWN);
}

/** Takes up what an earlier page left. `onend` hears of each scan that was stored or refused. */
export function open(plant: string, onend: (scan: Scan) => void): () => void {
  told = onend;
  const owner = me();
  if (scans.plant !== plant || scans.owner !== owner) {
    Object.assign(scans, { plant, owner, list: readKept(owner, plant), today: null, away: false, unkept: false });
  }
  void sendAll();
  return () => (told = () => undefined);
}

export function add(tag: string, code: string, create: boolean): void {
  const scan: Scan = { time: newTime(), tag, code, create, state: 'waiting', elements: [], note: '' };
  keep(scan);
  scans.list.unshift(scan);
  void sendAll();
}

/** Takes a refused scan off the list. */
export function dismiss(scan: Scan): void {
  drop(scan);
  scans.list = scans.list.filter((one) => one.time !== scan.time);
}

/** Sends a refused one once more. */
export function again(scan: Scan): void {
  scan.state = 'waiting';
  scan.note = '';
  keep(scan);
  void sendAll();
}

export const waiting = (): number => scans.list.reduce((n, one) => n + (one.state === 'waiting' ? 1 : 0), 0);

// What the server will not take however often it is sent; anything else waits.
const isRefusal = (problem: Problem): boolean => [400, 403, 404, 409, 413].includes(problem.status);

async function sendOne(scan: Scan): Promise<boolean> {
  const { time, tag, code, create } = scan;
  try {
    const answer = await post<Answer>(plantPath(scans.plant, 'scans'), { tag, code, time, ...(create ? { create } : {}) });
    scan.state = 'stored';
    scan.elements = answer.elements;
    scan.note = answer.note ?? '';
    scans.today = answer.count_today;
    drop(scan);
  } catch (error) {
    const problem = error as Problem;
    if (!isRefusal(problem)) {
      scans.away = true;
      return false;
    }
    scan.state = 'refused';
    scan.note = sentenceOf(problem);
    keep(scan);
  }
  scans.away = false;
  told(scan);
  trim();
  return true;
}

async function sendAll(): Promise<void> {
  if (sending) {
    return;
  }
  sending = true;
  clearTimeout(timer);
  const { plant, owner } = scans;
  for (let next = oldest(); next && plant === scans.plant && owner === scans.owner && owner === me(); next = oldest()) {
    if (!(await sendOne(next))) {
      timer = window.setTimeout(() => void sendAll(), RETRY_MS);
      break;
    }
  }
  sending = false;
}

function oldest(): Scan | undefined {
  const held = scans.list.filter((one) => one.state === 'waiting');
  return held[held.length - 1];
}

window.addEventListener('online', () => void sendAll());
