/**
 * Take-over: how long after the protocol's own minimum the backup is master, and how soon it says so.
 *
 * Two directors of each daemon and a client are on one wire. Both pairs go through the same rounds at the same time: their
 * masters end, the backups take over, the ended ones start again as backups. So every take-over is the first one in the
 * life of a process, as it is in earnest. All times are the kernel's, at the client's end of the wire.
 *
 * The minimum: after SIGKILL three intervals and the skew, counted from the last advert; after SIGTERM the skew, counted
 * from the advert of priority 0. The skew is (256 - priority) / 256 intervals (RFC 9568, 6.1).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Capture, capture, type Packet } from '../lab/capture.ts';
import { createNetwork, type Host } from '../lab/network.ts';
import { now } from '../lab/process.ts';
import { type AddressTimes, watchAddresses } from './address-times.ts';
import { BOTH, type Column, type Daemon, keepalived, lvskeeper, type Router, type Started } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';

const SKEW = (256 - 100) / 256;

type Signal = 'SIGKILL' | 'SIGTERM';
type Pair = {
  readonly daemon: Daemon;
  readonly hosts: readonly [Host, Host];
  readonly router: Router;
  readonly addresses: readonly [AddressTimes, AddressTimes];
  readonly running: (Started | undefined)[];
  master: 0 | 1;
};

/** What a take-over took, in ms. */
type TakeOver = {
  readonly excess: number;
  readonly announced: number;
  readonly resigned: number;
  readonly released: number;
};

/** A round that says nothing of a take-over: on a busy machine the backup took over before the master was ended. */
type Spoiled = 'spoiled';

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const network = await createNetwork();
  try {
    const client = await network.host('client', '10.77.0.10');
    const pair = async (daemon: Daemon, id: number): Promise<Pair> => {
      const hosts = [
        await network.host(`${daemon.name}-1`, `10.77.0.${id}1`),
        await network.host(`${daemon.name}-2`, `10.77.0.${id}2`),
      ] as const;
      const router = { routerId: id, address: `10.77.0.${id}9`, interval: 0 };
      const addresses = [watchAddresses(hosts[0]), watchAddresses(hosts[1])] as const;
      return { daemon, hosts, router, addresses, running: [], master: 0 };
    };
    const pairs = { ours: await pair(lvskeeper(), 5), theirs: await pair(keepalived(), 6) };
    const figures: Figure[] = [];
    for (const interval of [1000, 100, 10]) figures.push(...(await intervalFigures(pairs, client, interval, runs)));
    return {
      figures,
      notes: [
        'excess: what the daemon adds to the least that the protocol allows, which is 3 intervals and the skew after the last advert, and the skew after priority 0.',
        'Every take-over is the first one in the life of its process.',
      ],
    };
  } finally {
    await network.close();
  }
}

type Pairs = Readonly<Record<Column, Pair>>;

async function intervalFigures(pairs: Pairs, client: Host, interval: number, runs: number): Promise<Figure[]> {
  const wire = await capture(client, 'arp or ip proto 112');
  const both = BOTH.map((column) => pairs[column]);
  for (const pair of both) {
    const workload = { routers: [{ ...pair.router, interval }] };
    for (const host of pair.hosts) pair.daemon.configure(host, workload);
    pair.master = 0;
    start(pair, 0);
  }
  for (const pair of both) await advertOf(wire, pair, pair.hosts[0], now());
  const seen: Record<Signal, Record<Column, TakeOver[]>> = {
    SIGKILL: { ours: [], theirs: [] },
    SIGTERM: { ours: [], theirs: [] },
  };
  const spoiled: Record<Column, number> = { ours: 0, theirs: 0 };
  for (const signal of ['SIGKILL', 'SIGTERM'] as const)
    for (let run = 0; run < runs; run++) {
      const results = await round(both, wire, interval, signal, (run + 0.5) / runs);
      for (const [i, column] of BOTH.entries()) {
        const result = results[i] as TakeOver | Spoiled;
        if (result === 'spoiled') spoiled[column] += 1;
        else seen[signal][column].push(result);
      }
    }
  await Promise.all(both.flatMap((pair) => pair.running.map((one) => one?.end('SIGKILL').gone)));
  await Promise.all(both.map(forget));
  await wire.stop();

  const figure = (what: string, signal: Signal, key: keyof TakeOver): Figure => ({
    what: `${interval} ms, ${what}`,
    unit: 'ms',
    ours: seen[signal].ours.map((one) => one[key]),
    theirs: seen[signal].theirs.map((one) => one[key]),
  });
  return [
    figure('SIGKILL: excess', 'SIGKILL', 'excess'),
    figure('SIGKILL: advert to first ARP', 'SIGKILL', 'announced'),
    figure('SIGTERM: signal to priority 0', 'SIGTERM', 'resigned'),
    figure('SIGTERM: priority 0 to VIP gone', 'SIGTERM', 'released'),
    figure('SIGTERM: excess', 'SIGTERM', 'excess'),
    figure('SIGTERM: advert to first ARP', 'SIGTERM', 'announced'),
    ...(spoiled.ours + spoiled.theirs === 0
      ? []
      : [
          {
            what: `${interval} ms, took over before the master was ended`,
            unit: '',
            ours: [spoiled.ours],
            theirs: [spoiled.theirs],
          } as const,
        ]),
  ];
}

function start(pair: Pair, which: 0 | 1): Started {
  const one = pair.daemon.start(pair.hosts[which]);
  pair.running[which] = one;
  return one;
}

/** One take-over in every pair. `phase`: when the masters end, as a part of the interval. */
async function round(
  pairs: readonly Pair[],
  wire: Capture,
  interval: number,
  signal: Signal,
  phase: number,
): Promise<(TakeOver | Spoiled)[]> {
  await Promise.all(
    pairs.map(async (pair) => {
      const backup = start(pair, other(pair.master));
      await backup.process.printed(pair.daemon.ready, 30_000);
    }),
  );
  // Each backup has heard its master, and what starting cost is over.
  await sleep(1000 + (1 + phase) * interval);
  const ends = pairs.map((pair) => (pair.running[pair.master] as Started).end(signal));
  // Nothing is looked at meanwhile: it would take the CPU from what is measured.
  await sleep((signal === 'SIGKILL' ? 3 + SKEW : SKEW) * interval + 100);
  await Promise.all(ends.map(({ gone }) => gone));
  const results: (TakeOver | Spoiled)[] = [];
  for (const [i, pair] of pairs.entries()) {
    const ended = ends[i]?.sent ?? Number.NaN;
    results.push(await takeOver(pair, wire, interval, signal, ended));
    await forget(pair);
    pair.running[pair.master] = undefined;
    pair.master = other(pair.master);
  }
  return results;
}

async function takeOver(
  pair: Pair,
  wire: Capture,
  interval: number,
  signal: Signal,
  ended: number,
): Promise<TakeOver | Spoiled> {
  const next = pair.hosts[other(pair.master)];
  const first = await advertOf(wire, pair, next, ended);
  const last = wire.packets().findLast((packet) => isAdvert(packet, pair, pair.hosts[pair.master])) as Packet;
  const early = wire
    .packets()
    .some((packet) => packet.at > ended - 500 && packet.at < ended && isAdvert(packet, pair, next));
  if (early || last.at < ended - 2 * interval - 100) return 'spoiled';
  const announcement = await wire.seen(
    ({ at, arp }) => at >= first.at && arp?.gratuitous === true && arp.sender === pair.router.address,
  );
  const zero = signal === 'SIGTERM';
  return {
    excess: first.at - last.at - (zero ? SKEW : 3 + SKEW) * interval,
    announced: announcement.at - first.at,
    resigned: zero ? last.at - ended : Number.NaN,
    released:
      ((zero ? pair.addresses[pair.master].first('deleted', pair.router.address, wire, ended) : undefined) ??
        Number.NaN) - last.at,
  };
}

const other = (which: 0 | 1): 0 | 1 => (which === 0 ? 1 : 0);

const isAdvert = ({ ip }: Packet, pair: Pair, from: Host): boolean =>
  ip?.vrrp?.routerId === pair.router.routerId && ip.source === from.address;

const advertOf = (wire: Capture, pair: Pair, from: Host, after: number): Promise<Packet> =>
  wire.seen((packet) => packet.at >= after && isAdvert(packet, pair, from), 30_000);

/** Takes away what a killed director left in its kernel, as if its machine had been booted. */
async function forget(pair: Pair): Promise<void> {
  const host = pair.hosts[pair.master];
  await host.exec(['ip', 'address', 'delete', `${pair.router.address}/32`, 'dev', 'eth0']);
}
