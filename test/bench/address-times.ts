/** When a host's kernel gave an address to an interface or took it away, by `ip monitor`, on the clock of a capture. */

import { readFileSync } from 'node:fs';
import type { Capture } from '../lab/capture.ts';
import type { Host } from '../lab/network.ts';

export type AddressTimes = {
  /** The first time at or after `after`; `undefined`: it was not seen. */
  first(what: 'added' | 'deleted', address: string, wire: Capture, after: number): number | undefined;
};

export function watchAddresses(host: Host): AddressTimes {
  const monitor = host.spawn(['ip', '-ts', 'monitor', 'address']);
  return {
    first(what, address, wire, after) {
      const offset = offsetOf(wire);
      const head = `^\\[(\\S+)\\.(\\d{6})\\] ${what === 'deleted' ? 'Deleted ' : '(?!Deleted )'}`;
      const line = new RegExp(`${head}.* ${address.replaceAll('.', '\\.')}/`, 'gm');
      return [...monitor.output().matchAll(line)]
        .map(([, seconds = '', micros]) => Date.parse(seconds) + Number(micros) / 1000 + offset)
        .find((at) => at >= after);
    },
  };
}

/** What a capture adds to the wall clock, which its file has, and `ip` too. */
function offsetOf(wire: Capture): number {
  const bytes = readFileSync(wire.file).subarray(24, 32);
  return (wire.packets()[0]?.at ?? 0) - (bytes.readUInt32LE(0) * 1000 + bytes.readUInt32LE(4) / 1000);
}
