import assert from 'node:assert/strict';
import test from 'node:test';
import { count, PRESUMED, step } from '../../../src/pool/quorum.ts';

type Health = Parameters<typeof step>[2][number];

const read = (signs: string): Health[] =>
  [...signs].map((sign) => ({ '+': 'up', '-': 'down', '?': 'unknown', o: 'unchecked' })[sign] as Health);

/** What is reported over a run of verdicts, from the presumption on; `+` up, `-` down, `?` unknown, `o` unchecked. */
function reports(needed: number, run: readonly string[]): string[] {
  let held = PRESUMED;
  const said: string[] = [];
  for (const [i, signs] of run.entries()) {
    const taken = step(held, needed, read(signs));
    held = taken.held;
    if (taken.change) said.push(`${i}: ${taken.change.held ? 'held' : 'lost'}, ${taken.change.up} of ${needed}`);
  }
  return said;
}

test('the quorum is held by as many servers as are needed, up or unchecked', () => {
  assert.deepEqual(count(2, read('+-')), { needed: 2, up: 1, held: false });
  assert.deepEqual(count(2, read('+o')), { needed: 2, up: 2, held: true });
  assert.deepEqual(count(1, read('??')), { needed: 1, up: 0, held: false });
});

for (const [name, needed, run, said] of [
  ['a good start says nothing', 2, ['???', '+??', '++?', '+++'], []],
  [
    'a start with enough bad servers is a loss as soon as that is certain',
    2,
    ['???', '-??', '--?'],
    ['2: lost, 0 of 2'],
  ],
  ['a start with no server in reach is a loss', 1, ['--'], ['0: lost, 0 of 1']],
  [
    'a loss and its end are reported once each',
    2,
    ['++', '+-', '--', '+-', '++', '++'],
    ['1: lost, 1 of 2', '4: held, 2 of 2'],
  ],
  [
    'a new server not yet known does not undo a loss',
    1,
    ['-', '-?', '-?', '-+'],
    ['0: lost, 0 of 1', '3: held, 1 of 1'],
  ],
  ['more servers needed after a reload can lose it', 3, ['++'], ['0: lost, 2 of 3']],
] as const)
  test(name, () => assert.deepEqual(reports(needed, run), said));

test('what is counted now is told apart from what was reported', () => {
  assert.deepEqual(step(true, 1, read('?')), { held: true, quorum: { needed: 1, up: 0, held: false } });
});
