/** Asks a discovery by DNS once for each wish that it is given, JSON in the first argument, and prints what came of each. */

import type { Family } from '../../src/base/address.ts';
import { dnsSource } from '../../src/discovery/dns/source.ts';
import { discovery, shown } from '../unit/discovery/fakes.ts';

/** `options`: of the discovery, TOML. */
export type Wish = { readonly options: string; readonly families: readonly Family[] };
/** `found`: the servers, or why there are none. `again`: ms. */
export type Told = { readonly found: readonly string[] | string; readonly again: number | null };

const told: Told[] = [];
for (const { options, families } of JSON.parse(process.argv[2] ?? '[]') as readonly Wish[]) {
  const answer = await dnsSource(discovery('dns', options), { families }).ask(new AbortController().signal);
  told.push({ found: shown(answer), again: answer.ok ? answer.value.again : null });
}
process.stdout.write(JSON.stringify(told));
