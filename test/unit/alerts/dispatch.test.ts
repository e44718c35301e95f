import assert from 'node:assert/strict';
import test from 'node:test';
import type { Alert, Send, Sent } from '../../../src/alerts/alert.ts';
import { createDispatcher, type DispatchTools, wait } from '../../../src/alerts/dispatch.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { AlertConfig } from '../../../src/config/config.ts';
import { logTo } from '../control/fake-director.ts';
import { alertOf } from './sample.ts';

const sinkOf = (name: string, more: Partial<AlertConfig> = {}): AlertConfig =>
  ({
    name,
    type: 'exec',
    command: ['/bin/true'],
    on: ['vrrp', 'server', 'quorum'],
    timeout: seconds(1),
    attempts: 3,
    ...more,
  }) as AlertConfig;

const DELIVERED: Sent = { ok: true };
const FAILED: Sent = { ok: false, reason: 'HTTP 500', again: true };

/** A dispatcher whose sinks do what `send` says for each name, whose pauses pass at once and are written down. */
function dispatcherOf(
  send: (name: string, alert: Alert, attempt: number, signal: AbortSignal) => Sent | Promise<Sent>,
  tools: Partial<DispatchTools> = {},
) {
  const log: string[] = [];
  const pauses: number[] = [];
  const attempts = new Map<string, number>();
  const sender =
    ({ name }: AlertConfig): Send =>
    async (alert, signal) => {
      const key = `${name} ${alert.seq}`;
      attempts.set(key, (attempts.get(key) ?? 0) + 1);
      return send(name, alert, attempts.get(key) ?? 0, signal);
    };
  const dispatcher = createDispatcher({
    log: logTo(log),
    random: () => 0,
    wait: async (pause) => void pauses.push(pause),
    sender,
    ...tools,
  });
  return { dispatcher, log, pauses };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('alerts arrive in order, each only after the one ahead was delivered, however often that fails', async () => {
  const arrived: string[] = [];
  const { dispatcher, pauses } = dispatcherOf((_, alert, attempt) => {
    arrived.push(`${alert.seq}.${attempt}`);
    return alert.seq === 2 && attempt < 3 ? FAILED : DELIVERED;
  });
  dispatcher.configure([sinkOf('a')]);
  for (const seq of [1, 2, 3]) dispatcher.offer(alertOf(seq));
  await dispatcher.drain(seconds(1));
  assert.deepEqual(arrived, ['1.1', '2.1', '2.2', '2.3', '3.1']);
  assert.deepEqual(
    pauses.slice(0, 2).filter((pause) => pause !== 1000),
    [500],
  );
  assert.deepEqual(dispatcher.counts(), [
    { name: 'a', type: 'exec', queued: 0, delivered: 3, failedAttempts: 2, givenUp: 0, dropped: 0 },
  ]);
});

test('an alert is given up after its attempts, logged with the reason, and the next one has its own', async () => {
  const { dispatcher, log } = dispatcherOf((_, alert) => (alert.seq === 1 ? FAILED : DELIVERED));
  dispatcher.configure([sinkOf('a', { attempts: 2 })]);
  dispatcher.offer(alertOf(1));
  dispatcher.offer(alertOf(2));
  await dispatcher.drain(seconds(1));
  const [counts] = dispatcher.counts();
  assert.deepEqual([counts?.delivered, counts?.failedAttempts, counts?.givenUp], [1, 2, 1]);
  assert.match(log.join(''), /"alert given up".*"attempt":2.*HTTP 500/);
});

test('an alert that the sink refused for good is not tried again', async () => {
  let tries = 0;
  const { dispatcher } = dispatcherOf(() => {
    tries++;
    return { ok: false, reason: 'HTTP 401', again: false };
  });
  dispatcher.configure([sinkOf('a', { attempts: 9 })]);
  dispatcher.offer(alertOf(1));
  await dispatcher.drain(seconds(1));
  assert.equal(tries, 1);
});

test('a sink gets only the topics that it asked for, and every kind of each', async () => {
  const arrived: string[] = [];
  const { dispatcher } = dispatcherOf((name, alert) => {
    arrived.push(`${name} ${alert.kind}`);
    return DELIVERED;
  });
  dispatcher.configure([sinkOf('a', { on: ['vrrp'] }), sinkOf('b', { on: ['quorum', 'server'] })]);
  for (const kind of ['vrrp', 'server', 'quorum', 'split-brain', 'conflict', 'order'] as const)
    dispatcher.offer(alertOf(1, kind));
  await dispatcher.drain(seconds(1));
  assert.deepEqual(arrived.sort(), ['a conflict', 'a order', 'a split-brain', 'a vrrp', 'b quorum', 'b server']);
});

test('a sink that never answers delays no other, nor whoever offers', async () => {
  const arrived: number[] = [];
  const { dispatcher } = dispatcherOf((name, alert, _, signal) => {
    if (name === 'dead') return new Promise((resolve) => signal.addEventListener('abort', () => resolve(FAILED)));
    arrived.push(alert.seq);
    return DELIVERED;
  });
  dispatcher.configure([sinkOf('dead'), sinkOf('good')]);
  for (const seq of [1, 2, 3]) dispatcher.offer(alertOf(seq));
  await settled();
  assert.deepEqual(arrived, [1, 2, 3]);
});

test('a full queue loses its oldest waiting alert, says so, and never the one under way', async () => {
  const arrived: number[] = [];
  const gate = Promise.withResolvers<Sent>();
  const { dispatcher, log } = dispatcherOf(
    (_, alert) => {
      arrived.push(alert.seq);
      return alert.seq === 1 ? gate.promise : DELIVERED;
    },
    { room: 2 },
  );
  dispatcher.configure([sinkOf('a')]);
  for (const seq of [1, 2, 3, 4, 5]) dispatcher.offer(alertOf(seq));
  assert.equal(dispatcher.counts()[0]?.dropped, 2);
  assert.match(log.join(''), /queue is full.*"alert":2/);
  gate.resolve(DELIVERED);
  await dispatcher.drain(seconds(1));
  assert.deepEqual(arrived, [1, 4, 5]);
});

test('on the way out it waits for what is queued, at most the deadline, and says what was left', async () => {
  const { dispatcher, log } = dispatcherOf(
    (_, __, ___, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(FAILED))),
    { wait },
  );
  dispatcher.configure([sinkOf('dead')]);
  dispatcher.offer(alertOf(1));
  dispatcher.offer(alertOf(2));
  await dispatcher.drain(milliseconds(20));
  assert.match(log.join(''), /"alerts dropped","sink":"dead","alerts":2/);
  dispatcher.offer(alertOf(3));
  assert.equal(dispatcher.counts()[0]?.queued, 2, 'nothing is taken after the drain');
});

test('a pause between attempts is cut short on the way out', async () => {
  const { dispatcher } = dispatcherOf(() => FAILED, {
    wait: (pause, signal) => wait(milliseconds(pause * 1000), signal),
  });
  dispatcher.configure([sinkOf('a')]);
  dispatcher.offer(alertOf(1));
  await settled();
  await dispatcher.drain(milliseconds(0));
  assert.equal(dispatcher.counts()[0]?.dropped, 1);
});

test('a reload keeps the queue of a sink and sends with the new settings; a sink that is gone loses its alerts, logged', async () => {
  const arrived: string[] = [];
  const gate = Promise.withResolvers<Sent>();
  const { log, pauses } = { log: [] as string[], pauses: [] as number[] };
  const dispatcher = createDispatcher({
    log: logTo(log),
    random: () => 0,
    wait: async (pause) => void pauses.push(pause),
    sender: (config) => async (alert, signal) => {
      arrived.push(`${config.name} ${config.attempts} ${alert.seq}`);
      if (config.name === 'removed')
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve(FAILED)));
      return alert.seq === 1 && config.attempts === 3 ? gate.promise : DELIVERED;
    },
  });
  dispatcher.configure([sinkOf('kept'), sinkOf('removed')]);
  dispatcher.offer(alertOf(1));
  dispatcher.offer(alertOf(2));
  dispatcher.configure([sinkOf('kept', { attempts: 7 })]);
  gate.resolve(FAILED);
  await dispatcher.drain(seconds(1));
  assert.deepEqual(arrived, ['kept 3 1', 'removed 3 1', 'kept 7 1', 'kept 7 2']);
  assert.match(log.join(''), /"alerts dropped","sink":"removed","alerts":2/);
});
