/** What a probe makes of its echoes. That they cross a wire is seen in test/interop/ping.test.ts, which has the right to send them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { Echoes, EchoOutcome } from '../../../src/checkers/ping/echoes.ts';
import { createPingProber } from '../../../src/checkers/ping/probe.ts';
import type { ProbeResult } from '../../../src/checkers/probe.ts';
import type { PingCheckConfig } from '../../../src/config/config.ts';
import type { EchoPath } from '../../../src/system/echo-socket.ts';
import type { SystemError } from '../../../src/system/native.ts';
import { timers } from './datagrams.ts';
import { defaults, targetOf } from './loopback.ts';

const TIMEOUT = milliseconds(200);
const SPACING = milliseconds(10);
const check = (changes: Partial<PingCheckConfig> = {}): PingCheckConfig => ({
  ...defaults('ping'),
  ...{ timeout: TIMEOUT, spacing: SPACING },
  ...changes,
});
const target = { ...targetOf(0, '127.9.9.9'), device: 'lo', mark: 7 };

type Fate = EchoOutcome | 'lost' | SystemError;
const answered = (took: number): EchoOutcome => ({ answered: true, took: milliseconds(took) });
const failed = (why: string): EchoOutcome => ({ answered: false, why });
const refusal = (code: string, syscall = 'sendmsg'): SystemError =>
  Object.assign(new Error(code), { code, syscall, errno: -1 });

/** Echoes that end as they are told to, in order. */
function fated(fates: readonly Fate[]) {
  const sent: { readonly path: EchoPath; readonly size: number; readonly at: number }[] = [];
  const waiting = new Set<symbol>();
  const echoes: Echoes = {
    send(path, data, done) {
      const fate = fates[sent.length] ?? 'lost';
      sent.push({ path, size: data.length, at: performance.now() });
      if (fate instanceof Error) return err(fate);
      const id = Symbol();
      waiting.add(id);
      if (fate !== 'lost') setImmediate(() => waiting.delete(id) && done(fate));
      return ok(() => void waiting.delete(id));
    },
  };
  return { echoes, sent, waiting };
}

async function probe(fates: readonly Fate[], changes: Partial<PingCheckConfig> = {}): Promise<ProbeResult> {
  const world = fated(fates);
  const prober = createPingProber(check(changes), target, world.echoes);
  const result = await prober.run();
  prober.close();
  assert.equal(world.waiting.size, 0, 'every request was answered, failed or given up');
  return result;
}

type Case = {
  readonly what: string;
  readonly fates: readonly Fate[];
  readonly check?: Partial<PingCheckConfig>;
  readonly says: Pick<ProbeResult, 'outcome' | 'reason'>;
};
const up = (reason: string) => ({ outcome: 'up', reason }) as const;
const down = (reason: string) => ({ outcome: 'down', reason }) as const;
const own = (reason: string) => ({ outcome: 'local-error', reason: `cannot probe: ${reason}` }) as const;
const ALL = [0.1, 0.2, 0.3, 0.4, 0.5].map(answered);
const FIVE = { count: 5 };

const CASES: readonly Case[] = [
  { what: 'an answer', fates: [answered(0.25)], says: up('answered in 0.25 ms') },
  { what: 'no answer', fates: ['lost'], says: down('no answer in 200 ms') },
  { what: 'an ICMP error', fates: [failed('host unreachable')], says: down('host unreachable') },
  { what: 'five of five', fates: ALL, check: FIVE, says: up('5 of 5 answered, 0.3 ms on average') },
  {
    what: 'four of five, where all must be answered',
    fates: [...ALL.slice(0, 4), 'lost'],
    check: FIVE,
    says: down('4 of 5 answered (20 % loss, more than 0 %)'),
  },
  {
    what: 'four of five, where one may be lost',
    fates: ['lost', ...ALL.slice(1)],
    check: { ...FIVE, maxLoss: 20 },
    says: up('4 of 5 answered (20 % loss), 0.35 ms on average'),
  },
  {
    what: 'two of five',
    fates: [answered(1), 'lost', 'lost', answered(1), 'lost'],
    check: { ...FIVE, maxLoss: 20 },
    says: down('2 of 5 answered (60 % loss, more than 20 %)'),
  },
  { what: 'none of five', fates: [], check: FIVE, says: down('0 of 5 answered (100 % loss, more than 0 %)') },
  {
    what: 'one error that is allowed',
    fates: [failed('host unreachable'), ...ALL.slice(1)],
    check: { ...FIVE, maxLoss: 20 },
    says: up('4 of 5 answered (20 % loss), 0.35 ms on average'),
  },
  {
    what: 'an error after answers',
    fates: [answered(1), answered(1), failed('host unreachable')],
    check: FIVE,
    says: down('host unreachable (after 2 of 5 answered)'),
  },
  {
    what: 'an error and losses',
    fates: [answered(1), failed('host unreachable'), 'lost', 'lost', answered(1)],
    check: { ...FIVE, maxLoss: 20 },
    says: down('2 of 5 answered (60 % loss, more than 20 %): host unreachable'),
  },
  {
    what: 'no permission',
    fates: [refusal('EPERM', 'socket')],
    says: own('this process may not send ICMP (CAP_NET_RAW)'),
  },
  {
    what: 'a firewall of our own',
    fates: [refusal('EPERM')],
    says: own('forbidden by this machine (firewall or security policy)'),
  },
  { what: 'no route', fates: [refusal('ENETUNREACH')], says: own('no route to the server') },
  {
    what: 'no route after an answer',
    fates: [answered(1), refusal('ENETUNREACH')],
    check: FIVE,
    says: own('no route to the server'),
  },
  {
    what: 'a size beyond the path',
    fates: [refusal('EMSGSIZE')],
    says: own('size is larger than the way to the server takes'),
  },
];

for (const { what, fates, check: changes, says } of CASES)
  test(`${what}: ${says.outcome}`, async () => {
    const { outcome, reason } = await probe(fates, changes);
    assert.deepEqual({ outcome, reason }, says);
  });

test('the answer takes as long as a round trip on average, and a failure as long as it took', async () => {
  assert.equal((await probe(ALL, FIVE)).took.toFixed(3), '0.300');
  assert.ok((await probe(['lost'])).took >= TIMEOUT - 2);
});

test('requests go the way of the target, of the size asked, at their spacing, and no more than asked', async () => {
  const world = fated(ALL);
  const prober = createPingProber(check({ count: 3, size: 100, spacing: milliseconds(30) }), target, world.echoes);
  await prober.run();
  const path = { destination: ip('127.0.0.1'), source: ip('127.9.9.9'), device: 'lo', mark: 7 };
  assert.deepEqual(
    world.sent.map(({ path, size }) => ({ path, size })),
    Array(3).fill({ path, size: 100 }),
  );
  const [first, , third] = world.sent.map(({ at }) => at) as [number, number, number];
  assert.ok(third - first >= 58, `${third - first} ms`);
});

test('what is decided early ends the probe: nothing more is sent', async () => {
  const world = fated([failed('host unreachable')]);
  const prober = createPingProber(check({ ...FIVE, timeout: milliseconds(60_000) }), target, world.echoes);
  assert.equal((await prober.run()).reason, 'host unreachable');
  await new Promise((resolve) => setTimeout(resolve, 3 * SPACING));
  assert.equal(world.sent.length, 1);
});

test('closing settles a probe under way at once, and not as a failure', async () => {
  const world = fated([]);
  const ticking = timers();
  const prober = createPingProber(check({ ...FIVE, timeout: milliseconds(60_000) }), target, world.echoes);
  const running = prober.run();
  prober.close();
  assert.equal((await running).outcome, 'local-error');
  assert.equal(world.waiting.size, 0);
  assert.equal(timers(), ticking);
});

test('silence while this process was held up is not held against the server', async () => {
  const world = fated(['lost']);
  const prober = createPingProber(check({ timeout: milliseconds(30) }), target, world.echoes);
  const running = prober.run();
  const end = performance.now() + 400;
  while (performance.now() < end);
  const { outcome, reason } = await running;
  assert.equal(outcome, 'local-error');
  assert.match(reason, /^cannot probe: this process was held up for \d+ ms$/);
});
