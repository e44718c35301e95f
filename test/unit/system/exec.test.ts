import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { promisify } from 'node:util';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import { exec } from '../../../src/system/exec.ts';

const run = (script: string, input = '', signal?: AbortSignal) =>
  exec(
    { command: ['/bin/sh', '-c', script], environment: { PATH: '/usr/bin:/bin' }, input, timeout: seconds(20) },
    signal,
  );

test('the last of a long output is kept, and the program never stalls on it', async () => {
  const { how, stdout } = await run('head -c 1000000 /dev/zero | tr "\\0" x; echo; echo the end');
  assert.deepEqual(how, { outcome: 'exited', code: 0 });
  assert.match(stdout, /^x+\nthe end$/);
  assert.ok(stdout.length <= 4096);
});

test('input that is not read is no error', async () => {
  assert.deepEqual((await run('exit 0', 'x'.repeat(1 << 20))).how, { outcome: 'exited', code: 0 });
});

test('a child left behind with the output open does not hold up the result', async () => {
  const started = performance.now();
  const { how, stdout } = await run('sleep 5 & echo $!');
  assert.deepEqual(how, { outcome: 'exited', code: 0 });
  assert.ok(performance.now() - started < 3000);
  process.kill(Number(stdout));
});

test('an abort kills the program; one before the start too', async () => {
  const stop = new AbortController();
  const running = run('sleep 60', '', stop.signal);
  stop.abort();
  assert.deepEqual((await running).how, { outcome: 'cancelled' });
  assert.deepEqual((await run('sleep 60', '', stop.signal)).how, { outcome: 'cancelled' });
});

test('a program that cannot be started is a value, however Node tells of it', async () => {
  const start = async (program: string) =>
    (await exec({ command: [program], environment: {}, input: '', timeout: seconds(20) })).how;
  assert.deepEqual(await start('/none/such'), { outcome: 'not-started', code: 'ENOENT' });
  assert.deepEqual(await start('/etc/passwd'), { outcome: 'not-started', code: 'EACCES' });
  assert.deepEqual(await start('/etc/passwd/such'), { outcome: 'not-started', code: 'ENOTDIR' });
});

test('without a free descriptor nothing is started, and that is a value too', async () => {
  const module = new URL('../../../src/system/exec.ts', import.meta.url).href;
  const script = `
    import { exec } from '${module}';
    import { openSync } from 'node:fs';
    try { for (;;) openSync('/dev/null'); } catch {}
    const { how } = await exec({ command: ['/bin/true'], environment: {}, input: '', timeout: 20000 });
    process.stdout.write(JSON.stringify(how));`;
  const { stdout } = await promisify(execFile)('/bin/sh', [
    ...['-c', 'ulimit -n 64; exec "$@"', 'sh'],
    ...[process.execPath, '--input-type=module', '-e', script],
  ]);
  assert.deepEqual(JSON.parse(stdout), { outcome: 'not-started', code: 'EMFILE' });
});

test('after the timeout it is killed, and gone by the time that is told', async () => {
  const { how, gone } = await exec({
    ...{ command: ['/bin/sh', '-c', 'sleep 60'], environment: { PATH: '/usr/bin:/bin' }, input: '' },
    timeout: milliseconds(50),
  });
  assert.equal(how.outcome, 'timeout');
  assert.ok(how.outcome === 'timeout' && how.late >= 0);
  await gone;
});

test('a program that ended while this process stood still has not timed out', async () => {
  const running = exec({
    ...{ command: ['/bin/true'], environment: {}, input: '', timeout: milliseconds(300) },
  });
  const began = performance.now();
  while (performance.now() < began + 600 || (!childrenEnded() && performance.now() < began + 20_000));
  assert.deepEqual((await running).how, { outcome: 'exited', code: 0 });
});

/** Whether every process that this one has started is a zombie. */
function childrenEnded(): boolean {
  const pids = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean);
  return pids.every((pid) => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
}

test('of a long output the first can be kept', async () => {
  const command = ['/bin/sh', '-c', 'echo the beginning; sleep 0.1; printf xxxxxxxxxx; sleep 0.1; printf yyyyyyyyyy'];
  const request = { command, environment: { PATH: '/usr/bin:/bin' }, input: '', timeout: seconds(20) };
  const { how, stdout } = await exec({ ...request, keep: 20, part: 'first' });
  assert.deepEqual([how, stdout], [{ outcome: 'exited', code: 0 }, 'the beginning\nxxxxxx']);
});

test('a program that prints more than it may is killed, on whatever output', async () => {
  const flood = async (script: string) => {
    const command = ['/bin/sh', '-c', script];
    const request = { command, environment: { PATH: '/usr/bin:/bin' }, input: '', timeout: seconds(20) };
    return (await exec({ ...request, most: 10_000 })).how;
  };
  assert.deepEqual(await flood('head -c 10000 /dev/zero'), { outcome: 'exited', code: 0 });
  assert.deepEqual(await flood('yes'), { outcome: 'cancelled', flooded: true });
  assert.deepEqual(await flood('yes >&2'), { outcome: 'cancelled', flooded: true });
});

test('what a program leaves behind is killed only where that is asked for', async () => {
  const leave = async (killRest: boolean) => {
    const command = ['/bin/sh', '-c', 'sleep 60 & echo $!'];
    const request = { command, environment: { PATH: '/usr/bin:/bin' }, input: '', timeout: seconds(20), killRest };
    return Number((await exec(request)).stdout);
  };
  const kept = await leave(false);
  process.kill(kept);
  const killed = await leave(true);
  const isThere = () => !/\) Z /.test(readFileSync(`/proc/${killed}/stat`, 'utf8'));
  const end = performance.now() + 5000;
  try {
    while (isThere()) {
      assert.ok(performance.now() < end, 'it goes on');
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOENT');
  }
});
