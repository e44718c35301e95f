/**
 * Servers that have left the config: they get no new connections, and stay in the table until those that they have are
 * over, or until their time is.
 */

import { after, type Duration, type Instant } from '../base/time.ts';
import { type Destination, destinationKey, memberKey, type Service, type Table } from './table.ts';

/** When each of them was first seen to have left, by `memberKey`. */
export type Leaving = ReadonlyMap<string, Instant>;

export type LeavingRules = {
  /** Whether the config has that server, in or out: it is not leaving then. */
  readonly isConfigured: (key: string) => boolean;
  /** How long the servers of that service may take. */
  readonly patience: (service: string) => Duration;
};

/**
 * `wanted` with the servers that are still leaving, at weight 0. They are looked for in services that are wanted and
 * `owned`: in a service that goes they go at once, and what was in a service before it was ours was never ours.
 */
export function withLeaving(
  actual: Table,
  wanted: Table,
  owned: ReadonlySet<string>,
  { isConfigured, patience }: LeavingRules,
  before: Leaving,
  now: Instant,
): { readonly table: Table; readonly leaving: Leaving } {
  const leaving = new Map<string, Instant>();
  const table = new Map<string, Service>();
  for (const [key, service] of wanted) {
    const stay = owned.has(key) ? (actual.get(key)?.destinations ?? []) : [];
    const there = new Set(service.destinations.map(destinationKey));
    const kept = stay.filter((destination) => {
      const name = memberKey(key, destination);
      if (there.has(destinationKey(destination)) || isConfigured(name) || connections(destination) === 0) return false;
      const since = before.get(name) ?? now;
      if (now >= after(since, patience(key))) return false;
      leaving.set(name, since);
      return true;
    });
    const extra = kept.map((destination) => ({ ...destination, weight: 0 }));
    table.set(key, extra.length === 0 ? service : { ...service, destinations: [...service.destinations, ...extra] });
  }
  return { table, leaving };
}

/** Templates of persistence count: their clients would come back. */
export const connections = ({ counts }: Destination): number =>
  counts === undefined ? 0 : counts.active + counts.inactive + counts.persistent;
