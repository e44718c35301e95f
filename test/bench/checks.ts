/**
 * What health checks cost the checker process, and how well it keeps its time. The servers are one process on another host
 * that has all their addresses and is cheaper than either daemon; it counts what reaches it.
 *
 * keepalived's checker runs only where there is IPVS. On a kernel without it, it is preloaded with a library that answers in
 * the kernel's stead; ours needs none. In the guest, which is slow and counts CPU by ticks, both use the kernel's own, at a low
 * rate, and only their timing is measured.
 */

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from '../lab/capture.ts';
import { eventually, now } from '../lab/process.ts';
import { type CheckWorld, checkers, createCheckWorld, services } from './check-world.ts';
import { BOTH, type Check, type Column, type Service } from './daemons.ts';
import { detections } from './detection.ts';
import { type Figure, type Findings, quantile } from './figures.ts';
import { cpuTime, memory } from './usage.ts';

const GUEST = process.env.LAB_KERNEL === 'guest';
/** Time that checks are counted, in ms, so many times one after the other; longer where there are few. */
const [COUNTED, WINDOWS] = [GUEST ? 10_000 : 3000, 3];
/** Until what became hot is compiled, in ms. */
const SETTLING = 3000;
const PER_SERVICE = 10;
/** Of the virtual router that is master meanwhile, in ms. */
const ADVERTS = 10;
/** The servers whose probes are looked at one by one. */
const WATCHED = '10.128.0.0/28';
/** How many services share how many servers. */
const [SHARING, SHARED] = [50, 100];

type Load = {
  readonly what: string;
  readonly check: Check;
  readonly services: readonly Service[];
  readonly busy: boolean;
};
/** Samples, of one run. */
type Seen = {
  /** Microseconds of CPU. */
  readonly each: readonly number[];
  readonly perSecond: readonly number[];
  /** Percent of one CPU. */
  readonly cpu: readonly number[];
  /** Seconds. */
  readonly first: readonly number[];
  readonly memory: readonly number[];
  /** Milliseconds. */
  readonly jitter: readonly number[];
  readonly late: readonly number[];
};

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const rounds = GUEST ? 1 : Math.max(1, Math.round((2 * runs) / 5));
  const figures: Figure[] = [];
  for (const load of GUEST ? [ofEach('tcp', 50)] : LOADS) {
    const seen: Record<Column, Seen[]> = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++)
      for (const column of BOTH)
        if (column === 'ours' || load.check !== 'kept') seen[column].push(await run(column, load));
    figures.push(...rowsOf(load, seen));
  }
  figures.push(await detections(Math.max(1, runs)));
  return { figures, notes: notes() };
}

const many = (count: number): string => count.toLocaleString('en-US');
const NAMES: Readonly<Record<Check, string>> = { none: 'none', tcp: 'tcp', http: 'http', kept: 'http, kept alive' };

const ofEach = (check: Check, servers: number): Load => ({
  what: `${NAMES[check]}, ${many(servers)} servers`,
  check,
  services: services(servers / PER_SERVICE, PER_SERVICE, check),
  busy: servers === 10_000,
});
const sharing = (count: number): Load => ({
  what: `${count === 1 ? '1 service' : `${count} services`} of the same ${SHARED} servers`,
  check: 'tcp',
  services: services(count, SHARED, 'tcp', true),
  busy: false,
});
const LOADS: readonly Load[] = [
  ...(['tcp', 'http', 'kept'] as const).flatMap((check) => [1000, 5000, 10_000].map((size) => ofEach(check, size))),
  ...[1, SHARING].map(sharing),
];

function rowsOf({ what, check, busy, services: [, second] }: Load, seen: Record<Column, readonly Seen[]>): Figure[] {
  const row = (of: string, unit: Figure['unit'], key: keyof Seen): Figure => {
    const samples = (column: Column): number[] => seen[column].flatMap((one) => one[key]);
    return { what: `${what}: ${of}`, unit, ours: samples('ours'), theirs: samples('theirs') };
  };
  const rate = row('probes per second', '', 'perSecond');
  // One set of servers, and all that is asked is how many probes it costs.
  if (second === undefined || second.servers[0] === '10.128.0.0') return [rate, row('CPU', '%', 'cpu')];
  return [
    row('CPU per probe', 'µs', 'each'),
    rate,
    row('start to a first probe of all', 's', 'first'),
    row('memory of the checker, PSS', 'MiB', 'memory'),
    ...(check === 'kept' ? [] : [row('interval of one server, off by, p99', 'ms', 'jitter')]),
    ...(busy ? [row(`a master at ${ADVERTS} ms, late by, p99.9`, 'ms', 'late')] : []),
  ];
}

async function run(column: Column, load: Load): Promise<Seen> {
  const world = await createCheckWorld(new Set(load.services.flatMap(({ servers }) => servers)).size);
  try {
    const { network, director, servers } = world;
    // Other Node programs on the machine are to bear no part of its pages.
    const node = join(director.directory, 'node');
    copyFileSync(process.execPath, node);
    const daemon = (await checkers(node, director))[BOTH.indexOf(column)];
    if (daemon === undefined) throw new Error(`no daemon for ${column}`);
    const client = await network.host('client', '10.77.0.10');
    const routers = load.busy ? [{ routerId: 1, address: '10.77.1.1', interval: ADVERTS }] : [];
    daemon.configure(director, { services: load.services, routers });
    const begun = now();
    const started = daemon.start(director);
    const firstOfAll = (): number | undefined => {
      if (started.process.exit !== null) throw new Error(`${daemon.name} ended:\n${started.process.output()}`);
      return world.complete();
    };
    const complete = await eventually('a first probe of every server', 120_000, firstOfAll, 20);
    await sleep(SETTLING);
    const pid = await started.pidOf('checker');
    const probes = await capture(servers, `tcp[tcpflags] == tcp-syn and dst net ${WATCHED}`);
    const adverts = await capture(client, 'ip proto 112');
    const counted = await count(world, pid);
    const used = memory([pid]);
    await probes.stop();
    await adverts.stop();
    const times = Map.groupBy(probes.packets(), ({ ip }) => ip?.destination);
    const sent = adverts.packets().filter(({ ip }) => ip?.vrrp != null);
    return {
      ...counted,
      first: [(complete - begun) / 1000],
      memory: [used],
      jitter: [
        quantile(
          [...times.values()].flatMap(gaps).map((gap) => Math.abs(gap - 1000)),
          0.99,
        ),
      ],
      late: [
        quantile(
          gaps(sent).map((gap) => gap - ADVERTS),
          0.999,
        ),
      ],
    };
  } finally {
    await world.close();
  }
}

const gaps = (packets: readonly { readonly at: number }[]): number[] =>
  packets.slice(1).map(({ at }, i) => at - (packets[i]?.at ?? at));

async function count({ probes }: CheckWorld, pid: number): Promise<Pick<Seen, 'each' | 'perSecond' | 'cpu'>> {
  const marks: { readonly probes: number; readonly cpu: number; readonly at: number }[] = [];
  for (let i = 0; i <= WINDOWS; i++) {
    marks.push({ probes: probes(), cpu: cpuTime([pid]), at: now() });
    if (i < WINDOWS) await sleep(COUNTED);
  }
  const windows = marks.slice(1).map((mark, i) => {
    const before = marks[i] ?? mark;
    return { probes: mark.probes - before.probes, cpu: mark.cpu - before.cpu, time: mark.at - before.at };
  });
  return {
    each: windows.map((one) => (1000 * one.cpu) / one.probes),
    perSecond: windows.map((one) => (1000 * one.probes) / one.time),
    cpu: windows.map((one) => (100 * one.cpu) / one.time),
  };
}

const notes = (): string[] => [
  `Every server is probed once a second, on a new connection unless it is kept alive, which keepalived does not know. Counted ${WINDOWS} times ${COUNTED / 1000} s in each run.`,
  'The interval is the time between two SYNs of the daemon at one server.',
  ...(GUEST ? GUEST_NOTES : HOST_NOTES),
];

const DETECTION =
  'Detection: three failures in a row, a second apart, after which the weight changes: 2 to 3 s after the listener is killed, evenly over the interval.';
const GUEST_NOTES = [
  'CPU has no figure: this kernel counts it by ticks, in step with which ours works.',
  `${DETECTION} The weight is the kernel's, looked at every 2 ms.`,
];
const HOST_NOTES = [
  'CPU is that of the checker process alone, as the scheduler counts it. A server answers at once, and all of them are one process of C.',
  `The master is the vrrp process of the same daemon; late is an advert that comes more than ${ADVERTS} ms after the one before it.`,
  'A profile of ours at 5,000 TCP checks a second: 82% of the processor time in system calls, in which the packets of a connection go both ways, 8% in the garbage collector, 10% in JavaScript. One core is enough for twice 10,000 such checks, so there are no worker threads.',
  'Where there is no IPVS, keepalived is preloaded with a library that answers for it (test/bench/ipvs-options.c).',
  `${DETECTION} Ours is the event of it, theirs the call by which it changes the table.`,
];
