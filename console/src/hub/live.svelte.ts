/** What the hub tells: one stream per browser, handed to whoever listens in this tab. */
import type { FromWorker } from './live.worker.ts';
import { Stream, type Link, type Told } from './stream.ts';
import type { CaseNews, Indicator } from './types.ts';

export interface News {
  vitals: Indicator[];
  case: CaseNews;
  observed: { entities: string[]; count: number };
  clock: { now: string; speed: number };
  /** The hub no longer holds what was missed, or the link was away: ask again for everything shown. */
  reset: null;
}

type Listener = (news: never) => void;

class Live {
  link = $state<Link>('connecting');
  /** Machine time of the last sign of life. */
  heardAt = $state(0);
  #listeners = new Map<keyof News, Set<Listener>>();
  #close: (() => void) | null = null;

  start(): void {
    this.#open();
    addEventListener('pagehide', () => this.stop());
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.#open();
    });
  }

  stop(): void {
    this.#close?.();
    this.#close = null;
  }

  /** Listen until the returned function is called. */
  on<K extends keyof News>(name: K, listener: (news: News[K]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, set);
    set.add(listener as Listener);
    return () => void set.delete(listener as Listener);
  }

  #open(): void {
    if (this.#close) return;
    this.#close = typeof SharedWorker === 'function' ? this.#share() : this.#alone();
  }

  #share(): () => void {
    const worker = new SharedWorker(new URL('./live.worker.ts', import.meta.url), { type: 'module', name: 'quanyu-live' });
    worker.port.onmessage = (event: MessageEvent<FromWorker>) => {
      if ('link' in event.data) this.link = event.data.link;
      else this.#tell(event.data.told);
    };
    return () => {
      worker.port.postMessage('bye');
      worker.port.close();
    };
  }

  #alone(): () => void {
    const stream = new Stream(
      '/events',
      (told) => this.#tell(told),
      (link) => (this.link = link),
    );
    return () => stream.stop();
  }

  #tell(told: Told): void {
    this.heardAt = Date.now();
    const set = this.#listeners.get(told.event as keyof News);
    if (!set) return;
    const news = told.event === 'reset' ? null : (JSON.parse(told.data) as never);
    for (const listener of [...set]) listener(news as never);
  }
}

export const live = new Live();
