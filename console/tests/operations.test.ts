import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubHealth } from '../src/hub/operations.ts';
import { doing, readersOf, reading, sourceHealth } from '../src/operations/doing.ts';

const fine = { status: 'active', health: 'ok', dead: 0, dropped: 0 } as const;
const reader = { seen: 9, lag: 0, fault: null, quarantined: 0 };

test('a subscription that works but left something untold does not look well', () => {
  assert.equal(doing(fine), 'ok');
  assert.equal(doing({ ...fine, dead: 1 }), 'untold');
  assert.equal(doing({ ...fine, dropped: 1 }), 'untold');
  assert.equal(doing({ ...fine, health: 'failing', dead: 1 }), 'failing');
  assert.equal(doing({ ...fine, health: 'new' }), 'new');
});

test('a paused or expired subscription fails nobody', () => {
  assert.equal(doing({ ...fine, status: 'paused', health: 'failing' }), 'paused');
  assert.equal(doing({ ...fine, status: 'expired' }), 'expired');
});

test('a source that is up may lose messages', () => {
  assert.deepEqual([[false, 0], [true, 3], [true, 0]].map(([up, dropped]) => sourceHealth({ up: up as boolean, dropped: dropped as number })), ['down', 'losing', 'up']);
});

test('readers in trouble come first', () => {
  assert.deepEqual([{ fault: 'x' }, { lag: 50_001 }, { quarantined: 1 }, { lag: 50_000 }].map((part) => reading({ ...reader, ...part })), ['fails', 'late', 'skipped', 'follows']);
  const readers = { b: reader, a: reader, z: { ...reader, fault: 'x' } };
  assert.deepEqual(readersOf({ readers } as unknown as HubHealth).map(([name]) => name), ['z', 'a', 'b']);
});
