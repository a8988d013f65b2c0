/** The words of the warning pages. */
import { ownWords } from '../i18n/own.ts';
import en from '../i18n/warnings.en.json';
import zh from '../i18n/warnings.zh.json';

export type WarningKey = keyof typeof zh;

export const { word: w, code: wc } = ownWords<WarningKey>(zh, en);
