/**
 * What crashes of a director do to its IPVS table: for how long a server that is known dead gets connections, and for how
 * long the one that is well gets none. A director of each daemon is struck at the same moment, in one kernel.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork, type Host, type Network } from '../lab/network.ts';
import { eventually, now } from '../lab/process.ts';
import { startAnswering } from './check-world.ts';
import { aftermath, describe, type Strike, strike, strikesAt } from './crash.ts';
import { BOTH, type Column, type Daemon, keepalived, lvskeeper, type Started } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';

const [WELL, DEAD] = ['10.77.0.21', '10.77.0.22'];
/** Milliseconds from one look at the table to the next: that is how exact the figures are. */
const EVERY = 50;

/** Milliseconds; `after`: dead servers that still get connections in the end. */
type Suffered = { readonly dead: number; readonly none: number; readonly after: number };
type Director = {
  readonly daemon: Daemon;
  readonly host: Host;
  /** A process of the host's own, by which its part of /proc can be read whatever the daemon does. */
  readonly witness: number;
  running: Started;
};

export async function measure(): Promise<Findings> {
  const network = await createNetwork();
  try {
    const servers = await network.host('well', WELL);
    await network.host('dead', DEAD);
    await startAnswering(servers, join(servers.directory, 'seen'), 1);
    const directors: Record<Column, Director> = {
      ours: await createDirector(network, lvskeeper(), 11),
      theirs: await createDirector(network, keepalived(), 12),
    };
    const figures: Figure[] = [];
    for (const each of strikesAt('checker', 'parent', 'all')) {
      const seen = await Promise.all(BOTH.map((column) => suffer(directors[column], each)));
      const row = (what: string, unit: Figure['unit'], key: keyof Suffered): Figure => ({
        what: `${describe(each)}: ${what}`,
        unit,
        ours: [seen[0]?.[key] ?? Number.NaN],
        theirs: [seen[1]?.[key] ?? Number.NaN],
      });
      figures.push(
        row('dead server in use', 'ms', 'dead'),
        row('no server in use', 'ms', 'none'),
        row('dead in use in the end', '', 'after'),
      );
    }
    return {
      figures,
      notes: [
        'One service, one server that is well and one that refuses connections, each checked once a second over TCP. The guest is pinned to one CPU and slow: starts take longer than elsewhere.',
      ],
    };
  } finally {
    await network.close();
  }
}

async function createDirector(network: Network, daemon: Daemon, number: number): Promise<Director> {
  const host = await network.host(daemon.name, `10.77.0.${number}`);
  daemon.configure(host, { services: [{ address: '10.200.0.1', servers: [WELL, DEAD], check: 'tcp' }] });
  const witness = host.spawn(['sleep', '600']).pid;
  return { daemon, host, witness, running: daemon.start(host) };
}

async function suffer(director: Director, each: Strike): Promise<Suffered> {
  await eventually(`${director.daemon.name} to use the server that is well alone`, 60_000, () =>
    inUse(director.witness).join() === WELL ? true : undefined,
  );
  // What starting cost is over, and the dead server has been found dead more than once.
  await sleep(3000);
  const watch = watchTable(director.witness);
  director.running = await strike(each, director.daemon, director.host, director.running);
  await aftermath();
  return watch.stop();
}

function watchTable(witness: number): { stop(): Suffered } {
  let [dead, none, last] = [0, 0, now()];
  function look(): readonly string[] {
    const [servers, at] = [inUse(witness), now()];
    if (servers.includes(DEAD)) dead += at - last;
    if (servers.length === 0) none += at - last;
    last = at;
    return servers;
  }
  const timer = setInterval(look, EVERY);
  return {
    stop() {
      clearInterval(timer);
      const after = look().filter((server) => server === DEAD).length;
      return { dead, none, after };
    },
  };
}

/** The servers with a weight above 0, as the kernel lists them to a process of the host: `-> 0A4D0015:0050 Masq 1 0 0`. */
export function inUse(witness: number): string[] {
  const text = readFileSync(`/proc/${witness}/net/ip_vs`, 'latin1');
  return [...text.matchAll(/-> ([0-9A-F]{8}):[0-9A-F]{4} +\w+ +(\d+)/g)]
    .filter(([, , weight]) => Number(weight) > 0)
    .map(([, address = '']) => [...Buffer.from(address, 'hex')].join('.'));
}
