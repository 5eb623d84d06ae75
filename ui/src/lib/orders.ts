// Work orders as the planner looks at them (docs/HTTP.md, GET orders), and what lies where on the board.
import { getAll, msOf, plantPath, postWith } from './api';
import { localText } from './times';

export type OrderState = 'planned' | 'released' | 'running' | 'held' | 'done' | 'cancelled';
export interface Step {
  step: number;
  process: string;
  process_name: string;
  machine: string | null;
  machine_name: string | null;
  state: 'waiting' | 'running' | 'paused' | 'done';
  begin: string | null;
  end: string | null;
  good: number;
  bad: number;
  run: { since: string; phase: string; worker_name: string | null } | null;
}
export interface WorkOrder {
  order: string;
  item: string;
  item_name: string;
  unit: string;
  quantity: number;
  due: string;
  priority: number;
  state: OrderState;
  proposed: boolean;
  sales: string | null;
  lot: string | null;
  good: number;
  bad: number;
  operations: Step[];
}
export interface Answer {
  event: number;
  warnings: string[];
  [member: string]: unknown;
}

export const OPEN: OrderState[] = ['running', 'released', 'held', 'planned'];

export const loadOrders = (plant: string): Promise<WorkOrder[]> => getAll<WorkOrder>(plantPath(plant, 'orders'), 200);

/** Tells an event once: the same key when it is sent again. */
export const tell = (plant: string, body: Record<string, unknown>, key = crypto.randomUUID()): Promise<Answer> =>
  postWith<Answer>(plantPath(plant, 'events'), body, { 'Idempotency-Key': key });

export const isOver = (one: WorkOrder): boolean => one.state === 'done' || one.state === 'cancelled';

/** Share of the quantity that is made, 0 to 1. */
export const doneShare = (one: WorkOrder): number => (one.quantity > 0 ? Math.min(1, Math.max(0, one.good / one.quantity)) : 0);

/** Ends after its day: by the board, or because that day is over. */
export function isLate(one: WorkOrder, today: string, zone: string): boolean {
  const ends = one.operations.map((step) => step.end).filter((end) => end !== null);
  return one.due < today || ends.some((end) => localText(msOf(end), zone).slice(0, 10) > one.due);
}

export interface Bar {
  id: string; // ORDER/STEP
  order: WorkOrder;
  step: Step;
  fromMs: number;
  toMs: number;
  clash: boolean;
}
export interface Lane {
  machine: string;
  name: string;
  bars: Bar[];
}

/** Work that has a time and a machine, by machine; bars that lie over each other are marked. */
export function lanesOf(orders: WorkOrder[]): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const order of orders) {
    for (const step of order.operations) {
      if (step.machine === null || step.state === 'done') {
        continue;
      }
      const lane = lanes.get(step.machine) ?? { machine: step.machine, name: step.machine_name ?? step.machine, bars: [] };
      lanes.set(step.machine, lane);
      if (step.begin !== null && step.end !== null) {
        lane.bars.push({ id: `${order.order}/${step.step}`, order, step, fromMs: msOf(step.begin), toMs: msOf(step.end), clash: false });
      }
    }
  }
  for (const lane of lanes.values()) {
    lane.bars.sort((a, b) => a.fromMs - b.fromMs);
    lane.bars.forEach((bar, at) => {
      const before = lane.bars[at - 1];
      if (before && before.toMs > bar.fromMs) {
        before.clash = true;
        bar.clash = true;
      }
    });
  }
  return [...lanes.values()].sort((a, b) => a.machine.localeCompare(b.machine));
}
