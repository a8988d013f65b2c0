/** The words of the incident pages. */
import en from '../i18n/incident.en.json';
import zh from '../i18n/incident.zh.json';
import { ownWords } from '../i18n/own.ts';

export type IncidentKey = keyof typeof zh;

export const { word: i, code: ic } = ownWords<IncidentKey>(zh, en);
