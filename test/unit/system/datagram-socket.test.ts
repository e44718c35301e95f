import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import test from 'node:test';
import type { DatagramSocket } from '../../../src/system/datagram-socket.ts';
import type { RawSocket } from '../../../src/system/raw-socket.ts';

/** Fails in the type check, not here, when one of the two does not fit any more. */
const asDatagramSocket = (socket: Socket | RawSocket): DatagramSocket => socket;

test('a socket of node:dgram carries what the VRRP driver sends', async () => {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const socket = asDatagramSocket(udp);
  const heard = once(udp, 'message');
  const sent = new Promise<Error | null>((resolve) => {
    socket.send(Uint8Array.of(1, 2, 3), socket.address().port, '127.0.0.1', resolve);
  });
  assert.equal(await sent, null);
  const [message] = await heard;
  assert.deepEqual([...message], [1, 2, 3]);
  udp.close();
});
