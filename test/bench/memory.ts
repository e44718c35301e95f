/** What both daemons take while nothing happens: memory and CPU, as master and as backup, with 1 virtual router and with 50. */

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNetwork } from '../lab/network.ts';
import { eventually } from '../lab/process.ts';
import { type Column, keepalived, lvskeeper, type Router } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';
import { cpuShares, memory } from './usage.ts';

/** Time that CPU is counted, in ms. */
const COUNTED = 10_000;
const INTERVAL = 1000;

export async function measure(): Promise<Findings> {
  const figures: Figure[] = [];
  for (const routers of [1, 50]) {
    const [ours, theirs] = [await idle('ours', routers), await idle('theirs', routers)];
    const size = routers === 1 ? '1 router' : `${routers} routers`;
    const row = (what: string, unit: Figure['unit'], key: keyof Idle): Figure => ({
      what: `${size}, ${what}`,
      unit,
      ours: [ours[key]],
      theirs: [theirs[key]],
    });
    figures.push(row('PSS of all processes', 'MiB', 'memory'));
    figures.push(row('CPU as master', '%', 'master'), row('CPU as backup', '%', 'backup'));
  }
  return {
    figures,
    notes: [
      `PSS of a master that is alone on the machine; CPU of one core over ${COUNTED / 1000} s at an interval of ${INTERVAL} ms, all processes.`,
      'Our runtime is a copy of its own here, so that other Node programs on the machine bear no part of its pages.',
    ],
  };
}

type Idle = { readonly memory: number; readonly master: number; readonly backup: number };

async function idle(column: Column, count: number): Promise<Idle> {
  const network = await createNetwork();
  try {
    const [one, two] = [await network.host('one', '10.77.0.11'), await network.host('two', '10.77.0.12')];
    const node = join(one.directory, 'node');
    if (column === 'ours') copyFileSync(process.execPath, node);
    const daemon = column === 'ours' ? lvskeeper(node) : keepalived();
    const routers = Array.from(
      { length: count },
      (_, i): Router => ({ routerId: i + 1, address: `10.77.1.${i + 1}`, interval: INTERVAL }),
    );
    for (const host of [one, two]) daemon.configure(host, { routers });
    const master = daemon.start(one);
    await eventually(`${count} addresses on the master`, 30_000, async () => {
      const { stdout } = await one.exec(['ip', '-4', '-o', 'address', 'show', 'dev', 'eth0']);
      return stdout.split('\n').filter((line) => line.includes('10.77.1.')).length === count ? true : undefined;
    });
    // The second burst of gratuitous ARP comes 5 s after the first.
    await sleep(6000);
    const alone = memory(master.pids());
    const backup = daemon.start(two);
    await backup.process.printed(daemon.ready, 30_000);
    await sleep(3 * INTERVAL);
    const [atMaster, atBackup] = await cpuShares([master.pids(), backup.pids()], COUNTED);
    return { memory: alone, master: atMaster ?? Number.NaN, backup: atBackup ?? Number.NaN };
  } finally {
    await network.close();
  }
}
