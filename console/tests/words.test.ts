import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import en from '../src/i18n/en.json' with { type: 'json' };
import incidentEn from '../src/i18n/incident.en.json' with { type: 'json' };
import incidentZh from '../src/i18n/incident.zh.json' with { type: 'json' };
import warningsEn from '../src/i18n/warnings.en.json' with { type: 'json' };
import warningsZh from '../src/i18n/warnings.zh.json' with { type: 'json' };
import zh from '../src/i18n/zh.json' with { type: 'json' };

const ROOT = new URL('../src/', import.meta.url).pathname;
const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(svelte|ts)$/.test(name));
const sources = files.map((name) => ({ name, text: readFileSync(join(ROOT, name), 'utf8') }));

type Words = Record<string, string>;
/** The words of the shell, and those that come with a page: catalogue, where it is used, and by which functions. */
const CATALOGUES: [name: string, zh: Words, en: Words][] = [['shell', zh, en], ['incident', incidentZh, incidentEn], ['warnings', warningsZh, warningsEn]];

test('both catalogues have the same keys and no empty words', () => {
  for (const [name, one, other] of CATALOGUES) {
    assert.deepEqual(Object.keys(other).sort(), Object.keys(one).sort(), name);
    for (const words of [one, other]) assert.ok(Object.values(words).every((word) => word.trim() !== ''), name);
  }
});

test('both languages fill the same places', () => {
  const places = (word: string): string => [...new Set(word.match(/\{\w+\}/g) ?? [])].sort().join();
  for (const [, one, other] of CATALOGUES) for (const [key, word] of Object.entries(one)) assert.equal(places(other[key] ?? ''), places(word), key);
});

test('every key is used, by itself or through its group', () => {
  for (const [folder, words] of [['incident/', incidentZh], ['warnings/', warningsZh]] as const) {
    const own = sources.filter(({ name }) => name.startsWith(folder)).map(({ text }) => text).join('\n');
    const groups = [...own.matchAll(/(?:\b(?:wc|ic)\('(\w+)'|\b[iw]\(`([\w.]+)\.\$\{)/g)].map((found) => found[1] ?? found[2]);
    const unused = Object.keys(words).filter((key) => !own.includes(`'${key}'`) && !groups.some((group) => key.startsWith(`${group}.`)));
    assert.deepEqual(unused, [], folder);
  }
  const all = sources.map(({ text }) => text).join('\n');
  const groups = [...all.matchAll(/(?:coded\('(\w+)'|t\(`([\w.]+)\.\$\{|: `([\w.]+)\.\$\{)/g)].map((found) => found[1] ?? found[2] ?? found[3]);
  const unused = Object.keys(zh).filter((key) => !all.includes(`'${key}'`) && !groups.some((group) => key.startsWith(`${group}.`)));
  assert.deepEqual(unused, []);
});

test('no Chinese characters outside the catalogue', () => {
  assert.deepEqual(sources.filter(({ text }) => /[\u3400-\u9fff]/.test(text)).map(({ name }) => name), []);
});

test('no literal words in the markup of components', () => {
  const found: string[] = [];
  for (const { name, text } of sources.filter((source) => source.name.endsWith('.svelte'))) {
    const markup = withoutBraces(text.replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, ''));
    for (const [, attribute, value] of markup.matchAll(/\b(aria-label|title|placeholder|alt)="([^"]*)"/g)) {
      if (/[A-Za-z]{2}/.test(value ?? '')) found.push(`${name}: ${attribute}="${value}"`);
    }
    const words = markup.replace(/<code>[^<]*<\/code>/g, '').replace(/<[^>]*>/g, ' ').match(/[A-Za-z]{2,}/g);
    if (words) found.push(`${name}: ${words.join(' ')}`);
  }
  assert.deepEqual(found, []);
});

/** Drop expressions, nested braces included. */
function withoutBraces(text: string): string {
  let depth = 0;
  let rest = '';
  for (const letter of text) {
    if (letter === '{') depth++;
    else if (letter === '}') depth--;
    else if (depth === 0) rest += letter;
  }
  return rest;
}
