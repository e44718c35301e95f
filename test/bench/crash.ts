/**
 * Crashes: a process of the master is killed, or sleeps for five seconds; what clients and the table go through. On this
 * machine's kernel the virtual addresses, in the guest, which has IPVS, the table.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../lab/network.ts';
import { eventually, killAll, nap } from '../lab/process.ts';
import type { Daemon, Role, Started } from './daemons.ts';
import type { Findings } from './figures.ts';

const NAP = 5000;

export type Who = Role | 'all';
export type Strike = { readonly how: 'SIGKILL' | 'SIGSTOP'; readonly who: Who };

export const describe = ({ how, who }: Strike): string => `${how === 'SIGKILL' ? 'kill -9' : 'SIGSTOP 5 s'} of ${who}`;

/** Each of them killed, then each of them asleep. */
export const strikesAt = (...all: readonly Who[]): readonly Strike[] =>
  (['SIGKILL', 'SIGSTOP'] as const).flatMap((how) => all.map((who) => ({ how, who })));

/**
 * Carries it out, and returns when who was killed is gone, or who slept is awake. Where that ended the whole daemon it is
 * started again, as soon as nothing is left of it: what runs afterwards is what it gives.
 */
export async function strike({ how, who }: Strike, daemon: Daemon, host: Host, running: Started): Promise<Started> {
  const pids = who === 'all' ? running.pids() : [await running.pidOf(who)];
  if (how === 'SIGSTOP') {
    await nap(pids, NAP);
    return running;
  }
  const all = running.pids();
  killAll(pids);
  if (who !== 'all' && who !== 'parent') return running;
  await eventually('all of it to end', 30_000, () => (all.some(isThere) ? undefined : true), 5);
  return daemon.start(host);
}

/** How long what follows a strike is looked at, in ms: a backup takes over after 3.6 s, a master that starts after 3.4 s. */
export const AFTERMATH = 9000;
export const aftermath = (): Promise<void> => sleep(AFTERMATH);

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function measure(options: { readonly runs: number }): Promise<Findings> {
  const { measure: part } = await (process.env.LAB_KERNEL === 'guest'
    ? import('./crash-table.ts')
    : import('./crash-address.ts'));
  return part(options);
}
