/** A child that hangs. */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import test, { type TestContext } from 'node:test';
import type { Happening } from '../../../src/control/event.ts';
import { createChild } from '../../../src/daemon/children.ts';

/** A child that is ready, answers while it is `well`, and dies when it is killed. */
function world(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const w = { well: true, killed: 0, started: 0, happened: [] as Happening[] };
  const launch = (): ChildProcess => {
    w.started += 1;
    const events = new EventEmitter();
    const send = ({ type }: { type: string }): boolean => {
      if (type === 'configure') queueMicrotask(() => events.emit('message', { type: 'ready' }));
      if (type === 'ping' && w.well) queueMicrotask(() => events.emit('message', { type: 'pong' }));
      return true;
    };
    const kill = (): boolean => {
      w.killed += 1;
      events.emit('exit', null, 'SIGKILL');
      return true;
    };
    return Object.assign(events, { pid: w.started, connected: true, send, kill }) as unknown as ChildProcess;
  };
  const child = createChild<number, object>('checker', (one) => w.happened.push(one), undefined, launch);
  child.configure(() => 1);
  const pass = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds; n++) {
      t.mock.timers.tick(1000);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { ...w, w, child, pass };
}

test('a child that answers is left alone', async (t) => {
  const { w, child, pass } = world(t);
  await pass(120);
  assert.deepEqual([w.started, w.killed, child.status()?.state], [1, 0, 'ready']);
});

test('one that has not answered ten times in a row is killed, told of, and started again', async (t) => {
  const { w, child, pass } = world(t);
  await pass(5);
  w.well = false;
  await pass(10);
  assert.equal(w.killed, 0);
  await pass(1);
  assert.deepEqual([w.killed, w.started], [1, 2]);
  const told = w.happened.flatMap((one) => (one.kind === 'trouble' ? one.what : []));
  assert.deepEqual(told, ['the checker process hangs']);
  w.well = true;
  await pass(60);
  assert.deepEqual([w.killed, child.status()?.state], [1, 'ready']);
});

test('one that answers again in time begins anew', async (t) => {
  const { w, pass } = world(t);
  await pass(2);
  for (let n = 0; n < 5; n++) {
    w.well = false;
    await pass(9);
    w.well = true;
    await pass(1);
  }
  assert.equal(w.killed, 0);
});

test('one that is told to stop is not asked any more', async (t) => {
  const { w, child, pass } = world(t);
  await pass(1);
  w.well = false;
  void child.stop(1e6 as never);
  await pass(60);
  assert.equal(w.killed, 0);
});
