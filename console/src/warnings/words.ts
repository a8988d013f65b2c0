/** The words of this page alone: they come with it, so that the shell stays small. */
import { filled } from '../i18n/format.ts';
import en from '../i18n/warnings.en.json';
import zh from '../i18n/warnings.zh.json';
import { words } from '../i18n/words.svelte.ts';

export type WarningKey = keyof typeof zh;

const CATALOGUE: Record<'zh' | 'en', Record<WarningKey, string>> = { zh, en };

/** Return a word of this page with its places filled. */
export function w(key: WarningKey, values?: Record<string, string | number>): string {
  return filled(CATALOGUE[words.language][key], values);
}

/** Return the word for a code; a code without a word is shown as it is. */
export function wc(group: string, code: string): string {
  const key = `${group}.${code}`;
  return key in zh ? w(key as WarningKey) : code;
}
