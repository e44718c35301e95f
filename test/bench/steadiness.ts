/**
 * Whether a pair at 10 ms keeps its master while every core is busy with other work. Both daemons, and keepalived a second
 * time with its options for this, run at once under the same load, two directors each.
 */

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture } from '../lab/capture.ts';
import { createNetwork } from '../lab/network.ts';
import { type Daemon, keepalived, lvskeeper } from './daemons.ts';
import { type Figure, type Findings, quantile } from './figures.ts';

const INTERVAL = 10;
/** Time under load, in ms. */
const LOADED = 60_000;

export async function measure(): Promise<Findings> {
  const network = await createNetwork();
  try {
    const client = await network.host('client', '10.77.0.10');
    const wire = await capture(client, 'ip proto 112');
    const daemons: readonly Daemon[] = [lvskeeper(), keepalived(), keepalived({ realtime: true })];
    const pairs: { readonly master: string; readonly backup: string }[] = [];
    for (const [i, daemon] of daemons.entries()) {
      const id = i + 1;
      const hosts = [
        await network.host(`${daemon.name}-${id}1`, `10.77.0.${id}1`),
        await network.host(`${daemon.name}-${id}2`, `10.77.0.${id}2`),
      ] as const;
      for (const host of hosts)
        daemon.configure(host, { routers: [{ routerId: id, address: `10.77.1.${id}`, interval: INTERVAL }] });
      daemon.start(hosts[0]);
      await wire.seen(({ ip }) => ip?.vrrp != null && ip.source === hosts[0].address, 30_000);
      await daemon.start(hosts[1]).process.printed(daemon.ready, 30_000);
      pairs.push({ master: hosts[0].address, backup: hosts[1].address });
    }
    await sleep(3000);
    const hogs = cpus().map(() => client.spawn(['sh', '-c', 'while :; do :; done']));
    const from = wire.packets().length;
    await sleep(LOADED);
    for (const hog of hogs) hog.kill('SIGKILL');
    await wire.stop();
    const packets = wire.packets().slice(from);
    const found = pairs.map(({ master, backup }) => {
      const times = packets.filter(({ ip }) => ip?.source === master).map(({ at }) => at);
      const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
      // A backup that speaks has taken over, or wants to.
      return { gaps, failovers: packets.filter(({ ip }) => ip?.source === backup).length };
    });
    const [ours, plain, tuned] = found;
    const none = { gaps: [], failovers: Number.NaN };
    return {
      figures: (
        [
          ['as installed', plain],
          ['keepalived real-time', tuned],
        ] as const
      ).flatMap(([what, theirs]): Figure[] => [
        {
          what: `${what}: adverts of the backup`,
          unit: '',
          ours: [(ours ?? none).failovers],
          theirs: [(theirs ?? none).failovers],
        },
        ...([0.5, 0.99, 1] as const).map(
          (part): Figure => ({
            what: `${what}: gap ${part === 0.5 ? 'median' : part === 1 ? 'max' : 'p99'}`,
            unit: 'ms',
            ours: [quantile((ours ?? none).gaps, part)],
            theirs: [quantile((theirs ?? none).gaps, part)],
          }),
        ),
      ]),
      notes: [
        `Adverts every ${INTERVAL} ms for ${LOADED / 1000} s beside ${hogs.length} busy loops on ${cpus().length} cores. No advert of the backup: no false take-over.`,
      ],
    };
  } finally {
    await network.close();
  }
}
