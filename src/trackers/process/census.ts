/**
 * Which programs run, by /proc (proc(5)), for all tracked processes together.
 *
 * What was found once is looked at again by its pid; only when too few of those are left are all processes of the machine gone
 * through, some at a time. So a thing that is well costs next to nothing, however many processes there are.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { seconds } from '../../base/time.ts';
import { type Repeat, repeat } from '../repeat.ts';
import type { Clock, Watcher } from '../watch.ts';

export type Census = {
  /**
   * Tells every second how many processes of that name run; it may be less than all of them once there are `enough`.
   * `undefined`: /proc cannot be read.
   */
  watch(name: string, enough: number, told: (running: number | undefined) => void): Watcher;
};

const EVERY = seconds(1);
/** Processes looked at before others get a turn of the event loop: some 2 ms. */
const AT_ONCE = 100;
/** comm is cut to so many bytes (TASK_COMM_LEN, with its final zero). */
const COMM = 15;

type Sought = {
  readonly name: string;
  readonly enough: number;
  readonly told: (running: number | undefined) => void;
  pids: readonly string[];
};

export function createCensus(clock: Clock, proc = '/proc'): Census {
  const all = new Set<Sought>();
  let looks: Repeat | undefined;

  async function look(): Promise<void> {
    const asked = [...all];
    for (const sought of asked) sought.pids = await those(sought.pids, (pid) => isIt(proc, pid, sought.name));
    const lacking = asked.filter((sought) => sought.pids.length < sought.enough);
    const counted = lacking.length === 0 || (await goThrough(proc, lacking));
    for (const sought of asked)
      if (all.has(sought)) sought.told(counted || !lacking.includes(sought) ? sought.pids.length : undefined);
  }

  return {
    watch(name, enough, told) {
      const sought: Sought = { name, enough, told, pids: [] };
      all.add(sought);
      if (looks === undefined) looks = repeat(clock, EVERY, look);
      else looks.again();
      return {
        close() {
          all.delete(sought);
          if (all.size > 0) return;
          looks?.close();
          looks = undefined;
        },
      };
    },
  };
}

/** Goes through all processes. `false`: that cannot be done. */
async function goThrough(proc: string, lacking: readonly Sought[]): Promise<boolean> {
  let pids: string[];
  try {
    pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return false;
  }
  const found = new Map(lacking.map((sought) => [sought, [] as string[]]));
  for (const [i, pid] of pids.entries()) {
    if (i % AT_ONCE === AT_ONCE - 1) await turn();
    const comm = commOf(proc, pid);
    if (comm === undefined) continue;
    for (const [sought, its] of found)
      if (mayBe(comm, sought.name) && (await isIt(proc, pid, sought.name))) its.push(pid);
  }
  for (const [sought, its] of found) sought.pids = its;
  return true;
}

const mayBe = (comm: string, name: string): boolean =>
  comm === name || (name.startsWith(comm) && Buffer.byteLength(comm) === COMM);

async function isIt(proc: string, pid: string, name: string): Promise<boolean> {
  const comm = commOf(proc, pid);
  if (comm === undefined || !mayBe(comm, name)) return false;
  return (comm === name || (await argumentsOf(proc, pid)).includes(name)) && !isZombie(proc, pid);
}

function commOf(proc: string, pid: string): string | undefined {
  try {
    return readFileSync(join(proc, pid, 'comm'), 'utf8').replace(/\n$/, '');
  } catch {
    return undefined;
  }
}

/**
 * The names of the program and, should it be an interpreter, of its script. Not read in line: /proc/PID/cmdline
 * waits for a process that hangs in the kernel with its memory locked.
 */
async function argumentsOf(proc: string, pid: string): Promise<readonly string[]> {
  const line = await readFile(join(proc, pid, 'cmdline'), 'utf8').catch(() => '');
  return line.split('\0', 2).map((argument) => argument.slice(argument.lastIndexOf('/') + 1));
}

/** Ended, and only not yet waited for. The state stands behind the name, which may hold anything. */
function isZombie(proc: string, pid: string): boolean {
  try {
    const stat = readFileSync(join(proc, pid, 'stat'), 'utf8');
    return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return true;
  }
}

async function those(pids: readonly string[], keep: (pid: string) => Promise<boolean>): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const pid of pids) if (await keep(pid)) kept.push(pid);
  return kept;
}
