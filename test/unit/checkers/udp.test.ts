import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import test, { type TestContext } from 'node:test';
import v8 from 'node:v8';
import { ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { ProbeResult, ProbeTarget } from '../../../src/checkers/probe.ts';
import { createUdpProber } from '../../../src/checkers/udp/probe.ts';
import type { UdpCheckConfig } from '../../../src/config/config.ts';
import { answering, closedUdpPort, descriptors, timers } from './datagrams.ts';
import { defaults, SHORT, targetOf } from './loopback.ts';

// As the checker process is started; without it no pattern is matched at all.
v8.setFlagsFromString('--enable-experimental-regexp-engine');

const check = (changes: Partial<UdpCheckConfig> = {}): UdpCheckConfig => ({ ...defaults('udp'), ...changes });

async function probe(target: ProbeTarget, changes: Partial<UdpCheckConfig> = {}): Promise<ProbeResult> {
  const prober = createUdpProber(check(changes), target);
  const result = await prober.run();
  prober.close();
  return result;
}

type Case = {
  readonly server: string;
  readonly check: Partial<UdpCheckConfig>;
  readonly answers: readonly (string | Uint8Array)[];
  readonly says: Pick<ProbeResult, 'outcome' | 'reason'>;
};
const up = (reason: string) => ({ outcome: 'up', reason }) as const;
const down = (reason: string) => ({ outcome: 'down', reason }) as const;
const PONG = { expect: /^PONG/s, timeout: SHORT };

const CASES: readonly Case[] = [
  { server: 'answers as expected', check: PONG, answers: ['PONG 1\r\n'], says: up('answered PONG 1') },
  {
    server: 'answers as expected after something else',
    check: PONG,
    answers: ['later', 'PONG'],
    says: up('answered PONG'),
  },
  {
    server: 'answers something else',
    check: PONG,
    answers: ['ERR\n'],
    says: down('no match of /^PONG/ (came: ERR) in 120 ms'),
  },
  {
    server: 'answers something else twice',
    check: PONG,
    answers: ['ERR', 'xPONG'],
    says: down('no match of /^PONG/ (came: xPONG, the last of 2) in 120 ms'),
  },
  { server: 'does not answer', check: PONG, answers: [], says: down('no answer in 120 ms') },
  {
    server: 'answers with an empty datagram',
    check: PONG,
    answers: [''],
    says: down('no match of /^PONG/ (came: (an empty datagram)) in 120 ms'),
  },
  {
    server: 'floods',
    check: { ...PONG, timeout: milliseconds(60_000) },
    answers: Array(64).fill('no'),
    says: down('no match of /^PONG/ (came: no, the last of 64)'),
  },
  {
    server: 'answers with the bytes expected, and more',
    check: { expectHex: '1c 02 03', timeout: SHORT },
    answers: [Uint8Array.of(0x1c, 2, 3, 4)],
    says: up('answered 1c 02 03 04'),
  },
  {
    server: 'answers with fewer bytes',
    check: { expectHex: '1C0203', timeout: SHORT },
    answers: [Uint8Array.of(0x1c, 2)],
    says: down('no answer that begins with 1c 02 03 (came: 1c 02) in 120 ms'),
  },
  {
    server: 'answers with many bytes',
    check: { expectHex: '01', timeout: SHORT },
    answers: [new Uint8Array(60_000).fill(1)],
    says: up(`answered ${'01 '.repeat(15)}01 …`),
  },
  {
    server: 'answers with bytes of which the pattern means one',
    check: { expect: /^\xff.$/s, timeout: SHORT },
    answers: [Uint8Array.of(0xff, 0x0a)],
    says: up('answered ff 0a'),
  },
  { server: 'answers where none is needed', check: {}, answers: ['hello'], says: up('answered hello') },
  { server: 'is silent where no answer is needed', check: {}, answers: [], says: up('no ICMP unreachable in 300 ms') },
];

for (const { server, check: changes, answers, says } of CASES)
  test(`a server that ${server}`, async (t: TestContext) => {
    const { port } = await answering(t, (_, reply) => answers.forEach(reply));
    const { outcome, reason, took } = await probe(targetOf(port), changes);
    assert.deepEqual({ outcome, reason }, says);
    assert.ok(took > 0 && took < 2000);
  });

test('what is sent: text, bytes, or nothing', async (t) => {
  const { port, arrived } = await answering(t, (_, reply) => reply('x'));
  await probe(targetOf(port), { send: 'grüß\r\n' });
  await probe(targetOf(port), { sendHex: '00 ff10' });
  await probe(targetOf(port));
  assert.deepEqual(
    arrived.map(({ datagram }) => datagram.toString('hex')),
    ['6772c3bcc39f0d0a', '00ff10', ''],
  );
});

for (const [what, changes] of [
  ['expected', { expect: /./s, timeout: milliseconds(60_000) }],
  ['needed', {}],
] as const)
  test(`where nobody has the port, the server is down at once, an answer being ${what} or not`, async () => {
    const { outcome, reason, took } = await probe(targetOf(await closedUdpPort()), changes);
    assert.deepEqual({ outcome, reason }, down('ICMP: port unreachable'));
    assert.ok(took < 1000);
  });

test('an answer from another address than the one asked is not heard', async (t) => {
  const other = dgram.createSocket('udp4');
  t.after(() => other.close());
  const { port } = await answering(t, (_, _reply, from) => other.send('PONG', from.port, from.address));
  assert.equal((await probe(targetOf(port), PONG)).reason, 'no answer in 120 ms');
});

test('IPv6, and the source and its port', async (t) => {
  const { port, arrived } = await answering(t, (_, reply) => reply('x'));
  const free = await closedUdpPort();
  const target = { ...targetOf(port, '127.9.9.9'), sourcePort: free };
  for (let i = 0; i < 2; i++) assert.equal((await probe(target)).reason, 'answered x');
  assert.deepEqual(
    arrived.map(({ from }) => `${from.address} ${from.port}`),
    [`127.9.9.9 ${free}`, `127.9.9.9 ${free}`],
  );
  const six = await probe({ ...targetOf(free), address: { address: ip('::1'), port: free } });
  assert.equal(six.reason, 'ICMP: port unreachable');
});

test('what this machine cannot do is its own fault', async (t) => {
  const { port } = await answering(t, () => undefined);
  const { outcome, reason } = await probe(targetOf(port, '192.0.2.77'));
  assert.deepEqual(
    { outcome, reason },
    { outcome: 'local-error', reason: 'cannot probe: 192.0.2.77 is not on this machine, or has no free port' },
  );
  const device = await probe({ ...targetOf(port), device: 'none-such' });
  assert.equal(device.reason, 'cannot probe: this machine has no such interface');
  const large = await probe(targetOf(port), { send: 'é'.repeat(40_000) });
  assert.equal(large.reason, 'cannot probe: the datagram is larger than the way to the server takes');
});

test('closing settles a probe under way at once, and not as a failure', async (t) => {
  const { port } = await answering(t, () => undefined);
  const prober = createUdpProber(check({ expect: /x/s, timeout: milliseconds(60_000) }), targetOf(port));
  const running = prober.run();
  prober.close();
  assert.equal((await running).outcome, 'local-error');
});

test('an ICMP message that came while this process was held up counts', async () => {
  const result = probe(targetOf(await closedUdpPort()), { wait: milliseconds(20) });
  const end = performance.now() + 150;
  while (performance.now() < end);
  assert.equal((await result).reason, 'ICMP: port unreachable');
});

test('thousands of probes leave no descriptor and no timer', async (t) => {
  const { port } = await answering(t, (_, reply) => reply('PONG'));
  const closed = await closedUdpPort();
  const [before, ticking] = [descriptors(), timers()];
  const probers = [
    createUdpProber(check(PONG), targetOf(port)),
    createUdpProber(check(), targetOf(closed)),
    createUdpProber(check(), targetOf(port, '192.0.2.77')),
  ];
  for (let i = 0; i < 1000; i++) await Promise.all(probers.map((prober) => prober.run()));
  // A closed poll lets go of its descriptor in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(descriptors(), before);
  assert.equal(timers(), ticking);
});
