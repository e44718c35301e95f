import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  accept,
  type Discovered,
  inForce,
  type Limits,
  missing,
  NOTHING_FOUND,
  take,
} from '../../../src/pool/discovered.ts';

const key = (item: string): string => item;
const HALF: Limits = { maxRemoved: { percent: 50 }, confirmAfter: 3 };

/** The letters in force after answers, each a word of letters, one a second from 0. */
function after(answers: readonly string[], limits: Limits = HALF): Discovered<string> {
  return answers.reduce<Discovered<string>>(
    (state, answer, second) => take(state, [...answer], limits, key, second * 1000),
    NOTHING_FOUND,
  );
}
const letters = (state: Discovered<string>): string => [...inForce(state, key)].sort().join('');

const CASES: readonly (readonly [what: string, answers: readonly string[], limits: Limits, letters: string])[] = [
  ['the first answer is followed', ['abc'], HALF, 'abc'],
  ['what is new comes in', ['abc', 'abcd'], HALF, 'abcd'],
  ['half of them may go', ['abcd', 'ab'], HALF, 'ab'],
  ['more than half stay', ['abcd', 'a'], HALF, 'abcd'],
  ['what is new comes in even then', ['abcd', 'ax'], HALF, 'abcdx'],
  ['half is rounded down', ['abc', 'a'], HALF, 'abc'],
  ['one of one may not go', ['a', 'b'], HALF, 'ab'],
  ['an equal answer counts', ['abcd', 'a', 'a'], HALF, 'abcd'],
  ['the third is followed', ['abcd', 'a', 'a', 'a'], HALF, 'a'],
  ['in whatever order', ['abcd', 'xy', 'yx', 'xy'], HALF, 'xy'],
  ['another begins anew', ['abcd', 'a', 'b', 'a', 'a'], HALF, 'abcd'],
  ['a larger one is another', ['abcdefgh', 'a', 'ab', 'ab'], HALF, 'abcdefgh'],
  ['what only another held back listed is out again', ['abcd', 'x', 'y'], HALF, 'abcdy'],
  ['what came in by half makes no room', ['abcd', 'wxyz', 'vwxyz'], HALF, 'abcdvwxyz'],
  ['once they are back it is over', ['abcd', 'a', 'abcd', 'a', 'a'], HALF, 'abcd'],
  ['with 0 it is never followed', ['ab', 'c', 'c', 'c', 'c'], { maxRemoved: 0, confirmAfter: 0 }, 'abc'],
  ['a number counts servers', ['abcdefgh', 'abcdef'], { maxRemoved: 2, confirmAfter: 0 }, 'abcdef'],
  ['one more is too many', ['abcdefgh', 'abcde'], { maxRemoved: 2, confirmAfter: 0 }, 'abcdefgh'],
  ['"100%" lets all of them be others', ['abcd', 'e'], { maxRemoved: { percent: 100 }, confirmAfter: 0 }, 'e'],
  ['confirmed at once', ['abcd', 'e'], { maxRemoved: 0, confirmAfter: 1 }, 'e'],
];

for (const [what, answers, limits, wanted] of CASES)
  test(`${answers.join(', ')}: ${what}`, () => {
    assert.equal(letters(after(answers, limits)), wanted);
  });

test('it is known what is held back, how often it came, and since when', () => {
  const { held, followed } = after(['abcd', 'x', 'x']);
  assert.deepEqual(held, { answer: ['x'], times: 2, since: 1000 });
  assert.deepEqual(followed, [...'abcd']);
});

test('an operator lets it come true', () => {
  const state = accept(after(['abcd', 'x']));
  assert.deepEqual(state, { followed: ['x'], held: null });
  assert.deepEqual(accept(state), state);
});

test('of what is held back the newer settings count', () => {
  type Weighed = { readonly key: string; readonly weight: number };
  const keyOf = (item: Weighed): string => item.key;
  const first = take<Weighed>(NOTHING_FOUND, weighed('abc', 1), HALF, keyOf, 0);
  const second = take(first, weighed('a', 5), HALF, keyOf, 1);
  assert.deepEqual(inForce(second, keyOf), [...weighed('a', 5), ...weighed('bc', 1)]);

  function weighed(keys: string, weight: number): readonly Weighed[] {
    return [...keys].map((one) => ({ key: one, weight }));
  }
});

test('whatever comes, no answer takes out more than is allowed, nothing that is listed is missing, and it is never empty', () => {
  const answer = fc.uniqueArray(fc.constantFrom(...'abcdefghij'), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 12 }), fc.integer({ min: 0, max: 100 }), (all, percent) => {
      let state: Discovered<string> = NOTHING_FOUND;
      for (const one of all) {
        const before = state.followed;
        state = take(state, one, { maxRemoved: { percent }, confirmAfter: 0 }, key, 0);
        const now = inForce(state, key);
        assert.ok(missing(before, now, key).length <= (before.length * percent) / 100);
        assert.deepEqual(missing(one, now, key), []);
        assert.equal(new Set(now).size, now.length);
        assert.ok(now.length > 0);
      }
    }),
  );
});
