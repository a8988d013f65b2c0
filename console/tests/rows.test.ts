import assert from 'node:assert/strict';
import { test } from 'node:test';
import { belongs, countsOf, listOf } from '../src/board/lists.ts';
import { appended, heard, reread, started } from '../src/board/rows.ts';
import type { CaseSummary } from '../src/hub/types.ts';

const row = (id: string, version = 1) => ({ id, version });
const ids = (rows: readonly { id: string }[]): string => rows.map(({ id }) => id).join('');

test('a page is appended without doubling a row that moved between pages', () => {
  const rows = appended(started([row('a'), row('b')], 'cursor'), [row('b', 2), row('c')], null);
  assert.equal(ids(rows.shown), 'abc');
  assert.equal(rows.shown[1]?.version, 2);
  assert.equal(rows.next, null);
});

test('news changes a shown row in its place', () => {
  const rows = heard(started([row('a'), row('b'), row('c')], null), row('b', 5), true);
  assert.equal(ids(rows.shown), 'abc');
  assert.equal(rows.shown[1]?.version, 5);
  assert.equal(rows.held.length, 0);
});

test('an older version never overwrites a newer one', () => {
  const rows = heard(started([row('a', 7)], null), row('a', 6), true);
  assert.equal(rows.shown[0]?.version, 7);
});

test('a new row is held, once, until it is let in', () => {
  let rows = heard(started([row('a')], null), row('n'), true);
  rows = heard(rows, row('n', 2), true);
  assert.equal(ids(rows.shown), 'a');
  assert.deepEqual(rows.held, [row('n', 2)]);
});

test('a held row that no longer belongs is let go', () => {
  const rows = heard(heard(started([row('a')], null), row('n'), true), row('n', 2), false);
  assert.equal(rows.held.length, 0);
});

test('reading again after a gap moves nothing', () => {
  const rows = reread(started([row('a'), row('b')], 'next'), [row('z'), row('b', 3), row('a')]);
  assert.equal(ids(rows.shown), 'ab');
  assert.equal(rows.shown[1]?.version, 3);
  assert.equal(ids(rows.held), 'z');
});

test('news is judged by list, place, flow and history', () => {
  const news = { state: 'open', clock: 'green', flow: 'grid', historical: false, place: { district: '110105' } } as CaseSummary;
  const asked = { list: 'open', place: null, flow: null, historical: false } as const;
  assert.equal(belongs(news, asked), true);
  assert.equal(belongs(news, { ...asked, place: '110101' }), false);
  assert.equal(belongs(news, { ...asked, flow: 'other' }), false);
  assert.equal(belongs({ ...news, historical: true }, asked), false);
  assert.equal(belongs(news, { ...asked, list: 'overdue' }), false);
  assert.equal(belongs(news, { ...asked, list: 'mine' }), false);
  assert.equal(belongs(news, { ...asked, list: 'bank' }), false);
  assert.equal(belongs({ ...news, state: 'suspended' }, { ...asked, list: 'bank' }), true);
});

test('counts are read from either shape, and an unknown list is the open one', () => {
  assert.equal(countsOf({ open: 3 }).get('open'), 3);
  assert.equal(countsOf({ items: [{ list: 'mine', count: 2 }] }).get('mine'), 2);
  assert.equal(listOf('nonsense'), 'open');
});
