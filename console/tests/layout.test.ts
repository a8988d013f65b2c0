import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenText, edgesOf, pictureOf, rowsOf } from '../src/flows/layout.ts';
import type { FlowDocument } from '../src/hub/law.ts';
import { changed, namesIn } from '../src/rules/changing.ts';

const step = (name: string, more: object = {}): FlowDocument['steps'][number] => ({ name, by: 'duty', title: { zh: name }, ...more });
const flow = (more: Partial<FlowDocument>): FlowDocument => ({ name: 'f', case: 'c', title: { zh: 'f' }, roles: {}, steps: [], hash: '', ...more });

test('a flow without arrows is a list from top to bottom, and a failed check goes back at the side', () => {
  const list = flow({ steps: [step('a'), step('b'), step('c', { fails: 'a' })] });
  const picture = pictureOf(list);
  const y = (name: string): number => picture.boxes.find((box) => box.name === name)?.y ?? NaN;
  assert.ok(y('(start)') < y('a') && y('a') < y('b') && y('b') < y('c') && y('c') < y('(end)'));
  assert.deepEqual(picture.lines.map((line) => line.kind), ['main', 'main', 'main', 'main', 'back']);
  const x = Math.min(...picture.boxes.map((box) => box.x));
  assert.ok((picture.lines.at(-1)?.at[0] ?? x) < x - 60);
});

test('loops that no arrow says are drawn: a failed check by its doer, and a return to the dispatch', () => {
  const list = flow({ steps: [step('accept'), step('send', { to: 'lead' }), step('do', { may: [['return', null], ['dispute', null]] }), step('check', { unless: { same_person: 'do' } })] });
  const back = edgesOf(list).filter((edge) => edge.kind === 'back');
  assert.deepEqual(back.map((edge) => [edge.from, edge.to]), [['do', 'send'], ['check', 'do']]);
  assert.equal(pictureOf(list).lines.filter((line) => line.kind === 'back').length, 2);
  const branched = flow({ steps: list.steps, arrows: [['', 'accept'], ['accept', 'send'], ['send', 'do'], ['do', 'check'], ['check', '']] });
  assert.deepEqual(edgesOf(branched).filter((edge) => edge.kind === 'back').map((edge) => edge.to), ['send', 'do']);
});

test('branches stand side by side and meet below; no two boxes share a place', () => {
  const arrows: [string, string, string?][] = [['', 'split'], ['split', 'a'], ['split', 'b'], ['a', 'join'], ['b', 'join'], ['join', '']];
  const picture = pictureOf(flow({ steps: [step('a'), step('b')], nodes: [{ name: 'split', title: { zh: '' }, gateway: 'parallel' }, { name: 'join', title: { zh: '' }, gateway: 'parallel' }], arrows }));
  const at = new Map(picture.boxes.map((box) => [box.name, box]));
  assert.equal(at.get('a')?.y, at.get('b')?.y);
  assert.ok((at.get('join')?.y ?? 0) > (at.get('a')?.y ?? 0));
  assert.equal(new Set(picture.boxes.map((box) => `${box.x} ${box.y}`)).size, picture.boxes.length);
  for (const box of picture.boxes) assert.ok(box.x > 0 && box.x < picture.width && box.y > 0 && box.y < picture.height);
});

test('a loop of arrows ends, and timers are ways of their own', () => {
  const looped = flow({ steps: [step('a', { boundary: [{ name: 'late', after: '1 hour', to: 'b' }] }), step('b')], arrows: [['', 'a'], ['a', 'b'], ['b', 'a'], ['b', '']] });
  assert.equal(edgesOf(looped).filter((edge) => edge.kind === 'timer').length, 1);
  const rows = rowsOf(['(start)', 'a', 'b', '(end)'], edgesOf(looped));
  assert.deepEqual(['(start)', 'a', 'b', '(end)'].map((name) => rows.get(name)), [0, 1, 2, 3]);
});

test('titles take at most two lines in either script', () => {
  assert.deepEqual(brokenText('Published, minimum not over'), ['Published, minimum not', 'over']);
  assert.deepEqual(brokenText('决定'), ['决定']);
  const long = brokenText('公示中未满最短期限还要等待很久很久很久才能申请修复');
  assert.equal(long.length, 2);
  assert.ok(long[1]?.endsWith('…'));
});

test('only what was changed is proposed, numbers as numbers', () => {
  const stands = { when: 'a > 1', lasting: '1 hour', clears: 0.8, absent: null };
  assert.deepEqual(changed(stands, { when: 'a > 1', lasting: '2 hours', clears: '0.8', absent: '' }), { lasting: '2 hours' });
  assert.deepEqual(changed(stands, { clears: '0.9' }), { clears: 0.9 });
  assert.deepEqual([...namesIn('pm25 > 2 * pm25_day_limit', null)], ['pm25', 'pm25_day_limit']);
});
