import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Duration, seconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { describe } from '../../../src/control/render.ts';
import { createQuorumCommands } from '../../../src/daemon/quorum-commands.ts';
import { until as eventually } from '../trackers/fake-clock.ts';

const LOST = { held: false, up: 1, needed: 2, by: 'servers' } as const;
const HELD = { held: true, up: 2, needed: 2, by: 'servers' } as const;

const until = (condition: () => boolean): Promise<void> => eventually(condition, 'what the command does');

/** A program that runs `body` with its argument, and a service whose quorum runs it with `down` and with `up`. */
function scene(t: TestContext, body: string, options = '', timeout?: Duration) {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-quorum-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'program');
  const log = join(folder, 'log');
  writeFileSync(program, `#!/bin/sh\nlog=${log}\n${body}\n`, { mode: 0o755 });
  const { config, issues } = load(
    `[[service]]
    name = "web"
    address = "192.0.2.10:80"
    forward = "nat"
    quorum_up = ["${program}", "up"]
    quorum_down = ["${program}", "down"]
    quorum_user = "${userInfo().username}"
    ${options}
    server = [{ address = "10.0.0.1" }]`,
    { hostName: 'lb' },
  );
  const [service] = config?.services ?? [];
  assert.ok(service, JSON.stringify(issues));
  const told: string[] = [];
  const commands = createQuorumCommands((happening) => void told.push(describe(happening)), timeout);
  t.after(() => commands.close());
  const logged = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  return { service: service as ServiceConfig, program, told, commands, logged, log };
}

test('the command is told which service, what has happened and why', async (t) => {
  const { service, commands, logged, told } = scene(t, 'env | grep ^LVSKEEPER | sort >> $log; echo "args $*" >> $log');
  commands.changed(service, LOST);
  await until(() => logged().includes('args'));
  assert.deepEqual(logged().trim().split('\n'), [
    'LVSKEEPER_BY=servers',
    'LVSKEEPER_NEEDED=2',
    'LVSKEEPER_QUORUM=down',
    'LVSKEEPER_SERVICE=web',
    'LVSKEEPER_UP=1',
    'args down',
  ]);
  commands.changed(service, HELD);
  await until(() => logged().includes('args up'));
  assert.match(logged(), /LVSKEEPER_QUORUM=up/);
  assert.deepEqual(told, []);
});

test('without a command nothing is run', async (t) => {
  const { service, commands, logged, told } = scene(t, 'echo $1 >> $log');
  commands.changed({ ...service, quorumDown: null }, LOST);
  commands.changed(service, HELD);
  await until(() => logged() !== '');
  assert.deepEqual([logged(), told], ['up\n', []]);
});

test('one that fails is told, with the last line that it said', async (t) => {
  const { service, commands, told, program } = scene(t, 'echo first; echo "no route" >&2; exit 3');
  commands.changed(service, LOST);
  await until(() => told.length > 0);
  assert.deepEqual(told, [`a quorum command failed: quorum_down of web, ${program}: exited with 3: "no route"`]);
});

test('one that hangs is killed, and the next is run', async (t) => {
  const { service, commands, told, logged } = scene(t, '[ $1 = down ] && sleep 600; echo $1 >> $log', '', seconds(1));
  commands.changed(service, LOST);
  commands.changed(service, HELD);
  await until(() => logged() !== '');
  assert.equal(logged(), 'up\n');
  assert.match(told.join(), /quorum_down of web, .*: still ran after 1 s and was killed/);
});

test('of what comes while one runs only the latest is run, after it', async (t) => {
  const { service, commands, logged, log } = scene(
    t,
    'echo "$1 begins" >> $log; while [ ! -e $log.go ]; do sleep 0.01; done; echo "$1 ends" >> $log',
  );
  commands.changed(service, LOST);
  await until(() => logged() !== '');
  for (const change of [HELD, LOST, HELD]) commands.changed(service, change);
  writeFileSync(`${log}.go`, '');
  await until(() => logged().includes('up ends'));
  assert.deepEqual(logged().trim().split('\n'), ['down begins', 'down ends', 'up begins', 'up ends']);
});

test('a program that others could change, or a user who is not there, is refused', async (t) => {
  const { service, commands, told, program } = scene(t, 'true');
  chmodSync(program, 0o777);
  commands.changed(service, LOST);
  await until(() => told.length > 0);
  assert.match(told[0] ?? '', /is not run: .* can be written by everybody/);
  commands.changed({ ...service, quorumUser: 'nobody-at-all' }, HELD);
  await until(() => told.length > 1);
  assert.match(told[1] ?? '', /is not run: there is no user nobody-at-all/);
});

test('what runs is killed when the checker ends, and nothing is told of it', async (t) => {
  const { service, commands, told, logged } = scene(t, 'echo $$ >> $log; exec sleep 600');
  commands.changed(service, LOST);
  await until(() => logged() !== '');
  const pid = Number(logged());
  commands.changed(service, HELD);
  commands.close();
  await until(() => !existsSync(`/proc/${pid}`));
  assert.deepEqual([told, logged().trim()], [[], String(pid)]);
});
