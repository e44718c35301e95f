import assert from 'node:assert/strict';
import test from 'node:test';
import { discoveryTroubles } from '../../../src/cli/discovery-words.ts';
import type { DiscoveryStatus } from '../../../src/control/status.ts';
import { FOUND, NOW } from '../../golden/cli/samples.ts';

/** What is said above all of the first discovery of the sample, were it so. */
function troubles(change: Partial<DiscoveryStatus>): readonly string[] {
  const [web] = FOUND.services;
  const [first] = web?.discovery ?? [];
  assert.ok(web && first);
  return discoveryTroubles({ ...web, discovery: [{ ...first, held: null, ...change }] }, NOW);
}

test('a discovery that is well needs no word', () => {
  assert.deepEqual(troubles({}), []);
});

test('what is held back says how it ends: by an operator alone, or by answers like it', () => {
  const held = { removes: 1, of: 1, times: 9, needed: 10, since: '2026-03-01T12:04:03.000Z' };
  const accept = '`lvskeeper accept-servers web --discovery consul` follows it';
  const lacks = 'web: discovery consul no longer lists 1 of 1 server, which is held back: ';
  assert.deepEqual(troubles({ held }), [`${lacks}${accept}, or 1 more answer like it`]);
  assert.deepEqual(troubles({ held: { ...held, needed: 0 } }), [`${lacks}${accept}`]);
});

test('what fails says what stays, and how old that is', () => {
  const error = 'no answer in 10 s';
  assert.deepEqual(troubles({ error }), [
    'web: discovery consul fails: no answer in 10 s; what it listed 3 s ago stays: 12 servers',
  ]);
  assert.deepEqual(troubles({ error, answered: null }), [
    'web: discovery consul fails: no answer in 10 s; it has found nothing yet',
  ]);
});
