/** Servers on 127.0.0.1 for the tests of checks, well behaved and not, and configs to probe them with. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import type { TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { ProbeTarget } from '../../../src/checkers/probe.ts';
import type { CheckConfig, HttpCheckConfig, SmtpCheckConfig, TcpCheckConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';

/** The config of a type, also of one that shares its config with another. */
type Of<T, C = CheckConfig> = C extends { readonly type: infer U } ? (T extends U ? C : never) : never;

/** A check as it is by default, but for the times and what a single probe may show; `required`: what else must be said. */
export function defaults<T extends CheckConfig['type']>(type: T, required = ''): Of<T> {
  const { config, issues } = load(
    `[[service]]
     name = "web"
     address = "192.0.2.10:80"
     forward = "nat"
     check = { type = "${type}", interval = "2s", timeout = "2s", rise = 1, fall = 1${required && `, ${required}`} }
     server = [{ address = "10.0.0.21:80" }]`,
    { hostName: 'lb1' },
  );
  const [check] = config?.services[0]?.checks ?? [];
  assert.ok(check, issues.map(({ message }) => message).join());
  return check as Of<T>;
}

export const tcpCheck = (changes: Partial<TcpCheckConfig> = {}): TcpCheckConfig => ({
  ...defaults('tcp'),
  ...changes,
});

export const smtpCheck = (changes: Partial<SmtpCheckConfig> = {}): SmtpCheckConfig => ({
  ...defaults('smtp'),
  ...changes,
});

export const httpCheck = (changes: Partial<HttpCheckConfig> = {}): HttpCheckConfig => ({
  ...defaults('http', 'path = "/healthz"'),
  ...changes,
});

export const targetOf = (port: number, source: string | null = null): ProbeTarget => ({
  address: { address: ip('127.0.0.1'), port },
  source: source === null ? null : ip(source),
  ...{ sourcePort: null, device: null, mark: null },
});

/** Long enough to be sure on a busy machine, short enough to wait for. */
export const SHORT = milliseconds(120);

export type Loopback = {
  readonly port: number;
  /** Connections accepted so far. */
  accepted(): number;
  /** Connections open now. */
  open(): number;
  /** The client addresses of all connections so far. */
  readonly clients: string[];
};

/** Listens until the test ends. A connection's errors are expected and ignored. */
export async function serve(
  t: TestContext,
  server: net.Server,
  event: 'connection' | 'secureConnection' = 'connection',
): Promise<Loopback> {
  const sockets = new Set<net.Socket>();
  const clients: string[] = [];
  server.on('tlsClientError', () => undefined);
  server.on(event === 'connection' ? 'connection' : 'secureConnection', (socket: net.Socket) =>
    socket.on('error', () => undefined),
  );
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    clients.push(socket.remoteAddress ?? '');
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return { port: address.port, clients, accepted: () => clients.length, open: () => sockets.size };
}

/** A server that does `behave` with every connection, once the request (or its beginning) has arrived. */
export const onRequest = (t: TestContext, behave: (socket: net.Socket) => void): Promise<Loopback> =>
  serve(
    t,
    net.createServer((socket) => socket.once('data', () => behave(socket))),
  );

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
  return address.port;
}

/**
 * A port that answers a SYN with nothing, as a dead host does: a process that listens with a queue of one and never
 * accepts, and whose queue is full. The kernel holds one connection more than it is asked to.
 */
export async function silentPort(t: TestContext): Promise<number> {
  const listen = `
    const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, String(server.address().port));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [said] = await once(child.stdout, 'data');
  const port = Number(said);
  for (let i = 0; i < 2; i++) {
    const filler = net.connect(port, '127.0.0.1');
    t.after(() => filler.destroy());
    await once(filler, 'connect');
    filler.on('error', () => undefined);
  }
  return port;
}

/** Waits until `condition` holds; fails after two seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 2000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Has a TCP server listen at the port that `udpPort` gives, which is free over UDP. Over TCP somebody may have it, if only a
 * connection of another test: then another port is asked for.
 */
export async function listenBeside(t: TestContext, tcp: net.Server, udpPort: () => Promise<number>): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    const port = await udpPort();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const refused = (): void => resolve(false);
    tcp.once('error', refused);
    tcp.listen(port, '127.0.0.1', () => resolve(true));
    const listens = await promise;
    tcp.off('error', refused);
    if (!listens) continue;
    t.after(() => tcp.close());
    return port;
  }
  throw new Error('no port is free over UDP and over TCP');
}
