/**
 * The IPVS table, in one boot of one kernel: from the start of a daemon until all of it is there, what a reload costs that
 * changes nothing or adds one server, how long a stop takes that removes all of it, and what a restart with the same
 * configuration does to it. ipvsadm(8) loads and clears the same table for comparison.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork, type Host } from '../lab/network.ts';
import { now, type Running } from '../lab/process.ts';
import { services } from './check-world.ts';
import { BOTH, type Column, type Daemon, keepalived, lvskeeper, type Service, type Started } from './daemons.ts';
import { type Figure, type Findings, quantile, round } from './figures.ts';
import { tapIpvs } from './ipvs-tap.ts';
import { cpuTime, memory } from './usage.ts';

type Size = { readonly services: number; readonly servers: number };
const SIZES: readonly Size[] = [
  { services: 100, servers: 10 },
  { services: 1000, servers: 10 },
  { services: 1, servers: 8000 },
  { services: 300, servers: 100 },
  { services: 4000, servers: 10 },
];
/** Those whose restart is measured too: of the first, what it writes. */
const RESTARTED = SIZES.slice(0, 2);
/** Milliseconds that one start may take. */
const LIMIT = 120_000;

/** Seconds; `changes`: messages to the kernel that change its table. */
type Restart = { readonly restart: number; readonly lacking: number; readonly changes: number };
/** Seconds of time and of CPU, MiB; `left`: services and servers in the table when the daemon has gone. */
type Life = {
  readonly start: number;
  readonly memory: number;
  readonly same: number;
  readonly more: number;
  readonly stop: number;
  readonly left: number;
};

const ROWS = [
  ['start to full table', 's', 'start'],
  ['PSS of all processes', 'MiB', 'memory'],
  ['reload, nothing changed: CPU', 's', 'same'],
  ['reload, one server more: CPU', 's', 'more'],
  ['stop with removal', 's', 'stop'],
  ['entries left by it', '', 'left'],
] as const;
const RESTART_ROWS = [
  ['restart, same config', 's', 'restart'],
  ['restart: table not full for', 's', 'lacking'],
  ['restart: changes made', '', 'changes'],
] as const;

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const daemons = { ours: lvskeeper(), theirs: keepalived() };
  const figures: Figure[] = [];
  const notes: string[] = [];
  const times = Math.ceil(runs / 5);
  for (const size of SIZES) {
    const lives = await both(times, (column) => alone((host) => life(host, daemons[column], size)));
    figures.push(...ROWS.map((row) => figureOf(size, row, lives)));
    if (RESTARTED.includes(size)) {
      const tapped = size === RESTARTED[0];
      const restarts = await both(times, (column, run) =>
        alone((host) => restart(host, daemons[column], size, tapped && run === 0)),
      );
      figures.push(...RESTART_ROWS.map((row) => figureOf(size, row, restarts)));
    }
    const { load, clear } = await alone((host) => byIpvsadm(host, servicesOf(size)));
    notes.push(`ipvsadm of the table of ${nameOf(size)}: -R ${round(load)} s, -C ${round(clear)} s.`);
  }
  notes.push(
    'Whether the table is full is asked of its first and its last service alone, for a twentieth of the time at most; all of it is read once, when these are.',
    'A restart is SIGTERM and a start, until the daemon is ready and the table full. CPU is that of all processes, from SIGHUP until they rest. The guest is pinned to one CPU and slow: only the ratios mean something.',
  );
  return { figures, notes };
}

/**
 * On a host of its own: the kernel keeps destinations that were taken out for minutes, for each network namespace, and looks through all of
 * them for each that comes (ip_vs_trash_get_dest).
 */
async function alone<T>(work: (host: Host) => Promise<T>): Promise<T> {
  const network = await createNetwork();
  try {
    return await work(await network.host('director', '10.77.0.11'));
  } finally {
    await network.close();
  }
}

const nameOf = ({ services: count, servers }: Size): string => `${count} x ${servers}`;
const countOf = ({ services: count, servers }: Size): number => count * servers;
const servicesOf = ({ services: count, servers }: Size): readonly Service[] => services(count, servers, 'none');

async function both<T>(
  times: number,
  once: (column: Column, run: number) => Promise<T>,
): Promise<Readonly<Record<Column, readonly T[]>>> {
  const all = { ours: [] as T[], theirs: [] as T[] };
  for (let run = 0; run < times; run++) for (const column of BOTH) all[column].push(await once(column, run));
  return all;
}

function figureOf<K extends string>(
  size: Size,
  [what, unit, key]: readonly [string, Figure['unit'], K],
  of: Readonly<Record<Column, readonly Readonly<Record<K, number>>[]>>,
): Figure {
  const samples = (column: Column): number[] => of[column].map((one) => one[key]).filter((n) => !Number.isNaN(n));
  return { what: `${nameOf(size)}, ${what}`, unit, ours: samples('ours'), theirs: samples('theirs') };
}

/** One that is started, reloaded and stopped, and takes its services with it. */
async function life(host: Host, daemon: Daemon, size: Size): Promise<Life> {
  await host.must(['ipvsadm', '-C']);
  const all = servicesOf(size);
  const full = countOf(size);
  const witness = await watch(host, size);
  daemon.configure(host, { services: all, clearing: true });
  const { started, took: start } = await begin(daemon, host, witness, full);
  await atRest(started);
  const used = memory(started.pids());
  const same = await reloaded(started);
  daemon.configure(host, {
    services: all.map((one, i) => (i === 0 ? { ...one, servers: [...one.servers, '10.199.0.1'] } : one)),
    clearing: true,
  });
  const more = await reloaded(started);
  const has = destinations(witness.pid);
  if (has !== full + 1) throw new Error(`${daemon.name}: ${has} of ${full + 1} servers after a reload`);
  const { sent, gone } = started.end('SIGTERM');
  await gone;
  const stop = (now() - sent) / 1000;
  const left = entries(witness.pid);
  await witness.stop();
  console.log(`${daemon.name}: ${nameOf(size)} ${JSON.stringify({ start, used, same, more, stop, left })}`);
  return { start, memory: used, same, more, stop, left };
}

/** Has it read its configuration again. Seconds of CPU that its processes took until they rested. */
async function reloaded(daemon: Started): Promise<number> {
  const before = cpuTime(daemon.pids());
  daemon.process.kill('SIGHUP');
  return ((await atRest(daemon)) - before) / 1000;
}

/** Waits until its processes do nothing to speak of for half a second. Their CPU time, ms. */
async function atRest(daemon: Started): Promise<number> {
  const end = now() + LIMIT;
  for (let last = cpuTime(daemon.pids()); now() < end; ) {
    await sleep(500);
    const used = cpuTime(daemon.pids());
    if (used - last < 10) return used;
    last = used;
  }
  throw new Error(`the processes are still busy after ${LIMIT} ms`);
}

async function restart(host: Host, daemon: Daemon, size: Size, tapped: boolean): Promise<Restart> {
  const full = countOf(size);
  await host.must(['ipvsadm', '-C']);
  daemon.configure(host, { services: servicesOf(size) });
  const witness = await watch(host, size);
  const first = await begin(daemon, host, witness, full);
  await atRest(first.started);
  const second = await again(daemon, host, witness, full, first.started);
  let changes = Number.NaN;
  let last = second.started;
  // The tap costs time: the restart that is counted is not the one that is timed.
  if (tapped) {
    const tap = await tapIpvs(host);
    last = (await again(daemon, host, witness, full, last)).started;
    // What it asks passes the tap too, which would never be empty.
    await witness.stop();
    changes = await tap.stop();
  }
  await last.end('SIGTERM').gone;
  await witness.stop();
  return { restart: second.took, lacking: second.lacking, changes };
}

type Begun = { readonly started: Started; readonly took: number; readonly lacking: number };

/** A process on the host that looks at the first and the last service; by it the host's part of /proc can be read too. */
async function watch(host: Host, size: Size): Promise<Running> {
  const all = servicesOf(size);
  const ends = new Set([all.at(0), all.at(-1)].map((service) => `${service?.address}:80`));
  const running = host.node(join(import.meta.dirname, 'ipvs-watch.ts'), [String(size.servers), ...ends]);
  await running.printed(/lacking/);
  return running;
}

/** Since when the services that are watched are as they are. */
function seen(witness: Running): {
  readonly full: boolean;
  readonly at: number;
  readonly lacking: (since: number) => number;
} {
  const lines = [...witness.output().matchAll(/^(full|lacking) ([\d.]+)$/gm)].map(([, state, at]) => ({
    full: state === 'full',
    at: Number(at),
  }));
  const last = lines.at(-1) ?? { full: false, at: Number.NaN };
  /** Milliseconds from `since` on during which they were not there. */
  const lacking = (since: number): number =>
    lines.reduce(
      (sum, { full, at }, i) => sum + (full ? 0 : Math.max(0, (lines[i + 1]?.at ?? now()) - Math.max(at, since))),
      0,
    );
  return { ...last, lacking };
}

/** Starts it and waits until it is ready and the table full. `since`: from when on time is counted. */
async function begin(daemon: Daemon, host: Host, witness: Running, full: number, since = now()): Promise<Begun> {
  const started = daemon.start(host);
  let ready = Number.NaN;
  for (;;) {
    const { full: there, at, lacking } = seen(witness);
    // keepalived says nothing when it is done, so it is when the table is.
    if (daemon.name === 'keepalived') ready = since;
    else if (Number.isNaN(ready) && daemon.ready.test(started.process.output())) ready = now();
    // The ends of the table are looked at all the time, and all of it once.
    if (there && !Number.isNaN(ready) && destinations(witness.pid) === full) {
      const took = Math.max(at, ready) - since;
      console.log(`${daemon.name}: ${full} servers, ${round(took)} ms`);
      return { started, took: took / 1000, lacking: lacking(since) / 1000 };
    }
    if (started.process.exit !== null)
      throw new Error(`${daemon.name} ended:\n${started.process.output().slice(-2000)}`);
    if (now() - since > LIMIT) {
      const found = `${destinations(witness.pid)} of ${full} servers`;
      throw new Error(`${daemon.name}: ${found} after ${LIMIT} ms:\n${started.process.output().slice(-2000)}`);
    }
    await sleep(10);
  }
}

async function again(daemon: Daemon, host: Host, witness: Running, full: number, old: Started): Promise<Begun> {
  const { sent, gone } = old.end('SIGTERM');
  await gone;
  return begin(daemon, host, witness, full, sent);
}

/** How many there are in the table of the process's network namespace. */
function destinations(pid: number): number {
  const text = readFileSync(`/proc/${pid}/net/ip_vs`, 'latin1');
  let count = 0;
  for (let at = text.indexOf('->'); at >= 0; at = text.indexOf('->', at + 2)) count++;
  // The heading has one.
  return count - 1;
}

/** How many services and servers there are in that table. */
const entries = (pid: number): number =>
  readFileSync(`/proc/${pid}/net/ip_vs`, 'latin1')
    .split('\n')
    .filter((line) => /^(TCP|UDP|SCTP|FWM| {2}->) /.test(line)).length - 1;

/** Seconds that `ipvsadm -R` and `ipvsadm -C` take; medians of three. */
async function byIpvsadm(
  host: Host,
  all: readonly Service[],
): Promise<{ readonly load: number; readonly clear: number }> {
  const lines = all.flatMap(({ address, servers }) => [
    `-A -t ${address}:80 -s rr`,
    ...servers.map((server) => `-a -t ${address}:80 -r ${server}:80 -m -w 1`),
  ]);
  const load: number[] = [];
  const clear: number[] = [];
  const timed = async (times: number[], argv: readonly string[], input = ''): Promise<void> => {
    const since = now();
    await host.must(argv, input);
    times.push((now() - since) / 1000);
  };
  for (let run = 0; run < 3; run++) {
    await timed(load, ['ipvsadm', '-R'], `${lines.join('\n')}\n`);
    await timed(clear, ['ipvsadm', '-C']);
  }
  return { load: quantile(load, 0.5), clear: quantile(clear, 0.5) };
}
