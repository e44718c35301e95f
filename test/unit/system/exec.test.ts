import assert from 'node:assert/strict';
import test from 'node:test';
import { seconds } from '../../../src/base/time.ts';
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
