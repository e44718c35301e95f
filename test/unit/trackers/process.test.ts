import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { seconds } from '../../../src/base/time.ts';
import type { ProcessTrack } from '../../../src/config/config.ts';
import { createCensus } from '../../../src/trackers/process/census.ts';
import { watchProcess } from '../../../src/trackers/process/watch.ts';
import { fakeClock, inWords, settle, until } from './fake-clock.ts';

const ONE: ProcessTrack = { type: 'process', process: '', count: 1, delay: seconds(0), weight: null };

/** A /proc that is made by hand, and a thing tracked in it. */
function world(t: TestContext) {
  const proc = mkdtempSync(join(tmpdir(), 'lvskeeper-proc-'));
  t.after(() => rmSync(proc, { recursive: true, force: true }));
  mkdirSync(join(proc, 'net'));
  const clock = fakeClock();
  const census = createCensus(clock, proc);
  const found: string[] = [];
  return {
    proc,
    clock,
    census,
    found,
    track(name: string, changes: Partial<ProcessTrack> = {}) {
      return watchProcess({ ...ONE, process: name, ...changes }, clock, census, (finding) =>
        found.push(`${clock.now()} ${inWords(finding)}`),
      );
    },
    begin(pid: number, comm: string, state = 'S', cmdline = '') {
      mkdirSync(join(proc, String(pid)), { recursive: true });
      writeFileSync(join(proc, String(pid), 'comm'), `${comm}\n`);
      writeFileSync(join(proc, String(pid), 'stat'), `${pid} (${comm}) ${state} 1 1`);
      writeFileSync(join(proc, String(pid), 'cmdline'), cmdline);
    },
    end: (pid: number) => rmSync(join(proc, String(pid)), { recursive: true }),
    /** What is found first of each of these. */
    async first(...names: readonly string[]): Promise<readonly string[]> {
      const outcomes = new Map<string, string>();
      for (const name of names)
        watchProcess({ ...ONE, process: name }, clock, census, (f) =>
          outcomes.set(name, outcomes.get(name) ?? inWords(f)),
        );
      await clock.run(0);
      await until(() => outcomes.size === names.length, 'something is found of each');
      return names.map((name) => outcomes.get(name) ?? '');
    },
    /** Moves on, and gives what was found on the way. */
    async run(to: number): Promise<string[]> {
      found.length = 0;
      await clock.run(to);
      await settle();
      return [...found];
    },
  };
}

test('a process that runs is well, one that ends is not, and one that comes back is', async (t) => {
  const { track, begin, end, run } = world(t);
  begin(1, 'init');
  begin(20, 'nginx');
  track('nginx');
  assert.deepEqual(await run(0), ['0 up: runs']);
  end(20);
  assert.deepEqual(await run(1000), ['1000 down: does not run']);
  begin(21, 'nginx');
  assert.deepEqual(await run(2000), ['2000 up: runs']);
});

test('names are whole: neither the beginning nor another case will do', async (t) => {
  const { begin, first } = world(t);
  begin(20, 'nginx');
  begin(21, 'Nginx');
  assert.deepEqual(await first('ngin', 'NGINX', 'nginx'), ['down: does not run', 'down: does not run', 'up: runs']);
});

test('of a long name the kernel keeps 15 bytes; the rest is in the arguments', async (t) => {
  const { begin, first } = world(t);
  begin(20, 'a-very-long-nam', 'S', '/usr/sbin/a-very-long-name\0--flag\0');
  begin(21, 'script-with-a-l', 'S', '/usr/bin/python3\0/opt/script-with-a-long-name\0x\0');
  assert.deepEqual(await first('a-very-long-name', 'script-with-a-long-name', 'a-very-long-nam'), [
    ...['up: runs', 'up: runs', 'up: runs'],
  ]);
  assert.deepEqual(await first('a-very-long-name-too', 'x'), ['down: does not run', 'down: does not run']);
});

test('enough must run', async (t) => {
  const { track, begin, end, run } = world(t);
  for (const pid of [20, 21, 22]) begin(pid, 'worker');
  track('worker', { count: 3 });
  assert.deepEqual(await run(0), ['0 up: runs 3 times or more']);
  end(21);
  assert.deepEqual(await run(1000), ['1000 down: runs 2 of 3 times']);
  begin(30, 'worker');
  assert.deepEqual(await run(2000), ['2000 up: runs 3 times or more']);
});

test('a zombie does not run, whatever its name', async (t) => {
  const { begin, first } = world(t);
  begin(20, 'a) S 1', 'Z');
  begin(21, 'nginx', 'Z');
  begin(22, 'b) Z 1', 'R');
  assert.deepEqual(await first('a) S 1', 'nginx', 'b) Z 1'), ['down: does not run', 'down: does not run', 'up: runs']);
});

test('another program under the pid of one that ended is not taken for it', async (t) => {
  const { track, begin, run } = world(t);
  begin(20, 'nginx');
  track('nginx');
  await run(0);
  begin(20, 'cron');
  assert.deepEqual(await run(1000), ['1000 down: does not run']);
});

test('it must be gone for the whole delay to count', async (t) => {
  const { track, begin, end, run } = world(t);
  begin(20, 'nginx');
  track('nginx', { delay: seconds(3) });
  await run(0);
  end(20);
  assert.deepEqual(await run(3000), []);
  begin(21, 'nginx');
  assert.deepEqual(await run(4000), ['4000 up: runs']);
  end(21);
  assert.deepEqual(await run(8000), ['8000 down: does not run']);
  assert.deepEqual(await run(9000), ['9000 down: does not run']);
});

test('without a /proc nothing is said of what runs', async (t) => {
  const { proc, track, begin, run } = world(t);
  begin(20, 'nginx');
  track('nginx');
  await run(0);
  rmSync(proc, { recursive: true });
  assert.deepEqual(await run(1000), ['1000 local-error: cannot be looked for: /proc cannot be read']);
});

test('one that is tracked later is looked for at once, and the looking ends with the last', async (t) => {
  const { clock, track, begin, run, found } = world(t);
  begin(20, 'nginx');
  const first = track('nginx');
  await run(0);
  await clock.run(300);
  found.length = 0;
  const second = track('nginx');
  await until(() => found.length >= 2, 'both are told');
  assert.deepEqual(found, ['300 up: runs', '300 up: runs']);
  first.close();
  assert.deepEqual(await run(1000), ['1000 up: runs']);
  second.close();
  assert.equal(clock.armed(), 0);
  assert.deepEqual(await run(5000), []);
});

test('one that is let go of while others are told is not told', async (t) => {
  const { census, begin, clock } = world(t);
  begin(20, 'nginx');
  const told: string[] = [];
  census.watch('nginx', 1, () => {
    told.push('first');
    second.close();
  });
  const second = census.watch('nginx', 1, () => told.push('second'));
  await clock.run(0);
  await until(() => told.length > 0, 'the first is told');
  assert.equal(told.includes('second'), false);
});

test('a process of this machine is found', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-process-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const name = `lvskeeper-tracked-${process.pid}`;
  copyFileSync('/bin/sleep', join(folder, name));
  chmodSync(join(folder, name), 0o755);
  const child = spawn(join(folder, name), ['600'], { stdio: 'ignore' });
  t.after(() => child.kill());
  await once(child, 'spawn');
  const clock = fakeClock();
  const told: (number | undefined)[] = [];
  const watcher = createCensus(clock).watch(name, 1, (running) => told.push(running));
  t.after(() => watcher.close());
  await clock.run(0);
  await until(() => told.length === 1, 'it is looked for');
  child.kill();
  await once(child, 'exit');
  await clock.run(1000);
  await until(() => told.length === 2, 'it is looked for again');
  assert.deepEqual(told, [1, 0]);
});
