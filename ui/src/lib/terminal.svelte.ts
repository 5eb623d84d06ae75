// What the shop-floor terminal knows: the machine it stands at, who works, the orders, and what was told
// and is on its way. Orders are shown as they will be once the server has taken what waits.
import { get, plantPath, postWith, query, type Items, type Problem } from './api';
import { serverNow } from './clock.svelte';
import { Queue, type Told } from './queue.svelte';

export interface Run {
  run: number;
  phase: 'setup' | 'make';
  since: string;
  worker: string | null;
  worker_name: string | null;
  mould: string | null;
  pieces: number;
}
export interface Operation {
  step: number;
  process: string;
  process_name: string;
  workcentre: string | null;
  machine: string | null;
  machine_name: string | null;
  partner: string | null;
  state: 'waiting' | 'running' | 'paused' | 'done';
  begin: string | null;
  end: string | null;
  good: number;
  bad: number;
  run: Run | null;
}
export interface Order {
  order: string;
  item: string;
  item_name: string;
  unit: string;
  quantity: number;
  due: string;
  priority: number;
  state: 'planned' | 'released' | 'running' | 'held' | 'done' | 'cancelled';
  lot: string | null;
  note: string;
  good: number;
  bad: number;
  operations: Operation[];
}
/** One operation of one order. */
export interface Work {
  id: string; // ORDER/STEP
  order: Order;
  operation: Operation;
}
export interface Reason {
  reason: string;
  name: string;
}
export interface Stop {
  number: number;
  machine: string;
  begin: string;
  reason: string | null;
  reason_name: string | null;
  reasons: Reason[]; // The likeliest, where it has none.
}
/** A mould that makes an item and may be worked with. */
export interface Fitting {
  mould: string;
  name: string;
  mounted: boolean; // On this machine.
}

export type EventType = 'operation.begin' | 'operation.pause' | 'operation.end' | 'made.enter' | 'remark' | 'order.hold' | 'stop.file';
export interface Event extends Told {
  key: string;
  type: EventType;
  body: Record<string, string>;
  terminal: string;
  said: string; // In the words of whoever told it.
  name?: string; // Of the reason that it gives.
  doneMs: number; // When it was answered; 0: not yet.
}
interface Answer {
  event: number;
  warnings?: string[];
}

const LATER_MS = 60_000;
const hex = (bytes: number): string => [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, '0')).join('');

class Events extends Queue<Event> {
  protected async send(event: Event): Promise<void> {
    const { type, body, time, key, terminal } = event;
    // Long after it was told nobody stands there to answer a question.
    const later = serverNow() - Date.parse(time) > LATER_MS;
    const headers: Record<string, string> = { 'Idempotency-Key': key, ...(terminal === '' ? {} : { 'Maru-Terminal': terminal }), ...(later ? { 'Maru-Later': '1' } : {}) };
    const answer = await postWith<Answer>(plantPath(this.plant, 'events'), { type, time, ...body }, headers);
    event.note = (answer.warnings ?? []).join(' ');
    event.doneMs = Date.now();
  }
  /** What looked like a slip is right. */
  sure(event: Event): void {
    event.body = { ...event.body, sure: '1' };
    this.again(event);
  }
  /** Empty members are left away: the program takes them for absent. */
  tell(type: EventType, body: Record<string, string>, terminal: string, said: string, name = ''): void {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== ''));
    this.put({ key: `terminal-${hex(16)}`, type, body: given, terminal, said, name, doneMs: 0 });
  }
  /** Oldest first. */
  inOrder(): Event[] {
    return [...this.list].reverse();
  }
}

export const events = new Events('maru.event.');

// ---- Orders ----

interface Orders {
  plant: string;
  machine: string;
  loaded: boolean;
  askedMs: number; // When the question was asked that is shown.
  items: Order[];
  failed: Problem | null;
}
export const orders = $state<Orders>({ plant: '', machine: '', loaded: false, askedMs: 0, items: [], failed: null });

async function list(plant: string, params: Record<string, string>): Promise<Order[]> {
  return (await get<Items<Order>>(plantPath(plant, `orders?${query({ state: 'open', ...params })}`))).items;
}

/** Those of the machine, and the others as far as they go: a scan may name any. */
export async function loadOrders(plant: string, machine: string): Promise<void> {
  const askedMs = Date.now();
  if (orders.plant !== plant || orders.machine !== machine) {
    Object.assign(orders, { plant, machine, loaded: false, items: [] });
  }
  try {
    const [own, all] = await Promise.all([list(plant, { machine }), list(plant, {})]);
    if (orders.plant === plant && orders.machine === machine && askedMs >= orders.askedMs) {
      const known = new Set(own.map((one) => one.order));
      Object.assign(orders, { items: [...own, ...all.filter((one) => !known.has(one.order))], askedMs, loaded: true, failed: null });
    }
  } catch (error) {
    if (orders.plant === plant && orders.machine === machine) {
      orders.failed = error as Problem;
    }
  }
}

export const idOf = (order: Order, operation: Operation): string => `${order.order}/${operation.step}`;

/** ORDER and STEP of a code; a step is behind the last stroke. */
export function partsOf(code: string): { order: string; step: number } | null {
  const [, order, step] = /^(.+)\/(\d{1,6})$/.exec(code) ?? [];
  return order && step ? { order, step: Number(step) } : null;
}

function begin(operation: Operation, event: Event): void {
  const phase = event.body.phase === 'setup' ? 'setup' : 'make';
  operation.state = 'running';
  operation.machine = event.body.machine ?? operation.machine;
  operation.run = { run: 0, phase, since: event.time, worker: event.body.worker ?? null, worker_name: null, mould: null, pieces: 1 };
}

function take(all: Order[], event: Event): void {
  const parts = partsOf(event.body.operation ?? '');
  const order = all.find((one) => one.order === (parts?.order ?? event.body.order));
  const operation = order?.operations.find((one) => one.step === parts?.step);
  if (order && event.type === 'order.hold') {
    order.state = 'held';
  }
  if (!operation || operation.state === 'done') {
    return;
  }
  switch (event.type) {
    case 'operation.begin':
      return begin(operation, event);
    case 'operation.pause':
      Object.assign(operation, { state: 'paused', run: null });
      return;
    case 'operation.end':
      Object.assign(operation, { state: 'done', run: null });
      return;
    case 'made.enter':
      operation.good += Number(event.body.good ?? 0);
      operation.bad += Number(event.body.bad ?? 0);
      return;
    default:
      return;
  }
}

/** Orders with what the server does not know yet, or had not known when it told them. */
export function foreseen(items: Order[], told: Event[], askedMs: number): Order[] {
  const open = told.filter((one) => one.state === 'waiting' || (one.state === 'stored' && one.doneMs > askedMs));
  if (open.length === 0) {
    return items;
  }
  const all = JSON.parse(JSON.stringify(items)) as Order[];
  for (const event of open) {
    take(all, event);
  }
  return all;
}

export function worksOf(items: Order[]): Work[] {
  return items.flatMap((order) => order.operations.map((operation) => ({ id: idOf(order, operation), order, operation })));
}

const RANK = { running: 0, paused: 1, waiting: 2, done: 3 };
const OPEN = ['released', 'running'];

/** What comes next on a machine: paused first, then its own, as the program lists them. */
export function nextOf(works: Work[], machine: string): Work[] {
  const mine = ({ operation }: Work): boolean => operation.machine === machine || (operation.machine === null && operation.partner === null);
  const open = works.filter((one) => mine(one) && OPEN.includes(one.order.state) && ['waiting', 'paused'].includes(one.operation.state));
  const rank = (one: Work): number => RANK[one.operation.state];
  const own = (one: Work): number => (one.operation.machine === machine ? 0 : 1);
  return open.sort((a, b) => rank(a) - rank(b) || own(a) - own(b));
}

export const runningOn = (works: Work[], machine: string): Work | undefined => works.find((one) => one.operation.state === 'running' && one.operation.machine === machine);

// ---- What may be there ----

/** The stop that stands, with what was said of it on the way; of one without a reason the likeliest ones. null: none. */
export async function openStop(plant: string, machine: string, told: Event[]): Promise<Stop | null> {
  try {
    const askedMs = Date.now();
    const { items } = await get<Items<Omit<Stop, 'reasons'>>>(plantPath(plant, `production/stops?${query({ open: '1', machine })}`));
    const newest = items.find((one) => one.machine === machine);
    if (!newest) {
      return null;
    }
    const filed = told.filter((one) => one.type === 'stop.file' && one.body.stop === String(newest.number) && (one.state === 'waiting' || one.doneMs > askedMs)).at(-1);
    if (filed?.body.reason) {
      return { ...newest, reason: filed.body.reason, reason_name: filed.name ?? filed.body.reason, reasons: [] };
    }
    const likely = newest.reason ? [] : (await get<Items<Reason>>(plantPath(plant, `production/stops/${newest.number}/reasons`))).items;
    return { ...newest, reason: newest.reason ?? null, reasons: likely };
  } catch {
    return null;
  }
}

interface MouldNow {
  mould: string;
  name: string;
  item: string | null;
  open: number;
  machine: string | null;
  order: string | null; // Where it works now.
  blocked: string | null;
  repair: number | null;
}
/** Moulds that a machine can make an item with, the mounted one first; none where nobody can say. */
export async function fittingMoulds(plant: string, machine: string, item: string): Promise<Fitting[]> {
  try {
    const { items } = await get<Items<MouldNow>>(plantPath(plant, 'maintenance/moulds'));
    return items
      .filter((one) => one.item === item && one.open > 0 && !one.blocked && one.repair === null && (one.machine === machine || one.order === null))
      .map((one) => ({ mould: one.mould, name: one.name, mounted: one.machine === machine }))
      .sort((a, b) => Number(b.mounted) - Number(a.mounted) || a.name.localeCompare(b.name));
  } catch {
    return [];
  }
}

export interface Due {
  kind: string;
  due: boolean;
  operation: string | null;
  machine: string | null;
  lines: { name: string }[];
}
/** Inspections that the work on a machine asks for now; none where nobody can say. */
export async function dueAt(plant: string, machine: string): Promise<Due[]> {
  try {
    const { items } = await get<Items<Due>>(plantPath(plant, 'inspections/due'));
    return items.filter((one) => one.due && one.machine === machine);
  } catch {
    return [];
  }
}

export interface Worker {
  code: string;
  name: string;
  badge: string | null;
}
/** null: the server did not say. */
export async function loadWorkers(plant: string): Promise<Worker[] | null> {
  try {
    return (await get<Items<{ fields: Worker }>>(plantPath(plant, 'master/workers?active=1&limit=1000'))).items.map((one) => one.fields);
  } catch {
    return null;
  }
}

/** Equipment on which work can run; none where nobody can say. */
export async function machinesOf(plant: string): Promise<string[]> {
  try {
    return (await get<Items<{ machine: string }>>(plantPath(plant, 'production/machines'))).items.map((one) => one.machine);
  } catch {
    return [];
  }
}

export interface Lot {
  lot: string;
  item: string;
  name: string;
  state: string;
  waits?: boolean; // For its inspection.
}
/** null: unknown, or lots are not told. Throws when the server is away. */
async function find<T>(path: string): Promise<T | null> {
  try {
    return await get<T>(path);
  } catch (error) {
    if ((error as Problem).status === 0) {
      throw error;
    }
    return null;
  }
}
export const findOrder = (plant: string, code: string): Promise<Order | null> => find<Order>(plantPath(plant, `orders/${encodeURIComponent(code)}`));
export const findLot = (plant: string, code: string): Promise<Lot | null> => find<Lot>(plantPath(plant, `lots/${encodeURIComponent(code)}`));
