/**
 * Runs probes of `ping` in the namespace that it is started in. Argument: a list in JSON of what to probe, one after another:
 * `{ address, check?, target?, probers? }`; with `probers` so many at once, each twice. Prints what came of each, and how many
 * descriptors were open in the midst of it and after it beyond those of before.
 */

import { readdirSync } from 'node:fs';
import { ip } from '../../src/base/address.ts';
import { milliseconds } from '../../src/base/time.ts';
import { createPingProber } from '../../src/checkers/ping/probe.ts';
import type { ProbeResult, ProbeTarget } from '../../src/checkers/probe.ts';
import type { PingCheckConfig } from '../../src/config/config.ts';
import { load } from '../../src/config/load.ts';

export type Wish = {
  readonly address: string;
  readonly check?: Partial<PingCheckConfig>;
  readonly target?: Partial<ProbeTarget>;
  readonly probers?: number;
};
export type Told = { readonly results: readonly ProbeResult[]; readonly during: number; readonly after: number };

const descriptors = (): number => readdirSync('/proc/self/fd').length;

const { config } = load(
  `[[service]]
   name = "pinged"
   address = "192.0.2.10:80"
   forward = "nat"
   server = [{ address = "10.0.0.21:80" }]
   check = { type = "ping" }`,
  { hostName: 'lb1' },
);
const defaults = config?.services[0]?.checks[0] as PingCheckConfig;

async function probe({ address, check, target, probers = 1 }: Wish): Promise<Told> {
  const aim: ProbeTarget = {
    address: { address: ip(address), port: 0 },
    ...{ source: null, sourcePort: null, device: null, mark: null },
    ...target,
  };
  const settings = { ...defaults, timeout: milliseconds(1000), ...check };
  const many = Array.from({ length: probers }, () => createPingProber(settings, aim));
  const before = descriptors();
  let during = 0;
  const results: ProbeResult[] = [];
  for (let i = 0; i < 2; i++) {
    const running = many.map((prober) => prober.run());
    during = Math.max(during, descriptors() - before);
    results.push(...(await Promise.all(running)));
  }
  for (const prober of many) prober.close();
  await new Promise((resolve) => setImmediate(resolve));
  return { results, during, after: descriptors() - before };
}

const told: Told[] = [];
for (const wish of JSON.parse(process.argv[2] ?? '[]') as readonly Wish[]) told.push(await probe(wish));
process.stdout.write(`${JSON.stringify(told)}\n`);
