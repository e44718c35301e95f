/** What processes cost, as the kernel accounts for it. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../lab/process.ts';

/** CPU time of the processes so far, in ms: of all threads that live, by the scheduler's own nanoseconds. */
export function cpuTime(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids)
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return nanoseconds / 1e6;
}

/** Share of one CPU that each group of processes uses during `milliseconds`, in percent. */
export async function cpuShares(groups: readonly (readonly number[])[], milliseconds: number): Promise<number[]> {
  const [before, start] = [groups.map(cpuTime), now()];
  await sleep(milliseconds);
  const [after, end] = [groups.map(cpuTime), now()];
  return groups.map((_, i) => (100 * ((after[i] ?? 0) - (before[i] ?? 0))) / (end - start));
}

/** Memory in MiB: what the processes have alone, and their part of what they share. */
export function memory(pids: readonly number[]): number {
  let kib = 0;
  for (const pid of pids)
    kib += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
  return kib / 1024;
}
