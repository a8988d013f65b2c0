/** What is typed for one action, and whether it is enough to send; pure. */
import type { Field, FileRef, NextAction } from '../hub/types.ts';

export interface Draft {
  note: string;
  fields: Record<string, string>;
  outcome: string;
  /** What an outcome word demands: a date, a name, a reason. */
  date: string;
  who: string;
  measured: Record<string, string>;
  files: FileRef[];
}

export function emptyDraft(action: NextAction): Draft {
  const only = action.outcomes.length === 1 && outcomeNeeded(action) ? wordOf(action.outcomes[0]) : '';
  return { note: '', fields: {}, outcome: only, date: '', who: '', measured: {}, files: [] };
}

export function wordOf(outcome: NextAction['outcomes'][number] | undefined): string {
  return typeof outcome === 'string' ? outcome : (outcome?.word ?? '');
}

/** Whether an outcome has to be named; a step on the way may be done without one. */
export function outcomeNeeded(action: NextAction): boolean {
  return action.outcomes.length > 0 && (action.fields.find((field) => field.name === 'outcome')?.required ?? true);
}

/** Photos that the action demands. */
export function photosNeeded(action: NextAction): number {
  return action.evidence.filter((piece) => piece.kind === 'photo').reduce((sum, piece) => sum + (piece.count ?? 1), 0);
}

/** Attributes whose measured value the action demands: `{kind: "measurement", attribute}` or `measurement:pm25`. */
export function measurementsNeeded(action: NextAction): string[] {
  return action.evidence
    .filter((piece) => piece.kind.startsWith('measurement'))
    .map((piece) => piece.attribute ?? (piece.kind.split(':')[1] || 'value'));
}

/** Fields that are asked for beside what is typed so far; note and outcome have their own places. */
export function plainFields(action: NextAction, draft: Draft): Field[] {
  const own = new Set(['note', 'outcome', ...(action.outcomes.length > 0 ? ['date', 'who'] : [])]);
  return action.fields.filter((field) => !own.has(field.name) && asked(action, field, draft));
}

function asked(action: NextAction, field: Field, draft: Draft): boolean {
  if (field.when === undefined) return true;
  const other = action.fields.find((each) => each.name === field.when?.field);
  const typed = draft.fields[field.when.field];
  return other !== undefined && Boolean(typed) && sentAs(other, typed ?? '') === field.when.is;
}

/** Words that only a reason makes true. */
const REASONED = new Set(['no_action', 'granted', 'refused', 'withdrawn', 'declined']);

export function noteNeeded(action: NextAction, draft: Draft): boolean {
  return action.fields.some((field) => field.name === 'note' && field.required) || REASONED.has(draft.outcome);
}

/** Return the names of what is still missing; empty means that it can be sent. */
export function missing(action: NextAction, draft: Draft): string[] {
  const gaps = plainFields(action, draft)
    .filter((field) => field.required && !draft.fields[field.name])
    .map((field) => field.name);
  if (noteNeeded(action, draft) && !draft.note.trim()) gaps.push('note');
  if (outcomeNeeded(action) && !draft.outcome) gaps.push('outcome');
  if (draft.outcome === 'planned' && !draft.date) gaps.push('date');
  if (draft.outcome === 'not_ours' && !draft.who) gaps.push('who');
  if (draft.files.length < photosNeeded(action)) gaps.push('photo');
  for (const name of measurementsNeeded(action)) if (draft.measured[name] === undefined || draft.measured[name] === '') gaps.push(name);
  return gaps;
}

/** Return a typed value as the hub reads its kind. */
function sentAs(field: Field, typed: string): unknown {
  switch (field.kind) {
    case 'number':
      return Number(typed);
    case 'yes_no':
      return typed === 'yes';
    case 'units':
      return typed.split(' ');
    case 'person':
      return { id: typed.includes(':') ? typed : `person:${typed}` };
    case 'case':
      return /^\d{8}-\d+$/.test(typed) ? `urn:ngsi-ld:Case:${typed}` : typed;
    default:
      return typed;
  }
}

/** Return the body of the request. */
export function bodyOf(action: NextAction, draft: Draft): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const field of plainFields(action, draft)) {
    const typed = draft.fields[field.name]?.trim();
    if (typed) fields[field.name] = sentAs(field, typed);
  }
  if (draft.outcome) fields['outcome'] = draft.outcome;
  if (draft.outcome === 'planned') fields['date'] = draft.date;
  if (draft.outcome === 'not_ours') fields['who'] = draft.who;
  for (const name of measurementsNeeded(action)) fields[name] = Number(draft.measured[name]);
  return { action: action.action, note: draft.note.trim(), fields, files: draft.files };
}
