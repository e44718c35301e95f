/**
 * One probe for each thing that is to be known: services that probe the same server in the same way share it. Fifty services
 * with one set of servers cost one set of probes.
 */

import type { ProbeTarget } from '../checkers/probe.ts';
import type { CheckConfig } from '../config/config.ts';
import type { ProbeOrder } from './prober-schedule.ts';

/** Whose verdict wants what to be probed. Keys are the caller's and unique. */
export type ProbeWish = { readonly key: string; readonly check: CheckConfig; readonly target: ProbeTarget };

export type SharedProbes = {
  readonly orders: readonly ProbeOrder[];
  /** The keys of the wishes, in their order, by the key of the order. */
  readonly readers: ReadonlyMap<string, readonly string[]>;
};

export function shareProbes(wishes: readonly ProbeWish[]): SharedProbes {
  const orders: ProbeOrder[] = [];
  const readers = new Map<string, string[]>();
  for (const { key, check, target } of wishes) {
    const same = `${targetKey(target)} ${probeOf(check)}`;
    const known = readers.get(same);
    if (known !== undefined) known.push(key);
    else {
      readers.set(same, [key]);
      orders.push({ key: same, check, target });
    }
  }
  return { orders, readers };
}

function targetKey({ address: { address, port }, source, sourcePort, device, mark, through }: ProbeTarget): string {
  const straight = `${address} ${port} ${source ?? '-'} ${sourcePort ?? '-'} ${device ?? '-'} ${mark ?? '-'}`;
  if (through === undefined) return straight;
  return [straight, through.both ? 'and' : 'only', ...through.targets.map(targetKey)].join(' via ');
}

/** What a check does with the results of its probes is its own: two that differ in this alone can share them. */
const OWN: ReadonlySet<string> = new Set(['name', 'rise', 'fall', 'flapWindow', 'latencyTarget']);

/** Whether two checks ask the same of a server. */
export const areSameProbe = (a: CheckConfig, b: CheckConfig): boolean => a === b || probeOf(a) === probeOf(b);

const probes = new WeakMap<CheckConfig, string>();

/** All that a probe depends on besides its target. The servers of a service share one check, which is written down once. */
function probeOf(check: CheckConfig): string {
  let written = probes.get(check);
  if (written === undefined) {
    const entries = Object.entries(check).filter(([key]) => !OWN.has(key));
    written = JSON.stringify(entries, (_, value) => (value instanceof RegExp ? String(value) : value));
    probes.set(check, written);
  }
  return written;
}
