/**
 * What a health check costs the checker process in CPU. The servers are one process on another host that has all their
 * addresses; that the checks happen is counted by that host's kernel.
 *
 * keepalived's checker does not run on a kernel without IPVS, ours does. So it is measured on this machine's kernel,
 * keepalived too if that has IPVS; and both, at a lower rate, in the guest, whose system calls are slow.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork, type Host } from '../lab/network.ts';
import { eventually, now } from '../lab/process.ts';
import { type Check, type Column, type Daemon, keepalived, lvskeeper, type Service } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';
import { cpuTime } from './usage.ts';

/** Time that checks are counted, in ms. */
const COUNTED = 10_000;
const PER_SERVICE = 10;

type Cost = {
  /** Microseconds of CPU. */
  readonly each: number;
  readonly perSecond: number;
};

export async function measure(): Promise<Findings> {
  const guest = process.env.LAB_KERNEL === 'guest';
  const rate = guest ? 50 : 1000;
  const notes = [`${rate} checks a second wanted, each on a new connection, for ${COUNTED / 1000} s.`];
  const figures: Figure[] = [];
  // A start takes long in the guest.
  for (const check of guest ? (['tcp'] as const) : (['tcp', 'http'] as const)) {
    const costs: Record<Column, Cost | string> = {
      ours: await cost(lvskeeper(), check, rate),
      theirs: await cost(keepalived(), check, rate),
    };
    for (const cell of Object.values(costs)) if (typeof cell === 'string' && !notes.includes(cell)) notes.push(cell);
    const row = (what: string, unit: Figure['unit'], key: keyof Cost): Figure => {
      const samples = (cell: Cost | string): number[] => (typeof cell === 'string' ? [] : [cell[key]]);
      return { what: `${check}, ${what}`, unit, ours: samples(costs.ours), theirs: samples(costs.theirs) };
    };
    figures.push(row('CPU per check', 'µs', 'each'), row('checks per second', '', 'perSecond'));
  }
  return { figures, notes };
}

/** Or a sentence, when it does not check. */
async function cost(daemon: Daemon, check: Check, rate: number): Promise<Cost | string> {
  const network = await createNetwork();
  try {
    const director = await network.host('director', '10.77.0.11');
    const servers = await network.host('servers', '10.77.0.21');
    await servers.must(['ip', 'route', 'add', 'local', '10.128.0.0/16', 'dev', 'lo']);
    await servers.sysctl({ 'net.core.somaxconn': 4096 });
    await director.must(['ip', 'route', 'add', '10.128.0.0/16', 'via', servers.address]);
    const server = servers.node(join(import.meta.dirname, 'server.ts'));
    await server.printed(/listening/, 60_000);
    daemon.configure(director, { services: services(rate / PER_SERVICE, PER_SERVICE, check) });
    const started = daemon.start(director);
    const working = await eventually('checks', 40_000, async () => {
      if (started.process.exit !== null) return 'ended';
      return (await accepted(servers)) >= 2 * rate ? 'working' : undefined;
    }).catch(() => 'silent');
    if (working !== 'working') return `${daemon.name} does not check on this kernel: it has no IPVS.`;
    // Compiling what became hot is over.
    await sleep(5000);
    const [, checker = 0] = started.pids();
    const [connections, cpu, start] = [await accepted(servers), cpuTime([checker]), now()];
    await sleep(COUNTED);
    const [more, used, end] = [await accepted(servers), cpuTime([checker]), now()];
    await started.end('SIGTERM').gone;
    const count = more - connections;
    return { each: (1000 * (used - cpu)) / count, perSecond: (1000 * count) / (end - start) };
  } finally {
    await network.close();
  }
}

/** Services at 10.200.0.0/16, each with its own servers at 10.128.0.0/16. */
export function services(count: number, servers: number, check: Check): Service[] {
  const address = (network: string, i: number): string => `${network}.${i >> 8}.${i & 255}`;
  return Array.from({ length: count }, (_, s) => ({
    address: address('10.200', s),
    servers: Array.from({ length: servers }, (_, d) => address('10.128', s * servers + d)),
    check,
  }));
}

/** Connections that the host's kernel has accepted so far. */
async function accepted(host: Host): Promise<number> {
  const lines = (await host.must(['cat', '/proc/net/snmp'])).split('\n').filter((line) => line.startsWith('Tcp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('PassiveOpens')]);
}
