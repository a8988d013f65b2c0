/** The lists of the board, and whether a case that was heard of belongs into the one that is shown. */
import type { CaseSummary } from '../hub/types.ts';

export const LISTS = ['open', 'mine', 'returned', 'approvals', 'waiting', 'overdue', 'unanswered', 'bank', 'calendar', 'closed'] as const;
export type ListName = (typeof LISTS)[number];

/** Lists of open cases: what is suspended stands in none of them. */
export const LEAVES_OUT: ReadonlySet<ListName> = new Set(['open', 'mine', 'returned', 'overdue', 'unanswered']);

export interface Asked {
  list: ListName;
  place: string | null;
  flow: string | null;
  historical: boolean;
}

export function listOf(text: string | null): ListName {
  return LISTS.find((name) => name === text) ?? 'open';
}

/** Return counts per list, whether the hub answers `{open: 3}` or `{items: [{list, count}]}`. */
export function countsOf(answer: Record<string, unknown>): Map<string, number> {
  const counts = new Map<string, number>();
  const items = Array.isArray(answer['items']) ? (answer['items'] as Record<string, unknown>[]) : null;
  if (items) for (const item of items) counts.set(String(item['list'] ?? item['name']), Number(item['count']));
  else for (const [name, count] of Object.entries(answer)) if (typeof count === 'number') counts.set(name, count);
  return counts;
}

/**
 * Whether news may concern the shown list. Lists that depend on who asks are decided by the hub, so news of them never
 * waits as a row; the counts are asked again instead.
 */
export function belongs(news: CaseSummary, asked: Asked): boolean {
  if (asked.place && news.place?.district !== asked.place) return false;
  if (asked.flow && news.flow !== asked.flow) return false;
  if (news.historical !== asked.historical) return false;
  if (asked.list === 'open') return news.state === 'open';
  if (asked.list === 'overdue') return news.state === 'open' && news.clock === 'overdue';
  if (asked.list === 'bank') return news.state === 'suspended';
  return asked.list === 'closed' && news.state === 'closed';
}
