/** Something asked from the hub: the last good answer stays while a newer one is on its way or fails. */
import { problemOf, type Problem } from './problem.ts';

const SLOW_MS = 300;

export class Held<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);
  /** True when the first answer takes longer than a glance: time to draw a skeleton. */
  slow = $state(false);
  /** Machine time of the last good answer. */
  at = $state(0);

  #turn = 0;
  #abort: AbortController | null = null;

  /** Ask again; an answer that was overtaken by a later question is dropped. */
  async ask(question: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    const turn = ++this.#turn;
    this.#abort?.abort();
    const abort = (this.#abort = new AbortController());
    this.busy = true;
    const timer = setTimeout(() => (this.slow = turn === this.#turn && this.busy), SLOW_MS);
    try {
      const value = await question(abort.signal);
      if (turn !== this.#turn) return null;
      this.value = value;
      this.problem = null;
      this.at = Date.now();
      return value;
    } catch (thrown) {
      if (turn === this.#turn && !abort.signal.aborted) this.problem = problemOf(thrown);
      return null;
    } finally {
      clearTimeout(timer);
      if (turn === this.#turn) {
        this.busy = false;
        this.slow = false;
      }
    }
  }

  /** Forget the answer: another subject is asked for. */
  clear(): void {
    this.#turn++;
    this.#abort?.abort();
    this.value = null;
    this.problem = null;
    this.busy = false;
    this.slow = false;
  }
}
