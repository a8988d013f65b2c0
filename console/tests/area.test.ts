import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, movedTo, NO_AREA, readArea, ringOfCircle, targetOf, withPoint, without, writeArea, type Area, type Position } from '../src/warnings/area.ts';

const TRIANGLE: Position[] = [[116.2, 39.9], [116.4, 39.9], [116.4, 40.1]];

test('polygons end with an empty line, a third number makes a circle', () => {
  const read = readArea('39.9, 116.2\n39.9 116.4\n40.1, 116.4\n\n40, 116.3, 2.5\n\n39.5,116;39.6,116;39.6,116.1');
  assert.deepEqual(read.rings, [TRIANGLE, [[116, 39.5], [116, 39.6], [116.1, 39.6]]]);
  assert.deepEqual(read.circles, [{ centre: [116.3, 40], radius_km: 2.5 }]);
  assert.deepEqual([read.bad, read.short], [[], 0]);
});

test('what cannot be read is named by its line, and nothing of it is drawn', () => {
  const read = readArea('39.9, 116.2\nnorth\n95, 116\n40, 116, -1\n1 2 3 4');
  assert.deepEqual([read.bad, read.short], [[2, 3, 4, 5], 1]);
});

test('a polygon that comes back to its first position is closed once', () => {
  const text = '39.9, 116.2\n39.9, 116.4\n40.1, 116.4\n39.9, 116.2';
  assert.deepEqual(targetOf(readArea(text)).polygons, [[...TRIANGLE, TRIANGLE[0]]]);
});

test('what is drawn is what is typed, and what is kept comes back', () => {
  let area: Area = NO_AREA;
  for (const [index, point] of TRIANGLE.entries()) area = withPoint(area, point, index === 0);
  area = { ...area, circles: [{ centre: [116.3, 40], radius_km: 1.25 }] };
  const { rings, circles } = readArea(writeArea(area));
  assert.deepEqual({ rings, circles }, area);
  assert.deepEqual(areaOf(targetOf(area)), area);
});

test('a polygon with two positions holds nothing yet', () => {
  assert.deepEqual(targetOf(withPoint(withPoint(NO_AREA, [1, 1], true), [2, 2], false)).polygons, []);
});

test('vertices and circles are moved and taken away by their handles', () => {
  const area: Area = { rings: [TRIANGLE], circles: [{ centre: [1, 1], radius_km: 1 }] };
  assert.deepEqual(movedTo(area, '0.1', [0, 0]).rings[0]![1], [0, 0]);
  assert.deepEqual(movedTo(area, 'c.0', [2, 2]).circles[0]!.centre, [2, 2]);
  assert.deepEqual(without(area, 'c.0').circles, []);
  assert.equal(without(without(without(area, '0.0'), '0.0'), '0.0').rings.length, 0);
  assert.deepEqual(area.rings[0], TRIANGLE);
});

test('a circle is as wide as its radius says', () => {
  for (const [lon, lat] of ringOfCircle({ centre: [116.4, 39.9], radius_km: 10 })) {
    const north = (lat - 39.9) * 111.195;
    const east = (lon - 116.4) * 111.195 * Math.cos((39.9 * Math.PI) / 180);
    assert.ok(Math.abs(Math.hypot(north, east) - 10) < 0.01);
  }
});
