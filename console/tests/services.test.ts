import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceField, Stage } from '../src/hub/services.ts';
import { barOf, meant, shares } from '../src/services/sorting.ts';

const stages = [{ id: 'firm_entry', life: 'firm', number: 1 }, { id: 'firm_exit', life: 'firm', number: 6 }] as Stage[];
const service = (id: string, stage: string, flow: string | null): Service =>
  ({ id, stage, flow, life: 'firm', title: { zh: id, en: id.toUpperCase() }, what: { zh: '', en: '' }, fields: [], parts: [] }) as unknown as Service;
const all = [service('names', 'firm_entry', null), service('exit', 'firm_exit', 'f'), service('open', 'firm_entry', 'g')];
const any = { life: null, stage: null, text: '' };

test('what is handled comes first, in the order of the life cycle', () => {
  assert.deepEqual(meant(all, stages, any).map((each) => each.id), ['open', 'exit', 'names']);
});

test('stage, life and words narrow the list', () => {
  assert.deepEqual(meant(all, stages, { ...any, stage: 'firm_exit' }).map((each) => each.id), ['exit']);
  assert.deepEqual(meant(all, stages, { ...any, life: 'person' }), []);
  assert.deepEqual(meant(all, stages, { ...any, text: ' NAM ' }).map((each) => each.id), ['names']);
});

test('a field that a register holds is fetched, every other one is asked', () => {
  const held = { held: [{ register: 'firms' }] } as unknown as ServiceField;
  assert.deepEqual(shares([held, { held: [] } as unknown as ServiceField, held]), { fetched: 2, asked: 1 });
});

test('bars are shares of the longest step', () => {
  assert.equal(barOf(2, [1, 4, null]), 50);
  assert.equal(barOf(null, [1]), 0);
  assert.equal(barOf(0, [0]), 0);
});
