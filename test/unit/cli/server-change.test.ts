/** `add-server`, `remove-server` and `reload --discard`, in front of a director of the test. */

import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import { seconds } from '../../../src/base/time.ts';
import type { ReloadAnswer, ServerChangeAnswer, ServerChangeView } from '../../../src/control/director.ts';
import { ADDED, fakeDirector, NO_CHANGES, serve } from '../control/fake-director.ts';
import { cli } from './harness.ts';

const NOWHERE = '/nonexistent/control.sock';

/** The command line as `anna`, in front of a director that answers so and notes what it was asked. */
async function changing(t: TestContext, argv: readonly string[], more: Partial<ServerChangeAnswer> = {}) {
  const asked: unknown[] = [];
  const answer = async (...what: unknown[]) => {
    asked.push(what);
    return ok({ ...ADDED, ...more });
  };
  const socket = await serve(t, fakeDirector({ addServer: answer, removeServer: answer }));
  const ran = await cli(argv, socket, undefined, { SUDO_USER: 'anna' });
  return { ...ran, asked };
}

test('add-server sends the keys that are given, and says how it ends', async (t) => {
  const argv = ['add-server', 'my web', '10.0.0.23:80', '--weight', '5', '--name', 'web3', '--forward', 'dr'];
  const { code, out, asked } = await changing(t, [...argv, '--reason', 'more load'], { notes: ['web has no check'] });
  assert.equal(code, 0);
  assert.deepEqual(asked, [
    [
      'my web',
      {
        table: { address: '10.0.0.23:80', weight: 5, name: 'web3', forward: 'dr' },
        ...{ reason: 'more load', by: 'anna' },
      },
    ],
  ]);
  assert.equal(
    out,
    'web: web3 (10.0.0.23:80) added at run time by anna: more load\n  web has no check\n' +
      'it stays so until `lvskeeper remove-server web 10.0.0.23:80` takes it back\nto keep it for good, write it into the file\n',
  );
  const plain = await changing(t, ['add-server', 'web', '10.0.0.23:80']);
  assert.deepEqual(plain.asked, [['web', { table: { address: '10.0.0.23:80' }, reason: '', by: 'anna' }]]);
});

test('remove-server says what the server has, how long that may last, and how it ends', async (t) => {
  const change: ServerChangeView = { ...ADDED.change, what: 'removed', reason: '' };
  const removed = { done: 'removed', change, connections: { active: 12, inactive: 3, persistent: 0 } } as const;
  const { code, out, asked } = await changing(t, ['remove-server', 'web', 'web3', '--reason', 'new disk'], removed);
  assert.equal(code, 0);
  assert.deepEqual(asked, [['web', { server: 'web3', by: 'anna', reason: 'new disk' }]]);
  assert.equal(
    out,
    'web: web3 (10.0.0.23:80) removed at run time by anna; it has 12 active, 3 inactive, and goes when they are over, ' +
      'within 5 m\nit stays so until `lvskeeper add-server web 10.0.0.23:80` has it back\nto be rid of it for good, take it out of the file\n',
  );
  const atOnce = await changing(t, ['remove-server', 'web', 'web3'], { ...removed, drainTimeout: seconds(0) });
  assert.match(atOnce.out, /by anna; that broke what it had: 12 active, 3 inactive\n/);
  const idle = { ...removed, connections: { active: 0, inactive: 0, persistent: 0 } };
  assert.match((await changing(t, ['remove-server', 'web', 'web3'], idle)).out, /removed at run time by anna\n/);
});

test('what was taken back is said, and is over', async (t) => {
  const back = await changing(t, ['add-server', 'web', '10.0.0.23'], { done: 'put-back' });
  assert.equal(back.out, 'web: web3 (10.0.0.23:80) is back, as the file has it; it was removed at run time by anna\n');
  const out = await changing(t, ['remove-server', 'web', 'web3'], { done: 'taken-back' });
  assert.equal(out.out, 'web: web3 (10.0.0.23:80) is out again; it was added at run time by anna\n');
});

test('--json is the very answer', async (t) => {
  assert.deepEqual(JSON.parse((await changing(t, ['add-server', 'web', '10.0.0.23', '--json'])).out), ADDED);
  assert.deepEqual(JSON.parse((await changing(t, ['remove-server', 'web', 'web3', '--json'])).out), ADDED);
});

test('a refused change exits with 1, with what is wrong, every issue, and what to do', async (t) => {
  const issue = (message: string) => ({ severity: 'error', line: 0, column: 0, message }) as const;
  const refusal = {
    error: 'wrong-server',
    what: 'weight is 70000 (and 1 more)',
    todo: 'The servers stay as they were.',
    issues: [issue('weight is 70000'), issue('unknown key "wieght"')],
  } as const;
  const socket = await serve(t, fakeDirector({ addServer: async () => err(refusal) }));
  const { code, out, err: said } = await cli(['add-server', 'web', '10.0.0.23'], socket);
  assert.deepEqual([code, out], [1, '']);
  assert.equal(said, 'lvskeeper: weight is 70000\nlvskeeper: unknown key "wieght"\nThe servers stay as they were.\n');
});

/** arguments, what is said */
const WRONG = [
  [['add-server', 'web'], /an operand is missing/],
  [['remove-server', 'web'], /an operand is missing/],
  [['add-server', 'web', '10.0.0.23', '--weight', 'five'], /five is no weight; give a whole number, 0 to 65535/],
  [['add-server', 'web', '10.0.0.23', '--weight', '65536'], /65536 is no weight/],
  [['remove-server', 'web', 'web1', '--weight', '5'], /unknown option --weight/],
] as const;
for (const [argv, said] of WRONG)
  test(`lvskeeper ${argv.join(' ')} is wrong usage`, async () => {
    const ran = await cli(argv, NOWHERE);
    assert.deepEqual([ran.code, ran.out], [2, '']);
    assert.match(ran.err, said);
  });

const change = (what: 'added' | 'removed', last: number): ServerChangeView => ({
  ...{ what, service: 'web', server: `web${last}`, address: `10.0.0.${last}:80` },
  ...{ by: 'anna', reason: '', since: '2026-03-01T12:00:03.000Z' },
});

/** What `reload` prints below its first line. */
async function reloaded(t: TestContext, serverChanges: Partial<ReloadAnswer['serverChanges']>): Promise<string> {
  const answer = { outcome: 'unchanged', detail: '', file: 'a.toml', issues: [] } as const;
  const reload = async () => ({ ...answer, serverChanges: { ...NO_CHANGES, ...serverChanges } });
  const { code, out } = await cli(['reload'], await serve(t, fakeDirector({ reload })));
  assert.equal(code, 0);
  assert.match(out, /^reload unchanged\n/);
  return out.slice('reload unchanged\n'.length);
}

test('reload says what stays of the changes at run time, and how to drop it', async (t) => {
  const drops = 'so;\n`lvskeeper reload --discard` drops what is not in the file\n';
  assert.equal(await reloaded(t, {}), '');
  assert.equal(await reloaded(t, { kept: [change('added', 23)] }), `1 added server at run time stays ${drops}`);
  assert.equal(
    await reloaded(t, { kept: [change('added', 23), change('removed', 21), change('removed', 22)] }),
    `1 added and 2 removed servers at run time stay ${drops}`,
  );
});

test('reload says which changes the file has ended, and which were discarded', async (t) => {
  const said = await reloaded(t, {
    ceased: [{ ...change('added', 23), why: 'the file has it now' }],
    discarded: [change('removed', 21)],
  });
  assert.equal(
    said,
    'web: server web23 (10.0.0.23:80) no longer added at run time: the file has it now\n' +
      'web: server web21 (10.0.0.21:80) no longer removed at run time: discarded\n',
  );
});

test('reload --discard asks for it, in the name of who does', async (t) => {
  const asked: unknown[] = [];
  const reload = async (request: unknown) => {
    asked.push(request);
    return { outcome: 'unchanged', detail: '', file: 'a.toml', issues: [], serverChanges: NO_CHANGES } as const;
  };
  const socket = await serve(t, fakeDirector({ reload }));
  for (const argv of [['reload', '--discard'], ['reload']]) await cli(argv, socket, undefined, { SUDO_USER: 'anna' });
  assert.deepEqual(asked, [
    { discard: true, by: 'anna' },
    { discard: false, by: 'api' },
  ]);
});
