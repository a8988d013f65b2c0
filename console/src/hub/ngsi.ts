/** The city's context through NGSI-LD: the console reads what every other system reads. */
import { answer, type Query } from './api.ts';
import type { Entity, Instant } from './types.ts';

const ROOT = '/ngsi-ld/v1';

/** A series ready to draw: instants and values of equal length, null where nothing was measured. */
export interface Points {
  at: Instant[];
  value: (number | null)[];
}

type Pair = [number, Instant];
type Bucket = [number | null, Instant, Instant];
interface Past {
  [attribute: string]: { values?: Pair[]; avg?: Bucket[] } | undefined;
}

function get<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
  const pairs = Object.entries(query).map(([name, value]) => [name, String(value)]);
  const text = new URLSearchParams(pairs).toString();
  return answer<T>(fetch(`${ROOT}${path}${text ? `?${text}` : ''}`, { headers: { Accept: 'application/json' }, signal: signal ?? null }));
}

/** Return a width such as 1h or 1d as the duration of the standard. */
export function durationOf(width: string): string {
  const unit = width.slice(-1);
  return unit === 'd' ? `P${width.slice(0, -1)}D` : `PT${width.slice(0, -1)}${unit.toUpperCase()}`;
}

/** Return buckets as a series; a bucket that is left out becomes a gap, or the line would lie across it. */
export function bucketPoints(buckets: readonly Bucket[]): Points {
  const points: Points = { at: [], value: [] };
  let end: Instant | null = null;
  for (const [value, from, to] of buckets) {
    if (end !== null && Date.parse(from) > Date.parse(end)) {
      points.at.push(end);
      points.value.push(null);
    }
    points.at.push(from);
    points.value.push(value);
    end = to;
  }
  return points;
}

/** Return single values as a series in time order. */
export function valuePoints(values: readonly Pair[]): Points {
  const sorted = values.filter(([value]) => typeof value === 'number').toSorted((a, b) => Date.parse(a[1]) - Date.parse(b[1]));
  return { at: sorted.map(([, at]) => at), value: sorted.map(([value]) => value) };
}

export const ngsi = {
  entities: (type: string, limit: number, signal?: AbortSignal) => get<Entity[]>('/entities', { type, limit }, signal),
  entity: (id: string, signal?: AbortSignal) => get<Entity>(`/entities/${encodeURIComponent(id)}`, {}, signal),

  /** The past of one attribute; `width` empty asks for single values. */
  async past(id: string, attribute: string, span: { from: number; to: number }, width: string, signal?: AbortSignal): Promise<Points> {
    const query: Query = {
      attrs: attribute,
      timerel: 'between',
      timeAt: new Date(span.from).toISOString(),
      endTimeAt: new Date(span.to).toISOString(),
      ...(width ? { format: 'aggregatedValues', aggrMethods: 'avg', aggrPeriodDuration: durationOf(width) } : { format: 'temporalValues' }),
    };
    const said = await get<Past>(`/temporal/entities/${encodeURIComponent(id)}`, query, signal);
    const held = said[attribute];
    return width ? bucketPoints(held?.avg ?? []) : valuePoints(held?.values ?? []);
  },
};
