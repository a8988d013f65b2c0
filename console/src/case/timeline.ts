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

/** Return what was opened of a sealed case as lines: who and what was reported, then what each action wrote. */
export function sealedLines(opened: Record<string, unknown>): { name: string; words: string }[] {
  const { said, reporter, purpose, ...own } = opened;
  void reporter;
  void purpose;
  const more = Array.isArray(said) ? said.map((each: Record<string, unknown>) => Object.entries(each).filter(([name]) => name !== 'seq')) : [];
  return [...Object.entries(own), ...more.flat()].map(([name, words]) => ({ name, words: String(words) }));
}
