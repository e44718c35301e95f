/**
 * A probe that goes to a server through IPVS, as clients do, and directly too where that is asked for.
 *
 * While all is well the way through IPVS is enough: a server that answers there answers. It is probed directly as well at
 * first, then once in ten times, and every time while something is wrong: so what two probes find out costs little more than
 * one. Of several virtual addresses each has its turn; one that does not answer is probed again until it does, since failures
 * of one and the same in a row are what fails a server.
 */

import { formatEndpoint } from '../base/address.ts';
import { diagnose, type Way } from '../health/diagnosis.ts';
import type { ProbeResult, Prober, ProbeTarget, Through } from './probe.ts';

export type ThroughPorts = {
  /** The prober of the check for a target that it is to connect to. */
  readonly create: (target: ProbeTarget) => Prober;
  /** Whether a result of that way through IPVS is the server's, or a fault of this director, which is no result of the server's. */
  readonly vouch: (target: ProbeTarget, result: ProbeResult) => Promise<ProbeResult>;
};

/** Of so many probes that are well one is direct too. */
const DIRECT_EVERY = 10;

export function createThroughProber(direct: ProbeTarget, through: Through, ports: ThroughPorts): Prober {
  const ways = through.targets.map((target) => ({
    ...{ target, prober: ports.create(target) },
    way: { forward: through.forward, to: formatEndpoint(target.address) } satisfies Way,
  }));
  const straight = through.both ? ports.create(direct) : undefined;
  let turn = 0;
  /** Probes in a row that found nothing wrong. */
  let well = 0;

  async function run(): Promise<ProbeResult> {
    const { target, prober, way } = ways[turn % ways.length] as (typeof ways)[number];
    const [path, beside] = await Promise.all([
      prober.run().then((result) => ports.vouch(target, result)),
      well % DIRECT_EVERY === 0 ? straight?.run() : undefined,
    ]);
    if (path.outcome === 'down') well = 0;
    else {
      turn += 1;
      well = path.outcome === 'up' ? well + 1 : 0;
    }
    return diagnose(way, path, beside);
  }

  function close(): void {
    for (const { prober } of ways) prober.close();
    straight?.close();
  }

  return { run, close };
}
