/**
 * Somebody who floods a link with bad adverts: `flooder.ts DEVICE ROUTER_ID RATE SECONDS`. Prints `flooding`, and at the
 * end, as JSON, how many of each kind it sent. What it sends is ready beforehand, so that the rate is the machine's own.
 */

import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { parseIp } from '../../src/base/address.ts';
import { milliseconds } from '../../src/base/time.ts';
import { openPacketSocket } from '../../src/system/packet-socket.ts';
import { stampOf } from '../../src/vrrp/replay.ts';
import { complement16, sum16 } from '../../src/wire/checksum.ts';
import { type Advert, encode } from '../../src/wire/vrrp.ts';
import { type Key, sign } from '../../src/wire/vrrp-auth.ts';

const ip = (text: string) => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
};
const SOURCE = '10.77.0.99';
const GROUP = '224.0.0.18';
const path = { source: ip(SOURCE), destination: ip(GROUP) };
const WRONG: Key = { id: 1, bytes: new Uint8Array(32).fill(7) };
const UNKNOWN: Key = { id: 9, bytes: WRONG.bytes };
const mac = (key: Uint8Array, message: Uint8Array): Uint8Array => createHmac('sha256', key).update(message).digest();

/** A claim that would take the role if it counted. */
const advert = (routerId: number): Advert => ({
  ...{ version: 3, routerId, priority: 254, interval: milliseconds(100) },
  addresses: [ip('10.77.0.100')],
});

type Packet = { readonly bytes: Uint8Array; readonly ttl?: number };

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/**
 * One row a kind: how to make one, and the reason it is refused for. `null`: for any; `undefined`: it is for no router here,
 * so that no router counts it.
 */
export const KINDS: Readonly<
  Record<string, { readonly make: (good: Uint8Array) => Packet; readonly reason: string | null | undefined }>
> = {
  checksum: { make: (good) => ({ bytes: changed(good, 6, (good[6] ?? 0) ^ 0xff) }), reason: 'checksum' },
  version: { make: (good) => ({ bytes: changed(good, 0, 0x71) }), reason: 'version' },
  type: { make: (good) => ({ bytes: changed(good, 0, 0x32) }), reason: 'type' },
  ttl: { make: (good) => ({ bytes: good, ttl: 254 }), reason: 'ttl' },
  truncated: { make: (good) => ({ bytes: good.subarray(0, 5) }), reason: 'truncated' },
  unsigned: { make: (good) => ({ bytes: good }), reason: 'hmac-missing' },
  forged: { make: (good) => ({ bytes: signed(good, WRONG, Date.now()) }), reason: 'hmac' },
  'unknown key': { make: (good) => ({ bytes: signed(good, UNKNOWN, Date.now()) }), reason: 'hmac-key' },
  old: { make: (good) => ({ bytes: signed(good, WRONG, Date.now() - 3_600_000) }), reason: 'hmac-date' },
  'other router': { make: (good) => ({ bytes: changed(good, 1, (good[1] ?? 0) + 1) }), reason: undefined },
  random: { make: (good) => ({ bytes: changed(randomBytes(8 + (good.length % 40)), 1, good[1] ?? 0) }), reason: null },
};

const signed = (message: Uint8Array, key: Key, wallClock: number): Uint8Array =>
  sign(message, path, key, stampOf(wallClock), mac);

/** Packets of each kind; none but the random ones differ. */
const READY = 1024;

/** Ethernet and IPv4 around it. */
function frame({ bytes, ttl = 255 }: Packet): Uint8Array {
  const packet = Buffer.alloc(34 + bytes.length);
  packet.write('01005e000012020000000099' + '0800', 'hex');
  packet.set([0x45, 0xc0, 0, 0, 0, 0, 0, 0, ttl, 112], 14);
  packet.writeUInt16BE(20 + bytes.length, 16);
  packet.set([...SOURCE.split('.'), ...GROUP.split('.')].map(Number), 26);
  packet.writeUInt16BE(complement16(sum16(packet.subarray(14, 34))), 24);
  packet.set(bytes, 34);
  return packet;
}

async function main([device = '', id = '', rate = '', seconds = '']: readonly string[]): Promise<void> {
  const [link] = JSON.parse(execFileSync('ip', ['-j', 'link', 'show', device], { encoding: 'utf8' }));
  const opened = openPacketSocket(link.ifindex);
  if (!opened.ok) throw opened.error;
  const good = encode(advert(Number(id)), path, 'pseudo-header');
  const kinds = Object.keys(KINDS);
  const sent: Record<string, number> = Object.fromEntries([...kinds, 'refused'].map((kind) => [kind, 0]));
  const ring = kinds.map((kind) => ({
    kind,
    frames: Array.from({ length: READY }, () => frame((KINDS[kind] ?? { make: () => ({ bytes: good }) }).make(good))),
  }));
  console.log('flooding');
  const began = performance.now();
  const end = began + Number(seconds) * 1000;
  let n = 0;
  for (let now = began; now < end; now = performance.now()) {
    for (const due = Math.floor(((now - began) * Number(rate)) / 1000); n < due; n += 1) {
      const row = ring[n % ring.length];
      const one = row?.frames[Math.floor(n / ring.length) % READY];
      if (row === undefined || one === undefined) break;
      const kind = opened.value.send(one).ok ? row.kind : 'refused';
      sent[kind] = (sent[kind] ?? 0) + 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  opened.value.close();
  console.log(JSON.stringify(sent));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2));
