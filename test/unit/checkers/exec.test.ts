import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { createExecProber } from '../../../src/checkers/exec/probe.ts';
import type { ExecCheckConfig } from '../../../src/config/config.ts';
import { defaults, targetOf, until } from './loopback.ts';

const me = userInfo();

const execCheck = (command: readonly string[], changes: Partial<ExecCheckConfig> = {}): ExecCheckConfig => ({
  ...defaults('exec', 'command = ["/x"]'),
  ...{ command, user: me.username, timeout: seconds(20) },
  ...changes,
});
const shell = (script: string, changes: Partial<ExecCheckConfig> = {}) => execCheck(['/bin/sh', '-c', script], changes);

async function probe(check: ExecCheckConfig, target = targetOf(80)) {
  const prober = createExecProber(check, target);
  const result = await prober.run();
  prober.close();
  return result;
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-exec-'));
  chmodSync(path, 0o755);
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Whether a process is there that is no zombie (proc_pid_stat(5)). */
function alive(pid: number): boolean {
  try {
    return !/\) Z [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const processes = () => process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;

const ENDS: readonly (readonly [string, string])[] = [
  ['exit 0', 'up: exit code 0'],
  ['echo; echo well; exit 0', 'up: exit code 0: "well"'],
  ['echo "42 ms"; echo more; exit 0', 'up: exit code 0: "42 ms"'],
  ['exit 1', 'down: exit code 1'],
  ['exit 52', 'down: exit code 52'],
  ['echo "disk full"; echo x >&2; exit 2', 'down: exit code 2: "disk full"'],
  ['echo Traceback >&2; echo "no module" >&2; exit 2', 'down: exit code 2: "no module"'],
  ['printf "a\\033[2Jb\\n"; exit 1', 'down: exit code 1: "a [2Jb"'],
  ['kill -SEGV $$', 'down: killed by SIGSEGV'],
  ['yes', 'down: printed more than it may, and was killed: "y"'],
  ['yes >&2', 'down: printed more than it may, and was killed: "y"'],
  ['cat', 'up: exit code 0'],
];
for (const [script, expected] of ENDS)
  test(`a program that does \`${script}\` is ${expected}`, async () => {
    const { outcome, reason } = await probe(shell(script));
    assert.equal(`${outcome}: ${reason}`, expected);
  });

test('a weight comes from the exit code where that is asked for', async () => {
  const inWords = async (code: number) => {
    const { outcome, reason, advice } = await probe(shell(`exit ${code}`, { weightFromExit: true }));
    return [`${outcome}: ${reason}`, advice?.weight];
  };
  assert.deepEqual(await inWords(0), ['up: exit code 0', undefined]);
  assert.deepEqual(await inWords(1), ['down: exit code 1', undefined]);
  assert.deepEqual(await inWords(2), ['up: exit code 2, weight 0', { weight: 0 }]);
  assert.deepEqual(await inWords(52), ['up: exit code 52, weight 50', { weight: 50 }]);
  assert.deepEqual(await inWords(255), ['up: exit code 255, weight 253', { weight: 253 }]);
});

test('the first 4,096 characters of the output are kept, fit to be shown', async () => {
  const { output } = await probe(shell('printf "a\\tb\\n\\033[2J"; head -c 100000 /dev/zero | tr "\\0" x'));
  assert.equal(output, `a b [2J${'x'.repeat(4089)}`);
  const wide = await probe(
    shell('printf x; i=0; while [ $i -lt 3000 ]; do printf "\\360\\237\\230\\200"; i=$((i+1)); done'),
  );
  assert.equal(wide.output, `x${'\u{1f600}'.repeat(2047)}\ufffd`, 'and not half a pair');
  assert.equal((await probe(shell('exit 1'))).output, undefined);
});

test('it is told of the server, and of nothing else that this process knows', async () => {
  const target = {
    address: { address: ip('2001:db8::1'), port: 8080 },
    ...{ source: ip('2001:db8::9'), sourcePort: 700, device: 'eth1', mark: null },
  };
  const told = async (of: Parameters<typeof probe>[1]) => {
    const { output = '' } = await probe(execCheck(['/usr/bin/env', '-0']), of);
    return output.split(/\s+/).filter((line) => line.startsWith('LVSKEEPER_') || line.startsWith('HOME='));
  };
  assert.deepEqual(await told(target), [
    'LVSKEEPER_ADDRESS=2001:db8::1',
    'LVSKEEPER_PORT=8080',
    'LVSKEEPER_FAMILY=6',
    'LVSKEEPER_SOURCE=2001:db8::9',
    'LVSKEEPER_SOURCE_PORT=700',
    'LVSKEEPER_DEVICE=eth1',
  ]);
  assert.deepEqual(await told(targetOf(0)), [
    ...['LVSKEEPER_ADDRESS=127.0.0.1', 'LVSKEEPER_PORT=', 'LVSKEEPER_FAMILY=4'],
    ...['LVSKEEPER_SOURCE=', 'LVSKEEPER_SOURCE_PORT=', 'LVSKEEPER_DEVICE='],
  ]);
});

test('one that hangs is killed with all that it started, whatever it does about signals', async (t) => {
  const at = folder(t);
  const pids = join(at, 'pids');
  const script = `trap "" TERM INT HUP; sleep 60 & echo $! $$ >${pids}; echo begun; wait; sleep 60`;
  const { outcome, reason, output } = await probe(shell(script, { timeout: seconds(1) }));
  assert.equal(`${outcome}: ${reason}`, 'down: still running after 1 s, and killed: "begun"');
  assert.equal(output, 'begun');
  const [child, parent] = readFileSync(pids, 'utf8').split(' ').map(Number) as [number, number];
  await until(() => !alive(child) && !alive(parent), 'both have ended');
});

test('what it leaves behind in its group is killed; what has left the group holds nothing up', async (t) => {
  const at = folder(t);
  const began = performance.now();
  const { outcome, reason } = await probe(shell(`sleep 60 & echo $! >${at}/in; setsid sleep 60 & echo out`));
  assert.equal(`${outcome}: ${reason}`, 'up: exit code 0: "out"');
  const inside = Number(readFileSync(join(at, 'in'), 'utf8'));
  await until(() => !alive(inside), 'the child has ended');
  const away = await probe(shell(`setsid sh -c 'echo $$ >${at}/away; sleep 60' & until [ -s ${at}/away ]; do :; done`));
  assert.equal(away.outcome, 'up');
  const outside = Number(readFileSync(join(at, 'away'), 'utf8'));
  assert.ok(alive(outside));
  process.kill(outside);
  assert.ok(performance.now() - began < 30_000);
});

test('one that cannot be run says nothing of the server, but what to do', async (t) => {
  const at = folder(t);
  const path = join(at, 'check');
  const reasonOf = async (changes: Partial<ExecCheckConfig> = {}) => {
    const { outcome, reason } = await probe(execCheck([path], changes));
    assert.equal(outcome, 'local-error');
    return reason.replaceAll(path, 'CHECK');
  };
  const refused = `cannot probe: CHECK is not run as ${me.username}`;
  assert.equal(await reasonOf(), `${refused}: there is no CHECK`);
  writeFileSync(path, 'exit 0\n', { mode: 0o644 });
  const started = 'cannot probe: CHECK cannot be started';
  assert.equal(await reasonOf(), `${started}: its user may not execute it, see chmod(1)`);
  chmodSync(path, 0o755);
  writeFileSync(path, '#!/none/such\n');
  assert.equal(await reasonOf(), `${started}: the interpreter in its first line is missing`);
  chmodSync(path, 0o777);
  assert.equal(await reasonOf(), `${refused}: CHECK can be written by everybody`);
  assert.equal(
    await reasonOf({ user: 'no-such-user' }),
    'cannot probe: CHECK is not run as no-such-user: there is no user no-such-user in /etc/passwd',
  );
});

test('it runs with the rights of its user', { skip: me.uid !== 0 && 'needs root' }, async () => {
  assert.equal((await probe(shell('id -un; id -G', { user: 'nobody' }))).output, 'nobody 65534');
});

test('without a free descriptor nothing is run, and that is our own fault', async () => {
  const module = new URL('../../../src/checkers/exec/probe.ts', import.meta.url).href;
  const script = `
    import { openSync } from 'node:fs';
    import { createExecProber } from ${JSON.stringify(module)};
    const prober = createExecProber(${JSON.stringify(shell('exit 1'))}, ${JSON.stringify(targetOf(80))});
    await prober.run();
    try { for (;;) openSync('/dev/null'); } catch {}
    console.log(JSON.stringify(await prober.run()));`;
  const child = spawn('/bin/sh', [
    ...['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"'],
    ...[process.execPath, script],
  ]);
  let said = '';
  for await (const chunk of child.stdout) said += chunk;
  const { outcome, reason } = JSON.parse(said);
  assert.equal(outcome, 'local-error', reason);
  assert.match(reason, /EMFILE/);
});

test('closing kills the program, and settles the probe at once, not as a failure', async (t) => {
  const at = folder(t);
  const prober = createExecProber(shell(`echo $$ >${at}/pid; sleep 60`), targetOf(80));
  const running = prober.run();
  await until(() => existsSync(join(at, 'pid')) && readFileSync(join(at, 'pid'), 'utf8') !== '', 'it has started');
  prober.close();
  const { outcome, reason } = await running;
  assert.equal(`${outcome}: ${reason}`, 'local-error: cannot probe: the check was changed or stopped');
  const pid = Number(readFileSync(join(at, 'pid'), 'utf8'));
  await until(() => !alive(pid), 'it has ended');
});

test('a program that ran too long while this process was held up is not held against the server', async () => {
  const prober = createExecProber(shell('sleep 60', { timeout: milliseconds(300) }), targetOf(80));
  const running = prober.run();
  // Long enough for the program to have been started, and then to sleep through its timeout.
  await new Promise((resolve) => setTimeout(resolve, 200));
  const end = performance.now() + 1500;
  while (performance.now() < end);
  const { outcome, reason } = await running;
  assert.equal(outcome, 'local-error', reason);
  assert.match(reason, /^cannot probe: this process was held up for /);
  prober.close();
});

test('a thousand at once run 128 at a time, and none is blamed for waiting', async (t) => {
  const at = folder(t);
  // Each notes how many there are while it runs.
  const script = `: >${at}/$$; set -- ${at}/*; echo $#; sleep 0.2; rm ${at}/$$`;
  const check = shell(script, { timeout: seconds(60) });
  const probers = Array.from({ length: 1000 }, (_, i) => createExecProber(check, targetOf(i + 1)));
  const results = await Promise.all(probers.map((prober) => prober.run()));
  for (const { outcome, reason } of results) assert.equal(outcome, 'up', reason);
  const most = Math.max(...results.map(({ output }) => Number(output)));
  assert.ok(most <= 128 && most > 8, `${most} at once`);
  assert.ok(results.every(({ took }) => took < 20_000));
  for (const prober of probers) prober.close();
});

test('the time that one waits for its turn is not its own', async () => {
  const many = Array.from({ length: 128 }, () => createExecProber(shell('sleep 1.5'), targetOf(80)));
  const running = many.map((prober) => prober.run());
  await until(() => processes() >= 128, 'all run');
  const { outcome, reason, took } = await probe(shell('sleep 1.5', { timeout: milliseconds(2500) }));
  assert.equal(outcome, 'up', reason);
  assert.ok(took >= 1500 && took < 2500, `${took}`);
  await Promise.all(running);
});

test('one that gets no turn is not run, and that says nothing of the server', async () => {
  const many = Array.from({ length: 128 }, () => createExecProber(shell('sleep 60'), targetOf(80)));
  const running = many.map((prober) => prober.run());
  await until(() => processes() >= 128, 'all run');
  const prober = createExecProber(shell('exit 1', { timeout: milliseconds(100) }), targetOf(80));
  const { outcome, reason } = await prober.run();
  assert.equal(outcome, 'local-error');
  assert.equal(reason, 'cannot probe: no turn in 100 ms, as 128 programs of checks run already');
  for (const each of many) each.close();
  await Promise.all(running);
});

test('hundreds of runs leave no descriptor, timer or process', async () => {
  const prober = createExecProber(execCheck(['/bin/true']), targetOf(80));
  const held = () => [
    readdirSync('/proc/self/fd').length,
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout' || kind === 'ProcessWrap').length,
  ];
  await prober.run();
  const before = held();
  for (let i = 0; i < 500; i++) assert.equal((await prober.run()).outcome, 'up');
  // What a test before this one had open may have gone meanwhile.
  await until(() => held().every((count, i) => count <= (before[i] ?? 0)), 'all of it is gone');
  prober.close();
});
