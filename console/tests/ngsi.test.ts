import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketPoints, durationOf, valuePoints } from '../src/hub/ngsi.ts';

test('a width is asked for as the standard writes durations', () => {
  assert.equal(durationOf('1h'), 'PT1H');
  assert.equal(durationOf('3h'), 'PT3H');
  assert.equal(durationOf('1d'), 'P1D');
});

test('a bucket that is left out becomes a gap in the line', () => {
  const points = bucketPoints([
    [1, '2026-03-02T00:00:00Z', '2026-03-02T01:00:00Z'],
    [2, '2026-03-02T01:00:00Z', '2026-03-02T02:00:00Z'],
    [4, '2026-03-02T05:00:00Z', '2026-03-02T06:00:00Z'],
  ]);
  assert.deepEqual(points.value, [1, 2, null, 4]);
  assert.equal(points.at[2], '2026-03-02T02:00:00Z');
});

test('single values come in order of time, and what is no number is not drawn', () => {
  const points = valuePoints([
    [3, '2026-03-02T03:00:00Z'],
    [1, '2026-03-02T01:00:00.5Z'],
    ['x' as unknown as number, '2026-03-02T02:00:00Z'],
  ]);
  assert.deepEqual(points, { at: ['2026-03-02T01:00:00.5Z', '2026-03-02T03:00:00Z'], value: [1, 3] });
});
