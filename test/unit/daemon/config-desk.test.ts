/** What becomes of a word to read the config again: what runs, what is refused, and what is said of it. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import type { Config } from '../../../src/config/config.ts';
import type { PlannedChange } from '../../../src/control/director.ts';
import type { Happening } from '../../../src/control/event.ts';
import { type ConfigDeskPorts, createConfigDesk } from '../../../src/daemon/config-desk.ts';
import { readText } from '../../../src/system/config-file.ts';

const FILE = '/etc/lvskeeper/lvskeeper.toml';
const router = (priority: number): string =>
  `[[vrrp]]\nname = "edge"\ninterface = "eth0"\nrouter_id = 51\npriority = ${priority}\naddresses = ["192.0.2.10/24"]\n`;
const BAD = '[[vrrp]]\nname = 7\n';

const changeTo = (priority: number | undefined): PlannedChange => ({
  ...{ part: 'vrrp', sign: '~', what: String(priority), breaks: 0, drains: 0, notes: [] },
});

/** A desk whose file holds what is put there. */
function deskWith(text: string, ports: Partial<ConfigDeskPorts> = {}) {
  const told: string[] = [];
  const reported: Happening[] = [];
  let onDisk = text;
  let second = 0;
  const { config } = readText(text);
  assert.ok(config);
  const desk = createConfigDesk(
    { config, text, trial: null },
    {
      keep: () => {},
      later: () => ({ cancel() {} }),
      file: FILE,
      read: () => readText(onDisk),
      readText,
      now: () => new Date(Date.UTC(2026, 2, 1, 12, 0, second++)),
      report: (happening) => void reported.push(happening),
      unreadableSecrets: () => [],
      busy: (reloading) => void told.push(reloading ? 'busy' : 'ready'),
      changed: async () => void told.push('changed'),
      again: () => void told.push('again'),
      tryProgram: async () => ok(undefined),
      restart: () => told.push('restart') > 0,
      planOf: async (next: Config) => ({
        changes: [changeTo(next.vrrp[0]?.priority)],
      }),
      ...ports,
    },
  );
  return {
    desk,
    told,
    reported,
    put: (next: string) => (onDisk = next),
    priority: () => desk.config().vrrp[0]?.priority,
  };
}

test('a changed file runs from then on, and what has a part in it is told between busy and ready', async () => {
  const { desk, told, reported, put, priority } = deskWith(router(100));
  put(router(90));
  const answer = await desk.reload();
  assert.deepEqual(answer, {
    outcome: 'applied',
    detail: 'vrrp edge changed: priority 100 -> 90',
    file: FILE,
    issues: [],
  });
  assert.equal(priority(), 90);
  assert.deepEqual(told, ['busy', 'changed', 'ready']);
  assert.deepEqual(reported, [{ kind: 'reload', outcome: 'applied', detail: answer.detail }]);
  assert.deepEqual(desk.configStatus(), { file: FILE, loaded: '2026-03-01T12:00:01.000Z', refused: null, trial: null });
});

test('a file that was refused and put back is refused no longer; one that is refused as it runs still is', async () => {
  let unread: readonly string[] = [];
  const { desk, put } = deskWith(router(100), { unreadableSecrets: () => unread });
  put(BAD);
  await desk.reload();
  assert.match(desk.configStatus().refused ?? '', /stays in force/);
  put(router(100));
  assert.equal(desk.configStatus().refused, null);
  unread = ['cannot read /k'];
  await desk.reload();
  assert.match(desk.configStatus().refused ?? '', /cannot read/);
});

test('of the same file only the files that it names are read again', async () => {
  const { desk, told } = deskWith(router(100));
  assert.equal((await desk.reload()).outcome, 'unchanged');
  assert.deepEqual(told, ['busy', 'again', 'ready']);
  assert.equal(desk.configStatus().loaded, '2026-03-01T12:00:01.000Z');
});

test('warnings of a good file are events, each with its place', async () => {
  const { desk, reported, put } = deskWith(router(100));
  put(`${router(100)}auth = { type = "pass", file = "/k" }\nversion = 2\n`);
  const { issues } = await desk.reload();
  const warnings = issues.filter(({ severity }) => severity === 'warning').length;
  assert.equal(reported.filter(({ kind }) => kind === 'trouble').length, warnings);
});

for (const [what, text, ports, detail] of [
  [
    'an error',
    BAD,
    {},
    /^\/etc\/lvskeeper\/lvskeeper\.toml:1:1: missing .* \(and \d more\); the config before stays in force$/,
  ],
  [
    'a secret that cannot be read',
    router(90),
    { unreadableSecrets: () => ['cannot read /k'] },
    /^cannot read \/k; the config before stays in force$/,
  ],
  [
    'a file without anything to do',
    '# the disk was full\n',
    {},
    /^no \[\[vrrp\]\] and no \[\[service\]\] is left, .*: stop the daemon if that is meant; the config before stays in force$/,
  ],
  [
    'another run directory',
    `[director]\nrun_dir = "/run/other"\n${router(90)}`,
    {},
    /^director\.run_dir \(\/run\/lvskeeper, now \/run\/other\) cannot change while the daemon runs: stop and start it$/,
  ],
] as const)
  test(`${what} refuses a reload, and what runs stays`, async () => {
    const { desk, told, reported, put, priority } = deskWith(router(100), ports);
    put(text);
    const answer = await desk.reload();
    assert.equal(answer.outcome, 'refused');
    assert.match(answer.detail, detail);
    assert.equal(priority(), 100);
    assert.deepEqual(told, ['busy', 'ready']);
    assert.deepEqual(reported, [{ kind: 'reload', outcome: 'refused', detail: answer.detail }]);
    assert.equal(desk.configStatus().refused, answer.detail);
    assert.equal(desk.configStatus().loaded, '2026-03-01T12:00:00.000Z');
  });

test('a good reload takes the word of the refused one back', async () => {
  const { desk, put } = deskWith(router(100));
  put(BAD);
  await desk.reload();
  put(router(100));
  await desk.reload();
  assert.equal(desk.configStatus().refused, null);
});

test('reloads go one after the other, also past one that fails', async () => {
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const { desk, put } = deskWith(router(100), {
    async changed() {
      order.push('begins');
      await gate.promise;
      order.push('fails');
      throw new Error('no listener');
    },
    again: () => void order.push('second'),
  });
  put(router(90));
  const [one, two] = [desk.reload(), desk.reload()];
  gate.resolve();
  await assert.rejects(one, /no listener/);
  assert.equal((await two).outcome, 'unchanged');
  assert.deepEqual(order, ['begins', 'fails', 'second']);
});

for (const [what, text, ports, detail] of [
  ['an error', BAD, {}, /; with it nothing could start$/],
  ['another run directory', '[director]\nrun_dir = "/run/other"\n', {}, /is left behind by a restart/],
  ['a file without anything to do', '# the disk was full\n', {}, /^no \[\[vrrp\]\] and no \[\[service\]\] is left, /],
  [
    'a program that does not take the file',
    router(100),
    { tryProgram: async () => err('no library') },
    /^the program that is installed now cannot start with it: no library$/,
  ],
  ['a stop that goes on', router(100), { restart: () => false }, /^it is stopping$/],
] as const)
  test(`${what} refuses a restart`, async () => {
    const { desk, told, put } = deskWith(router(100), ports);
    put(text);
    const answer = await desk.restart();
    assert.equal(answer.outcome, 'refused');
    assert.match(answer.detail, detail);
    assert.deepEqual(told, []);
  });

test('a restart begins with a good file and a good program', async () => {
  const { desk, told } = deskWith(router(100));
  assert.deepEqual(await desk.restart(), { outcome: 'restarting', detail: '', file: FILE, issues: [] });
  assert.deepEqual(told, ['restart']);
});

test('a plan is of the text given, else of the file on disk, and changes nothing', async () => {
  const { desk, told, put, priority } = deskWith(router(100));
  put(router(90));
  assert.deepEqual(await desk.plan(null), { changes: [changeTo(90)] });
  assert.deepEqual(await desk.plan(router(80)), { changes: [changeTo(80)] });
  assert.ok((await desk.plan(BAD)).issues?.length);
  assert.equal(priority(), 100);
  assert.deepEqual(told, []);
});
