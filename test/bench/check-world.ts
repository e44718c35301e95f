/** A director, and behind one other host the servers that it checks: one process that has all their addresses, and counts. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNetwork, type Host, type Network } from '../lab/network.ts';
import { must, type Running } from '../lab/process.ts';
import { type Check, type Daemon, keepalived, lvskeeper, type Service } from './daemons.ts';

export type CheckWorld = {
  readonly network: Network;
  readonly director: Host;
  readonly servers: Host;
  /** What the servers have seen: probes so far, and when, in the milliseconds of `now`, the last of them saw its first. */
  readonly probes: () => number;
  readonly complete: () => number | undefined;
  readonly close: () => Promise<void>;
};

/** `count`: servers, at 10.128.0.0/16 from the first address on. */
export async function createCheckWorld(count: number): Promise<CheckWorld> {
  const network = await createNetwork();
  const director = await network.host('director', '10.77.0.11');
  const servers = await network.host('servers', '10.77.0.21');
  await servers.must(['ip', 'route', 'add', 'local', '10.128.0.0/16', 'dev', 'lo']);
  await servers.sysctl({ 'net.core.somaxconn': 65_535, 'net.ipv4.tcp_max_syn_backlog': 65_535 });
  await director.must(['ip', 'route', 'add', '10.128.0.0/16', 'via', servers.address]);
  const file = join(servers.directory, 'seen');
  await startAnswering(servers, file, count);
  const read = (at: number): number => Number(readFileSync(file).readBigUInt64LE(8 * at));
  return {
    network,
    director,
    servers,
    probes: () => read(0),
    complete: () => (read(2) === 0 ? undefined : read(2) / 1e6),
    async close() {
      // A namespace with a hundred thousand connections in TIME_WAIT would keep them for a minute.
      const cables = readdirSync('/sys/class/net').filter((name) => existsSync(`/run/netns/${name}`));
      await must(['ip', '-batch', '-'], cables.map((name) => `link delete ${name}\n`).join(''));
      await network.close();
    },
  };
}

/** Servers on all addresses of the host; `answering.c` says what stands in `file`. */
export async function startAnswering(host: Host, file: string, count: number, port = 80): Promise<Running> {
  const answering = await compiled('answering');
  const running = host.spawn([answering, file, String(count), String(port)]);
  await running.printed(/listening/);
  return running;
}

/** The file that is made of `NAME.c` here, once in the life of the world. */
async function compiled(name: string, flags: readonly string[] = []): Promise<string> {
  const made = join('/tmp', `bench-${name}`);
  const source = join(import.meta.dirname, `${name}.c`);
  if (!existsSync(made)) await must(['cc', '-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', made, source]);
  return made;
}

/** Where a keepalived that `checkers` gives writes what it changes in the table; `ipvs-options.c` says how. */
export const changesOf = (director: Host): string => join(director.directory, 'ipvs-changes');

/** Both daemons as they check here. On a kernel without IPVS keepalived is given the semblance of it, or it checks nothing. */
export async function checkers(node: string, director: Host): Promise<readonly [ours: Daemon, theirs: Daemon]> {
  if (existsSync('/proc/net/ip_vs')) return [lvskeeper(node), keepalived()];
  const library = await compiled('ipvs-options', ['-shared', '-fPIC']);
  return [lvskeeper(node), keepalived({ preload: [`LD_PRELOAD=${library}`, `IPVS_CHANGES=${changesOf(director)}`] })];
}

const address = (network: string, i: number): string => `${network}.${i >> 8}.${i & 255}`;

/** Services at 10.200.0.0/16, each with its own servers at 10.128.0.0/16; or with the same, when they share them. */
export function services(count: number, servers: number, check: Check, shared = false): Service[] {
  return Array.from({ length: count }, (_, s) => ({
    address: address('10.200', s),
    servers: Array.from({ length: servers }, (_, d) => address('10.128', (shared ? 0 : s * servers) + d)),
    check,
  }));
}
