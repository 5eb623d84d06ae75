// Live values of all tags, kept outside the framework: columns of typed arrays, one slot a tag, so
// that ten thousand tags at five events a second cost a loop over numbers and nothing else. Readers
// are told once per animation frame that something changed and look at what they show.
import { msOf, type RawValue, type Tag } from './api';

export const SPARK_POINTS = 60;
export const SPARK_STEP_MS = 5_000;

export type StreamRow = [number, number, RawValue, number, number];

export class ValueStore {
  private slots = new Map<number, number>();
  private capacity = 0;
  count = 0;
  /** Source time and time of arrival in ms; NaN while there is no value. */
  time = new Float64Array(0);
  received = new Float64Array(0);
  number = new Float64Array(0);
  status = new Uint32Array(0);
  /** Grows with every change of a slot: what a reader compares. */
  version = new Uint32Array(0);
  private raw: RawValue[] = [];
  private ring = new Float32Array(0);
  private ringStep = new Float64Array(0);
  private listeners = new Set<() => void>();
  private asked = 0;

  private grow(wanted: number): void {
    if (wanted <= this.capacity) {
      return;
    }
    const size = Math.max(256, this.capacity * 2, wanted);
    const wider = <T extends Float64Array | Uint32Array | Float32Array>(next: T, old: T): T => {
      next.set(old);
      return next;
    };
    this.time = wider(new Float64Array(size).fill(NaN), this.time);
    this.received = wider(new Float64Array(size).fill(NaN), this.received);
    this.number = wider(new Float64Array(size).fill(NaN), this.number);
    this.status = wider(new Uint32Array(size), this.status);
    this.version = wider(new Uint32Array(size), this.version);
    this.ring = wider(new Float32Array(size * SPARK_POINTS).fill(NaN), this.ring);
    this.ringStep = wider(new Float64Array(size).fill(-1), this.ringStep);
    this.capacity = size;
  }

  slot(tagNumber: number): number {
    let slot = this.slots.get(tagNumber);
    if (slot === undefined) {
      slot = this.count++;
      this.grow(this.count);
      this.slots.set(tagNumber, slot);
      this.raw[slot] = null;
    }
    return slot;
  }

  value(slot: number): RawValue {
    return this.raw[slot] ?? null;
  }

  has(slot: number): boolean {
    return !Number.isNaN(this.time[slot] ?? NaN);
  }

  private put(slot: number, timeMs: number, value: RawValue, status: number, receivedMs: number): void {
    const number =
      typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : Number(value ?? NaN);
    this.raw[slot] = value;
    this.status[slot] = status;
    this.number[slot] = number;
    this.time[slot] = timeMs;
    this.received[slot] = receivedMs;
    this.version[slot]!++;
    this.remember(slot, timeMs, status >>> 30 >= 2 ? NaN : number);
  }

  private remember(slot: number, timeMs: number, number: number): void {
    const step = Math.floor(timeMs / SPARK_STEP_MS);
    const last = this.ringStep[slot]!;
    if (step < last) {
      return;
    }
    const base = slot * SPARK_POINTS;
    // Steps without a sample are gaps.
    for (let s = last < 0 ? step : Math.max(last + 1, step - SPARK_POINTS + 1); s < step; s++) {
      this.ring[base + (s % SPARK_POINTS)] = NaN;
    }
    this.ring[base + (step % SPARK_POINTS)] = number;
    this.ringStep[slot] = step;
  }

  /** Values of the last five minutes up to `nowMs`, oldest first; NaN is a gap. */
  spark(slot: number, nowMs: number, out: Float32Array): void {
    const last = this.ringStep[slot] ?? -1;
    const end = Math.floor(nowMs / SPARK_STEP_MS);
    const base = slot * SPARK_POINTS;
    for (let i = 0; i < SPARK_POINTS; i++) {
      const step = end - SPARK_POINTS + 1 + i;
      const known = last >= 0 && step <= last && step > last - SPARK_POINTS;
      out[i] = known ? this.ring[base + (step % SPARK_POINTS)]! : NaN;
    }
  }

  /** Older points from the store, for the part before this page was opened. */
  backfill(slot: number, t: number[], v: (number | null)[]): void {
    const last = this.ringStep[slot]!;
    const end = last < 0 ? Math.floor((t[t.length - 1] ?? 0) / SPARK_STEP_MS) : last;
    if (last < 0) {
      this.ringStep[slot] = end;
    }
    const base = slot * SPARK_POINTS;
    for (let i = 0; i < t.length; i++) {
      const step = Math.floor(t[i]! / SPARK_STEP_MS);
      const value = v[i];
      if (step > end - SPARK_POINTS && step <= end && value !== null && value !== undefined) {
        const at = base + (step % SPARK_POINTS);
        if (Number.isNaN(this.ring[at]!)) {
          this.ring[at] = value;
        }
      }
    }
    this.version[slot]!++;
  }

  apply(rows: StreamRow[]): void {
    for (const row of rows) {
      this.put(this.slot(row[0]), row[1], row[2], row[3], row[4]);
    }
    this.tell();
  }

  /** What the tag list already told; never replaces something newer. */
  seed(tags: Tag[]): void {
    for (const tag of tags) {
      const slot = this.slot(tag.number);
      const time = msOf(tag.time);
      if (!Number.isNaN(time) && !(this.time[slot]! >= time)) {
        this.put(slot, time, tag.value, tag.status, msOf(tag.received));
      }
    }
    this.tell();
  }

  /** As if nothing had ever come for these tags. */
  forget(numbers: readonly number[]): void {
    for (const number of numbers) {
      const slot = this.slots.get(number);
      if (slot !== undefined) {
        this.raw[slot] = null;
        this.time[slot] = this.received[slot] = this.number[slot] = NaN;
        this.status[slot] = 0;
        this.ring.fill(NaN, slot * SPARK_POINTS, (slot + 1) * SPARK_POINTS);
        this.ringStep[slot] = -1;
        this.version[slot]!++;
      }
    }
    if (numbers.length > 0) {
      this.tell();
    }
  }

  /** The newest value of each tag, as the stream would tell it. */
  snapshot(): StreamRow[] {
    const out: StreamRow[] = [];
    for (const [number, slot] of this.slots) {
      if (this.has(slot)) {
        out.push([number, this.time[slot]!, this.raw[slot] ?? null, this.status[slot]!, this.received[slot]!]);
      }
    }
    return out;
  }

  clear(): void {
    this.slots.clear();
    this.count = 0;
    this.capacity = 0;
    this.raw = [];
    this.time = new Float64Array(0);
    this.received = new Float64Array(0);
    this.number = new Float64Array(0);
    this.status = new Uint32Array(0);
    this.version = new Uint32Array(0);
    this.ring = new Float32Array(0);
    this.ringStep = new Float64Array(0);
    this.tell();
  }

  /** Calls `listener` at most once per animation frame after changes; the answer ends it. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private tell(): void {
    if (this.asked !== 0 || this.listeners.size === 0) {
      return;
    }
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      for (const listener of this.listeners) {
        listener();
      }
    });
  }
}

export const values = new ValueStore();
