/** Requests to the hub: JSON in, JSON out, failures as Problem. */
import type { BulkAction, BulkOutcome } from '../board/bulk.ts';
import { Problem } from './problem.ts';
import type { Alike, AlikePair, Case, CaseSummary, City, EntityType, FileRef, Flow, Hit, Indicator, Layer, Me, Page } from './types.ts';

export type Query = Record<string, string | number | boolean | null | undefined>;

const ROOT = '/api/v1';

/** Return the address of a request; empty, null and undefined values are left out. */
export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return ROOT + path + (text ? `?${text}` : '');
}

const id = encodeURIComponent;

/** Return what was answered; throw a Problem when it was none. */
export async function answer<T>(request: Promise<Response>): Promise<T> {
  const response = await request;
  if (response.ok) return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
  const said = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  throw new Problem(response.status, said);
}

export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return answer<T>(fetch(address(path, query), { headers: { Accept: 'application/json' }, signal: signal ?? null }));
}

export function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) };
  return answer<T>(fetch(ROOT + path, init));
}

export const api = {
  me: () => get<Me>('/me'),
  signOut: () => post<void>('/sign-out', {}),
  city: () => get<City>('/city'),
  districts: () => get<GeoJSON.FeatureCollection>('/city/districts.geojson'),
  vitals: (signal?: AbortSignal) => get<{ now: string; items: Indicator[] }>('/vitals', {}, signal),
  indicator: (name: string, signal?: AbortSignal) => get<Indicator>(`/indicators/${id(name)}`, {}, signal),
  types: () => get<{ items: EntityType[] } | EntityType[]>('/types'),
  layers: () => get<{ items: Layer[] } | Layer[]>('/layers'),
  flows: () => get<{ items: Flow[] } | Flow[]>('/flows'),
  cases: (query: Query, signal?: AbortSignal) => get<Page<CaseSummary>>('/cases', query, signal),
  lists: (signal?: AbortSignal) => get<Record<string, unknown>>('/cases/lists', {}, signal),
  case: (name: string, signal?: AbortSignal) => get<Case>(`/cases/${id(name)}`, {}, signal),
  /** Who reported a case, for a stated purpose that is written down. */
  reporter: (name: string, purpose: string) =>
    answer<Record<string, unknown>>(fetch(address(`/cases/${id(name)}/reporter`), { headers: { Accept: 'application/json', 'Quanyu-Purpose': encodeURIComponent(purpose) } })),
  alike: (name: string, signal?: AbortSignal) => get<Alike>(`/cases/${id(name)}/alike`, {}, signal),
  pairs: (signal?: AbortSignal) => get<Page<AlikePair>>('/cases/alike', { limit: 50 }, signal),
  dossier: (name: string, version: 'full' | 'public', lang: string): string => address(`/cases/${id(name)}/dossier`, { version, lang }),
  openCase: (body: unknown) => post<{ case?: Case; id?: string }>('/cases', body),
  act: (name: string, version: number, body: Record<string, unknown>) =>
    post<{ case: Case | null }>(`/cases/${id(name)}/actions`, { ...body, version }, { 'If-Match': `"${version}"` }),
  actOnSeveral: (actions: readonly BulkAction[]) => post<{ outcomes: BulkOutcome[]; done: number; refused: number }>('/cases/actions', { actions }),
  undoSeveral: (seqs: readonly number[]) => post<{ outcomes: BulkOutcome[]; done: number }>('/cases/actions/undo', { seqs }),
  search: (text: string, signal?: AbortSignal) => get<{ items: Hit[] }>('/search', { text }, signal),
  photo: (caseId: string, sha256: string) => `${ROOT}/cases/${id(caseId)}/files/${sha256}`,
  keep: async (file: File): Promise<FileRef> => {
    const init = { method: 'POST', headers: { 'Content-Type': file.type || 'application/octet-stream' }, body: file };
    const kept = await answer<FileRef>(fetch(`${ROOT}/files`, init));
    return { sha256: kept.sha256, type: kept.type ?? file.type, name: file.name };
  },
};

/** Return the rows of an answer that is either a bare list or `{items}`. */
export function rowsOf<T>(said: { items: T[] } | T[]): T[] {
  return Array.isArray(said) ? said : said.items;
}
