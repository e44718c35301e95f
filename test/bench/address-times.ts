/** When a host's kernel gave an address to an interface or took it away, by `ip monitor`, on the clock of a capture. */

import { readFileSync } from 'node:fs';
import type { Capture } from '../lab/capture.ts';
import type { Host } from '../lab/network.ts';

export type AddressTimes = {
  /** The first time at or after `after`; `undefined`: it was not seen. */
  first(what: 'added' | 'deleted', address: string, wire: Capture, after: number): number | undefined;
  /** When it had the address, from `from` to `to`; `at first`: it had it at `from`. */
  held(address: string, wire: Capture, from: number, to: number, atFirst: boolean): readonly Span[];
};
export type Span = { readonly from: number; readonly to: number };

export function watchAddresses(host: Host): AddressTimes {
  const monitor = host.spawn(['ip', '-ts', 'monitor', 'address']);
  /** All changes of the address, in order. */
  function changes(address: string, wire: Capture): { readonly at: number; readonly gone: boolean }[] {
    const offset = offsetOf(wire);
    const line = new RegExp(`^\\[(\\S+)\\.(\\d{6})\\] (Deleted )?.* ${address.replaceAll('.', '\\.')}/`, 'gm');
    return [...monitor.output().matchAll(line)].map(([, seconds = '', micros, gone]) => ({
      at: Date.parse(seconds) + Number(micros) / 1000 + offset,
      gone: gone !== undefined,
    }));
  }
  return {
    first: (what, address, wire, after) =>
      changes(address, wire).find(({ at, gone }) => at >= after && gone === (what === 'deleted'))?.at,
    held(address, wire, from, to, atFirst) {
      const spans: Span[] = [];
      let since = atFirst ? from : undefined;
      // An address that is renewed is told of as if it had come.
      for (const { at, gone } of changes(address, wire)) {
        if (at < from || at > to) continue;
        if (gone && since !== undefined) spans.push({ from: since, to: at });
        since = gone ? undefined : (since ?? at);
      }
      return since === undefined ? spans : [...spans, { from: since, to }];
    },
  };
}

/** What a capture adds to the wall clock, which its file has, and `ip` too. */
function offsetOf(wire: Capture): number {
  const bytes = readFileSync(wire.file).subarray(24, 32);
  return (wire.packets()[0]?.at ?? 0) - (bytes.readUInt32LE(0) * 1000 + bytes.readUInt32LE(4) / 1000);
}
