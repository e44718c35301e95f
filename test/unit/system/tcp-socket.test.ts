import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { native } from '../../../src/system/native.ts';
import { connectTcp, openTcpSocket, type TcpOptions } from '../../../src/system/tcp-socket.ts';

const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** A server that greets each client with the address and port that it sees. */
async function greeter(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer((peer) => {
    peer.on('error', () => {});
    peer.end(`${peer.remoteAddress} ${peer.remotePort}`);
  });
  server.listen(0, host);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** Settles when its last connection is gone. */
async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

async function ask(host: string, port: number, options: TcpOptions): Promise<{ greeting: string; localPort: number }> {
  const connected = connectTcp({ address: ip(host), port }, options);
  assert.ok(connected.ok, connected.ok ? '' : connected.error.message);
  const socket = connected.value;
  await once(socket, 'connect');
  const localPort = socket.localPort ?? 0;
  let greeting = '';
  for await (const chunk of socket) greeting += chunk;
  return { greeting, localPort };
}

test('the server sees the chosen source, and both ways carry data', async () => {
  const { server, port } = await greeter('127.0.0.1');
  const { greeting, localPort } = await ask('127.0.0.1', port, { source: ip('127.0.0.9') });
  assert.equal(greeting, `127.0.0.9 ${localPort}`);
  await close(server);
});

test('without a source the kernel chooses', async () => {
  const { server, port } = await greeter('127.0.0.1');
  assert.match((await ask('127.0.0.1', port, {})).greeting, /^127\.0\.0\.1 /);
  await close(server);
});

test('over IPv6 too', async (t) => {
  let started: { server: Server; port: number };
  try {
    started = await greeter('::1');
  } catch {
    return t.skip('this machine has no IPv6');
  }
  assert.match((await ask('::1', started.port, { source: ip('::1') })).greeting, /^::1 /);
  await close(started.server);
});

test('a chosen source costs no port before the destination is known', () => {
  const opened = Array.from({ length: 8 }, () => openTcpSocket({ family: 4, source: ip('127.0.0.9') }));
  for (const socket of opened) {
    assert.ok(socket.ok);
    const [high, low] = native.socketName(socket.value).subarray(2, 4);
    assert.deepEqual([high, low], [0, 0]);
    native.close(socket.value);
  }
});

test('a refused connection is an error event, and leaves no descriptor behind', async () => {
  const { server, port } = await greeter('127.0.0.1');
  await close(server);
  const before = descriptors();
  const connected = connectTcp({ address: ip('127.0.0.1'), port }, { source: ip('127.0.0.9') });
  assert.ok(connected.ok);
  const [error] = await once(connected.value, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
  await once(connected.value, 'close');
  assert.equal(descriptors(), before);
});

test('a connection that is given up leaves no descriptor behind', async () => {
  const { server, port } = await greeter('127.0.0.1');
  const before = descriptors();
  const connected = connectTcp({ address: ip('127.0.0.1'), port });
  assert.ok(connected.ok);
  connected.value.destroy();
  await once(connected.value, 'close');
  assert.equal(descriptors(), before);
  await close(server);
});

test('a source that is not ours is a refusal, and leaves no descriptor behind', () => {
  const before = descriptors();
  const refused = connectTcp({ address: ip('127.0.0.1'), port: 9 }, { source: ip('192.0.2.1') });
  assert.equal(refused.ok === false && refused.error.code, 'EADDRNOTAVAIL');
  assert.equal(descriptors(), before);
});

test('a device that is not there is a refusal', () => {
  const refused = openTcpSocket({ family: 4, device: 'none-such' });
  assert.equal(refused.ok === false && refused.error.code, 'ENODEV');
});

test('the descriptor can be given to net.Socket, if it connects in the same turn', async () => {
  const { server, port } = await greeter('127.0.0.1');
  const opened = openTcpSocket({ family: 4, source: ip('127.0.0.9') });
  assert.ok(opened.ok);
  const socket = new Socket({ fd: opened.value }).connect(port, '127.0.0.1');
  await once(socket, 'connect');
  assert.equal(socket.localAddress, '127.0.0.9');
  socket.destroy();
  await close(server);
});
