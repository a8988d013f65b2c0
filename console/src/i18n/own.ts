/** Words of one page alone: they come with it, so that the shell stays small. */
import { filled } from './format.ts';
import { words } from './words.svelte.ts';

export interface OwnWords<Key extends string> {
  /** Return a word of the page with its places filled. */
  word: (key: Key, values?: Record<string, string | number>) => string;
  /** Return the word for a code; a code without a word is shown as it is. */
  code: (group: string, code: string) => string;
}

/** Return the words of a page in the language of the console. */
export function ownWords<Key extends string>(zh: Record<Key, string>, en: Record<Key, string>): OwnWords<Key> {
  const word = (key: Key, values?: Record<string, string | number>): string => filled((words.language === 'zh' ? zh : en)[key], values);
  return { word, code: (group, code) => (`${group}.${code}` in zh ? word(`${group}.${code}` as Key) : code) };
}
