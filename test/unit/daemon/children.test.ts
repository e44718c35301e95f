import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import test from 'node:test';
import { seconds } from '../../../src/base/time.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createChild, restartPause } from '../../../src/daemon/children.ts';
import type { Tracked } from '../../../src/daemon/messages.ts';

test('the first death is answered at once, the next ones after growing pauses, none longer than 5 s', () => {
  const pauses = Array.from({ length: 9 }, (_, i) => restartPause(i));
  assert.deepEqual(pauses, [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  assert.equal(restartPause(1_000_000), 5000);
});

const FOUND: Tracked = { key: 'k', up: false, factor: null, reason: 'is gone', since: '2026-03-01T12:00:00.000Z' };

/** A process that takes what it is sent, and dies when it is told so. */
function fakeProcess() {
  const sent: { type: string; orders?: unknown }[] = [];
  const events = new EventEmitter();
  const faked = Object.assign(events, {
    pid: 1,
    connected: true,
    send: (message: (typeof sent)[number]) => sent.push(message) > 0,
    kill: () => true,
  });
  return { sent, events, process: faked as unknown as ChildProcess };
}

test('a child that starts anew is given its orders as they are then, not as they were', () => {
  const processes = [fakeProcess(), fakeProcess()];
  const left = processes.map((one) => one.process);
  const child = createChild<number, object>(
    'checker',
    () => {},
    undefined,
    () => left.shift() ?? assert.fail('a third'),
  );
  let orders = 1;
  child.configure(() => orders);
  orders = 2;
  processes[0]?.events.emit('exit', 1, null);
  assert.deepEqual(
    processes.map(({ sent }) => sent),
    [[{ type: 'configure', orders: 1 }], [{ type: 'configure', orders: 2 }]],
  );
});

test('orders are told whether the process has been told any before', () => {
  const processes = [fakeProcess(), fakeProcess()];
  const left = processes.map((one) => one.process);
  const launch = (): ChildProcess => left.shift() ?? assert.fail('a third');
  const child = createChild<boolean, object>('checker', () => {}, undefined, launch);
  for (let i = 0; i < 3; i++) child.configure((fresh) => fresh);
  processes[0]?.events.emit('exit', 1, null);
  child.configure((fresh) => fresh);
  const told = processes.map(({ sent }) => sent.map(({ orders }) => orders));
  assert.deepEqual(told, [
    [true, false, false],
    [true, false],
  ]);
});

test('what is told reaches the one that runs; without one it is lost', () => {
  const { sent, events, process } = fakeProcess();
  const left = [process];
  const child = createChild<number, object>(
    'checker',
    () => {},
    undefined,
    () => left.shift() ?? assert.fail('another'),
  );
  child.tell({ type: 'tracked', tracked: [] });
  child.configure(() => 1);
  child.tell({ type: 'tracked', tracked: [FOUND] });
  assert.deepEqual(sent, [
    { type: 'configure', orders: 1 },
    { type: 'tracked', tracked: [FOUND] },
  ]);
  events.emit('message', { type: 'ready' });
  assert.equal(child.status()?.state, 'ready');
});

for (const how of ['stop', 'leave'] as const)
  test(`told to ${how}, a child is told so, waited for, and not started again`, async () => {
    const { sent, events, process } = fakeProcess();
    const left = [process];
    const launch = (): ChildProcess => left.shift() ?? assert.fail('another');
    const child = createChild<number, object>('checker', () => {}, undefined, launch);
    child.configure(() => 1);
    let ended = false;
    const ending = child[how](seconds(1)).then(() => {
      ended = true;
    });
    assert.deepEqual(sent.at(-1), { type: how });
    await Promise.resolve();
    assert.equal(ended, false);
    events.emit('exit', 0, null);
    await ending;
    assert.equal(child.status()?.state, 'dead');
  });

test('one that stands by and dies is told of, and started again after growing pauses', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const [runs, ...others] = Array.from({ length: 4 }, fakeProcess);
  const processes = [runs, ...others];
  const left = processes.map((one) => one?.process);
  const happened: Happening[] = [];
  const child = createChild<number, object>(
    'vrrp',
    (one) => happened.push(one),
    undefined,
    () => {
      return left.shift() ?? assert.fail('another');
    },
  );
  child.configure(() => 1);
  runs?.events.emit('message', { type: 'ready' });
  const told = (): string[] => happened.flatMap((one) => (one.kind === 'trouble' ? `${one.what}: ${one.detail}` : []));
  for (const [i, pause] of [1000, 1000, 2000].entries()) {
    t.mock.timers.tick(pause - 1);
    assert.equal(left.length, 3 - i);
    t.mock.timers.tick(1);
    assert.equal(left.length, 2 - i);
    others[i]?.events.emit('exit', 3, null);
  }
  const what = 'no vrrp process stands by: it ended (exit code 3); it is started again in';
  assert.deepEqual(told(), [`${what} 1 s`, `${what} 2 s`, `${what} 4 s`]);
  assert.equal(child.status()?.state, 'ready');
});

test('what the child has found of tracked things is handed on, and is no event', () => {
  const { events, process } = fakeProcess();
  const [found, happened]: [Tracked[], Happening[]] = [[], []];
  const child = createChild<number, object>(
    'checker',
    (happening) => happened.push(happening),
    (tracked) => found.push(...tracked),
    () => process,
  );
  child.configure(() => 1);
  events.emit('message', { type: 'tracked', tracked: [FOUND] });
  assert.deepEqual([found, happened.map(({ kind }) => kind)], [[FOUND], ['process']]);
});

test('the last words of one that has died do not make its successor ready', () => {
  const processes = [fakeProcess(), fakeProcess()];
  const left = processes.map((one) => one.process);
  const [happened, found]: [Happening[], Tracked[]] = [[], []];
  const child = createChild<number, object>(
    'checker',
    (happening) => happened.push(happening),
    (tracked) => found.push(...tracked),
    () => left.shift() ?? assert.fail('a third'),
  );
  child.configure(() => 1);
  const [first, second] = processes;
  first?.events.emit('exit', null, 'SIGSEGV');
  first?.events.emit('message', { type: 'ready' });
  first?.events.emit('message', { type: 'tracked', tracked: [FOUND] });
  assert.deepEqual([child.status()?.state, found], ['starting', []]);
  // What it told of what had happened is told all the same.
  first?.events.emit('message', { type: 'happening', happening: { kind: 'reload', outcome: 'applied', detail: 'x' } });
  assert.equal(happened.at(-1)?.kind, 'reload');
  second?.events.emit('message', { type: 'ready' });
  assert.equal(child.status()?.state, 'ready');
});
