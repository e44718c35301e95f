import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import type { DatagramSocket } from '../../../src/system/datagram-socket.ts';
import { isScoped, openUdpSocket } from '../../../src/system/udp-socket.ts';

const LO = { name: 'lo', index: 1 };

test('it is a socket of node:dgram that is bound already, and sends within the call', async () => {
  const [a, b] = ['127.0.0.1', '127.0.0.2'].map((address) =>
    openUdpSocket({ device: LO, address: ip(address), port: 0 }),
  );
  assert.ok(a?.ok && b?.ok);
  const socket: DatagramSocket = a.value;
  assert.equal(socket.address().address, '127.0.0.1');
  const heard = once(b.value, 'message');
  socket.send(Uint8Array.of(1, 2), b.value.address().port, '127.0.0.2');
  // What was not sent within the call is not sent at all.
  socket.close();
  const [bytes, from] = await heard;
  assert.deepEqual([...bytes], [1, 2]);
  assert.equal(from.address, '127.0.0.1');
  b.value.close();
});

test('what the kernel refuses comes back, and leaves nothing open', () => {
  const refused = openUdpSocket({ device: LO, address: ip('192.0.2.77'), port: 0 });
  assert.equal(refused.ok ? 'ok' : refused.error.code, 'EADDRNOTAVAIL');
  const gone = openUdpSocket({ device: { name: 'none-such', index: 4711 }, address: ip('127.0.0.1'), port: 0 });
  assert.match(gone.ok ? 'ok' : gone.error.code, /ENODEV|EADDRNOTAVAIL/);
});

const SCOPES: readonly [string, boolean][] = [
  ['fe80::1', true],
  ['febf::1', true],
  ['ff02::12', true],
  ['ff12::12', true],
  ['fec0::1', false],
  ['ff05::12', false],
  ['2001:db8::1', false],
  ['224.0.0.18', false],
];
for (const [address, scoped] of SCOPES)
  test(`${address} means ${scoped ? 'nothing' : 'the same'} without its interface`, () =>
    assert.equal(isScoped(ip(address)), scoped));
