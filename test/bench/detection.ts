/** From the killing of a server's listener to its weight being another: the time that `fall` takes, and what a daemon adds. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../lab/network.ts';
import { eventually, now, type Running } from '../lab/process.ts';
import { changesOf, checkers, createCheckWorld, startAnswering } from './check-world.ts';
import { inUse } from './crash-table.ts';
import { BOTH, type Column } from './daemons.ts';
import type { Figure } from './figures.ts';

const FALL = 3;
const VICTIM = '10.77.0.31';

export async function detections(runs: number): Promise<Figure> {
  const found: Record<Column, number[]> = { ours: [], theirs: [] };
  for (const column of BOTH) found[column] = await detect(column, runs);
  return { what: `fall of ${FALL} at 1 s: listener killed to weight changed`, unit: 'ms', ...found };
}

async function detect(column: Column, runs: number): Promise<number[]> {
  const world = await createCheckWorld(1);
  try {
    const { network, director } = world;
    const victim = await network.host('victim', VICTIM);
    const seen = join(victim.directory, 'seen');
    let listener = await startAnswering(victim, seen, 1);
    const daemon = (await checkers(process.execPath, director))[BOTH.indexOf(column)];
    if (daemon === undefined) throw new Error(`no daemon for ${column}`);
    const servers = ['10.128.0.0', VICTIM];
    daemon.configure(director, { services: [{ address: '10.200.0.1', servers, check: 'tcp', fall: FALL }] });
    const { process: started } = daemon.start(director);
    const isIn = looksIn(column, director, started);
    const becomes = (wanted: boolean, every?: number): Promise<true> =>
      eventually(`the server to be ${wanted ? 'in' : 'out'}`, 60_000, () => isIn() === wanted || undefined, every);
    const times: number[] = [];
    for (let i = 0; i < runs; i++) {
      await becomes(true);
      // It is in since a probe ended: evenly over the interval that began then.
      await sleep(3000 + (1000 * (i + 0.5)) / runs);
      const killed = now();
      listener.kill('SIGKILL');
      await becomes(false, 2);
      times.push(now() - killed);
      listener = await startAnswering(victim, seen, 1);
    }
    return times;
  } finally {
    await world.close();
  }
}

/** Whether the server has a weight: in the kernel, or where that has no IPVS, by what the daemon last did about it. */
function looksIn(column: Column, director: Host, daemon: Running): () => boolean {
  if (existsSync('/proc/net/ip_vs')) {
    const witness = director.spawn(['sleep', '600']).pid;
    return () => inUse(witness).includes(VICTIM);
  }
  if (column === 'ours') return () => daemon.output().match(OURS)?.at(-1)?.endsWith('up') === true;
  const file = changesOf(director);
  return () => existsSync(file) && Number(readFileSync(file, 'utf8').match(THEIRS)?.at(-1)?.split(' ').at(-1)) > 0;
}

const OURS = new RegExp(`server ${VICTIM}\\S* \\w+ → (up|down)`, 'g');
const THEIRS = new RegExp(`${VICTIM} \\d+ \\d+`, 'g');
