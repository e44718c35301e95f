import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { toHex } from '../../../src/base/bytes.ts';
import { native } from '../../../src/system/native.ts';
import { openNeighbourSocket } from '../../../src/system/neighbour-socket.ts';
import { mac } from '../../../src/wire/ethernet.ts';
import { announcement, encode, encodeSolicitation, TYPE } from '../../../src/wire/ndp.ts';

const loopback = ip('::1');
const path = { source: loopback, destination: loopback, interfaceIndex: native.interfaceIndex('lo') };
const advertisement = encode(announcement(mac('02:00:5e:00:53:01'), ip('2001:db8::10'), false));
const solicitation = encodeSolicitation({ target: ip('2001:db8::10'), sourceMac: mac('02:00:5e:00:53:02') });

/** What a socket for these types hears of one message of each kind, sent over the loopback interface; `undefined`: no permission. */
async function heard(types: readonly number[]) {
  const messages: { bytes: Uint8Array; from: { source: IpAddress; interfaceIndex: number } }[] = [];
  const listening = openNeighbourSocket({
    types,
    message: (bytes, from) => messages.push({ bytes, from }),
    error: assert.fail,
  });
  if (!listening.ok && listening.error.code === 'EPERM') return undefined;
  assert.ok(listening.ok);
  const sending = openNeighbourSocket();
  assert.ok(sending.ok);
  for (const message of [advertisement, solicitation, advertisement])
    assert.deepEqual(sending.value.send(message, path), { ok: true, value: undefined });
  for (let i = 0; messages.length < 2 && i < 400; i++) await pause(5);
  listening.value.close();
  listening.value.close();
  sending.value.close();
  return messages;
}

test('messages of the types asked for are heard, with their sender, link, and a checksum; no others are', async (t) => {
  const messages = await heard([TYPE.advertisement]);
  if (messages === undefined) return t.skip('needs CAP_NET_RAW');
  assert.equal(messages.length, 2);
  for (const { bytes, from } of messages) {
    assert.deepEqual(from, { source: loopback, interfaceIndex: path.interfaceIndex });
    assert.equal(toHex(bytes.subarray(4)), toHex(advertisement.subarray(4)));
    assert.notEqual(toHex(bytes.subarray(2, 4)), '0000', 'the kernel filled the checksum in');
  }
});
