// Scans wait in the browser until the server has stored them (lib/queue.svelte.ts): sent twice with the
// same time it is the same scan.
import { plantPath, post } from './api';
import { Queue, SHOWN, type Told } from './queue.svelte';

export { SHOWN };

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

export interface Scan extends Told {
  tag: string;
  code: string;
  create: boolean;
  elements: Element[];
}

class Scans extends Queue<Scan> {
  today: number | null = $state(null);

  protected override forget(): void {
    this.today = null;
  }
  protected async send(scan: Scan): Promise<void> {
    const { time, tag, code, create } = scan;
    const answer = await post<Answer>(plantPath(this.plant, 'scans'), { tag, code, time, ...(create ? { create } : {}) });
    scan.elements = answer.elements;
    scan.note = answer.note ?? '';
    this.today = answer.count_today;
  }
  add(tag: string, code: string, create: boolean): void {
    this.put({ tag, code, create, elements: [] });
  }
}

export const scans = new Scans('maru.scan.');
