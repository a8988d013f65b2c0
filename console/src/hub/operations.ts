/** How the hub itself does: readers, sources of values, subscriptions, and what could not be taken or delivered. */
import { get, post } from './api.ts';
import type { Instant, Page } from './types.ts';

export interface Reader {
  seen: number;
  lag: number;
  fault: string | null;
  quarantined: number;
}

export interface HubHealth {
  seq: number;
  queued: number;
  disk_low: boolean;
  event_streams: number;
  calendar_last_day: string | null;
  deliveries: { receivers?: number; failing?: number; waiting?: number; dead?: number; dropped?: number };
  readers: Record<string, Reader>;
  not_ready: string[];
}

export interface Device {
  id: string;
  kind: string;
  up: boolean;
  since: Instant | number;
  received: number;
  observations: number;
  dropped: number;
  dead: number;
  waiting: number;
  fault: string | null;
  note: string | null;
}

export interface DeadLetter {
  number: number;
  at: Instant;
  source: string;
  place: string;
  payload: string;
  code: string;
  reason: string;
}

export interface Subscription {
  id: string;
  name: string | null;
  endpoint: string;
  creator: string;
  created_at: Instant;
  status: 'active' | 'paused' | 'expired';
  health: 'new' | 'ok' | 'failing';
  failures: number;
  error: string | null;
  sent: number;
  failed: number;
  last_sent_at: Instant | null;
  last_ok_at: Instant | null;
  last_failed_at: Instant | null;
  waiting: number;
  dead: number;
  dropped: number;
}

export interface Undelivered {
  id: string;
  entities: string[];
  made_at: Instant;
  state: 'waiting' | 'dead';
  tries: number;
  error: string | null;
}

const path = (id: string): string => `/subscriptions/${encodeURIComponent(id)}`;

export const operations = {
  health: (signal?: AbortSignal) => get<HubHealth>('/health', {}, signal),
  devices: (signal?: AbortSignal) => get<Page<Device>>('/devices', {}, signal),
  letters: (source: string | null, after: string | null, limit: number, signal?: AbortSignal) =>
    get<Page<DeadLetter>>('/devices/dead-letters', { source, after, limit }, signal),
  subscriptions: (asked: { text: string; health: string | null; limit: number }, signal?: AbortSignal) =>
    get<Page<Subscription>>('/subscriptions', asked, signal),
  undelivered: (id: string, state: Undelivered['state'], limit: number, signal?: AbortSignal) =>
    get<Page<Undelivered>>(`${path(id)}/notifications`, { state, limit }, signal),
  replay: (id: string) => post<unknown>(`${path(id)}/replay`, {}),
};
