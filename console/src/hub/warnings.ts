/** Warnings: drafts, their second person, channels, and what terminals answered. */
import { get, post } from './api.ts';
import type { Names } from './staff.ts';
import type { Instant, Page, Said } from './types.ts';

export type Colour = '' | 'red' | 'orange' | 'yellow' | 'blue';

export interface Texts {
  headline?: string;
  notes?: string;
  measures?: string;
  plain?: string;
  voice?: string;
}

export interface Writing {
  kind: 'Alert' | 'Update' | 'Cancel';
  status: 'Actual' | 'Exercise' | 'Test';
  event: string;
  colour: Colour;
  starts_at: string | null;
  expires_at: string | null;
  target: { zh?: string; en?: string; polygons?: number[][][]; circles?: { centre: number[]; radius_km: number }[]; districts?: string[]; grids?: string[] };
  texts: Record<string, Texts>;
  issuer: string;
  channels: string[];
  replaces: string;
  exercise: string;
}

export interface Fault {
  check: string;
  where: string;
  zh: string;
  en: string;
}

export interface Reach {
  channel: string;
  title: Said;
  asked: number;
  silent: number;
  failed: number;
  reached: number;
  acknowledged: number;
  share: number | null;
  round: number;
  simulated: boolean;
}

export interface Summary {
  id: string;
  key: string;
  number: number;
  identifier: string | null;
  standing: string;
  in_force: boolean;
  kind: Writing['kind'];
  status: Writing['status'];
  event: Said & { id: string };
  colour: Said & { id: Colour };
  headline: Said;
  area: Said;
  starts_at: Instant | null;
  expires_at: Instant | null;
  issuer: Said;
  issued_at: Instant | null;
  revision: number;
  simulated: boolean;
}

/** A warning that an incident may be linked with. */
export interface Offered extends Summary {
  /** Whether it holds where the incident is. */
  near: boolean;
}

export interface Detail extends Summary {
  /** Fields that say nothing are left out. */
  draft: Partial<Writing>;
  authors: string[];
  submitted_by: string | null;
  submitted_at: Instant | null;
  approved_by: string | null;
  approved_at: Instant | null;
  published_by: string | null;
  /** Of those named above who are staff. */
  names: Names;
  note: string;
  chain: { id: string; kind: string; standing: string; issued_at: Instant | null }[];
  reach: Reach[];
  case: string | null;
  faults?: Fault[];
}

export interface Words {
  kinds: { id: string; zh: string; en: string; of: string; source: string; status: string }[];
  colours: { id: Colour; zh: string; en: string; level: number; severity: string; source: string; status: string }[];
  issuers: { id: string; zh: string; en: string }[];
  districts: { id: string; zh: string; en: string }[];
}

export interface Channel {
  id: string;
  mode: 'actual' | 'exercise';
  title: Said;
  count: number;
  simulated: boolean;
}

export interface Preview {
  faults: Fault[];
  area: { types: Record<string, number>; people: number; counted: number };
  terminals: Record<string, number>;
  looks: { page: Record<string, Texts>; large: Record<string, string>; voice: Record<string, string>; cap: string };
}

/** Where terminals stand, with what was heard of each; those that failed or said nothing first. */
export interface Places {
  items: { channel: string; number: number; state: 'failed' | 'silent' | 'reached' | 'acknowledged'; lon: number; lat: number }[];
  placeless: number;
  left_off: number;
}

const one = (id: string): string => `/warnings/${encodeURIComponent(id)}`;

export const warnings = {
  list: (signal?: AbortSignal) => get<Page<Summary>>('/warnings', { limit: 100 }, signal),
  get: (id: string, signal?: AbortSignal) => get<Detail>(one(id), {}, signal),
  words: (signal?: AbortSignal) => get<Words>('/warning-words', {}, signal),
  channels: (signal?: AbortSignal) => get<Page<Channel>>('/warning-channels', {}, signal),
  districts: (id: string, signal?: AbortSignal) => get<Page<{ district: string; title: Said; asked: number; reached: number; acknowledged: number; failed: number; silent: number }>>(`${one(id)}/districts`, {}, signal),
  places: (id: string, signal?: AbortSignal) => get<Places>(`${one(id)}/places`, {}, signal),
  preview: (draft: Writing) => post<Preview>('/warnings/preview', draft),
  template: (draft: Writing) => post<{ texts: Record<string, Texts>; source: string; status: string }>('/warnings/template', draft),
  draft: (draft: Writing) => post<Detail>('/warnings', draft),
  edit: (id: string, revision: number, draft: Writing) => post<Detail>(`${one(id)}/edit`, { revision, draft }),
  step: (id: string, word: string, revision: number, note: string) => post<Detail>(`${one(id)}/${word}`, { revision, note }),
  resend: (id: string, channel: string) => post<Detail>(`${one(id)}/resend`, { channel }),
};
