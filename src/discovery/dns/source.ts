/**
 * Asks DNS for the servers. An answer is taken whole or not at all: where one of the questions that make it up has failed,
 * what is missing is not known to be gone.
 */

import type { Family, IpAddress } from '../../base/address.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Duration, milliseconds } from '../../base/time.ts';
import type { Target } from '../../config/discovered-servers.ts';
import type { DnsDiscoveryConfig } from '../../config/discovery-config.ts';
import { systemResolvers } from '../../system/dns-exchange.ts';
import type { RecordType, ResourceRecord } from '../../wire/dns.ts';
import type { Source, Wanted } from '../source.ts';
import { createLookup, type Lookup } from './lookup.ts';

/** How many names are looked up at a time. */
const AT_ONCE = 16;

export function dnsSource(config: DnsDiscoveryConfig, wanted: Wanted): Source {
  const { resolvers, timeout, query, record, ttlMin, ttlMax } = config;
  const lookup = createLookup({ resolvers: async () => resolvers ?? systemResolvers(), timeout });
  const families = record === 'A' ? [4 as const] : record === 'AAAA' ? [6 as const] : wanted.families;
  const again = (ttl: number): Duration => milliseconds(Math.max(ttlMin, Math.min(ttlMax, ttl * 1000)));
  return {
    what: `${record === 'SRV' ? 'SRV' : families.map(typeOf).join(' and ')} ${query}`,
    interval: ttlMax,
    retry: ttlMin,
    async ask(signal) {
      const found =
        record === 'SRV'
          ? await servers(lookup, query, families, signal)
          : await hosts(lookup, query, families, signal);
      return found.ok ? ok({ ...found.value, again: again(found.value.ttl) }) : found;
    },
  };
}

const typeOf = (family: Family): RecordType => (family === 4 ? 'A' : 'AAAA');

type Found = Result<
  { readonly targets: readonly Target[]; readonly skipped: readonly string[]; readonly ttl: number },
  string
>;

async function hosts(lookup: Lookup, name: string, families: readonly Family[], signal: AbortSignal): Promise<Found> {
  const found = await addresses(lookup, name, families, signal);
  if (!found.ok) return err(found.error.why);
  const { value } = found;
  if (value.addresses.length === 0) return err(`${name} has no ${families.map(typeOf).join(' and no ')} record`);
  const targets = value.addresses.map(
    (address): Target => ({ address: { address, port: 0 }, weight: null, name: null }),
  );
  return ok({ targets, skipped: [], ttl: value.ttl });
}

type Addresses = { readonly addresses: readonly IpAddress[]; readonly ttl: number };

/** `gone` where neither family knows the name. */
async function addresses(
  lookup: Lookup,
  name: string,
  families: readonly Family[],
  signal: AbortSignal,
): Promise<Result<Addresses, { readonly gone: boolean; readonly why: string }>> {
  const sets = await Promise.all(families.map((family) => lookup(name, typeOf(family), signal)));
  const [failed] = sets.filter((set) => !set.ok);
  if (failed !== undefined) return failed;
  const whole = sets.flatMap((set) => (set.ok ? [set.value] : []));
  return ok({
    addresses: whole.flatMap(({ records }) => records.flatMap((r) => ('address' in r ? [r.address] : []))),
    ttl: Math.min(...whole.map(({ ttl }) => ttl)),
  });
}

type Srv = Extract<ResourceRecord, { readonly type: 'SRV' }>;

/** Those of the lowest priority: the others are for when none of these answers (RFC 2782), which sorry servers are for here. */
async function servers(lookup: Lookup, name: string, families: readonly Family[], signal: AbortSignal): Promise<Found> {
  const set = await lookup(name, 'SRV', signal);
  if (!set.ok) return err(set.error.why);
  const all = set.value.records.filter((record): record is Srv => record.type === 'SRV');
  if (all.length === 0) return err(`${name} has no SRV record`);
  if (all.every(({ target }) => target === '.')) return err(`${name} says that there is no such service (target ".")`);
  const first = Math.min(...all.map(({ priority }) => priority));
  const records = all.filter(({ priority }) => priority === first);
  const names = [...new Set(records.map(({ target }) => target))];
  const of = new Map<string, Addresses>();
  const skipped: string[] = [];
  for (let i = 0; i < names.length; i += AT_ONCE) {
    const some = names.slice(i, i + AT_ONCE);
    const found = await Promise.all(some.map((target) => addresses(lookup, target, families, signal)));
    for (const [j, one] of found.entries()) {
      const target = some[j] as string;
      if (!one.ok && !one.error.gone) return err(one.error.why);
      if (one.ok && one.value.addresses.length > 0) of.set(target, one.value);
      else skipped.push(`${target} has no address`);
    }
  }
  return ok({
    targets: targetsOf(records, of),
    skipped,
    ttl: Math.min(set.value.ttl, ...[...of.values()].map((a) => a.ttl)),
  });
}

/** Weights of which all are 0 say nothing; one that is 0 among others is a very small chance, not none (RFC 2782). */
function targetsOf(records: readonly Srv[], of: ReadonlyMap<string, Addresses>): readonly Target[] {
  const weighed = records.some(({ weight }) => weight > 0);
  return records.flatMap(({ target, port, weight }) =>
    (of.get(target)?.addresses ?? []).map(
      (address): Target => ({ address: { address, port }, weight: weighed ? Math.max(1, weight) : null, name: null }),
    ),
  );
}
