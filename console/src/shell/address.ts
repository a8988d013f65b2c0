/** The address is the view: what of it belongs to every page, and how links are made from it. */

/** Parameters that go along from page to page; all others belong to one page. */
export const SHARED = ['place', 'range', 'from', 'to', 'lang', 'webgl'] as const;

export type PageName = 'overview' | 'map' | 'board' | 'case' | 'new' | 'operations' | 'rules' | 'rule' | 'change' | 'flow' | 'shifts' | 'services' | 'incident' | 'incidents' | 'warnings' | 'lost';
export type Parameters = Record<string, string | number | null | undefined>;

/** Return the page that a path names, and the case when it names one. */
export function pageOf(path: string): { page: PageName; id: string | null } {
  const clean = path.replace(/\/+$/, '') || '/';
  if (clean === '/') return { page: 'overview', id: null };
  if (clean === '/map') return { page: 'map', id: null };
  if (clean === '/board') return { page: 'board', id: null };
  if (clean === '/operations') return { page: 'operations', id: null };
  if (clean === '/case/new') return { page: 'new', id: null };
  if (clean === '/rules') return { page: 'rules', id: null };
  if (clean === '/services') return { page: 'services', id: null };
  if (clean === '/warnings') return { page: 'warnings', id: null };
  if (clean === '/incidents') return { page: 'incidents', id: null };
  if (clean === '/shifts') return { page: 'shifts', id: null };
  const [, of = '', id = ''] = /^\/([a-z]+)\/([^/]+)$/.exec(clean) ?? [];
  const page = ({ case: 'case', rules: 'rule', changes: 'change', flows: 'flow', incidents: 'incident' } as const)[of];
  return page ? { page, id: decodeURIComponent(id) } : { page: 'lost', id: null };
}

/** Return the path of a case. */
export function casePath(id: string): string {
  return `/case/${encodeURIComponent(id)}`;
}

/** Return a link to another page that keeps place, time range and language. */
export function linkTo(path: string, search: URLSearchParams, extra: Parameters = {}): string {
  const kept = new URLSearchParams();
  for (const name of SHARED) {
    const value = search.get(name);
    if (value) kept.set(name, value);
  }
  return withParameters(path, kept, extra);
}

/** Return a path whose parameters are changed: null and empty take one away. */
export function withParameters(path: string, search: URLSearchParams, change: Parameters): string {
  const next = new URLSearchParams(search);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === '') next.delete(name);
    else next.set(name, String(value));
  }
  const text = next.toString().replaceAll('%3A', ':').replaceAll('%2C', ',');
  return text ? `${path}?${text}` : path;
}

export const RANGES = { '6h': 6, '24h': 24, '7d': 168, '30d': 720 } as const;
export type Range = keyof typeof RANGES;

export interface Span {
  from: number;
  to: number;
  /** The preset that it follows, or null when both ends were typed. */
  range: Range | null;
}

/** Return the time range of an address: typed ends win over a preset, which ends now; 24 hours when nothing is said. */
export function spanOf(search: URLSearchParams, now: number): Span {
  const from = Date.parse(search.get('from') ?? '');
  const to = Date.parse(search.get('to') ?? '');
  if (!Number.isNaN(from)) {
    const end = Number.isNaN(to) ? now : to;
    if (end > from) return { from, to: end, range: null };
  }
  const asked = search.get('range') ?? '';
  const range = asked in RANGES ? (asked as Range) : '24h';
  return { from: now - RANGES[range] * 3_600_000, to: now, range };
}

/** Return the bucket that draws a span with some 300 points; empty means the raw values. */
export function widthFor(span: Span): string {
  const hours = (span.to - span.from) / 3_600_000;
  if (hours <= 24) return '';
  if (hours <= 24 * 8) return '1h';
  if (hours <= 24 * 62) return '3h';
  return '1d';
}

/** Return an instant as the hub writes it, from what a `datetime-local` field holds in the city's zone (+08:00). */
export function typedInstant(local: string, offset = '+08:00'): string {
  return local ? `${local.length === 16 ? `${local}:00` : local}${offset}` : '';
}
