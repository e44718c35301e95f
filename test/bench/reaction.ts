/**
 * How steadily a master sends its adverts while every core is busy with other work. Both daemons, and keepalived a second
 * time with its options for this, are masters at once under the same load, each on a host of its own.
 */

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from '../lab/capture.ts';
import { createNetwork } from '../lab/network.ts';
import { must } from '../lab/process.ts';
import { type Daemon, keepalived, lvskeeper } from './daemons.ts';
import { type Figure, type Findings, quantile } from './figures.ts';

const INTERVAL = 100;
/** Time under load, in ms. */
const LOADED = 20_000;

export async function measure(): Promise<Findings> {
  const network = await createNetwork();
  try {
    const client = await network.host('client', '10.77.0.10');
    const wire = await capture(client, 'ip proto 112');
    const masters: { readonly address: string; readonly pids: readonly number[] }[] = [];
    const daemons: readonly Daemon[] = [lvskeeper(), keepalived(), keepalived({ realtime: true })];
    for (const [i, daemon] of daemons.entries()) {
      const host = await network.host(`${daemon.name}-${i}`, `10.77.0.${11 + i}`);
      daemon.configure(host, { routers: [{ routerId: i + 1, address: `10.77.1.${i + 1}`, interval: INTERVAL }] });
      const { pids } = daemon.start(host);
      await wire.seen(({ ip }) => ip?.vrrp != null && ip.source === host.address, 30_000);
      masters.push({ address: host.address, pids: pids() });
    }
    await sleep(2000);
    const hogs = cpus().map(() => client.spawn(['sh', '-c', 'while :; do :; done']));
    await sleep(200);
    const from = wire.packets().length;
    await sleep(LOADED);
    const packets = wire.packets().slice(from);
    for (const hog of hogs) hog.kill('SIGKILL');

    const gaps = masters.map(({ address }) => {
      const times = packets.filter(({ ip }) => ip?.source === address).map(({ at }) => at);
      return times.slice(1).map((at, i) => at - (times[i] ?? 0));
    });
    const [ours = [], plain = [], tuned = []] = gaps;
    const figures = [
      ['as installed', plain],
      ['keepalived real-time', tuned],
    ] as const;
    return {
      figures: figures.flatMap(([what, theirs]) =>
        [0.5, 0.99, 1].map(
          (part): Figure => ({
            what: `${what}: gap ${part === 0.5 ? 'median' : part === 1 ? 'max' : 'p99'}`,
            unit: 'ms',
            ours: [quantile(ours, part)],
            theirs: [quantile(theirs, part)],
          }),
        ),
      ),
      notes: [
        `Adverts every ${INTERVAL} ms for ${LOADED / 1000} s beside ${hogs.length} busy loops on ${cpus().length} cores.`,
        `Scheduling of the busiest process of each: ${(await Promise.all(masters.map(({ pids }) => classOf(pids)))).join('; ')}.`,
      ],
    };
  } finally {
    await network.close();
  }
}

/** By chrt(1): SCHED_FIFO where one of them has it. */
async function classOf(pids: readonly number[]): Promise<string> {
  const all = await Promise.all(pids.map((pid) => must(['chrt', '-p', String(pid)])));
  const policies = all.map((text) => /policy: (\S+)/.exec(text)?.[1] ?? 'unknown');
  return policies.find((policy) => policy !== 'SCHED_OTHER') ?? 'SCHED_OTHER';
}
