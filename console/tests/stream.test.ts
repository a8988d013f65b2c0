import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventParser, pauseBefore } from '../src/hub/stream.ts';

test('events are split whatever the pieces in which they arrive', () => {
  const text = 'id: 7\nevent: case\ndata: {"a":1}\n\n: a comment\n\nevent: clock\ndata: x\ndata: y\n\n';
  const whole = new EventParser().feed(text);
  const parser = new EventParser();
  const pieces = [...text].flatMap((letter) => parser.feed(letter));
  assert.deepEqual(pieces, whole);
  assert.deepEqual(whole, [
    { id: '7', event: 'case', data: '{"a":1}' },
    { id: '7', event: 'clock', data: 'x\ny' },
  ]);
  assert.equal(parser.lastId, '7');
});

test('carriage returns end lines too, even when a pair is torn apart', () => {
  const parser = new EventParser();
  assert.deepEqual([...parser.feed('event: reset\r'), ...parser.feed('\ndata: 1\r\n\r'), ...parser.feed('\n')], [{ id: '', event: 'reset', data: '1' }]);
});

test('an event without data is none, and its name does not stick to the next', () => {
  assert.deepEqual(new EventParser().feed('event: case\n\ndata: 1\n\n'), [{ id: '', event: 'message', data: '1' }]);
});

test('no pause between tries is longer than five seconds', () => {
  assert.ok(pauseBefore(0) < 1000);
  assert.ok([1, 2, 3, 4, 100].every((tries) => pauseBefore(tries) <= 5000));
});
