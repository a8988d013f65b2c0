/** Incidents and the city's mode, as the hub shows them. */
import { address, get, post } from './api.ts';
import type { Case, CaseSummary, Said } from './types.ts';

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
  functions: { entity: string; attribute: string; zh: string; en: string }[];
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

export interface Incident {
  id: string;
  case: Case;
  declared: boolean;
  incident?: IncidentState;
  kind?: IncidentKind | null;
  kinds?: IncidentKind[];
  measures?: Measure[];
  offered?: Plan[];
  log: Line[];
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
}

/** Kinds of cases that are incidents. */
export const INCIDENTS = new Set(['incident', 'cyber_incident']);
export const isIncident = (of: CaseSummary): boolean => INCIDENTS.has(of.kind);
export const incidentPath = (id: string): string => `/incidents/${encodeURIComponent(id)}`;

const at = (id: string, rest = ''): string => `/incidents/${encodeURIComponent(id)}${rest}`;

export const incidents = {
  find: (id: string, signal?: AbortSignal) => get<Incident>(at(id), {}, signal),
  send: (id: string, what: string, body: unknown) => post<{ incident: Incident | null }>(at(id, `/${what}`), body),
  report: (id: string, lang: string): string => address(at(id, '/report'), { format: 'html', lang }),
  curve: (id: string, number: number, lang: string): string => address(at(id, '/recovery'), { format: 'svg', function: number, lang }),
  mode: (signal?: AbortSignal) => get<Mode>('/mode', {}, signal),
  propose: (body: unknown) => post<Mode>('/mode', body),
  setMode: (id: string) => post<Mode>(`/mode/${encodeURIComponent(id)}/set`, {}),
  liftMode: (id: string, reason: string) => post<Mode>(`/mode/${encodeURIComponent(id)}/lift`, { reason }),
};
