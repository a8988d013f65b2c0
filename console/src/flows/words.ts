/** Limits and elements of flows in the reader's words. */
import type { FlowDocument, LimitWords, ParameterRow } from '../hub/law.ts';
import { coded, said, t, type Key } from '../i18n/words.svelte.ts';
import zh from '../i18n/zh.json';

/** Return "2 working days" in the language of the page; what is not known is shown as it is. */
export function lengthText(text: string): string {
  const [, n = '', words = ''] = /^(\d+) ([a-z ]+?)s?$/.exec(text) ?? [];
  const unit = words.replace(' ', '_');
  return `length.${unit}` in zh ? t(`length.${unit}` as Key, { n: Number(n) }) : text;
}

/** Return a limit; one that a parameter sets is said with the value in force, when that is known. */
export function limitText(limit: LimitWords | null | undefined, rows: readonly ParameterRow[] = []): string {
  if (!limit) return '';
  if (typeof limit === 'string') return lengthText(limit);
  const row = rows.find((each) => each.id === limit.parameter);
  return row ? t('flow.byParameter', { value: lengthText(String(row.value)), name: said(row.title) }) : limit.parameter;
}

/** Return what an element of a flow is called. */
export function elementTitle(flow: Pick<FlowDocument, 'steps' | 'nodes'> | null, name: string): string {
  if (name === '') return t('flow.end');
  const gateway = flow?.nodes?.find((each) => each.name === name)?.gateway;
  const found = [...(flow?.steps ?? []), ...(flow?.nodes ?? [])].find((each) => each.name === name);
  return found ? said(found.title) || (gateway ? coded('gateway', gateway) : name) : name;
}

/** Return the rows of parameters that hold on a day (`2026-03-02`), the newest of each first. */
export function inForce(rows: readonly ParameterRow[], day: string): ParameterRow[] {
  return rows.filter((row) => row.valid_from <= day && (row.valid_to === null || row.valid_to >= day) && row.retired_from === null);
}
