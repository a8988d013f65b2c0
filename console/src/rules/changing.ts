/** How the states of a change look, and the words of those who made it. */
import type { ChangeState } from '../hub/law.ts';
import type { Mark } from '../marks/marks.ts';

export const CHANGE_MARK: Record<ChangeState, Mark> = {
  proposed: { shape: 'diamond', tone: 'warn' },
  released: { shape: 'tick', tone: 'good' },
  superseded: { shape: 'dash', tone: 'quiet' },
  rolled_back: { shape: 'triangle', tone: 'out' },
  rejected: { shape: 'dash', tone: 'quiet' },
  withdrawn: { shape: 'dash', tone: 'quiet' },
};

/** Return the id of a person without its family: `person:li` → `li`. */
export function staffName(id: string | null): string {
  return (id ?? '').replace(/^person:/, '');
}

/** Return the names that a condition reads: attributes and parameters. */
export function namesIn(...texts: (string | null | undefined)[]): Set<string> {
  return new Set(texts.flatMap((text) => (text ?? '').match(/[a-z_][a-z0-9_]*/gi) ?? []));
}

/** Return only what differs from what stands; values of a form are texts, empty ones stand for nothing. */
export function changed(stands: Record<string, unknown>, typed: Record<string, string>): Record<string, unknown> {
  const entries = Object.entries(typed).map(([name, text]): [string, unknown] => [name, read(stands[name], text.trim())]);
  return Object.fromEntries(entries.filter(([name, value]) => value !== (stands[name] ?? null)));
}

function read(stands: unknown, text: string): unknown {
  if (text === '') return null;
  return typeof stands === 'number' && !Number.isNaN(Number(text)) ? Number(text) : text;
}
