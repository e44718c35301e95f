import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { courseTo } from '../../../src/system/course.ts';
import { native } from '../../../src/system/native.ts';
import { type Dial, dialTcp } from '../../../src/system/tcp-connect.ts';
import type { TcpOptions } from '../../../src/system/tcp-socket.ts';
import { closedPort, silentPort, until } from '../checkers/loopback.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Listens until the test ends; `ends` says how each connection has ended. */
async function listen(t: TestContext, host = '127.0.0.1'): Promise<{ port: number; ends: string[] }> {
  const ends: string[] = [];
  const server = createServer((peer) => {
    peer.on('error', (error) => ends.push('code' in error ? String(error.code) : error.message));
    peer.on('end', () => ends.push('end'));
    peer.resume();
  });
  server.listen({ port: 0, host, backlog: 1024 });
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, ends };
}

/** `connected`, or the code of the refusal, whenever that comes; `null` while there is neither. */
function dial(host: string, port: number, options: TcpOptions = {}) {
  const { promise, resolve } = Promise.withResolvers<string>();
  // Connecting alone does not hold the process.
  const hold = setInterval(() => undefined, 1000);
  let outcome: string | null = null;
  const settle = (code: string): void => {
    clearInterval(hold);
    outcome = code;
    resolve(code);
  };
  const dialled = dialTcp(courseTo({ address: ip(host), port }, options), (result) =>
    settle(result.ok ? 'connected' : result.error.code),
  );
  if (!dialled.ok) settle(dialled.error.code);
  const under: Dial = dialled.ok ? dialled.value : { end: () => undefined };
  const end = (): void => {
    clearInterval(hold);
    under.end();
  };
  return { promise, end, outcome: () => outcome };
}

test('a port where somebody listens is connected to, and the connection is reset', async (t) => {
  const { port, ends } = await listen(t);
  assert.equal(await dial('127.0.0.1', port).promise, 'connected');
  await until(() => ends.length === 1, 'the connection ended');
  assert.deepEqual(ends, ['ECONNRESET']);
});

test('over IPv6 too', async (t) => {
  const started = await listen(t, '::1').catch(() => undefined);
  if (started === undefined) return t.skip('this machine has no IPv6');
  assert.equal(await dial('::1', started.port).promise, 'connected');
});

test('a port where nobody listens is refused', async () => {
  assert.equal(await dial('127.0.0.1', await closedPort()).promise, 'ECONNREFUSED');
});

test('what this machine refuses is an error value, and leaves no descriptor behind', async (t) => {
  const { port } = await listen(t);
  await dial('127.0.0.1', port).promise;
  const before = descriptors();
  assert.equal(dial('127.255.255.255', 9).outcome(), 'ENETUNREACH');
  assert.equal(dial('127.0.0.1', port, { source: ip('192.0.2.1') }).outcome(), 'EADDRNOTAVAIL');
  assert.equal(dial('127.0.0.1', port, { device: 'none-such' }).outcome(), 'ENODEV');
  assert.equal(descriptors(), before);
});

test('a mark is for those who may give one', async (t) => {
  const { port } = await listen(t);
  const capabilities = BigInt(`0x${/^CapEff:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`);
  const CAP_NET_ADMIN = 12n;
  const may = ((capabilities >> CAP_NET_ADMIN) & 1n) === 1n;
  assert.equal(await dial('127.0.0.1', port, { mark: 7 }).promise, may ? 'connected' : 'EPERM');
});

test('a connection under way comes from the source, and is gone when it is given up', async (t) => {
  const port = await silentPort(t);
  const from = hexAddress(127, 9, 9, 9);
  const to = `${hexAddress(127, 0, 0, 1)}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // State 02 is SYN_SENT (net/tcp_states.h).
  const connecting = () => new RegExp(`${from}:.... ${to} 02`).test(readFileSync('/proc/net/tcp', 'utf8'));
  const first = dial('127.0.0.1', port, { source: ip('127.9.9.9') });
  assert.equal(connecting(), true);
  const before = descriptors();
  first.end();
  first.end();
  assert.equal(connecting(), false);
  assert.equal(descriptors(), before - 1);
  assert.equal(first.outcome(), null);
});

/** As /proc/net/tcp has it, in host byte order. */
const hexAddress = (...bytes: number[]): string =>
  bytes
    .reverse()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    .join('');

test('one that ends while another is told is not told itself', async (t) => {
  const { port } = await listen(t);
  const told: number[] = [];
  const dials: Dial[] = [];
  for (let i = 0; i < 2; i++) {
    const dialled = dialTcp(courseTo({ address: ip('127.0.0.1'), port }), () => {
      told.push(i);
      for (const other of dials) other.end();
    });
    assert.ok(dialled.ok);
    dials.push(dialled.value);
  }
  await until(() => told.length > 0, 'a connection');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(told.length, 1);
});

test('a descriptor that is used again is not taken for the one before it', async (t) => {
  const { port } = await listen(t);
  await dial('127.0.0.1', port).promise;
  const silent = await silentPort(t);
  const before = descriptors();
  const given = dial('127.0.0.1', port);
  given.end();
  const next = dial('127.0.0.1', silent);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(next.outcome(), null);
  next.end();
  assert.equal(descriptors(), before);
});

test('20,000 connections, some refused and some given up, leave no descriptor behind', async (t) => {
  const { port } = await listen(t);
  const closed = await closedPort();
  await dial('127.0.0.1', port).promise;
  const before = descriptors();
  const outcomes = new Map<string, number>();
  for (let done = 0; done < 20_000; done += 100) {
    // libuv takes a millisecond for each that it accepts, so they are few.
    const under = Array.from({ length: 100 }, (_, i) => dial('127.0.0.1', i % 20 === 0 ? port : closed));
    for (const [i, one] of under.entries()) if (i % 10 === 1) one.end();
    const told = await Promise.all(under.filter((_, i) => i % 10 !== 1).map(({ promise }) => promise));
    for (const code of told) outcomes.set(code, (outcomes.get(code) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries(outcomes), { connected: 1000, ECONNREFUSED: 17_000 });
  // Those of the server close when it gets to them.
  await until(() => descriptors() <= before, 'no descriptor is left');
});

test('all that is ready is told in one turn of the event loop, before a deadline can come in between', async () => {
  const port = await closedPort();
  let told = 0;
  const { promise, resolve } = Promise.withResolvers<number>();
  for (let i = 0; i < 1000; i++) {
    const dialled = dialTcp(courseTo({ address: ip('127.0.0.1'), port }), () => {
      told++;
      if (told === 1) setImmediate(() => resolve(told));
    });
    assert.ok(dialled.ok);
  }
  assert.equal(await promise, 1000);
});

test('what is not what it must be is a TypeError', () => {
  assert.throws(() => native.readyConnects(0, [] as unknown as Float64Array), TypeError);
  assert.throws(() => native.startConnect(0, 'x' as unknown as Uint8Array), TypeError);
});
