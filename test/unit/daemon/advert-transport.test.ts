/** Over loopback, by UDP, which needs no right. Protocol 112 and real links are in test/lab/transport.test.ts. */

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { VrrpConfig } from '../../../src/config/config.ts';
import {
  type AdvertTransport,
  type Arrival,
  destinationsOf,
  openAdvertTransport,
  pathOf,
} from '../../../src/daemon/advert-transport.ts';
import { now } from '../../../src/system/clock.ts';

const LO = { name: 'lo', index: 1 };
const GROUP = ip('224.0.0.18');
const PATIENCE = 10_000;
const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

type End = {
  readonly transport: AdvertTransport;
  readonly heard: { readonly bytes: readonly number[]; readonly arrival: Arrival }[];
  readonly refused: Error[];
};

function open(port: number, family: 4 | 6 = 4, transport: 'udp' | 'ip' = 'udp'): End {
  const heard: End['heard'] = [];
  const refused: Error[] = [];
  const opened = openAdvertTransport(
    { device: LO, family, transport, port },
    {
      packet: (bytes, arrival) => heard.push({ bytes: [...bytes], arrival }),
      refused: (error) => refused.push(error),
    },
  );
  if (!opened.ok) throw opened.error;
  closers.push(opened.value.close);
  return { transport: opened.value, heard, refused };
}

async function eventually<T>(what: string, look: () => T | undefined): Promise<T> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(2);
  }
}
const must = (result: { readonly ok: boolean; readonly error?: Error }): void => assert.ok(result.ok, result.error);

test('unicast between two own addresses arrives with its source, its destination and its time', async () => {
  const port = await freePort();
  const [a, b] = [open(port), open(port)];
  const [from, to] = [ip('127.0.0.1'), ip('127.0.0.2')];
  must(a.transport.listen(from));
  must(b.transport.listen(to));
  const before = now();
  a.transport.send(Uint8Array.of(0x31, 51, 1), { source: from, destination: to });
  const { bytes, arrival } = await eventually('the datagram', () => b.heard[0]);
  const { receivedAt, ...rest } = arrival;
  assert.deepEqual(bytes, [0x31, 51, 1]);
  assert.deepEqual(rest, { source: from, destination: to, ttl: null, interfaceIndex: 1 });
  assert.ok(receivedAt >= before && receivedAt <= now());
  b.transport.send(Uint8Array.of(2), { source: to, destination: from });
  assert.deepEqual((await eventually('the answer', () => a.heard[0])).arrival.source, to);
});

test('IPv6 arrives too', { skip: networkInterfaces().lo?.some((a) => a.address === '::1') !== true }, async () => {
  const port = await freePort();
  const a = open(port, 6);
  must(a.transport.listen(ip('::1')));
  a.transport.send(Uint8Array.of(7), { source: ip('::1'), destination: ip('::1') });
  const { arrival } = await eventually('the datagram', () => a.heard[0]);
  assert.deepEqual([arrival.source, arrival.destination], ['::1', '::1']);
});

test('multicast is heard by who listens to the group, and comes from the address that was chosen', async () => {
  const port = await freePort();
  const one = open(port);
  const source = ip('127.0.0.1');
  must(one.transport.listen(source));
  must(one.transport.listen(GROUP));
  // The loopback interface hands back what it sends, so the sender is also the receiver.
  one.transport.send(Uint8Array.of(9), { source, destination: GROUP });
  const { arrival } = await eventually('the datagram', () => one.heard[0]);
  assert.deepEqual([arrival.source, arrival.destination], [source, GROUP]);
  one.transport.unlisten(GROUP);
  one.transport.send(Uint8Array.of(1), { source, destination: GROUP });
  one.transport.send(Uint8Array.of(2), { source, destination: source });
  await eventually('what was sent later', () => one.heard[1]);
  assert.deepEqual(one.heard[1]?.bytes, [2], 'the group is not heard any more');
});

test('an address is heard until the last who wants it has gone', async () => {
  const port = await freePort();
  const [a, b] = [open(port), open(port)];
  const [from, to] = [ip('127.0.0.1'), ip('127.0.0.2')];
  must(a.transport.listen(from));
  for (let n = 0; n < 2; n++) must(b.transport.listen(to));
  b.transport.unlisten(to);
  a.transport.send(Uint8Array.of(1), { source: from, destination: to });
  await eventually('the datagram', () => b.heard[0]);
  b.transport.unlisten(to);
  must(a.transport.listen(to));
  b.transport.unlisten(to);
});

test('what it cannot do comes back as an error that says why', async () => {
  const port = await freePort();
  const [a, b] = [open(port), open(port)];
  const own = ip('127.0.0.1');
  must(a.transport.listen(own));
  const taken = b.transport.listen(own);
  assert.match(taken.ok ? '' : taken.error.message, /EADDRINUSE/);
  const foreign = b.transport.listen(ip('192.0.2.77'));
  assert.match(foreign.ok ? '' : foreign.error.message, /EADDRNOTAVAIL/);
  must(b.transport.listen(ip('127.0.0.2')));
});

test('a send that is refused is told and throws nothing', async () => {
  const port = await freePort();
  const a = open(port);
  a.transport.send(Uint8Array.of(1), { source: ip('127.0.0.9'), destination: GROUP });
  await eventually('the refusal', () => a.refused[0]);
  assert.match(a.refused[0]?.message ?? '', /no UDP socket has the address 127\.0\.0\.9/);
  must(a.transport.listen(ip('127.0.0.1')));
  a.transport.send(new Uint8Array(70_000), { source: ip('127.0.0.1'), destination: ip('127.0.0.2') });
  await eventually('the second refusal', () => a.refused[1]);
  assert.match(a.refused[1]?.message ?? '', /EMSGSIZE/);
});

test('protocol 112 without the right, or on a device that is another one by now, is an error', () => {
  const opened = openAdvertTransport(
    { device: { name: 'lo', index: 4711 }, family: 4, transport: 'ip', port: 0 },
    { packet: assert.fail, refused: assert.fail },
  );
  assert.match(opened.ok ? '' : opened.error.message, /EPERM|ENODEV|EADDRNOTAVAIL|lo is not interface 4711/);
});

const CONFIG = {
  ...{ name: 'edge', interface: 'eth0', routerId: 51, version: 3, priority: 100, interval: milliseconds(1000) },
  ...{ transport: 'ip', port: 9112, multicastGroup: [], peers: [], source: [] },
} as unknown as VrrpConfig;
const peer = (address: string) => ({ address: ip(address), minTtl: 255, maxTtl: 255 });

const paths: readonly [string, Partial<VrrpConfig>, 4 | 6, string, readonly string[]][] = [
  ['the groups of the RFC', {}, 4, 'ip 0', ['224.0.0.18']],
  ['the groups of the RFC', {}, 6, 'ip 0', ['ff02::12']],
  ['a group of the family', { multicastGroup: [ip('ff02::99')] }, 6, 'ip 0', ['ff02::99']],
  ['a group of the other family', { multicastGroup: [ip('ff02::99')] }, 4, 'ip 0', ['224.0.0.18']],
  ['peers of the family', { peers: [peer('192.0.2.2'), peer('fe80::2')] }, 4, 'ip 0', ['192.0.2.2']],
  ['UDP and its port', { transport: 'udp' }, 4, 'udp 9112', ['224.0.0.18']],
];
for (const [what, more, family, way, destinations] of paths)
  test(`the path of a config of IPv${family}: ${what}`, () => {
    const path = pathOf({ ...CONFIG, ...more }, family);
    assert.deepEqual([`${path.transport} ${path.port}`, destinationsOf(path)], [way, destinations]);
    assert.equal(path.routerId, 51);
  });

test('the source that the config names is that of the family', () => {
  const source: readonly IpAddress[] = [ip('192.0.2.7'), ip('fe80::7')];
  assert.equal(pathOf({ ...CONFIG, source }, 6).wanted, 'fe80::7');
  assert.equal(pathOf({ ...CONFIG, source }, 4).wanted, '192.0.2.7');
  assert.equal(pathOf(CONFIG, 4).wanted, null);
});
