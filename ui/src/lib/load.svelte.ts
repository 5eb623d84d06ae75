// What a page asked for: the answer, why there is none, and asking again.
import { Problem } from './api';

export class Loaded<T> {
  value = $state.raw<T | null>(null);
  failed = $state.raw<Problem | null>(null);
  #asked = 0;

  constructor(readonly ask: () => Promise<T>) {
    void this.again();
  }

  async again(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const value = await this.ask();
      if (mine === this.#asked) {
        this.value = value;
        this.failed = null;
      }
    } catch (error) {
      if (mine === this.#asked) {
        this.failed = error instanceof Problem ? error : new Problem(0, String(error), '');
      }
    }
  }
}

/** One action at a time: whether it goes, and the sentence when it was refused. */
export class Act {
  busy = $state(false);
  refused = $state('');

  /** True when it went well. */
  async run(what: () => Promise<unknown>, sentence: (problem: Problem) => string): Promise<boolean> {
    if (this.busy) {
      return false;
    }
    this.busy = true;
    this.refused = '';
    try {
      await what();
      return true;
    } catch (error) {
      this.refused = sentence(error instanceof Problem ? error : new Problem(0, String(error), ''));
      return false;
    } finally {
      this.busy = false;
    }
  }
}
