/**
 * What crossed a segment, by tcpdump, both families: adverts, and who said that it has an address. The bytes are read with
 * the few lines below, on purpose apart from `src/wire`; at the end of the suite Wireshark reads the same files.
 */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Segment } from './segment.ts';

export type Family = 4 | 6;

export type Advert = {
  /** When the kernel saw it, in milliseconds of the wall clock, with fractions. */
  readonly at: number;
  readonly mac: string;
  readonly source: string;
  readonly destination: string;
  readonly family: Family;
  readonly version: number;
  readonly routerId: number;
  /** 0: the sender resigns. */
  readonly priority: number;
  /** In milliseconds. */
  readonly interval: number;
  readonly count: number;
};

/** "I have this address": an ARP packet's sender, the source of a neighbour solicitation, the target of an advertisement. */
export type Claim = {
  readonly at: number;
  readonly address: string;
  readonly mac: string;
  /** Unasked: a gratuitous ARP, or an advertisement to all nodes. */
  readonly gratuitous: boolean;
};

export type Tape = {
  readonly file: string;
  /** All so far, in order. */
  adverts(): readonly Advert[];
  claims(): readonly Claim[];
  stop(): Promise<void>;
};

/** Now, on the tape's clock, in whole milliseconds: never later than what comes after. */
export const tapeTime = (): number => Date.now();

const FILTER = 'ip proto 112 or ip6 proto 112 or arp or icmp6';

/** Starts to record a wire and returns when nothing will be missed any more. */
export async function record({ client, logs }: Segment, wire = 'wire'): Promise<Tape> {
  const file = join(logs, `${wire}.pcap`);
  const options = ['-i', wire, '-U', '-w', file, '-s', '4096', '-B', '16384', '-Z', 'root', '--immediate-mode'];
  const tcpdump = client.spawn(['tcpdump', ...options, FILTER]);
  await tcpdump.printed(/listening on/);
  const reader = openSync(file, 'r');
  const adverts: Advert[] = [];
  const claims: Claim[] = [];
  let at = FILE_HEADER;
  const catchUp = (): void => {
    const bytes = rest(reader, at);
    for (const frame of frames(bytes)) {
      at += FRAME_HEADER + frame.length;
      const heard = advert(frame);
      if (heard !== undefined) adverts.push(heard);
      const claimed = claim(frame);
      if (claimed !== undefined) claims.push(claimed);
    }
  };
  return {
    file,
    adverts() {
      catchUp();
      return adverts;
    },
    claims() {
      catchUp();
      return claims;
    },
    async stop() {
      await tcpdump.stop();
      closeSync(reader);
    },
  };
}

/** What the file has from there on. */
function rest(file: number, from: number): Buffer {
  const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
  return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from));
}

// pcap-savefile(5), little-endian, microseconds.
const FILE_HEADER = 24;
const FRAME_HEADER = 16;

type Frame = {
  readonly at: number;
  readonly length: number;
  readonly source: string;
  readonly type: number;
  readonly payload: Buffer;
};

/** The whole frames at the beginning; the last may still be on its way into the file. */
function frames(bytes: Buffer): Frame[] {
  const list: Frame[] = [];
  for (let at = 0; at + FRAME_HEADER <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8);
    const data = bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + length);
    if (data.length < length) break;
    const time = bytes.readUInt32LE(at) * 1000 + bytes.readUInt32LE(at + 4) / 1000;
    list.push({ at: time, length, source: mac(data, 6), type: data.readUInt16BE(12), payload: data.subarray(14) });
    at += FRAME_HEADER + length;
  }
  return list;
}

const mac = (bytes: Buffer, at: number): string =>
  [...bytes.subarray(at, at + 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
const ipv4 = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join('.');
/** As `ip` prints it, by way of the one formatter that Node has. */
function ipv6(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

const IPV4 = 0x0800;
const ARP = 0x0806;
const IPV6 = 0x86dd;
const VRRP = 112;
const ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
/** Options that bear the hardware address of whoever asks, and of what was asked for. */
const SOURCE = 1;
const TARGET = 2;

function advert({ at, source, type, payload }: Frame): Advert | undefined {
  if (type === IPV4 && payload.readUInt8(9) === VRRP) {
    const ends = { source: ipv4(payload, 12), destination: ipv4(payload, 16) };
    return { at, mac: source, ...ends, family: 4, ...message(payload.subarray((payload.readUInt8(0) & 15) * 4)) };
  }
  if (type === IPV6 && payload.readUInt8(6) === VRRP) {
    const ends = { source: ipv6(payload, 8), destination: ipv6(payload, 24) };
    return { at, mac: source, ...ends, family: 6, ...message(payload.subarray(40)) };
  }
  return undefined;
}

function message(bytes: Buffer): Pick<Advert, 'version' | 'routerId' | 'priority' | 'interval' | 'count'> {
  const version = bytes.readUInt8(0) >> 4;
  const interval = version === 3 ? (bytes.readUInt16BE(4) & 0x0fff) * 10 : bytes.readUInt8(5) * 1000;
  return { version, routerId: bytes.readUInt8(1), priority: bytes.readUInt8(2), interval, count: bytes.readUInt8(3) };
}

function claim({ at, type, payload }: Frame): Claim | undefined {
  if (type === ARP) {
    const address = ipv4(payload, 14);
    return { at, address, mac: mac(payload, 8), gratuitous: address === ipv4(payload, 24) };
  }
  if (type !== IPV6 || payload.readUInt8(6) !== ICMPV6) return undefined;
  // The sender's hardware address is in the one option, of one unit of eight bytes (RFC 4861, 4.6.1).
  const option = payload.length < 72 ? 0 : payload.readUInt8(64);
  const kind = payload.readUInt8(40);
  const says = (address: string): Claim => ({
    at,
    address,
    mac: mac(payload, 66),
    gratuitous: ipv6(payload, 24) === 'ff02::1',
  });
  if (kind === NEIGHBOUR_SOLICITATION && option === SOURCE) return says(ipv6(payload, 8));
  if (kind === NEIGHBOUR_ADVERTISEMENT && option === TARGET) return says(ipv6(payload, 48));
  return undefined;
}

/** For people, on one line. */
export const describe = ({ at, source, version, family, routerId, priority, interval }: Advert): string =>
  `${at.toFixed(1)} ${source} VRRPv${version}/IPv${family} router ${routerId} priority ${priority} every ${interval} ms`;
