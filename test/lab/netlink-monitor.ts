/** What anybody asks of the kernel's IPVS on a host, as the kernel's own netlink monitor shows it (`nlmon`, tcpdump). */

import { readFileSync } from 'node:fs';
import { capture } from './capture.ts';
import type { Host } from './network.ts';

/** IPVS_CMD_… of linux/ip_vs.h that change something. */
const WRITES = new Map([
  [1, 'NEW_SERVICE'],
  [2, 'SET_SERVICE'],
  [3, 'DEL_SERVICE'],
  [5, 'NEW_DEST'],
  [6, 'SET_DEST'],
  [7, 'DEL_DEST'],
  [9, 'NEW_DAEMON'],
  [10, 'DEL_DAEMON'],
  [12, 'SET_CONFIG'],
  [16, 'ZERO'],
  [17, 'FLUSH'],
]);

/** Watches from when it returns; `stop` gives the commands that were sent, in order. */
export async function ipvsWrites(host: Host): Promise<{ stop(): Promise<string[]> }> {
  const family = await ipvsFamily(host);
  await host.exec(['ip', 'link', 'add', 'nlmon0', 'type', 'nlmon']);
  await host.must(['ip', 'link', 'set', 'nlmon0', 'up']);
  const monitor = await capture(host, '', 'nlmon0');
  return {
    async stop() {
      await monitor.stop();
      return requests(readFileSync(monitor.file)).flatMap(({ type, command }) =>
        type === family && WRITES.has(command) ? [WRITES.get(command) as string] : [],
      );
    },
  };
}

/** The id of the generic netlink family IPVS, by `genl`, which iproute2 has. */
async function ipvsFamily(host: Host): Promise<number> {
  const text = await host.must(['genl', 'ctrl', 'get', 'name', 'IPVS']);
  const id = /ID: (0x[0-9a-f]+)/.exec(text)?.[1];
  if (id === undefined) throw new Error(`genl does not know IPVS:\n${text}`);
  return Number(id);
}

/**
 * The netlink requests in a capture of LINKTYPE_NETLINK: 16 bytes of cooked header, then messages of which each begins
 * with length, type, flags (NLM_F_REQUEST is 1), sequence number and port, and for generic netlink the command.
 */
function requests(pcap: Buffer): { type: number; command: number }[] {
  const found: { type: number; command: number }[] = [];
  for (let at = 24; at + 16 <= pcap.length; ) {
    const length = pcap.readUInt32LE(at + 8);
    const packet = pcap.subarray(at + 16 + 16, at + 16 + length);
    for (let next = 0; next + 16 <= packet.length; ) {
      const size = packet.readUInt32LE(next);
      if (size < 16 || next + size > packet.length) break;
      const type = packet.readUInt16LE(next + 4);
      if ((packet.readUInt16LE(next + 6) & 1) === 1 && size >= 20)
        found.push({ type, command: packet.readUInt8(next + 16) });
      next += (size + 3) & ~3;
    }
    at += 16 + length;
  }
  return found;
}
