/** Rules, flows and parameters as the hub holds them, and the changes by which a city amends them. */
import { address, answer, get, post, type Query } from './api.ts';
import type { Instant, Page, Said, Severity } from './types.ts';

export interface Rule {
  name: string;
  title: Said;
  on: string;
  opens: string;
  severity: Severity;
  condition: string;
  doc: string;
  pack: string | null;
  off: boolean;
  release: number;
  definition: Record<string, unknown>;
  sentence: { when: Said; lasting?: Said; where: Said; then: Said; whole: Said };
  hits: { days: Record<string, number>; total: number; window_days: number };
}

export interface ParameterRow {
  id: string;
  version: string;
  value: number | string;
  unit_symbol: string;
  valid_from: string;
  valid_to: string | null;
  jurisdiction: string;
  source: string;
  status: string;
  title: Said;
  released: boolean;
  retired_from: Instant | null;
}

export type ChangeState = 'proposed' | 'released' | 'superseded' | 'rolled_back' | 'rejected' | 'withdrawn';
export type ChangeKind = 'rule' | 'flow' | 'parameter';

export interface ChangeSummary {
  id: string;
  number: number;
  kind: ChangeKind;
  name: string;
  title: Said;
  state: ChangeState;
  why: string;
  revision: number;
  proposed_by: string;
  proposed_at: Instant;
  authors: string[];
  replayed: boolean;
  base_moved: boolean;
  release: number | null;
  in_force_at: Instant | null;
  decided_by: string | null;
  decided_at: Instant | null;
  reason: string;
}

export interface Both {
  before: number;
  after: number;
}

export interface Episode {
  asset: string;
  from: Instant;
  to: Instant | null;
  value: number | null;
  district: string | null;
}

interface Found {
  count: number;
  assets: number;
  still_holds: number;
}

export interface RuleOutcome {
  rule: string;
  before: Found;
  after: Found;
  gained: number;
  lost: number;
  same: number;
  overlap: number;
  days: (Both & { name: string })[];
  places: (Both & { name: string })[];
  examples: { gained: Episode[]; lost: Episode[] };
}

export interface FlowOutcome {
  flow: string;
  title: Said;
  cases: number;
  open: number;
  due_moved: { count: number };
  amber: Both;
  red: Both;
  late: Both;
  turned_late: { count: number; examples: string[] };
  no_longer_late: { count: number; examples: string[] };
  moves: { can: number; cannot: number; why: { code: string; count: number; case: string; message: string; remedy: string }[] } | null;
  steps: { step: string; done: number; limit: { before: string | null; after: string | null }; late: Both }[];
  new_steps: string[];
  gone_steps: { step: string; standing: number }[];
}

export interface Outcome {
  days: number;
  from: Instant;
  to: Instant;
  data_at: Instant | null;
  simulated: boolean;
  entities: number;
  samples: number;
  cut: boolean;
  rules: RuleOutcome[];
  flows: FlowOutcome[];
  indicators: { name: string; title: Said }[];
}

export interface Job {
  revision: number;
  days: number;
  state: 'running' | 'done' | 'stopped' | 'stale' | 'failed';
  share: number;
  entities: number;
  samples: number;
  cases: number;
  fault: string | null;
}

export interface Change extends ChangeSummary {
  definition: Record<string, unknown>;
  before: Record<string, unknown> | null;
  differences: { field: string; title: Said; words: Said }[];
  sentences?: { before: Rule['sentence'] | null; after: Rule['sentence'] | null };
  replay: { revision: number; at: Instant; asked_by: string; outcome: Outcome } | null;
  job: Job | null;
}

export type LimitWords = string | { parameter: string };

export interface FlowStep {
  name: string;
  by: string;
  title: Said;
  within?: LimitWords;
  kind?: string;
  to?: string;
  fails?: string;
  unless?: { same_person: string };
  may?: [string, string | null][];
  tells?: string;
  ends?: boolean;
  outcome?: string[];
  boundary?: { name: string; after: LimitWords; to: string; interrupting?: boolean }[];
}

export interface FlowNode {
  name: string;
  title: Said;
  gateway?: 'exclusive' | 'parallel';
  until?: LimitWords;
  call?: string;
}

export interface FlowDocument {
  name: string;
  case: string;
  title: Said;
  roles: Record<string, string>;
  steps: FlowStep[];
  nodes?: FlowNode[];
  arrows?: [string, string, string?][];
  overall?: LimitWords | null;
  hash: string;
  release?: number;
  pack?: string | null;
}

export interface Judged {
  ok: boolean;
  faults: { code: string; message: string; where: string; remedy: string }[];
  unsupported: unknown[];
  definition: (Record<string, unknown> & { name: string }) | null;
  assumed: unknown[];
  left_out: unknown[];
}

export interface Move {
  id: string;
  why_not: { code: string; message: string; remedy: string } | null;
}

export interface Trial {
  at: Instant;
  values: Record<string, number>;
  limit: number | null;
  holds: boolean;
  told: boolean;
  says: { word: string; why?: Said }[];
}

interface Receipt {
  outcomes: { subject: string }[];
}

const id = encodeURIComponent;
const one = (name: string): string => `/changes/${id(name)}`;

/** Return the id of a change by its number. */
export function changeId(number: string | number): string {
  return `urn:ngsi-ld:Change:${number}`;
}

export const law = {
  rules: (signal?: AbortSignal) => get<Page<Rule>>('/rules', {}, signal),
  rule: (name: string, signal?: AbortSignal) => get<Rule>(`/rules/${id(name)}`, {}, signal),
  trial: (name: string, definition: Record<string, unknown>, samples: { at: string; values: Record<string, number> }[]) =>
    post<{ steps: Trial[] }>(`/rules/${id(name)}/trial`, { samples, definition }),
  parameters: (signal?: AbortSignal) => get<Page<ParameterRow>>('/parameters', {}, signal),
  changes: (asked: Query, signal?: AbortSignal) => get<Page<ChangeSummary>>('/changes', asked, signal),
  change: (name: string, signal?: AbortSignal) => get<Change>(one(name), {}, signal),
  propose: async (kind: ChangeKind, name: string, why: string, definition: Record<string, unknown>): Promise<string> => {
    const receipt = await post<Receipt>('/changes', { kind, name, why, definition });
    return receipt.outcomes[0]?.subject ?? '';
  },
  replay: (name: string, days: number) => post<Job>(`${one(name)}/replay`, { days }),
  stop: (name: string) => answer<Job>(fetch(`/api/v1${one(name)}/replay`, { method: 'DELETE' })),
  release: (name: string, revision: number, reason: string) => post<Receipt>(`${one(name)}/release`, { revision, reason }),
  decide: (name: string, word: 'reject' | 'withdraw' | 'roll-back', reason: string) => post<Receipt>(`${one(name)}/${word}`, { reason }),
  flow: (name: string, signal?: AbortSignal) => get<FlowDocument>(`/flows/${id(name)}`, {}, signal),
  drawing: (name: string): string => `/api/v1/flows/${id(name)}.bpmn`,
  judge: (file: Blob, name: string) => answer<Judged>(fetch(`/api/v1/flows/check?name=${id(name)}`, { method: 'POST', headers: { 'Content-Type': 'application/xml' }, body: file })),
  /** Every case that would move to the version in force; those that follow it already are left out. */
  moves: async (flow: string, signal?: AbortSignal): Promise<Move[]> => {
    const found: Move[] = [];
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ to: flow }), signal: signal ?? null };
    for (let after: string | null = ''; after !== null; ) {
      const page: Page<Move> = await answer<Page<Move>>(fetch(address(`/flows/${id(flow)}/moves/preview`, { limit: 1000, after }), init));
      found.push(...page.items);
      after = page.next;
    }
    return found;
  },
  move: (flow: string, note: string, cases: { id: string }[]) =>
    post<{ done: number; refused: number }>(`/flows/${id(flow)}/moves`, { to: flow, note, cases }),
};
