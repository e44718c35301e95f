import assert from 'node:assert/strict';
import test from 'node:test';
import { instant, milliseconds } from '../../../src/base/time.ts';
import { advised, type Named, together } from '../../../src/health/server.ts';
import { type Advice, begin, type Health, type Verdict } from '../../../src/health/verdict.ts';

const verdict = (state: Health, more: Partial<Verdict> = {}): Verdict => ({
  ...begin(null, instant(0)),
  state,
  ...more,
});
const SIGNS = { u: 'up', d: 'down', '?': 'unknown' } as const;
/** One check a sign, called a, b, c. */
const checks = (signs: string): Named[] =>
  [...signs].map((sign, i) => ({
    name: 'abc'[i] as string,
    verdict: verdict(SIGNS[sign as keyof typeof SIGNS]),
    reason: `says ${sign}`,
  }));

test('of several checks all must be passed, or any', () => {
  const table: readonly (readonly [string, Health, Health])[] = [
    ['u', 'up', 'up'],
    ['d', 'down', 'down'],
    ['?', 'unknown', 'unknown'],
    ['uu', 'up', 'up'],
    ['ud', 'down', 'up'],
    ['du', 'down', 'up'],
    ['dd', 'down', 'down'],
    ['u?', 'unknown', 'up'],
    ['d?', 'down', 'unknown'],
    ['ud?', 'down', 'up'],
  ];
  for (const [signs, all, any] of table) {
    assert.equal(together('all', checks(signs)).state, all, `all of ${signs}`);
    assert.equal(together('any', checks(signs)).state, any, `any of ${signs}`);
  }
});

test('the reason is that of the check alone, or of those that decide, by name', () => {
  assert.equal(together('all', checks('d')).reason, 'says d');
  assert.equal(together('all', checks('udd')).reason, 'b: says d; c: says d');
  assert.equal(together('any', checks('udd')).reason, 'a: says u');
  assert.equal(together('all', checks('uu')).reason, 'a: says u; b: says u');
  assert.equal(together('any', checks('dd')).reason, 'a: says d; b: says d');
});

test('a server that asks to be out of service is down, whatever its other checks say', () => {
  const asks = { name: 'agent', verdict: verdict('up', { advice: { mode: 'maint' } }), reason: 'agent says: maint' };
  for (const needed of ['all', 'any'] as const)
    assert.deepEqual(together(needed, [...checks('u'), asks]), { state: 'down', reason: 'agent: agent says: maint' });
});

const told = (...advice: readonly Advice[]): Verdict[] => advice.map((one) => verdict('up', { advice: one }));

test('the weight comes from the configured one each time: numbers replace it, shares are taken of it', () => {
  const weight = (configured: number, ...advice: readonly Advice[]) => advised(configured, told(...advice)).weight;
  assert.equal(weight(40), 40);
  assert.equal(weight(40, {}), 40);
  assert.equal(weight(40, { weight: { percent: 75 } }), 30);
  assert.equal(weight(40, { weight: { percent: 150 } }), 60);
  assert.equal(weight(40, { weight: { percent: 50 } }, { weight: { percent: 50 } }), 10);
  assert.equal(weight(40, { weight: { weight: 7 } }), 7);
  assert.equal(weight(40, { weight: { weight: 7 } }, { weight: { weight: 9 } }), 7);
  assert.equal(weight(40, { weight: { weight: 8 } }, { weight: { percent: 50 } }), 4);
  assert.equal(weight(40, { weight: { weight: 0 } }), 0);
});

test('rounding makes no weight 0 and none too large; 0 stays 0', () => {
  const weight = (configured: number, percent: number) => advised(configured, told({ weight: { percent } })).weight;
  assert.deepEqual([weight(1, 1), weight(100, 0), weight(0, 100), weight(65535, 200)], [1, 0, 0, 65535]);
  assert.equal(advised(0, told({ weight: { weight: 9 } })).weight, 0);
});

test('a server that drains gets nothing new, and ready is as if it had said nothing', () => {
  assert.equal(advised(40, told({ mode: 'drain', weight: { weight: 9 } })).weight, 0);
  assert.equal(advised(40, told({ mode: 'ready' })).weight, 40);
});

test('slow answers take their share', () => {
  const slow = verdict('up', {
    latency: { average: milliseconds(40), share: 50 },
    advice: { weight: { percent: 50 } },
  });
  assert.equal(advised(40, [slow]).weight, 10);
});

test('of several limits of connections the least counts', () => {
  assert.equal(advised(40, told({})).maxConnections, null);
  assert.equal(advised(40, told({ maxConnections: null })).maxConnections, null);
  assert.equal(advised(40, told({ maxConnections: 30 }, { maxConnections: 20 }, {})).maxConnections, 20);
});
