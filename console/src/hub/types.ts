/** Shapes of the hub's native interface (/api/v1). Instants are RFC 3339 strings with the city's offset. */

export type Language = 'zh' | 'en';
export type Said = { zh: string; en?: string };
export type Instant = string;

export interface Page<T> {
  items: T[];
  next: string | null;
  total?: number;
}

export interface Me {
  actor: string;
  name: string;
  language: Language | null;
  open: boolean;
  roles: { role: string; unit: string | null; district: string | null; title?: Said | string }[];
  may: string[];
}

export interface District {
  code: string;
  name: Said;
  centre: [number, number] | null;
}

export interface Unit {
  id: string;
  name: Said;
  kind?: string;
  district?: string | null;
}

export interface City {
  code: string;
  name: Said;
  zone: string;
  centre: [number, number];
  box: [number, number, number, number];
  now: Instant;
  speed: number;
  simulated: boolean;
  seed?: number | null;
  districts: District[];
  units: Unit[];
  roles: { id: string; title: Said }[];
  outline?: string | null;
  outline_source?: string | null;
  version?: string;
}

export type IndicatorState = 'normal' | 'warn' | 'out' | 'none';

export interface Parameter {
  id: string;
  version: string | number;
  value: number | string | null;
  unit?: string | null;
  source?: string | null;
  status: string;
}

export interface Indicator {
  name: string;
  title: Said;
  unit: string;
  unit_symbol: string;
  value: number | null;
  digits: number;
  band: [number | null, number | null];
  direction: 'lower' | 'higher' | 'band';
  state: IndicatorState;
  at: Instant | null;
  age_s: number | null;
  stale: boolean;
  owner: string;
  owner_name: Said | string;
  trend: [Instant, number | null][];
  case: string | null;
  simulated: boolean;
  parameters: Parameter[];
  formula: string;
  doc: string;
  measures: { name: string; value: number | null; count: number; title: Said | string }[];
  by_district: { code: string; value: number | null; count: number }[] | null;
}

export type Severity = 'info' | 'yellow' | 'orange' | 'red';
export type CaseClock = 'green' | 'amber' | 'red' | 'overdue' | 'unknown' | 'stopped' | 'paused';

export interface Place {
  lon?: number | null;
  lat?: number | null;
  district?: string | null;
  grid?: string | null;
  address?: string | null;
}

export interface CaseSummary {
  id: string;
  number: string | number;
  version: number;
  kind: string;
  flow: string;
  title: Said;
  text: string | null;
  severity: Severity;
  state: 'open' | 'closed' | 'suspended';
  step: string | null;
  step_title: Said | null;
  place: Place | null;
  asset: string | null;
  asset_type?: string | null;
  class: string | null;
  opened_at: Instant;
  closed_at: Instant | null;
  due_at: Instant | null;
  due_known: boolean;
  latest_certain_day?: string | null;
  clock: CaseClock;
  step_due_at?: Instant | null;
  unit: string | null;
  lead_unit?: string | null;
  person?: string | null;
  returned_by?: string | null;
  returned_to?: string | null;
  outcome: { word: string; note?: string | null; date?: string | null; who?: string | null } | null;
  historical: boolean;
  simulated: boolean;
  provenance: string;
  channel: string;
  finding_count?: number;
  tokens?: Token[];
  bank?: { reason: string; since: Instant; review: string; overdue: boolean } | null;
  asks?: { what: string; role: string | null; unit: string | null; since: Instant }[];
  merged_into?: string | null;
  escalated_to?: string | null;
}

/** A branch of a case: where it stands and whose turn it is. */
export interface Token {
  id: number;
  step: string;
  title: Said;
  role: string | null;
  unit: string | null;
  person: string | null;
  at: Instant;
  due_at: Instant | null;
  waits: boolean;
  side: boolean;
}

/** Somebody whom a step told, and the receipt that the case waits for. */
export interface Notice {
  event: string;
  receiver: string;
  title: Said;
  unit: string | null;
  tries: number;
  told_at: Instant;
  due_at?: Instant | null;
  receipt_at: Instant | null;
  by: string | null;
  error?: string | null;
}

export interface AlikeCase {
  case: CaseSummary;
  score: number;
  why: Said;
}

export interface Alike {
  alike: AlikeCase[];
  unlike: string[];
  outbreak: { count: number; reports: string[] } | null;
}

export interface AlikePair extends AlikeCase {
  other: CaseSummary;
}

export interface Finding {
  rule?: string;
  rule_title?: Said;
  severity?: Severity;
  attribute?: string;
  from: Instant;
  to?: Instant | null;
  value?: number | null;
  limit?: number | null;
  unit_symbol?: string | null;
  why?: Said;
  count?: number;
  parameters?: Pick<Parameter, 'id' | 'version' | 'status'>[];
}

export interface FileRef {
  sha256: string;
  type?: string;
  name?: string;
}

export interface CaseAction {
  seq: number;
  at: Instant;
  actor: string;
  actor_name?: string | null;
  action: string;
  step?: string | null;
  title?: Said | string | null;
  note?: string | null;
  files?: FileRef[];
  fields?: Record<string, unknown>;
  provenance?: string;
}

/** What an action asks for; a kind that is not known here is text. */
export type FieldKind = 'text' | 'number' | 'date' | 'choice' | 'yes_no' | 'unit' | 'units' | 'person' | 'case';

export interface Field {
  name: string;
  kind: FieldKind;
  required?: boolean;
  title: Said;
  choices?: string[];
  /** Asked for only where another field of the action has this value. */
  when?: { field: string; is: boolean | string };
}

export interface NextAction {
  action: string;
  title: Said;
  step: string | null;
  by: string;
  fields: Field[];
  evidence: { kind: string; count?: number; attribute?: string; title?: Said }[];
  outcomes: (string | { word: string; title?: Said })[];
}

export interface Step {
  name: string;
  title: Said;
  state: 'done' | 'current' | 'todo' | 'passed_by';
  at?: Instant | null;
  by?: string | null;
}

export interface Case extends CaseSummary {
  flow_hash?: string;
  steps: Step[];
  findings: Finding[];
  actions: CaseAction[];
  next: NextAction[];
  reporter?: string | null;
  /** How long what the case tells of a person is kept, and when it was erased. */
  keeping?: { erases_at: Instant | null; erased_at: Instant | null; limit: string } | null;
  notices?: Notice[];
  merged?: string[];
  supports?: string[];
}

/** An NGSI-LD attribute in normalized form. */
export interface Attribute {
  type: string;
  value?: unknown;
  object?: string;
  unitCode?: string;
  observedAt?: Instant;
  provenance?: { type: string; value: string };
}

export interface Entity {
  id: string;
  type: string;
  scope?: string | string[];
  [attribute: string]: unknown;
}

export interface EntityType {
  type: string;
  title: Said;
  count: number;
  attributes: { name: string; unit?: string | null; unit_symbol?: string | null; title: Said; kind?: string }[];
}

export interface Layer {
  id: string;
  title: Said;
  type: string;
  attribute: string | null;
  unit_symbol: string | null;
  stops: [number, Said | string][];
  icon?: string | null;
  source?: string | null;
  pack?: string;
}

export interface Flow {
  name: string;
  title: Said;
  case?: string;
  kind?: string;
  steps?: { name: string; title?: Said; fields?: { name: string; zh: string; en: string }[] }[];
}

export interface Hit {
  kind: 'entity' | 'case' | 'district' | 'page';
  id: string;
  title: Said | string;
  hint?: Said | string | null;
}

export interface CaseNews extends CaseSummary {
  change: 'opened' | 'acted' | 'found' | 'timed' | 'told';
}
