/** Which services are shown, and in which order. */
import type { Service, ServiceField, Stage } from '../hub/services.ts';

export interface Sought {
  life: string | null;
  stage: string | null;
  text: string;
}

/** Return the services that are meant: those that something handles first, each stage in the order of its life cycle. */
export function meant(all: readonly Service[], stages: readonly Stage[], sought: Sought): Service[] {
  const place = new Map(stages.map((stage, index) => [stage.id, index]));
  const words = sought.text.trim().toLowerCase();
  const fits = (of: Service): boolean =>
    (!sought.life || of.life === sought.life) &&
    (!sought.stage || of.stage === sought.stage) &&
    (!words || [of.title.zh, of.title.en, of.what.zh, of.what.en].some((text) => text?.toLowerCase().includes(words)));
  const rank = (of: Service): number => (of.flow ? 0 : 1000) + (place.get(of.stage) ?? 99);
  return all.filter(fits).sort((one, other) => rank(one) - rank(other));
}

/** Return how many fields a register supplies, and how many somebody has to answer or bring. */
export function shares(fields: readonly ServiceField[]): { fetched: number; asked: number } {
  const fetched = fields.filter((field) => field.held.length > 0).length;
  return { fetched, asked: fields.length - fetched };
}

/** Return how long a bar is, in percent of the longest step. */
export function barOf(days: number | null, all: readonly (number | null)[]): number {
  const longest = Math.max(...all.map((each) => each ?? 0), 0);
  return days === null || longest === 0 ? 0 : Math.round((100 * days) / longest);
}
