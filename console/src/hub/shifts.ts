/** Shifts: the log of the one that runs, and those that were handed over. */
import { address, get, post } from './api.ts';
import type { CaseClock, Instant, Page, Said } from './types.ts';

export interface ShiftLine {
  seq: number;
  at: Instant;
  id: string;
  number: string;
  title?: Said;
  unit?: string | null;
  who?: string;
  word?: string;
  note?: string;
}

export interface StandingCase {
  id: string;
  number: string;
  title: Said;
  clock: CaseClock;
  due_at?: Instant | null;
  step_title?: Said | null;
  unit?: string | null;
}

interface Named {
  desk: string;
  desk_title: Said | null;
  names: Record<string, string>;
  from_at: Instant;
}

export interface RunningShift extends Named {
  log: {
    at: Instant;
    totals: Record<string, number>;
    events: Record<string, ShiftLine[]>;
    open: StandingCase[];
    counts: Record<string, number>;
    warnings: unknown[];
  };
}

export interface Shift extends Named {
  id: string;
  number: number;
  state: 'waiting' | 'accepted';
  to_at: Instant;
  notes: string;
  to: string | null;
  person: { id: string };
  accepted: { at: Instant; person: { id: string }; remarks: string } | null;
  totals: Record<string, number>;
}

const one = (id: string): string => `/shifts/${encodeURIComponent(id)}`;

export const shifts = {
  running: (desk: string | null, signal?: AbortSignal) => get<RunningShift>('/shifts/running', { desk }, signal),
  past: (desk: string | null, signal?: AbortSignal) => get<Page<Shift>>('/shifts', { desk, limit: 20 }, signal),
  handOver: (desk: string | null, notes: string, to: string) => post<{ id: string }>('/shifts', { desk, notes, to: to || null }),
  accept: (id: string, remarks: string) => post<unknown>(`${one(id)}/accept`, { remarks }),
  page: (id: string, format: 'html' | 'csv', lang: string): string => address(one(id), { format, lang }),
};
