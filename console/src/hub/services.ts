/** What people may apply for, and what past applications say of the way there. */
import { address, get } from './api.ts';
import type { Said } from './types.ts';

export interface ServiceField {
  name: string;
  origin: 'need' | 'ask' | 'material';
  title: Said;
  required: boolean;
  held: { register: string; title: Said; owner: string }[];
}

export interface ServicePart {
  id: string;
  step: string;
  title: Said;
  unit: { id: string; title: Said | null };
  needed: Said;
  limit: string;
}

export interface Service {
  id: string;
  kind: 'bundle' | 'item';
  title: Said;
  what: Said;
  life: string;
  stage: string;
  flow: string | null;
  form: string | null;
  fields: ServiceField[];
  parts: ServicePart[];
  source: string;
  status: string;
}

export interface Stage {
  id: string;
  life: string;
  number: number;
  title: Said;
}

export interface Services {
  lives: Record<string, Said>;
  stages: Stage[];
  services: Service[];
}

export interface StepCost {
  step: string;
  title: Said | null;
  begun: number;
  done: number;
  days_median: number | null;
  days_p90: number | null;
  dropped: number;
  refused: number;
}

export interface Without {
  step: string;
  cases: number;
  with_step: number;
  days_median: number | null;
  days_median_without: number | null;
  saved_days_total: number;
  let_through: number;
  examples: [string, string][];
}

export interface Process {
  service: string;
  simulated: boolean;
  cases: number;
  closed: number;
  dropped: number;
  days_median: number | null;
  days_p90: number | null;
  steps: StepCost[];
  without?: Without;
}

export type Volume = Record<string, { open: number; month: number }>;

const one = (id: string): string => `/services/${encodeURIComponent(id)}/process`;

export const services = {
  all: (signal?: AbortSignal) => get<Services>('/services', {}, signal),
  volume: (signal?: AbortSignal) => get<{ flows: Volume }>('/services/volume', {}, signal),
  process: (id: string, days: number, without: string | null, signal?: AbortSignal) => get<Process>(one(id), { days, without }, signal),
  csv: (): string => address('/services', { format: 'csv' }),
  stepsCsv: (id: string, days: number): string => address(one(id), { days, format: 'csv' }),
};
