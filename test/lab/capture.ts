/**
 * What crosses an interface, by tcpdump. `packets` reads the file's bytes with the few lines of `frame` below, on purpose
 * apart from `src/wire`; `text` and `fields` are tcpdump's and Wireshark's own readings.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from './network.ts';
import { eventually, must, now, type Running } from './process.ts';

export type Packet = {
  /** When the kernel saw it, in milliseconds of CLOCK_MONOTONIC. */
  readonly at: number;
  readonly ethernet: { readonly source: string; readonly destination: string };
  readonly arp: Arp | null;
  readonly ip: Ip | null;
};
export type Arp = {
  readonly operation: 'request' | 'reply';
  readonly senderMac: string;
  readonly sender: string;
  readonly target: string;
  /** It announces its sender: sender and target are the same address. */
  readonly gratuitous: boolean;
};
export type Ip = {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly ttl: number;
  /** The packet inside, when the protocol is 4, IP-in-IP. */
  readonly inner: Ip | null;
  /** Ports, for TCP and UDP. */
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** VRRP, protocol 112. `interval` in milliseconds. */
  readonly vrrp: Vrrp | null;
};
export type Vrrp = {
  readonly version: number;
  readonly routerId: number;
  readonly priority: number;
  readonly interval: number;
  readonly addresses: readonly string[];
};

export type Capture = {
  readonly file: string;
  /** The packets so far, in order. */
  packets(): Packet[];
  /** Waits for a packet of this kind; throws with what was seen instead after `within` ms. */
  seen(kind: (packet: Packet) => boolean, within?: number): Promise<Packet>;
  /** One line a packet, by `tcpdump -v -e`: says `bad vrrp cksum` where that is so. */
  text(): Promise<string[]>;
  /**
   * Fields of Wireshark's display filters, each with all its values in a packet, outermost first. tshark takes half a
   * second to start, and ten in the guest: ask once for many fields.
   */
  fields(names: readonly string[], filter?: string): Promise<Record<string, string[]>[]>;
  /** Ends it, once everything that the kernel had for it is in the file. Throws when the kernel had to drop some. */
  stop(): Promise<void>;
};

/**
 * Of a packet so much is kept, and so much memory is for them. The kernel takes the whole length for each that waits to be
 * written, however short it is: of tcpdump's own 256 KiB there would be room for 16.
 */
const [SNAPSHOT, BUFFER_KIB] = [16_384, 16_384];

let serial = 0;

/** Starts to capture on an interface of the host and returns when nothing will be missed any more. */
export async function capture(host: Host, filter = '', device = 'eth0'): Promise<Capture> {
  serial += 1;
  const file = join(host.directory, `${serial}-${device}.pcap`);
  const size = ['-s', String(SNAPSHOT), '-B', String(BUFFER_KIB)];
  const options = ['-i', device, '-U', '-w', file, ...size, '-Z', 'root', '--immediate-mode'];
  const tcpdump = host.spawn(['tcpdump', ...options, ...(filter === '' ? [] : [filter])]);
  await tcpdump.printed(/listening on/);
  const offset = clockOffset();
  const packets = (): Packet[] => read(readFileSync(file), offset);
  return {
    file,
    packets,
    seen: (kind, within = 5000) =>
      eventually(`a packet on ${host.name}`, within, () => packets().find(kind)).catch((error: Error) => {
        throw new Error(`${error.message}, but there were only:\n${packets().map(describe).join('\n')}`);
      }),
    text: async () =>
      (await must(['tcpdump', '-r', file, '-nn', '-e', '-v', '-tt'])).split('\n').filter((line) => line !== ''),
    async fields(names, display = '') {
      const argv = ['tshark', '-r', file, '-n', '-T', 'fields', '-E', 'separator=/t', '-E', 'aggregator=/s'];
      if (display !== '') argv.push('-Y', display);
      const text = await must([...argv, ...names.flatMap((name) => ['-e', name])]);
      const lines = text.split('\n').slice(0, -1);
      return lines.map((line) => {
        const values = line.split('\t');
        return Object.fromEntries(names.map((name, i) => [name, (values[i] ?? '').split(' ').filter(Boolean)]));
      });
    },
    async stop() {
      const dropped = tcpdump.exit === null ? await drained(tcpdump) : 0;
      await tcpdump.stop();
      if (dropped > 0) throw new Error(`the capture on ${host.name} lacks ${dropped} packets, for want of memory`);
    },
  };
}

/**
 * Waits until nothing is on the way, and gives how many packets were dropped. SIGUSR1 makes tcpdump print its counts;
 * nothing is on the way when it has written what the kernel gave it. What came in before the filter was in place counts as
 * received and is never written, so the two differ by a constant: it is known when they differ by the same number twice
 * in a row, the least of all.
 */
async function drained(tcpdump: Running): Promise<number> {
  let seen = 0;
  let least = Number.POSITIVE_INFINITY;
  let last = Number.NaN;
  return eventually('tcpdump to have written every packet', 5000, async () => {
    tcpdump.kill('SIGUSR1');
    const counts = await eventually('tcpdump to print its counts', 5000, () => {
      const all = [
        ...tcpdump.output().matchAll(/(\d+) packets? captured, (\d+) packets? received[^,]*, (\d+) packets? drop/g),
      ];
      if (all.length <= seen) return undefined;
      seen = all.length;
      return all.at(-1);
    });
    const [captured = 0, received = 0, dropped = 0] = counts.slice(1).map(Number);
    const missing = received - captured - dropped;
    least = Math.min(least, missing);
    const settled = missing === last && missing === least;
    last = missing;
    return settled ? dropped : undefined;
  });
}

/** What to add to the wall clock, in ms, to get CLOCK_MONOTONIC. Taken at a tick of `Date.now`, which knows only whole ms. */
function clockOffset(): number {
  const started = Date.now();
  let tick = started;
  while (tick === started) tick = Date.now();
  return now() - tick;
}

function read(bytes: Buffer, offset: number): Packet[] {
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8);
    if (at + 16 + length > bytes.length) break; // still being written
    const time = bytes.readUInt32LE(at) * 1000 + bytes.readUInt32LE(at + 4) / 1000;
    packets.push(frame(time + offset, bytes.subarray(at + 16, at + 16 + length)));
    at += 16 + length;
  }
  return packets;
}

const mac = (bytes: Buffer): string => [...bytes.subarray(0, 6)].map((b) => b.toString(16).padStart(2, '0')).join(':');
const ipv4 = (bytes: Buffer, at: number): string => bytes.subarray(at, at + 4).join('.');

function frame(at: number, bytes: Buffer): Packet {
  const type = bytes.readUInt16BE(12);
  const payload = bytes.subarray(14);
  return {
    at,
    ethernet: { source: mac(bytes.subarray(6)), destination: mac(bytes) },
    arp: type === 0x0806 ? arp(payload) : null,
    ip: type === 0x0800 ? ip(payload) : null,
  };
}

function arp(bytes: Buffer): Arp {
  const [sender, target] = [ipv4(bytes, 14), ipv4(bytes, 24)];
  const operation = bytes.readUInt16BE(6) === 1 ? 'request' : 'reply';
  return { operation, senderMac: mac(bytes.subarray(8)), sender, target, gratuitous: sender === target };
}

function ip(bytes: Buffer): Ip {
  const protocol = bytes.readUInt8(9);
  const payload = bytes.subarray((bytes.readUInt8(0) & 15) * 4, bytes.readUInt16BE(2));
  const hasPorts = (protocol === 6 || protocol === 17) && (bytes.readUInt16BE(6) & 0x1fff) === 0;
  return {
    source: ipv4(bytes, 12),
    destination: ipv4(bytes, 16),
    protocol,
    ttl: bytes.readUInt8(8),
    inner: protocol === 4 ? ip(payload) : null,
    ports: hasPorts ? { source: payload.readUInt16BE(0), destination: payload.readUInt16BE(2) } : null,
    vrrp: protocol === 112 ? vrrp(payload) : null,
  };
}

function vrrp(bytes: Buffer): Vrrp {
  const version = bytes.readUInt8(0) >> 4;
  const count = bytes.readUInt8(3);
  const interval = version === 3 ? (bytes.readUInt16BE(4) & 0x0fff) * 10 : bytes.readUInt8(5) * 1000;
  const all = Array.from({ length: count }, (_, i) => ipv4(bytes, 8 + 4 * i));
  return { version, routerId: bytes.readUInt8(1), priority: bytes.readUInt8(2), interval, addresses: all };
}

/** A packet for people, on one line. */
export function describe({ at, ethernet, arp, ip }: Packet): string {
  const wire = `${at.toFixed(1)} ${ethernet.source} > ${ethernet.destination}`;
  if (arp !== null) return `${wire} arp ${arp.operation} ${arp.sender} is ${arp.senderMac}, for ${arp.target}`;
  return ip === null ? wire : `${wire} ${describeIp(ip)}`;
}

function describeIp({ source, destination, protocol, inner, ports, vrrp }: Ip): string {
  const end = (address: string, port: number | undefined): string =>
    port === undefined ? address : `${address}:${port}`;
  const line = `${end(source, ports?.source)} > ${end(destination, ports?.destination)} protocol ${protocol}`;
  if (vrrp !== null) return `${line} vrrp router ${vrrp.routerId} priority ${vrrp.priority}`;
  return inner === null ? line : `${line} (${describeIp(inner)})`;
}
