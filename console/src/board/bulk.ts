/** Which next actions can be done to several cases at once. */
import type { Case, NextAction } from '../hub/types.ts';

/** Whether an action asks for nothing but, at most, a unit: more would have to be said case by case. */
function isPlain(action: NextAction): boolean {
  const asked = action.fields.filter((field) => field.required);
  return action.outcomes.length === 0 && action.evidence.length === 0 && asked.every((field) => field.kind === 'unit');
}

export function needsUnit(action: NextAction): boolean {
  return action.fields.some((field) => field.kind === 'unit');
}

/** Return the plain actions that every one of the cases allows. */
export function common(cases: readonly Case[]): NextAction[] {
  const [first, ...others] = cases;
  const plain = (first?.next ?? []).filter(isPlain);
  return plain.filter((action) => others.every((other) => other.next.some((next) => next.action === action.action && isPlain(next))));
}
