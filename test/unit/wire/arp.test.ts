import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip, ipFromBytes } from '../../../src/base/address.ts';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  type ArpFrame,
  announcement,
  announcementReply,
  type DropReason,
  decode,
  describe,
  encode,
  probe,
} from '../../../src/wire/arp.ts';
import { mac, macFromBytes } from '../../../src/wire/ethernet.ts';

const MAC = mac('02:00:5e:00:53:01');
const VIP = ip('192.0.2.10');

/** Written by hand from RFC 826 and RFC 5227; a capture of keepalived 2.2.7 has the first one's layout. */
const GOLDEN: readonly {
  readonly name: string;
  readonly frame: ArpFrame;
  readonly hex: string;
  readonly text: string;
}[] = [
  {
    name: 'announcement',
    frame: announcement(MAC, VIP),
    hex: `ff ff ff ff ff ff   destination: broadcast
          02 00 5e 00 53 01   source
          08 06               EtherType: ARP
          00 01               hardware type: Ethernet
          08 00               protocol type: IPv4
          06 04               address lengths
          00 01               operation: request
          02 00 5e 00 53 01   sender's hardware address
          c0 00 02 0a         sender: 192.0.2.10
          ff ff ff ff ff ff   target's hardware address
          c0 00 02 0a         target: 192.0.2.10`,
    text: 'ARP: 192.0.2.10 is at 02:00:5e:00:53:01 (gratuitous request)',
  },
  {
    name: 'announcement as a reply',
    frame: announcementReply(MAC, VIP),
    hex: `ff ff ff ff ff ff   destination: broadcast
          02 00 5e 00 53 01   source
          08 06 00 01 08 00 06 04
          00 02               operation: reply
          02 00 5e 00 53 01   sender's hardware address
          c0 00 02 0a         sender: 192.0.2.10
          02 00 5e 00 53 01   target's hardware address
          c0 00 02 0a         target: 192.0.2.10`,
    text: 'ARP: 192.0.2.10 is at 02:00:5e:00:53:01 (gratuitous reply)',
  },
  {
    name: 'probe',
    frame: probe(MAC, VIP),
    hex: `ff ff ff ff ff ff   destination: broadcast
          02 00 5e 00 53 01   source
          08 06 00 01 08 00 06 04
          00 01               operation: request
          02 00 5e 00 53 01   sender's hardware address
          00 00 00 00         sender: nobody
          00 00 00 00 00 00   target's hardware address: unset
          c0 00 02 0a         target: 192.0.2.10`,
    text: 'ARP probe: does anyone have 192.0.2.10? asks 02:00:5e:00:53:01',
  },
  {
    name: 'request',
    frame: {
      destination: mac('ff:ff:ff:ff:ff:ff'),
      source: MAC,
      operation: 'request',
      senderMac: MAC,
      sender: VIP,
      targetMac: mac('00:00:00:00:00:00'),
      target: ip('192.0.2.1'),
    },
    hex: `ff ff ff ff ff ff   destination: broadcast
          02 00 5e 00 53 01   source
          08 06 00 01 08 00 06 04
          00 01               operation: request
          02 00 5e 00 53 01   sender's hardware address
          c0 00 02 0a         sender: 192.0.2.10
          00 00 00 00 00 00   target's hardware address: asked for
          c0 00 02 01         target: 192.0.2.1`,
    text: 'ARP request: who has 192.0.2.1? tell 192.0.2.10 (02:00:5e:00:53:01)',
  },
  {
    name: 'reply',
    frame: {
      destination: mac('02:00:5e:00:53:99'),
      source: MAC,
      operation: 'reply',
      senderMac: MAC,
      sender: VIP,
      targetMac: mac('02:00:5e:00:53:99'),
      target: ip('192.0.2.1'),
    },
    hex: `02 00 5e 00 53 99   destination
          02 00 5e 00 53 01   source
          08 06 00 01 08 00 06 04
          00 02               operation: reply
          02 00 5e 00 53 01   sender's hardware address
          c0 00 02 0a         sender: 192.0.2.10
          02 00 5e 00 53 99   target's hardware address
          c0 00 02 01         target: 192.0.2.1`,
    text: 'ARP reply: 192.0.2.10 is at 02:00:5e:00:53:01, to 192.0.2.1 (02:00:5e:00:53:99)',
  },
];

/** The hex digits before the remark of each line. */
const bytesOf = (annotated: string): Uint8Array =>
  fromHex(annotated.replace(/^\s*((?:[0-9a-f]{2} ?)+)(?: {2,}.*)?$/gm, '$1'));

for (const { name, frame, hex, text } of GOLDEN) {
  const bytes = bytesOf(hex);

  test(`${name}: decodes to its value`, () => assert.deepEqual(decode(bytes), { ok: true, value: frame }));
  test(`${name}: encodes to its bytes`, () => assert.equal(toHex(encode(frame)), toHex(bytes)));
  test(`${name}: reads as one line`, () => assert.equal(describe(frame), text));
  test(`${name}: is refused when cut short anywhere`, () => {
    for (let length = 0; length < bytes.length; length++)
      assert.deepEqual(decode(bytes.subarray(0, length)), { ok: false, error: 'truncated' });
  });
  test(`${name}: may be padded to Ethernet's 60 bytes`, () => {
    const padded = new Uint8Array(60);
    padded.set(bytes);
    assert.deepEqual(decode(padded), { ok: true, value: frame });
  });
}

const SPOILT: readonly {
  readonly reason: DropReason;
  readonly what: string;
  readonly at: number;
  readonly value: number;
}[] = [
  { reason: 'ether-type', what: 'EtherType IPv4', at: 13, value: 0x00 },
  { reason: 'ether-type', what: 'EtherType of a VLAN tag', at: 12, value: 0x81 },
  { reason: 'types', what: 'hardware type 6', at: 15, value: 6 },
  { reason: 'types', what: 'protocol type 0x0801', at: 17, value: 1 },
  { reason: 'types', what: 'hardware length 8', at: 18, value: 8 },
  { reason: 'types', what: 'protocol length 16', at: 19, value: 16 },
  { reason: 'operation', what: 'operation 0', at: 21, value: 0 },
  { reason: 'operation', what: 'operation 3 (reverse request)', at: 21, value: 3 },
];

for (const { reason, what, at, value } of SPOILT)
  test(`${what} is refused: ${reason}`, () => {
    const bytes = encode(announcement(MAC, VIP));
    bytes[at] = value;
    assert.deepEqual(decode(bytes), { ok: false, error: reason });
  });

const anyMac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macFromBytes);
const anyIp = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(ipFromBytes);
const anyFrame: fc.Arbitrary<ArpFrame> = fc.record(
  {
    destination: anyMac,
    source: anyMac,
    operation: fc.constantFrom('request', 'reply'),
    senderMac: anyMac,
    sender: anyIp,
    targetMac: anyMac,
    target: anyIp,
  },
  { noNullPrototype: true },
);

test('every frame survives encode and decode', () => {
  fc.assert(fc.property(anyFrame, (frame) => assert.deepEqual(decode(encode(frame)), { ok: true, value: frame })));
});

test('no bytes make decode throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => void decode(bytes)));
});
