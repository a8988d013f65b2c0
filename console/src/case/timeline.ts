/** The single timeline of a case: findings and actions in the order they happened; pure. */
import type { Case, CaseAction, Finding } from '../hub/types.ts';

export type Entry =
  | { kind: 'finding'; key: string; at: number; finding: Finding }
  | { kind: 'action'; key: string; at: number; action: CaseAction };

/** Return the entries, oldest first; at the same instant what was noticed stands before what was done. */
export function timeline(of: Pick<Case, 'findings' | 'actions'>): Entry[] {
  const findings = of.findings.map((finding, index): Entry => ({ kind: 'finding', key: `f${index}`, at: Date.parse(finding.from), finding }));
  const actions = of.actions.map((action): Entry => ({ kind: 'action', key: `a${action.seq}`, at: Date.parse(action.at), action }));
  return [...findings, ...actions].sort((a, b) => a.at - b.at || (a.kind === b.kind ? 0 : a.kind === 'finding' ? -1 : 1));
}

/** Return the name of who acted, else the id without its family: `person:li` → `li`. */
export function actorName(action: Pick<CaseAction, 'actor' | 'actor_name'>): string {
  return action.actor_name ?? action.actor.replace(/^person:/, '');
}

/** Whether the actor has a kind instead of a name: the hub itself, or somebody who reported. */
export function isNameless(actor: string): boolean {
  return /^(engine|system|simulation|source|citizen):/.test(actor);
}
