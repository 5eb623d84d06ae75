// The program's HTTP interface (docs/HTTP.md): shapes of its answers and one way to ask.

import { goesVia, leave, unwrap, via } from './via';

export interface Organisation {
  id: string;
  name: string;
  kind: string;
}
/** Members with a question mark are missing in answers of programs from before people had rights by plant. */
export interface User {
  id?: string;
  login: string;
  display: string;
  /** In the first plant; a plant's own role comes first (lib/rights.ts). */
  role: Role;
  admin?: boolean;
  organisation?: Organisation | null;
  second_factor?: boolean;
}
export type Role = 'viewer' | 'operator' | 'manager' | 'owner' | 'installer' | 'auditor' | 'grantee';

export interface Plant {
  id: string;
  display: string;
  zone: string;
  role?: Role;
}

export interface SessionAnswer {
  user: User | null;
  plants?: Plant[];
  setup_needed: boolean;
  demo: boolean;
  version: string;
  epoch: string;
}

export type RawValue = number | string | boolean | null;

export interface Tag {
  number: number;
  name: string;
  display: string;
  type: 'f64' | 'i64' | 'bool' | 'text';
  unit: string;
  kind: string;
  device: string | null;
  source: string | null;
  scale: number;
  offset: number;
  min: number | null;
  max: number | null;
  dead_band: number | null;
  active: boolean;
  value: RawValue;
  quality: string | null;
  status: number;
  reason: string | null;
  time: string | null;
  received: string | null;
  age_ms: number | null;
  late: boolean;
}

export interface Asset {
  id: string;
  parent: string | null;
  level: 'site' | 'area' | 'line' | 'equipment';
  display: string;
  kind: string;
  x: number | null;
  y: number | null;
}

export interface Health {
  state: 'up' | 'stale' | 'down' | 'connecting' | 'off';
  since: string | null;
  last_good: string | null;
  last_error_time: string | null;
  last_error: string | null;
  last_error_code: string | number | null;
  next_try: string | null;
  polls: number;
  requests: number;
  failures: number;
  timeouts: number;
  connects: number;
  samples: number;
  overruns: number;
  waits: number;
  unclaimed: number;
  rtt_p50_us: number | null;
  rtt_p99_us: number | null;
  points: number;
  points_bad: number;
  groups: number;
  open_sockets: number;
}

export interface Device {
  id: string;
  display: string;
  driver: string;
  address: string;
  options: string;
  period_ms: number;
  enabled: boolean;
  health: Health;
}

export interface Stage {
  id: string;
  words: string;
  in: number;
  changed: number;
  marked: number;
  omitted: number;
}

export interface Flow {
  now: string | number;
  sources: Device[];
  ingest: { rows: number; requests: number; refused: number };
  stages: Stage[];
  pipeline: {
    batches_in: number;
    rows_in: number;
    rows_kept: number;
    rows_omitted: number;
    rows_refused: number;
    queue_size: number;
    queue_capacity: number;
    lag_ms: number;
    lag_max_ms: number;
    commits: number;
    stalled: boolean;
    last_error: string | null;
  };
  store: {
    seq: number;
    rows: number;
    segments: number;
    segment_bytes: number;
    log_bytes: number;
    memory_bytes: number;
    appended_rows: number;
    sync_count: number;
    sync_ms_avg: number | null;
    damaged_blocks: number;
    torn_bytes_cut: number;
    disk_full: boolean;
    disk_full_since: string | null;
    disk_free_bytes: number;
    notices: (string | { words?: string; detail?: string })[];
  };
  consumers: { id: string; seq: number; lag: number; last_error: string | null }[];
}

export interface Series {
  tag: string;
  unit: string;
  every_ms: number;
  t: number[];
  v?: (number | string | boolean | null)[];
  avg?: (number | null)[];
  min?: (number | null)[];
  max?: (number | null)[];
  /** Places of points that are bad, or of buckets that hold bad values. */
  bad?: number[];
  /** Present where the range begins before the oldest raw values; null: no averages are left either. */
  raw_from_ms?: number;
  rollup_from_ms?: number | null;
}

export interface SeriesAnswer {
  from_ms: number;
  to_ms: number;
  series: Series[];
}

/** A note beside the curves. `begin` and `end` are the same for a moment; tag null: of the plant. */
export interface Note {
  number: number;
  begin: string;
  end: string;
  tag: string | null;
  text: string;
  actor: string;
  author: string;
  entered: string;
}

/** What a range of a tag holds in a few figures. */
export interface Summary {
  tag: string;
  unit: string;
  count: number;
  bad: number;
  partial: boolean;
  min: number | null;
  avg: number | null;
  max: number | null;
  first: number | null;
  first_time: string | null;
  last: number | null;
  last_time: string | null;
}

export interface Items<T> {
  items: T[];
  next?: string | null;
}

/** An error as the program words it (RFC 9457). Status 0: no answer came. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly code: string,
    readonly retryAfterS = 0,
  ) {
    super(detail);
  }
}

// Whoever listens whether answers come from the server or from what was kept while it is away.
let listener: ((kept: string | null) => void) | null = null;
export function onAnswer(next: (kept: string | null) => void): void {
  listener = next;
}

const WAIT_MS = via ? 40_000 : 10_000;
export const API = '/api/v1';
// No more pages than this are followed: 100 pages of 20,000 rows are beyond any plant.
const MAX_PAGES = 100;

let spoken = 'ko';
/** The language errors come in. */
export function speak(language: string): void {
  spoken = language;
}

export async function problemFrom(answer: Response): Promise<Problem> {
  const body: unknown = await answer.json().catch(() => ({}));
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const detail = typeof fields.detail === 'string' ? fields.detail : '';
  const code = typeof fields.code === 'string' ? fields.code : '';
  return new Problem(answer.status, detail, code, Number(answer.headers.get('retry-after') ?? 0));
}

/** One request, answered as fetch does; through the desk while a factory is helped (lib/via.ts). */
export async function reach(path: string, init: RequestInit): Promise<Response> {
  const all: RequestInit = { credentials: 'same-origin', cache: 'no-store', ...init };
  if (!goesVia(path)) {
    return fetch(API + path, all);
  }
  const headers = new Headers(init.headers);
  headers.set('X-Requested-With', 'maru');
  const asked = new URLSearchParams({ method: init.method ?? 'GET', target: API + path });
  const outer = await fetch(`${API}/support/cases/${via!.id}/via?${asked}`, { ...all, method: 'POST', headers });
  const answer = outer.ok ? await unwrap(outer) : outer;
  if (answer.status === 410 || outer.status === 401) {
    leave(); // The visit is over, or nobody is signed in any more.
  }
  return answer;
}

async function ask<T>(method: string, path: string, body?: unknown, outer?: AbortSignal, waitMs = WAIT_MS, plain = false, more: Record<string, string> = {}): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), waitMs);
  const stop = () => timer.abort();
  outer?.addEventListener('abort', stop);
  const headers: Record<string, string> = { 'Accept-Language': spoken, ...more };
  if (method !== 'GET') {
    headers['X-Requested-With'] = 'maru';
  }
  if (body !== undefined) {
    headers['Content-Type'] = body instanceof Blob ? 'application/octet-stream' : 'application/json';
  }
  try {
    const answer = await reach(path, {
      method,
      headers,
      body: body === undefined || body instanceof Blob ? body : JSON.stringify(body),
      signal: timer.signal,
    });
    listener?.(answer.headers.get('Maru-Kept'));
    if (!answer.ok) {
      throw await problemFrom(answer);
    }
    return (answer.status === 204 ? undefined : plain ? await answer.text() : await answer.json()) as T;
  } catch (error) {
    if (error instanceof Problem) {
      throw error;
    }
    throw new Problem(0, error instanceof Error ? error.message : '', outer?.aborted ? 'aborted' : 'unreachable');
  } finally {
    clearTimeout(timeout);
    outer?.removeEventListener('abort', stop);
  }
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => ask<T>('GET', path, undefined, signal);
/** A table, as text. */
export const getText = (path: string, waitMs: number): Promise<string> => ask<string>('GET', path, undefined, undefined, waitMs, true);
export const post = <T>(path: string, body: unknown): Promise<T> => ask<T>('POST', path, body);
/** With headers of its own. */
export const postWith = <T>(path: string, body: unknown, headers: Record<string, string>): Promise<T> => ask<T>('POST', path, body, undefined, WAIT_MS, false, headers);
export const put = <T>(path: string, body: unknown): Promise<T> => ask<T>('PUT', path, body);
/** For questions to machines, which take their time. */
export const postSlow = <T>(path: string, body: unknown): Promise<T> => ask<T>('POST', path, body, undefined, 60_000);
/** Bytes of a file. */
export const send = <T>(path: string, bytes: Blob, waitMs: number, signal?: AbortSignal): Promise<T> => ask<T>('POST', path, bytes, signal, waitMs);
export const del = (path: string, body?: unknown): Promise<void> => ask<void>('DELETE', path, body);

export function plantPath(plant: string, rest: string): string {
  return `/plants/${encodeURIComponent(plant)}/${rest}`;
}

export function query(params: Record<string, string | number | string[]>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      out.append(name, String(one));
    }
  }
  return out.toString();
}

/** A list to its end. */
export async function getAll<T>(path: string, limit: number): Promise<T[]> {
  const out: T[] = [];
  let cursor: string | null | undefined = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const params: Record<string, string | number> = cursor === null || cursor === undefined ? { limit } : { limit, cursor };
    const answer: Items<T> = await get<Items<T>>(`${path}?${query(params)}`);
    out.push(...answer.items);
    cursor = answer.next;
    if (cursor === null || cursor === undefined) {
      break;
    }
  }
  return out;
}

/** Milliseconds since 1970 UTC of a time field, NaN when there is none. */
export function msOf(time: string | number | null | undefined): number {
  if (time === null || time === undefined || time === '') {
    return NaN;
  }
  return typeof time === 'number' ? time : Date.parse(time);
}
