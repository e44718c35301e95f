/** Counts what a host's processes change in its IPVS table, by a tap on netlink: a witness that neither daemon knows of. */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../lab/network.ts';
import { eventually } from '../lab/process.ts';

/** Commands of linux/ip_vs.h that change services and destinations: NEW, SET and DEL of both, and FLUSH. What a dump answers bears NEW too. */
const CHANGES: ReadonlySet<number> = new Set([1, 2, 3, 5, 6, 7, 17]);
const NLM_F_REQUEST = 1;
/** Of a packet in the file: its header, and the header of DLT_NETLINK. */
const RECORD = 16;
const COOKED = 16;

export type IpvsTap = {
  /** Ends it. The number of messages that change something. */
  stop(): Promise<number>;
};

export async function tapIpvs(host: Host): Promise<IpvsTap> {
  const family = Number(/ID: (0x[0-9a-f]+)/.exec(await host.must(['genl', 'ctrl', 'get', 'name', 'IPVS']))?.[1]);
  if (Number.isNaN(family)) throw new Error('genl does not tell the netlink family of IPVS');
  const file = join(host.directory, 'netlink.pcap');
  await host.must(['ip', 'link', 'add', 'tap', 'type', 'nlmon']);
  await host.must(['ip', 'link', 'set', 'tap', 'up']);
  const tcpdump = host.spawn(['tcpdump', '-i', 'tap', '-U', '-w', file, '-B', '32768', '-Z', 'root']);
  await tcpdump.printed(/listening on/);
  return {
    async stop() {
      // tcpdump ends without writing what it has not read yet.
      let size = -1;
      await eventually(
        'the tap to be drained',
        30_000,
        () => {
          const before = size;
          size = statSync(file).size;
          return size === before ? true : undefined;
        },
        500,
      );
      await host.must(['ip', 'link', 'set', 'tap', 'down']);
      await tcpdump.stop();
      await host.must(['ip', 'link', 'delete', 'tap']);
      const dropped = Number(/(\d+) packets? dropped by kernel/.exec(tcpdump.output())?.[1]);
      if (dropped !== 0) throw new Error(`the tap missed ${dropped} messages`);
      return countChanges(readFileSync(file), family);
    },
  };
}

/** Requests in a capture whose type is `family` and whose command is one of `CHANGES`. A packet holds one or several. */
function countChanges(bytes: Buffer, family: number): number {
  let count = 0;
  for (let at = 24; at + RECORD <= bytes.length; ) {
    const end = at + RECORD + bytes.readUInt32LE(at + 8);
    for (let message = at + RECORD + COOKED; message + 20 <= end; ) {
      const length = bytes.readUInt32LE(message);
      const asked =
        bytes.readUInt16LE(message + 4) === family && (bytes.readUInt16LE(message + 6) & NLM_F_REQUEST) !== 0;
      if (asked && CHANGES.has(bytes.readUInt8(message + 16))) count++;
      if (length < 16) break;
      message += (length + 3) & ~3;
    }
    at = end;
  }
  return count;
}
