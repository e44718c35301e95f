/**
 * 255 virtual routers of one pair of directors, all at once: when each has moved, after the moment that the protocol
 * allows. A router has moved when the new master's kernel has its address; the first gratuitous ARP leaves within the same
 * millisecond, but of so many at once the bridge may drop some.
 *
 * The daemons take turns, since both would be busy at the same moment. All times are the kernel's, at the client.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Capture, capture } from '../lab/capture.ts';
import { createNetwork, type Host } from '../lab/network.ts';
import { eventually } from '../lab/process.ts';
import { type AddressTimes, watchAddresses } from './address-times.ts';
import { BOTH, type Column, type Daemon, keepalived, lvskeeper, type Router } from './daemons.ts';
import { type Figure, type Findings, quantile } from './figures.ts';

const COUNT = 255;
const INTERVAL = 1000;
const SKEW = (256 - 100) / 256;
const SIGNALS = ['SIGKILL', 'SIGTERM'] as const;
type Signal = (typeof SIGNALS)[number];

/** Lateness of each router that moved, in ms; and from the first moment that one might to the last that had. */
type Moved = { readonly late: readonly number[]; readonly whole: number };

const routers = Array.from(
  { length: COUNT },
  (_, i): Router => ({ routerId: i + 1, address: `10.77.1.${i + 1}`, interval: INTERVAL }),
);

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const seen: Record<Signal, Record<Column, Moved[]>> = {
    SIGKILL: { ours: [], theirs: [] },
    SIGTERM: { ours: [], theirs: [] },
  };
  for (let run = 0; run < Math.max(2, Math.round(runs / 5)); run++)
    for (const signal of SIGNALS)
      for (const column of BOTH)
        seen[signal][column].push(await move(column === 'ours' ? lvskeeper() : keepalived(), signal));
  const row = (what: string, unit: Figure['unit'], signal: Signal, value: (moved: Moved) => number): Figure => ({
    what: `${signal}: ${what}`,
    unit,
    ours: seen[signal].ours.map(value),
    theirs: seen[signal].theirs.map(value),
  });
  return {
    figures: SIGNALS.flatMap((signal) => [
      row('routers that moved', '', signal, ({ late }) => late.length),
      row('a router has moved, median', 'ms', signal, ({ late }) => quantile(late, 0.5)),
      row('the latest', 'ms', signal, ({ late }) => quantile(late, 1)),
      row('first that may to last that has', 'ms', signal, ({ whole }) => whole),
    ]),
    notes: [
      `${COUNT} virtual routers of one address each, at ${INTERVAL} ms; counted from the moment that the protocol allows to the new master's kernel having the address.`,
      'After SIGTERM all of them are due at nearly the same moment, and the last waits for the others. A profile (perf) of such a take-over of 255: 43 ms of processor time, of which 26 in JavaScript, 9 in the kernel adding addresses and 3 in it sending adverts; 0.17 ms a router, where keepalived takes 0.06 ms. After SIGKILL they are due one by one, as their adverts were sent, and nobody waits.',
    ],
  };
}

async function move(daemon: Daemon, signal: Signal): Promise<Moved> {
  const network = await createNetwork();
  try {
    const client = await network.host('client', '10.77.0.10');
    const [one, two] = [await network.host('one', '10.77.0.11'), await network.host('two', '10.77.0.12')];
    for (const host of [one, two]) daemon.configure(host, { routers });
    const master = daemon.start(one);
    await eventually(`${COUNT} addresses on the master`, 60_000, async () => {
      const { stdout } = await one.exec(['ip', '-4', '-o', 'address', 'show', 'dev', 'eth0']);
      return stdout.split('\n').filter((line) => line.includes('10.77.1.')).length === COUNT ? true : undefined;
    });
    const backup = daemon.start(two);
    await backup.process.printed(daemon.ready, 60_000);
    // The second burst of gratuitous ARP comes 5 s after the first.
    await sleep(7000);
    const wire = await capture(client, 'ip proto 112');
    const addresses = watchAddresses(two);
    await sleep(2 * INTERVAL);
    const { sent, gone } = master.end(signal);
    await sleep((signal === 'SIGKILL' ? 3 + SKEW : SKEW) * INTERVAL + 2000);
    await gone;
    await wire.stop();
    const result = movedIn(wire, addresses, one, signal, sent);
    await backup.end('SIGKILL').gone;
    return result;
  } finally {
    await network.close();
  }
}

function movedIn(wire: Capture, addresses: AddressTimes, one: Host, signal: Signal, sent: number): Moved {
  const last = new Map<number, number>();
  for (const { at, ip } of wire.packets())
    if (ip?.vrrp != null && ip.source === one.address) last.set(ip.vrrp.routerId, at);
  const wait = (signal === 'SIGKILL' ? 3 + SKEW : SKEW) * INTERVAL;
  const late: number[] = [];
  let [first, end] = [Number.POSITIVE_INFINITY, 0];
  for (const { routerId, address } of routers) {
    const due = (last.get(routerId) ?? Number.NaN) + wait;
    const moved = addresses.first('added', address, wire, sent);
    if (moved === undefined || Number.isNaN(due)) continue;
    late.push(moved - due);
    first = Math.min(first, due);
    end = Math.max(end, moved);
  }
  return { late, whole: end - first };
}
