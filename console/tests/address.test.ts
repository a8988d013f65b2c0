import assert from 'node:assert/strict';
import { test } from 'node:test';
import { casePath, linkTo, pageOf, spanOf, typedInstant, widthFor, withParameters } from '../src/shell/address.ts';

const NOW = Date.parse('2026-03-02T08:00:00+08:00');

test('paths name pages, and a case path carries its id there and back', () => {
  assert.deepEqual(pageOf('/'), { page: 'overview', id: null });
  assert.deepEqual(pageOf('/board/'), { page: 'board', id: null });
  assert.deepEqual(pageOf('/operations'), { page: 'operations', id: null });
  assert.deepEqual(pageOf('/case/new'), { page: 'new', id: null });
  const id = 'urn:ngsi-ld:Case:20260302-7';
  assert.deepEqual(pageOf(casePath(id)), { page: 'case', id });
  assert.equal(pageOf('/report').page, 'lost');
});

test('links keep place, time and language, and leave the filters of the page behind', () => {
  const search = new URLSearchParams('place=110105&range=7d&lang=en&list=overdue&open=urn:x');
  assert.equal(linkTo('/map', search), '/map?place=110105&range=7d&lang=en');
  assert.equal(linkTo('/board', search, { place: '110108', list: 'closed' }), '/board?place=110108&range=7d&lang=en&list=closed');
});

test('null and empty take a parameter away', () => {
  assert.equal(withParameters('/board', new URLSearchParams('q=a&list=open'), { q: '', list: null }), '/board');
});

test('the time range is a preset that ends now, or both typed ends', () => {
  assert.deepEqual(spanOf(new URLSearchParams(''), NOW), { from: NOW - 86_400_000, to: NOW, range: '24h' });
  assert.equal(spanOf(new URLSearchParams('range=7d'), NOW).from, NOW - 7 * 86_400_000);
  const typed = spanOf(new URLSearchParams({ from: typedInstant('2014-01-01T00:00'), to: typedInstant('2014-02-01T00:00') }), NOW);
  assert.deepEqual(typed, { from: Date.parse('2013-12-31T16:00Z'), to: Date.parse('2014-01-31T16:00Z'), range: null });
});

test('a range that ends before it begins, or no range at all, falls back to a day', () => {
  assert.equal(spanOf(new URLSearchParams('from=2026-03-02T00:00Z&to=2026-03-01T00:00Z'), NOW).range, '24h');
  assert.equal(spanOf(new URLSearchParams('range=forever'), NOW).range, '24h');
});

test('longer spans are asked for in wider buckets', () => {
  const wide = (hours: number): string => widthFor({ from: 0, to: hours * 3_600_000, range: null });
  assert.deepEqual([6, 24, 168, 720, 9000].map(wide), ['', '', '1h', '3h', '1d']);
});
