import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agoText, clockText, dayText, filled, instantText, numberText, spanText } from '../src/i18n/format.ts';

const ZONE = 'Asia/Shanghai';
const AT = Date.parse('2026-03-01T23:05:00Z');

test('instants are written in the zone of the city, not of the machine', () => {
  assert.equal(instantText(AT, ZONE), '2026-03-02 07:05');
  assert.equal(dayText(AT, 'UTC'), '2026-03-01');
  assert.equal(clockText(AT, ZONE), '07:05');
});

test('numbers keep the decimals that are asked for', () => {
  assert.equal(numberText(1234.5, 'en', 1), '1,234.5');
  assert.equal(numberText(75, 'zh', 0), '75');
  assert.equal(numberText(0.12345, 'en'), '0.12');
});

test('a span shows its two largest units and drops the sign', () => {
  assert.equal(spanText(-(2 * 86_400 + 3 * 3600 + 59), 'en'), '2 days 3 hrs');
  assert.equal(spanText(2 * 86_400, 'zh'), '2天');
  assert.equal(spanText(3720, 'en'), '1 hr 2 mins');
  assert.equal(spanText(2 * 86_400 + 300, 'zh'), '2天');
  assert.equal(spanText(45 * 60, 'zh'), '45分钟');
  assert.equal(spanText(12, 'zh'), '12秒');
});

test('ages are rounded down and are "now" under a minute', () => {
  assert.equal(agoText(59, 'en'), 'now');
  assert.equal(agoText(119, 'en'), '1 min ago');
  assert.equal(agoText(3 * 86_400 + 5, 'zh'), '3天前');
});

test('places are filled, unknown ones stay, and one differs from many', () => {
  assert.equal(filled('{a} of {b}', { a: 1 }), '1 of {b}');
  assert.equal(filled('{n} case|{n} cases', { n: 1 }), '1 case');
  assert.equal(filled('{n} case|{n} cases', { n: 4 }), '4 cases');
});
