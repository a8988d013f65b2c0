import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boxOf, boxOfAreas, contains, fit, project, unproject } from '../src/map/flat.ts';
import { classOf, isStale, within } from '../src/map/place.ts';
import { bandShare, scaleFor, share, sparkPath } from '../src/marks/spark.ts';
import type { Layer } from '../src/hub/types.ts';

const SQUARE: GeoJSON.Polygon = { type: 'Polygon', coordinates: [[[116, 39], [117, 39], [117, 40], [116, 40], [116, 39]], [[116.4, 39.4], [116.6, 39.4], [116.6, 39.6], [116.4, 39.4]]] };

test('a missing value breaks the line instead of bridging it', () => {
  const path = sparkPath([[0, 1], [1, 2], [2, null], [3, 2], [4, 1]], { low: 0, high: 2 }, 100, 10);
  assert.equal(path.match(/M/g)?.length, 2);
});

test('the scale holds values and band, and an open end of the band reaches the edge', () => {
  const scale = scaleFor([10, 20], [null, 50]);
  assert.ok(scale.low <= 10 && scale.high >= 50);
  assert.equal(bandShare([null, 50], scale).start, 0);
  assert.deepEqual(scaleFor([], [null, null]), { low: 0, high: 1 });
  assert.equal(share(500, scale), 1);
});

test('what is projected comes back, and the fitted box is in view', () => {
  const box = boxOfAreas({ type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry: SQUARE }] });
  assert.deepEqual(box, [116, 39, 117, 40]);
  const view = fit([116, 39, 117, 40], 400, 300);
  const [lon, lat] = unproject(view, 400, 300, ...project(view, 400, 300, 116.3, 39.9));
  assert.ok(Math.abs(lon - 116.3) < 1e-9 && Math.abs(lat - 39.9) < 1e-9);
  const seen = boxOf(view, 400, 300);
  assert.ok(within(seen, 116, 39) && within(seen, 117, 40));
});

test('a hole is not inside', () => {
  assert.equal(contains(SQUARE, 116.1, 39.1), true);
  assert.equal(contains(SQUARE, 116.55, 39.5), false);
  assert.equal(contains(SQUARE, 115, 39.5), false);
});

test('a value belongs to the last stop at or below it', () => {
  const layer = { stops: [[0, 'a'], [35, 'b'], [75, 'c']] } as unknown as Layer;
  assert.deepEqual([-1, 0, 35, 74.9, 500].map((value) => classOf(layer, value)), [-1, 0, 1, 1, 2]);
  assert.equal(classOf(layer, null), -1);
});

test('a value turns stale three hours after it was observed, and a value without an instant never', () => {
  const now = Date.parse('2026-03-02T12:00:00+08:00');
  assert.equal(isStale('2026-03-02T09:00:00+08:00', now), false);
  assert.equal(isStale('2026-03-02T08:59:59+08:00', now), true);
  assert.equal(isStale(null, now), false);
});
