/** How subscriptions, sources and readers do: a word and a mark for each, in the order in which they matter. */
import type { Device, HubHealth, Reader, Subscription } from '../hub/operations.ts';
import type { Mark } from '../marks/marks.ts';

export type Doing = 'failing' | 'untold' | 'ok' | 'new' | 'paused' | 'expired';

export const DOING_MARK: Record<Doing, Mark> = {
  failing: { shape: 'triangle', tone: 'out' },
  untold: { shape: 'diamond', tone: 'warn' },
  ok: { shape: 'tick', tone: 'good' },
  new: { shape: 'ring', tone: 'quiet' },
  paused: { shape: 'bars', tone: 'quiet' },
  expired: { shape: 'dash', tone: 'quiet' },
};

/** Return how a subscription does; `untold`: it works, but some notifications never arrived. */
export function doing(of: Pick<Subscription, 'status' | 'health' | 'dead' | 'dropped'>): Doing {
  if (of.status !== 'active') return of.status;
  if (of.health === 'failing') return 'failing';
  return of.dead + of.dropped > 0 ? 'untold' : of.health;
}

export type Health = 'down' | 'losing' | 'up';

export const HEALTH_MARK: Record<Health, Mark> = {
  down: { shape: 'triangle', tone: 'out' },
  losing: { shape: 'diamond', tone: 'warn' },
  up: { shape: 'tick', tone: 'good' },
};

/** Return how a source of values does; one that is up may still lose messages for want of room. */
export function sourceHealth(of: Pick<Device, 'up' | 'dropped'>): Health {
  if (!of.up) return 'down';
  return of.dropped > 0 ? 'losing' : 'up';
}

/** The hub itself calls a reader late from here on. */
export const LAG_MAX = 50_000;

export type Reading = 'fails' | 'late' | 'skipped' | 'follows';

export const READING_MARK: Record<Reading, Mark> = {
  fails: { shape: 'triangle', tone: 'out' },
  late: { shape: 'triangle', tone: 'out' },
  skipped: { shape: 'diamond', tone: 'warn' },
  follows: { shape: 'tick', tone: 'good' },
};

export function reading(of: Reader): Reading {
  if (of.fault) return 'fails';
  if (of.lag > LAG_MAX) return 'late';
  return of.quarantined > 0 ? 'skipped' : 'follows';
}

/** Return readers with those in trouble first, then by name. */
export function readersOf(health: HubHealth): [string, Reader][] {
  const weight = (of: Reader): number => Object.keys(READING_MARK).indexOf(reading(of));
  return Object.entries(health.readers).toSorted(([a, x], [b, y]) => weight(x) - weight(y) || a.localeCompare(b));
}
