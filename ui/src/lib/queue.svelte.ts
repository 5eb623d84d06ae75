// What people tell waits in the browser until the server has answered it. Each item stands under a key of
// its own, so two windows never write over each other, and has its time from the moment it was told. What
// waits is its teller's: another account in the same browser neither sees nor sends it. They go one after
// the other, in the order in which they were told; what the server refuses stands aside with the reason.
import type { Problem } from './api';
import { heldBack, serverNow } from './clock.svelte';
import { sentenceOf } from './errors';
import { session } from './session.svelte';

export interface Told {
  time: string;
  state: 'waiting' | 'stored' | 'refused';
  note: string;
  refusal?: string; // What kind it was.
}

/** What stays in view of what was stored. */
export const SHOWN = 20;
const RETRY_MS = 2_000;

// What the server will not take however often it is sent; anything else waits.
const isRefusal = (problem: Problem): boolean => [400, 403, 404, 409, 413, 415, 422].includes(problem.status);
const me = (): string => session.user?.id ?? '';

export abstract class Queue<T extends Told> {
  plant = $state('');
  owner = $state(''); // The id of who tells.
  list: T[] = $state([]); // Newest first: all that wait or were refused, and the last stored ones.
  away = $state(false); // The server did not answer the last time.
  outside = $state(false); // It answered that nobody is signed in.
  unkept = $state(false); // The browser keeps nothing: closing the page loses what waits.

  #sending = false;
  #timer = 0;
  #lastMs = 0;
  #told: (item: T) => void = () => undefined;

  constructor(readonly prefix: string) {
    window.addEventListener('online', () => void this.#sendAll());
  }

  /** Sends one and takes what is answered into it; throws the Problem. */
  protected abstract send(item: T): Promise<void>;
  /** Nothing is known of another plant's or account's. */
  protected forget(): void {}

  #key(item: T): string {
    return `${this.prefix}${this.owner}.${this.plant}.${item.time}`;
  }
  #keep(item: T): void {
    try {
      localStorage.setItem(this.#key(item), JSON.stringify(item));
    } catch {
      this.unkept = true;
    }
  }
  #drop(item: T): void {
    localStorage.removeItem(this.#key(item));
  }

  #readKept(): T[] {
    const out: T[] = [];
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i) ?? '';
      if (key.startsWith(`${this.prefix}${this.owner}.${this.plant}.`)) {
        try {
          out.push(JSON.parse(localStorage.getItem(key) ?? '') as T);
        } catch {
          continue; // Not ours.
        }
      }
    }
    return out.sort((a, b) => (a.time < b.time ? 1 : -1));
  }

  /** Takes up what an earlier page left. `onend` hears of each one that was stored or refused. */
  open(plant: string, onend: (item: T) => void): () => void {
    this.#told = onend;
    const owner = me();
    if (this.plant !== plant || this.owner !== owner) {
      Object.assign(this, { plant, owner, away: false, outside: false, unkept: false });
      this.list = this.#readKept();
      this.forget();
    }
    void this.#sendAll();
    return () => (this.#told = () => undefined);
  }

  /** The moment of a thing told, later than all before. Below the millisecond stand random digits, so that
   * two phones at the same moment do not have the same one. A clock that stands (offline) is set right. */
  #newTime(): string {
    const newest = Date.parse(this.list[0]?.time ?? '') || 0;
    this.#lastMs = Math.max(this.#lastMs + 1, newest + 1, Math.floor(serverNow() + heldBack()));
    const below = String(crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000).padStart(6, '0');
    return new Date(this.#lastMs).toISOString().replace('Z', `${below}Z`);
  }

  protected put(rest: Omit<T, keyof Told>): void {
    const item = { ...rest, time: this.#newTime(), state: 'waiting', note: '' } as T;
    this.#keep(item);
    this.list.unshift(item);
    void this.#sendAll();
  }

  /** Takes a refused one off the list. */
  dismiss(item: T): void {
    this.#drop(item);
    this.list = this.list.filter((one) => one.time !== item.time);
  }

  /** Sends a refused one once more. */
  again(item: T): void {
    item.state = 'waiting';
    item.note = '';
    this.#keep(item);
    void this.#sendAll();
  }

  waiting(): number {
    return this.list.reduce((n, one) => n + (one.state === 'waiting' ? 1 : 0), 0);
  }

  async #sendOne(item: T): Promise<boolean> {
    try {
      await this.send(item);
      item.state = 'stored';
      this.#drop(item);
    } catch (error) {
      const problem = error as Problem;
      if (!isRefusal(problem)) {
        this.outside = problem.status === 401;
        this.away = !this.outside;
        return false;
      }
      item.state = 'refused';
      item.note = sentenceOf(problem);
      item.refusal = problem.code;
      this.#keep(item);
    }
    this.away = false;
    this.outside = false;
    this.#told(item);
    let stored = 0;
    this.list = this.list.filter((one) => one.state !== 'stored' || ++stored <= SHOWN);
    return true;
  }

  async #sendAll(): Promise<void> {
    if (this.#sending) {
      return;
    }
    this.#sending = true;
    clearTimeout(this.#timer);
    const { plant, owner } = this;
    const mine = (): boolean => plant === this.plant && owner === this.owner && owner === me();
    for (let next = this.#oldest(); next && mine(); next = this.#oldest()) {
      if (!(await this.#sendOne(next))) {
        this.#timer = window.setTimeout(() => void this.#sendAll(), RETRY_MS);
        break;
      }
    }
    this.#sending = false;
  }

  #oldest(): T | undefined {
    const held = this.list.filter((one) => one.state === 'waiting');
    return held[held.length - 1];
  }
}
