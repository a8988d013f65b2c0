/** Incidents and the city's mode, as the hub shows them. */
import { address, get, post, type Query } from './api.ts';
import type { Names } from './staff.ts';
import type { Offered } from './warnings.ts';
import type { Case, CaseSummary, Instant, Page, Said, Step } from './types.ts';

export interface IncidentKind {
  kind: string;
  zh: string;
  en: string;
  case: string;
  handling: 'normal' | 'emergency';
}

export interface Measure {
  measure: string;
  title: Said;
  levels: Record<string, number | null>;
}

export interface Announced {
  level: number;
  matter: string;
  hours: number;
  measures: string[];
  issue: number;
  at: string;
  lifted_at?: string | null;
}

export interface Resource {
  number: number;
  resource: string;
  unit: string;
  count: number;
  at: string;
  returned_at?: string | null;
}

export interface IncidentState {
  kind: string;
  handling: string;
  source: string | null;
  figures: Record<string, number>;
  grade: number | null;
  grade_by: string[];
  grade_unknown: number[];
  graver: boolean;
  level: number | null;
  level_why: string;
  moves: number;
  issues: number;
  response: Announced | null;
  responses: Announced[];
  plans: { plan: string; title: Said; at: string }[];
  resources: Resource[];
  functions: { entity: string; attribute: string; normal: number; zh: string; en: string }[];
}

export interface Clock {
  name: string;
  title: Said | null;
  due: string | null;
  stopped: string | null;
  met: boolean | null;
}

export interface Beside {
  id: string;
  number: string;
  title: Said;
  state: string;
  step_title: Said | null;
  unit: string | null;
  opened_at: string;
  due_at: string | null;
  acknowledged_at: string | null;
  done_at: string | null;
  done_note: string;
  clocks: Clock[];
  notices: { title: Said; receipt_at: string | null }[];
}

export interface Line {
  seq: number;
  at: string;
  actor: string;
  kind: string;
  said: Record<string, unknown>;
}

export interface Plan {
  plan: string;
  title: Said;
  lead: string;
  supports: string[];
  tasks: { task: string; unit: string; zh: string; en: string; basis: string }[];
  status: string;
}

/** How far an incident is from its end. */
export interface Ending extends Said {
  ready: boolean;
  tasks: { all: number; open: number };
  missing: { what: string; zh: string; en: string }[];
  steps: Step[];
  next: { step: string | null; title: Said | null; role: string | null; role_title?: Said | null; unit: string | null; mine: boolean };
}

/** An incident as the list shows it. */
export interface IncidentRow {
  id: string;
  number: string;
  title: Said;
  state: 'open' | 'closed' | 'suspended';
  level: number | null;
  grade: number | null;
  declared: boolean;
  kind: string | null;
  kind_title: Said | null;
  response: number | null;
  district: string | null;
  opened_at: Instant;
  closed_at: Instant | null;
  step_title: Said | null;
  lead_unit: string | null;
  tasks: number;
  tasks_done: number;
  warnings: number;
  simulated: boolean;
}

export interface Incident {
  id: string;
  case: Case;
  declared: boolean;
  incident?: IncidentState;
  kind?: IncidentKind | null;
  kinds?: IncidentKind[];
  measures?: Measure[];
  offered?: Plan[];
  ending?: Ending | null;
  log: Line[];
  names: Names;
  orders: Beside[];
  reports: Beside[];
  inquiries: Beside[];
  lessons: Beside[];
  warnings: { id: string; standing: string; headline: Said; issued_at: string | null; identifier: string | null }[];
}

export interface Mode {
  mode: 'normal' | 'emergency';
  areas: string[];
  modes: { id: string; area: string; reason: string; state: 'proposed' | 'standing'; hours: number; until_at: string | null; proposed_by: string; incident?: string | null }[];
  names: Names;
}

/** Kinds of cases that are incidents. */
export const INCIDENTS = new Set(['incident', 'cyber_incident']);
export const isIncident = (of: CaseSummary): boolean => INCIDENTS.has(of.kind);
export const incidentPath = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

const at = (id: string, rest = ''): string => `/incidents/${encodeURIComponent(id)}${rest}`;

export const incidents = {
  list: (asked: Query, signal?: AbortSignal) => get<Page<IncidentRow>>('/incidents', asked, signal),
  csv: (asked: Query): string => address('/incidents', { ...asked, format: 'csv' }),
  kinds: (signal?: AbortSignal) => get<Page<IncidentKind>>('/incidents/kinds', {}, signal),
  offered: (id: string, text: string, signal?: AbortSignal) => get<Page<Offered>>(at(id, '/offered-warnings'), { text }, signal),
  find: (id: string, signal?: AbortSignal) => get<Incident>(at(id), {}, signal),
  send: (id: string, what: string, body: unknown) => post<{ incident: Incident | null }>(at(id, `/${what}`), body),
  report: (id: string, lang: string): string => address(at(id, '/report'), { format: 'html', lang }),
  curve: (id: string, number: number, lang: string): string => address(at(id, '/recovery'), { format: 'svg', function: number, lang }),
  mode: (signal?: AbortSignal) => get<Mode>('/mode', {}, signal),
  propose: (body: unknown) => post<Mode>('/mode', body),
  setMode: (id: string) => post<Mode>(`/mode/${encodeURIComponent(id)}/set`, {}),
  liftMode: (id: string, reason: string) => post<Mode>(`/mode/${encodeURIComponent(id)}/lift`, { reason }),
};
