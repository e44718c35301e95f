import assert from 'node:assert/strict';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { concat, viewOf } from '../../../src/base/bytes.ts';
import { milliseconds } from '../../../src/base/time.ts';
import { createDnsProber } from '../../../src/checkers/dns/probe.ts';
import type { ProbeResult, ProbeTarget } from '../../../src/checkers/probe.ts';
import type { DnsCheckConfig } from '../../../src/config/config.ts';
import { decode, encodeQuery, type RecordType } from '../../../src/wire/dns.ts';
import { answerTo, type Given } from '../wire/dns-answer.ts';
import { answering, closedUdpPort, descriptors, timers } from './datagrams.ts';
import { defaults, listenBeside, SHORT, serve, targetOf } from './loopback.ts';

const check = (changes: Partial<DnsCheckConfig> = {}): DnsCheckConfig => ({
  ...defaults('dns', 'query = "www.example.net"'),
  ...changes,
});

async function probe(target: ProbeTarget, changes: Partial<DnsCheckConfig> = {}): Promise<ProbeResult> {
  const prober = createDnsProber(check(changes), target);
  const result = await prober.run();
  prober.close();
  return result;
}

const name = 'www.example.net';
const A = (address: string): Given => ({ name, type: 'A', address: ip(address) });
const up = (reason: string) => ({ outcome: 'up', reason }) as const;
const down = (reason: string) => ({ outcome: 'down', reason }) as const;
const spoilt = (message: Uint8Array, at: number, value: number): Uint8Array => {
  const bytes = Uint8Array.from(message);
  bytes[at] = (bytes[at] as number) ^ value;
  return bytes;
};

type Case = {
  readonly server: string;
  readonly check?: Partial<DnsCheckConfig>;
  readonly answers: (query: Uint8Array) => readonly Uint8Array[];
  readonly says: Pick<ProbeResult, 'outcome' | 'reason'>;
};

const CASES: readonly Case[] = [
  {
    server: 'answers with an address',
    answers: (query) => [answerTo(query, [A('10.0.0.1')])],
    says: up('A of www.example.net is 10.0.0.1'),
  },
  {
    server: 'answers with an alias and many addresses',
    answers: (query) => [
      answerTo(query, [{ name, type: 'CNAME', target: 'a' }, ...[1, 2, 3, 4, 5, 6].map((n) => A(`10.0.0.${n}`))]),
    ],
    says: up('A of www.example.net is 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4 and 2 more'),
  },
  { server: 'has no such record', answers: (query) => [answerTo(query, [])], says: up('no A of www.example.net') },
  {
    server: 'has no such record, of which one is expected',
    check: { answers: ['10.0.0.1'] },
    answers: (query) => [answerTo(query, [])],
    says: down('no A of www.example.net, expected 10.0.0.1'),
  },
  {
    server: 'answers with another address',
    check: { answers: ['10.0.0.2'] },
    answers: (query) => [answerTo(query, [A('10.0.0.1')])],
    says: down('A of www.example.net is 10.0.0.1, expected 10.0.0.2'),
  },
  {
    server: 'answers with one of two addresses',
    check: { answers: ['10.0.0.1', '10.0.0.2', '10.0.0.3'] },
    answers: (query) => [answerTo(query, [A('10.0.0.1')])],
    says: down('A of www.example.net is 10.0.0.1, expected 10.0.0.2 and 10.0.0.3'),
  },
  {
    server: 'does not know the name',
    answers: (query) => [answerTo(query, [], { rcode: 'NXDOMAIN' })],
    says: down('NXDOMAIN, expected NOERROR'),
  },
  {
    server: 'does not know the name, as it should',
    check: { rcodes: ['NXDOMAIN', 'REFUSED'] },
    answers: (query) => [answerTo(query, [], { rcode: 'NXDOMAIN' })],
    says: up('NXDOMAIN'),
  },
  {
    server: 'fails, where something else is expected',
    check: { rcodes: ['NXDOMAIN', 'REFUSED'] },
    answers: (query) => [answerTo(query, [], { rcode: 'SERVFAIL' })],
    says: down('SERVFAIL, expected NXDOMAIN or REFUSED'),
  },
  {
    server: 'cannot read the question',
    answers: (query) => {
      const header = answerTo(query, [], { rcode: 'FORMERR' }).slice(0, 12);
      viewOf(header).setUint16(4, 0);
      return [header];
    },
    says: down('FORMERR, expected NOERROR'),
  },
  { server: 'is silent', answers: () => [], says: down('no answer in 120 ms') },
  {
    server: 'answers another query, then nothing',
    answers: (query) => [spoilt(answerTo(query, [A('10.0.0.1')]), 0, 1)],
    says: down('no answer (what came is none: it is not about what was asked) in 120 ms'),
  },
  {
    server: 'answers another question, garbage, itself, and then what was asked',
    answers: (query) => [
      spoilt(answerTo(query, []), 14, 1),
      Uint8Array.of(1, 2, 3),
      query,
      answerTo(query, [A('10.0.0.1')]),
    ],
    says: up('A of www.example.net is 10.0.0.1'),
  },
  {
    server: 'answers garbage',
    answers: (query) => [spoilt(answerTo(query, [A('10.0.0.1')]), 33, 0x80), query.slice(0, 20)],
    says: down(
      'no answer (what came, 2 messages, is none: it ends before what its counts and lengths announce) in 120 ms',
    ),
  },
  {
    server: 'floods',
    check: { timeout: milliseconds(60_000) },
    answers: () => Array(256).fill(new Uint8Array(1)),
    says: down('no answer (what came, 256 messages, is none: it ends before what its counts and lengths announce)'),
  },
];

for (const { server, check: changes, answers, says } of CASES) {
  const fast = { timeout: SHORT, ...changes };

  test(`a server that ${server}`, async (t: TestContext) => {
    const { port } = await answering(t, (query, reply) => answers(query).forEach(reply));
    const { outcome, reason } = await probe(targetOf(port), fast);
    assert.deepEqual({ outcome, reason }, says);
  });

  test(`a server that ${server}, over TCP`, async (t: TestContext) => {
    const { port } = await serve(
      t,
      overTcp((query) => answers(query)),
    );
    const { outcome, reason } = await probe(targetOf(port), { ...fast, transport: 'tcp' });
    assert.deepEqual({ outcome, reason }, says);
  });
}

const framed = (message: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(message.length >> 8, message.length & 0xff), message]);

/** Answers the one query that comes on each connection. */
const overTcp = (answers: (query: Uint8Array) => readonly Uint8Array[], write = writeAll): net.Server =>
  net.createServer((socket) =>
    socket.once('data', (query) => write(socket, concat(answers(query.subarray(2)).map(framed)))),
  );

const writeAll = (socket: net.Socket, bytes: Uint8Array): void => void socket.write(bytes);

/** In pieces, each a packet of its own. */
async function dribble(socket: net.Socket, bytes: Uint8Array): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) await new Promise<void>((resolve) => socket.write(Uint8Array.of(byte), () => resolve()));
}

/** A server on one port over both; UDP answers are truncated. */
async function truncating(t: TestContext, tcp: net.Server | null, answers: readonly Given[] = []): Promise<number> {
  const open = async (): Promise<number> =>
    (await answering(t, (query, reply) => reply(answerTo(query, answers, { truncated: true })))).port;
  if (tcp === null) return open();
  // The probe ends each connection with a reset.
  tcp.on('connection', (socket) => socket.on('error', () => undefined));
  return listenBeside(t, tcp, open);
}

test('a truncated answer is asked for again over TCP, by the same query', async (t) => {
  const many = Array.from({ length: 200 }, (_, n) => A(`10.0.1.${n}`));
  const tcp = overTcp(
    (query) => [answerTo(query, many)],
    (socket, bytes) => void dribble(socket, bytes),
  );
  const port = await truncating(t, tcp, many.slice(0, 2));
  const { outcome, reason } = await probe(targetOf(port), { answers: ['10.0.1.199'] });
  assert.equal(outcome, 'up', reason);
});

test('a server that truncates and is not there over TCP is down, and so is one that says nothing there', async (t) => {
  const refused = await probe(targetOf(await truncating(t, null)));
  assert.equal(refused.outcome, 'down');
  assert.equal(refused.reason, 'truncated over UDP, and then over TCP: connection refused');
  const silent = await truncating(
    t,
    net.createServer((socket) => socket.resume()),
  );
  const nothing = await probe(targetOf(silent), { timeout: SHORT });
  assert.equal(nothing.reason, 'truncated over UDP, and then over TCP: no answer in 120 ms');
  const closing = await truncating(
    t,
    net.createServer((socket) => socket.once('data', () => socket.end())),
  );
  const closed = await probe(targetOf(closing));
  assert.equal(closed.reason, 'truncated over UDP, and then over TCP: connection closed before an answer');
});

test('TC over TCP is an answer all the same, as there is nothing larger', async (t) => {
  const { port } = await serve(
    t,
    overTcp((query) => [answerTo(query, [A('10.0.0.1')], { truncated: true })]),
  );
  assert.equal((await probe(targetOf(port), { transport: 'tcp' })).outcome, 'up');
});

for (const [what, behave, reason] of [
  ['half an answer', (socket: net.Socket) => socket.end(Uint8Array.of(0, 50, 1)), 'connection closed before an answer'],
  ['a reset', (socket: net.Socket) => socket.resetAndDestroy(), 'connection reset before an answer'],
] as const)
  test(`${what} over TCP is down`, async (t) => {
    const { port } = await serve(
      t,
      net.createServer((socket) => socket.once('data', () => void behave(socket))),
    );
    const result = await probe(targetOf(port), { transport: 'tcp' });
    assert.deepEqual([result.outcome, result.reason], ['down', reason]);
  });

test('nobody has the port: down at once, over UDP and TCP', async () => {
  const target = targetOf(await closedUdpPort());
  assert.equal((await probe(target)).reason, 'ICMP: port unreachable');
  assert.equal((await probe(target, { transport: 'tcp' })).reason, 'connection refused');
});

test('the query says what the check says, with an id of its own each time', async (t) => {
  const { port, arrived } = await answering(t, (query, reply) => reply(answerTo(query, [])));
  await probe(targetOf(port), { queryType: 'SRV', query: '_sip._udp.example' });
  const prober = createDnsProber(check({ recursion: false }), targetOf(port));
  for (let i = 0; i < 20; i++) await prober.run();
  const ids = new Set(arrived.map(({ datagram }) => datagram.readUInt16BE(0)));
  assert.ok(ids.size > 15, `${ids.size} ids`);
  assert.ok(new Set(arrived.map(({ from }) => from.port)).size > 1);
  const [first, second] = arrived.map(({ datagram }) => datagram);
  const asked = decode(first as Buffer);
  assert.ok(asked.ok);
  assert.deepEqual(asked.value.questions, [{ name: '_sip._udp.example', type: 'SRV' }]);
  assert.equal(asked.value.recursionDesired, true);
  const { id } = { id: (second as Buffer).readUInt16BE(0) };
  assert.deepEqual(new Uint8Array(second as Buffer), encodeQuery({ id, name, type: 'A', recursionDesired: false }));
});

const DATA: readonly { readonly type: RecordType; readonly record: Given; readonly written: string }[] = [
  { type: 'AAAA', record: { name, type: 'AAAA', address: ip('2001:db8::1') }, written: '2001:DB8:0::1' },
  { type: 'MX', record: { name, type: 'MX', preference: 10, target: 'mail.example' }, written: '010  Mail.Example.' },
  { type: 'NS', record: { name, type: 'NS', target: 'ns.example' }, written: 'ns.example.' },
  { type: 'CNAME', record: { name, type: 'CNAME', target: 'a.example' }, written: 'A.example' },
  { type: 'PTR', record: { name, type: 'PTR', target: 'a.example' }, written: 'a.example' },
  { type: 'TXT', record: { name, type: 'TXT', text: 'v=spf1 -all' }, written: 'v=spf1 -all' },
  {
    type: 'SRV',
    record: { name, type: 'SRV', priority: 0, weight: 5, port: 443, target: 'a.example' },
    written: '0 5 443 a.example.',
  },
  {
    type: 'SOA',
    record: { name, type: 'SOA', primary: 'ns1.example', mailbox: 'hm.example', serial: 7 },
    written: 'ns1.example. hm.example. 7',
  },
];

for (const { type, record, written } of DATA)
  test(`an expected ${type} is compared in canonical form`, async (t) => {
    const { port } = await answering(t, (query, reply) => reply(answerTo(query, [record])));
    const result = await probe(targetOf(port), { queryType: type, answers: [written] });
    assert.equal(result.outcome, 'up', result.reason);
    const other = await probe(targetOf(port), { queryType: type, answers: [written.replace(/a|1|7/i, '2')] });
    assert.equal(other.outcome, 'down', other.reason);
  });

test('what this machine cannot do is its own fault', async (t) => {
  const { port } = await answering(t, () => undefined);
  for (const transport of ['udp', 'tcp'] as const) {
    const { outcome, reason } = await probe(targetOf(port, '192.0.2.77'), { transport });
    assert.equal(outcome, 'local-error');
    assert.equal(reason, 'cannot probe: 192.0.2.77 is not on this machine, or has no free port');
  }
});

test('closing settles a probe under way at once, and not as a failure', async (t) => {
  const { port } = await answering(t, () => undefined);
  const silent = await serve(t, net.createServer());
  for (const [transport, to] of [
    ['udp', port],
    ['tcp', silent.port],
  ] as const) {
    const prober = createDnsProber(check({ transport, timeout: milliseconds(60_000) }), targetOf(to));
    const running = prober.run();
    prober.close();
    assert.equal((await running).outcome, 'local-error');
  }
});

test('thousands of probes leave no descriptor, no timer and no connection', async (t) => {
  const { port } = await answering(t, (query, reply) => reply(answerTo(query, [A('10.0.0.1')])));
  const tcp = await serve(
    t,
    overTcp((query) => [answerTo(query, [A('10.0.0.1')])]),
  );
  const both = await truncating(
    t,
    overTcp((query) => [answerTo(query, [])]),
  );
  const [before, ticking] = [descriptors(), timers()];
  const probers = [
    createDnsProber(check(), targetOf(port)),
    createDnsProber(check({ transport: 'tcp' }), targetOf(tcp.port)),
    createDnsProber(check(), targetOf(both)),
    createDnsProber(check(), targetOf(await closedUdpPort())),
  ];
  for (let i = 0; i < 500; i++) {
    const results = await Promise.all(probers.map((prober) => prober.run()));
    assert.deepEqual(
      results.map(({ outcome }) => outcome),
      ['up', 'up', 'up', 'down'],
    );
  }
  const end = performance.now() + 5000;
  while (descriptors() > before && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(descriptors(), before);
  assert.equal(timers(), ticking);
});
