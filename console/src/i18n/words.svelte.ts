/** The language of the page: catalogue words by key, and the hub's own two-language words. */
import type { Language, Said } from '../hub/types.ts';
import en from './en.json';
import { agoText, filled, instantText, numberText, spanText } from './format.ts';
import zh from './zh.json';

export type Key = keyof typeof zh;

const CATALOGUE: Record<Language, Record<Key, string>> = { zh, en };

class Words {
  language = $state<Language>('zh');

  set(language: Language): void {
    this.language = language;
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    localStorage.setItem('quanyu.language', language);
  }
}

export const words = new Words();

/** Return the language asked for in the address, kept from last time, or spoken by the browser. */
export function languageAtStart(asked: string | null): Language {
  const said = asked ?? localStorage.getItem('quanyu.language') ?? navigator.language;
  return said.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

/** Return a catalogue word with its places filled. */
export function t(key: Key, values?: Record<string, string | number>): string {
  return filled(CATALOGUE[words.language][key], values);
}

/** Return the word for a code such as `outcome.fixed`; a code without a word is shown as it is. */
export function coded(group: string, code: string | null | undefined): string {
  if (!code) return '';
  const key = `${group}.${code}`;
  return key in zh ? t(key as Key) : code;
}

/** Return the hub's words in the language of the page, in Chinese when there are no others. */
export function said(text: Said | string | null | undefined): string {
  if (text === null || text === undefined) return '';
  if (typeof text === 'string') return text;
  return (words.language === 'en' ? text.en : text.zh) || text.zh || text.en || '';
}

export function number(value: number | null | undefined, digits?: number): string {
  return value === null || value === undefined ? '–' : numberText(value, words.language, digits);
}

export function ago(seconds: number): string {
  return agoText(Math.max(0, seconds), words.language);
}

export function span(seconds: number): string {
  return spanText(seconds, words.language);
}

/** Return an instant in the city's zone; an absent one is a dash. */
export function moment(at: string | number | null | undefined, zone: string): string {
  if (at === null || at === undefined) return '–';
  return instantText(typeof at === 'number' ? at : Date.parse(at), zone);
}
