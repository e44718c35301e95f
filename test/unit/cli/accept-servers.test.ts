/** `accept-servers`, in front of a director of the test. */

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import type { AcceptResult } from '../../../src/control/director.ts';
import { fakeDirector, serve } from '../control/fake-director.ts';
import { cli } from './harness.ts';

async function accepting(t: TestContext, argv: readonly string[], answer: AcceptResult) {
  const asked: unknown[] = [];
  const acceptServers = async (...what: unknown[]): Promise<AcceptResult> => {
    asked.push(what);
    return answer;
  };
  const socket = await serve(t, fakeDirector({ acceptServers }));
  const ran = await cli(argv, socket, undefined, { SUDO_USER: 'anna' });
  return { ...ran, asked };
}

const removed = Array.from({ length: 22 }, (_, i) => `10.0.0.${i + 1}:80`);

test('accept-servers says what goes, and asks for one discovery where one is named', async (t) => {
  const accepted = [{ discovery: 'dns', removed: removed.slice(0, 2) }];
  const all = await accepting(t, ['accept-servers', 'my web'], ok({ service: 'my web', accepted }));
  assert.equal(all.code, 0);
  assert.equal(all.out, 'my web: discovery dns is followed; out and drained: 10.0.0.1:80, 10.0.0.2:80\n');
  assert.deepEqual(all.asked, [['my web', { discovery: null, by: 'anna' }]]);
  const one = await accepting(
    t,
    ['accept-servers', 'web', '--discovery', 'dns'],
    ok({ service: 'web', accepted: [{ discovery: 'dns', removed }] }),
  );
  assert.deepEqual(one.asked, [['web', { discovery: 'dns', by: 'anna' }]]);
  assert.match(one.out, /, 10\.0\.0\.20:80 and 2 more\n$/);
});

test('accept-servers --json prints the answer, and a refusal says what to do', async (t) => {
  const answer = { service: 'web', accepted: [{ discovery: 'dns', removed: ['10.0.0.1:80'] }] };
  const { out } = await accepting(t, ['accept-servers', 'web', '--json'], ok(answer));
  assert.deepEqual(JSON.parse(out), answer);
  const refusal = { error: 'nothing-held', what: 'no discovery of web holds anything back', todo: 'Look.' } as const;
  const refused = await accepting(t, ['accept-servers', 'web'], err(refusal));
  assert.deepEqual(
    [refused.code, refused.out, refused.err],
    [1, '', 'lvskeeper: no discovery of web holds anything back\nLook.\n'],
  );
});
