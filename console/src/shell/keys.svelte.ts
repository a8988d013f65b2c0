/** Keys that the present page answers to; single letters never fire while something is typed. */
import { untrack } from 'svelte';
import type { Key } from '../i18n/words.svelte.ts';
import { preferences } from './preferences.svelte.ts';

export interface Binding {
  /** One key, or two in a row written with a space: `g b`. */
  key: string;
  says: Key;
  run: () => void;
}

const CHORD_MS = 1200;

class Keys {
  bindings = $state.raw<Binding[]>([]);
  /** The same, outside of reactivity: what ends an effect reads states as they were before the others ran. */
  #all: Binding[] = [];
  #first = { key: '', at: 0 };

  start(): void {
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  /** Bind keys until the returned function is called; give it to an effect of the component that owns them. */
  bind(bindings: Binding[]): () => void {
    const set = (all: Binding[]): void => {
      untrack(() => (this.bindings = this.#all = all));
    };
    set([...this.#all, ...bindings]);
    return () => set(this.#all.filter((binding) => !bindings.includes(binding)));
  }

  #pressed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key.length === 1 && (!preferences.letters || isTyping(event.target))) return;
    const chord = event.timeStamp - this.#first.at < CHORD_MS ? `${this.#first.key} ${event.key}` : '';
    const found = this.#find(chord) ?? this.#find(event.key);
    this.#first = { key: event.key, at: found ? 0 : event.timeStamp };
    if (!found) return;
    event.preventDefault();
    found.run();
  }

  #find(key: string): Binding | undefined {
    return this.bindings.findLast((binding) => binding.key === key);
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && !/^(checkbox|radio|button)$/.test((target as HTMLInputElement).type);
}

export const keys = new Keys();
