/** Which next actions can be done to several cases at once. */
import type { Case, CaseSummary, NextAction } from '../hub/types.ts';

/** Whether an action asks for nothing but, at most, a unit: more would have to be said case by case. */
function isPlain(action: NextAction): boolean {
  const asked = action.fields.filter((field) => field.required);
  return action.outcomes.length === 0 && action.evidence.length === 0 && asked.every((field) => field.kind === 'unit');
}

/** Whether a unit may be named. */
export function asksUnit(action: NextAction): boolean {
  return action.fields.some((field) => field.kind === 'unit');
}

/** Whether a unit must be named; otherwise the class or the place of each case says whose it is. */
export function needsUnit(action: NextAction): boolean {
  return action.fields.some((field) => field.kind === 'unit' && field.required);
}

export interface BulkAction {
  id: string;
  version: number;
  action: string;
  note: string;
  fields: Record<string, unknown>;
}

export interface BulkOutcome {
  id: string;
  status: number;
  seq?: number;
  case?: CaseSummary | null;
  problem?: { detail?: string; title?: string };
}

/** Return the action for each case, in turns of at most `size`, so that somebody who waits sees how far it is. */
export function turns(cases: readonly Case[], action: NextAction, unit: string, size: number): BulkAction[][] {
  const fields = asksUnit(action) && unit ? { unit } : {};
  const all = cases.map((one) => ({ id: one.id, version: one.version, action: action.action, note: '', fields }));
  return Array.from({ length: Math.ceil(all.length / size) }, (_, turn) => all.slice(turn * size, (turn + 1) * size));
}

/** Return the plain actions that every one of the cases allows. */
export function common(cases: readonly Case[]): NextAction[] {
  const [first, ...others] = cases;
  const plain = (first?.next ?? []).filter(isPlain);
  return plain.filter((action) => others.every((other) => other.next.some((next) => next.action === action.action && isPlain(next))));
}

/** Actions that the hub can take back; any other is undone case by case, by an act of its own. */
const INVERTIBLE = new Set(['assign', 'claim', 'release', 'pause', 'suspend', 'merge']);

/** Return the records that one press takes back: of an action with an inverse, those that were not refused. */
export function undoable(action: string, outcomes: readonly BulkOutcome[]): number[] {
  return INVERTIBLE.has(action) ? outcomes.flatMap((one) => (one.seq === undefined || one.problem ? [] : [one.seq])) : [];
}
