import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import test, { type TestContext } from 'node:test';
import { type Endpoint, ip } from '../../../src/base/address.ts';
import { connectUdp, type UdpClient } from '../../../src/system/udp-client.ts';
import { closedUdpPort, descriptors } from '../checkers/datagrams.ts';

/** Sends back what it hears, with where it is from. */
async function echo(t: TestContext, address: '127.0.0.1' | '::1'): Promise<Endpoint> {
  const socket = dgram.createSocket(address === '::1' ? 'udp6' : 'udp4');
  socket.on('message', (datagram, from) => socket.send(`${datagram} ${from.address}`, from.port, from.address));
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  t.after(() => socket.close());
  return { address: ip(address), port: socket.address().port };
}

/** What comes first of one datagram: an answer, or the code of an error. */
function ask(to: Endpoint, source?: string): Promise<string> {
  return new Promise((resolve) => {
    let client: UdpClient | undefined;
    const end = (said: string): void => {
      client?.close();
      client?.close();
      resolve(said);
    };
    const opened = connectUdp(to, source === undefined ? {} : { source: ip(source) }, {
      message: (datagram) => end(new TextDecoder().decode(datagram)),
      error: (error) => end(error.code),
    });
    if (!opened.ok) return resolve(opened.error.code);
    client = opened.value;
    assert.deepEqual(client.send(new TextEncoder().encode('hello')), { ok: true, value: undefined });
  });
}

test('both ways carry data, over IPv4 and IPv6, and the source is the one chosen', async (t) => {
  assert.equal(await ask(await echo(t, '127.0.0.1')), 'hello 127.0.0.1');
  assert.equal(await ask(await echo(t, '127.0.0.1'), '127.0.0.9'), 'hello 127.0.0.9');
  assert.equal(await ask(await echo(t, '::1')), 'hello ::1');
});

test('what ICMP says is an error, and nothing stays open', async () => {
  const port = await closedUdpPort();
  const before = descriptors();
  for (const address of ['127.0.0.1', '::1']) assert.equal(await ask({ address: ip(address), port }), 'ECONNREFUSED');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(descriptors(), before);
});

test('a source that is not on this machine is refused, and nothing stays open', async () => {
  const before = descriptors();
  assert.equal(await ask({ address: ip('127.0.0.1'), port: 9 }, '192.0.2.77'), 'EADDRNOTAVAIL');
  assert.equal(descriptors(), before);
});

test('a datagram that is too large is refused', async (t) => {
  const to = await echo(t, '127.0.0.1');
  const opened = connectUdp(to, {}, { message: () => undefined, error: () => undefined });
  assert.ok(opened.ok);
  const sent = opened.value.send(new Uint8Array(70_000));
  assert.equal(sent.ok === false && sent.error.code, 'EMSGSIZE');
  opened.value.close();
});
