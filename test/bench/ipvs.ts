/**
 * The IPVS table: from the start of a daemon until all of it is in the kernel, and what a restart with the same
 * configuration does to it. In one boot of one kernel, where ipvsadm(8) loads the same table for comparison.
 */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork, type Host } from '../lab/network.ts';
import { now } from '../lab/process.ts';
import { services } from './checks.ts';
import { BOTH, type Daemon, keepalived, lvskeeper, type Service, type Started } from './daemons.ts';
import { type Figure, type Findings, quantile, round } from './figures.ts';
import { tapIpvs } from './ipvs-tap.ts';

const SIZES = [100, 1000] as const;
const PER_SERVICE = 10;
/** Milliseconds that one start may take. */
const LIMIT = 120_000;

/** Seconds; `changes`: messages to the kernel that change its table. */
type Lifetime = {
  readonly start: number;
  readonly restart: number;
  readonly lacking: number;
  readonly changes: number;
};

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const network = await createNetwork();
  try {
    const host = await network.host('director', '10.77.0.11');
    const daemons = { ours: lvskeeper(), theirs: keepalived() };
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const size of SIZES) {
      const all = services(size, PER_SERVICE, 'none');
      const lifetimes = { ours: [] as Lifetime[], theirs: [] as Lifetime[] };
      for (const column of BOTH) daemons[column].configure(host, { services: all });
      for (let run = 0; run < Math.ceil(runs / 5); run++)
        for (const column of BOTH)
          lifetimes[column].push(
            await lifetime(host, daemons[column], size * PER_SERVICE, run === 0 && size === SIZES[0]),
          );
      const row = (what: string, unit: Figure['unit'], key: keyof Lifetime): Figure => ({
        what: `${size} x ${PER_SERVICE}, ${what}`,
        unit,
        ours: lifetimes.ours.map((one) => one[key]).filter((n) => !Number.isNaN(n)),
        theirs: lifetimes.theirs.map((one) => one[key]).filter((n) => !Number.isNaN(n)),
      });
      figures.push(
        row('start to full table', 's', 'start'),
        row('restart, same config', 's', 'restart'),
        row('restart: table not full for', 's', 'lacking'),
        row('restart: changes made', '', 'changes'),
      );
      notes.push(`ipvsadm -R of the table of ${size} x ${PER_SERVICE}: ${round(await byIpvsadm(host, all))} s.`);
    }
    notes.push(
      'A restart is SIGTERM and a start, until the daemon is ready and the table full. The guest is pinned to one CPU and slow: only the ratios mean something.',
    );
    return { figures, notes };
  } finally {
    await network.close();
  }
}

async function lifetime(host: Host, daemon: Daemon, full: number, tapped: boolean): Promise<Lifetime> {
  await host.must(['ipvsadm', '-C']);
  // A process of the host's own, by which its part of /proc can be read whatever the daemon does.
  const witness = host.spawn(['sleep', '600']);
  const first = await begin(daemon, host, witness.pid, full);
  await sleep(1000);
  const second = await again(daemon, host, witness.pid, full, first.started);
  let changes = Number.NaN;
  let last = second.started;
  // The tap costs time: the restart that is counted is not the one that is timed.
  if (tapped) {
    const tap = await tapIpvs(host);
    last = (await again(daemon, host, witness.pid, full, last)).started;
    changes = await tap.stop();
  }
  await last.end('SIGTERM').gone;
  await witness.stop();
  return { start: first.took, restart: second.took, lacking: second.lacking, changes };
}

type Begun = { readonly started: Started; readonly took: number; readonly lacking: number };

/** Starts it and waits until it is ready and the table full. `since`: from when on time is counted. */
async function begin(daemon: Daemon, host: Host, witness: number, full: number, since = now()): Promise<Begun> {
  const started = daemon.start(host);
  let lacking = 0;
  let ready = false;
  for (let last = since; ; ) {
    const before = now();
    const lacks = destinations(witness) < full;
    if (lacks) lacking += before - last;
    // keepalived says nothing when it is done, so it is when the table is.
    ready ||= daemon.name === 'keepalived' || daemon.ready.test(started.process.output());
    if (ready && !lacks) {
      console.log(`${daemon.name}: ${full} servers, ${round(before - since)} ms`);
      return { started, took: (before - since) / 1000, lacking: lacking / 1000 };
    }
    last = before;
    if (started.process.exit !== null)
      throw new Error(`${daemon.name} ended:\n${started.process.output().slice(-2000)}`);
    if (before - since > LIMIT) {
      const found = `${destinations(witness)} of ${full} servers`;
      throw new Error(`${daemon.name}: ${found} after ${LIMIT} ms:\n${started.process.output().slice(-2000)}`);
    }
    // Reading the table costs the daemon time when there is one CPU: an eighth at most.
    await sleep(Math.max(5, 8 * (now() - before)));
  }
}

async function again(daemon: Daemon, host: Host, witness: number, full: number, old: Started): Promise<Begun> {
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

/** Seconds that `ipvsadm -R` takes; median of three. */
async function byIpvsadm(host: Host, all: readonly Service[]): Promise<number> {
  const lines = all.flatMap(({ address, servers }) => [
    `-A -t ${address}:80 -s rr`,
    ...servers.map((server) => `-a -t ${address}:80 -r ${server}:80 -m -w 1`),
  ]);
  const times: number[] = [];
  for (let run = 0; run < 3; run++) {
    await host.must(['ipvsadm', '-C']);
    const since = now();
    await host.must(['ipvsadm', '-R'], `${lines.join('\n')}\n`);
    times.push((now() - since) / 1000);
  }
  await host.must(['ipvsadm', '-C']);
  return quantile(times, 0.5);
}
