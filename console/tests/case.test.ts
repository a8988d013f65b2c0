import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asksUnit, common, needsUnit, turns, undoable } from '../src/board/bulk.ts';
import { bodyOf, emptyDraft, measurementsNeeded, missing, noteNeeded } from '../src/case/draft.ts';
import { sealedLines, timeline } from '../src/case/timeline.ts';
import type { Case, Field, FieldKind, NextAction } from '../src/hub/types.ts';

const title = { zh: '', en: '' };
const plain = (action: string, more: Partial<NextAction> = {}): NextAction => ({ action, title, step: null, by: 'duty', fields: [], evidence: [], outcomes: [], ...more });

test('what was noticed stands before what was done at the same instant', () => {
  const at = '2026-03-02T08:00:00+08:00';
  const entries = timeline({
    actions: [{ seq: 2, at, actor: 'person:li', action: 'accept' }, { seq: 1, at: '2026-03-02T07:00:00+08:00', actor: 'engine:rules', action: 'open' }],
    findings: [{ from: at }],
  });
  assert.deepEqual(entries.map((entry) => entry.key), ['a1', 'f0', 'a2']);
});

test('each outcome word demands what makes it honest', () => {
  const close = plain('close', { outcomes: ['fixed', 'planned', 'not_ours', 'no_action'] });
  const draft = emptyDraft(close);
  assert.deepEqual(missing(close, draft), ['outcome']);
  assert.deepEqual(missing(close, { ...draft, outcome: 'planned' }), ['date']);
  assert.deepEqual(missing(close, { ...draft, outcome: 'not_ours' }), ['who']);
  assert.deepEqual(missing(close, { ...draft, outcome: 'no_action' }), ['note']);
  assert.deepEqual(missing(close, { ...draft, outcome: 'fixed' }), []);
  assert.equal(noteNeeded(close, { ...draft, outcome: 'no_action' }), true);
});

test('a step on the way may end the case with an outcome, and goes on without one', () => {
  const register = plain('register', { outcomes: ['not_ours'], fields: [{ name: 'outcome', kind: 'choice', required: false, title }] });
  const draft = emptyDraft(register);
  assert.deepEqual(missing(register, draft), []);
  assert.deepEqual(bodyOf(register, draft)['fields'], {});
  assert.deepEqual(missing(register, { ...draft, outcome: 'not_ours' }), ['who']);
});

test('a field that hangs on another is asked for and sent only where the other says so', () => {
  const fields: Field[] = [
    { name: 'complete', kind: 'yes_no', required: true, title },
    { name: 'asked_for', kind: 'text', required: true, title, when: { field: 'complete', is: false } },
  ];
  const review = plain('review', { fields });
  const typed = (said: Record<string, string>) => ({ ...emptyDraft(review), fields: said });
  assert.deepEqual(missing(review, typed({})), ['complete']);
  assert.deepEqual(missing(review, typed({ complete: 'yes' })), []);
  assert.deepEqual(missing(review, typed({ complete: 'no' })), ['asked_for']);
  assert.deepEqual(bodyOf(review, typed({ complete: 'yes', asked_for: 'plan' }))['fields'], { complete: true });
  assert.deepEqual(bodyOf(review, typed({ complete: 'no', asked_for: 'plan' }))['fields'], { complete: false, asked_for: 'plan' });
});

test('evidence is counted and measured values are sent as numbers', () => {
  const inspect = plain('inspect', { evidence: [{ kind: 'photo', count: 2 }, { kind: 'measurement:pm25' }] });
  const draft = emptyDraft(inspect);
  assert.deepEqual(missing(inspect, draft), ['photo', 'pm25']);
  const full = { ...draft, note: ' there ', files: [{ sha256: 'a' }, { sha256: 'b' }], measured: { pm25: '38.5' } };
  assert.deepEqual(missing(inspect, full), []);
  assert.deepEqual(bodyOf(inspect, full), { action: 'inspect', note: 'there', fields: { pm25: 38.5 }, files: full.files });
  assert.deepEqual(measurementsNeeded(plain('x', { evidence: [{ kind: 'measurement', attribute: 'no2' }] })), ['no2']);
});

test('fields are sent as the hub reads their kinds', () => {
  const field = (name: string, kind: FieldKind): Field => ({ name, kind, required: false, title });
  const all = plain('all', {
    fields: [field('passed', 'yes_no'), field('fixed', 'yes_no'), field('supports', 'units'), field('person', 'person'), field('into', 'case'), field('why', 'text'), field('empty', 'number')],
  });
  const typed = { passed: 'yes', fixed: 'no', supports: 'a.b c.d', person: 'duty', into: '20260302-7', why: ' so ', empty: ' ' };
  assert.deepEqual(bodyOf(all, { ...emptyDraft(all), fields: typed })['fields'], {
    passed: true,
    fixed: false,
    supports: ['a.b', 'c.d'],
    person: { id: 'person:duty' },
    into: 'urn:ngsi-ld:Case:20260302-7',
    why: 'so',
  });
});

test('only what every chosen case allows without further words can be done in bulk', () => {
  const unit = plain('dispatch', { fields: [{ name: 'unit', kind: 'unit', required: true, title }] });
  const one = { next: [plain('accept'), unit, plain('close', { outcomes: ['fixed'] })] } as Case;
  const other = { next: [unit, plain('close')] } as Case;
  assert.deepEqual(common([one, other]).map((action) => action.action), ['dispatch']);
  assert.equal(needsUnit(unit), true);
  assert.deepEqual(common([]), []);
});

test('many cases go in turns, and a unit is named only where somebody named one', () => {
  const dispatch = plain('dispatch', { fields: [{ name: 'unit', kind: 'unit', required: false, title }] });
  assert.equal(asksUnit(dispatch), true);
  assert.equal(needsUnit(dispatch), false);
  const cases = [1, 2, 3].map((version) => ({ id: `case:${version}`, version }) as Case);
  const sent = turns(cases, dispatch, '', 2);
  assert.deepEqual(sent.map((turn) => turn.map((one) => one.id)), [['case:1', 'case:2'], ['case:3']]);
  assert.deepEqual(sent[0]?.[0], { id: 'case:1', version: 1, action: 'dispatch', note: '', fields: {} });
  assert.deepEqual(turns(cases, dispatch, 'roads', 9)[0]?.[2]?.fields, { unit: 'roads' });
  assert.deepEqual(turns(cases, plain('accept'), 'roads', 9)[0]?.[0]?.fields, {});
  assert.deepEqual(turns([], dispatch, '', 9), []);
});

test('one press takes back what has an inverse and was not refused', () => {
  const outcomes = [{ id: 'a', status: 200, seq: 7 }, { id: 'b', status: 409, problem: { title: 'no' } }, { id: 'c', status: 200, seq: 9 }];
  assert.deepEqual(undoable('claim', outcomes), [7, 9]);
  assert.deepEqual(undoable('accept', outcomes), []);
});

test('a sealed case is opened as lines, without the reference and the purpose', () => {
  const opened = { reporter: 'personal:1', purpose: '核对', name: '赵六', said: [{ seq: 3, document: '第 9 号' }, { seq: 4, note: '到场' }] };
  assert.deepEqual(sealedLines(opened).map((line) => `${line.name}=${line.words}`), ['name=赵六', 'document=第 9 号', 'note=到场']);
});
