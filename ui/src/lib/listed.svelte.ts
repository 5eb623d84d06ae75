// A list that comes in pages and follows what is asked: typed words wait a moment, what is late is left out.
import { get, plantPath, query, type Items, type Problem } from './api';
import { lang } from './words.svelte';

const WAIT_MS = 200;

export class Listed<T> {
  items = $state.raw<T[] | null>(null);
  next = $state<string | null>(null);
  failed = $state.raw<Problem | null>(null);
  #asked = $state(0);
  #turn = 0;

  /** `by`: the parameter that `next` goes into; `asked` is read again whenever it changes. */
  constructor(
    readonly plant: string,
    readonly path: string,
    readonly by: string,
    readonly asked: () => Record<string, string>,
  ) {
    $effect(() => {
      void this.#asked;
      void lang();
      const what = asked();
      const timer = setTimeout(() => void this.#read(what), this.#turn === 0 ? 0 : WAIT_MS);
      return () => clearTimeout(timer);
    });
  }

  async #read(what: Record<string, string>, from: T[] = []): Promise<void> {
    const mine = ++this.#turn;
    try {
      const found = await get<Items<T>>(plantPath(this.plant, `${this.path}?${query(what)}`));
      if (mine === this.#turn) {
        this.items = [...from, ...found.items];
        this.next = found.next ?? null;
        this.failed = null;
      }
    } catch (problem) {
      if (mine === this.#turn) {
        this.failed = problem as Problem;
      }
    }
  }

  again(): void {
    this.#asked++;
  }
  more(): Promise<void> {
    return this.next === null ? Promise.resolve() : this.#read({ ...this.asked(), [this.by]: this.next }, this.items ?? []);
  }
}
