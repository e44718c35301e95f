/** Which failed servers are out: not more than may be, and none at all in a panic. */

import type { Instant } from '../base/time.ts';
import type { Health } from '../health/verdict.ts';
import { isUp } from './quorum.ts';

type Judged = {
  readonly health: Health | 'unchecked';
  /** When its verdict became what it is. */
  readonly since: Instant;
};

/** How many of so many servers may be out because of checks: a share in percent, at least one. */
export const mostEjected = (percent: number, servers: number): number =>
  Math.max(1, Math.floor((servers * percent) / 100));

/** The servers that are out, in the order in which they failed. Those that failed together: in the order of the config. */
export function ejected<T extends Judged>(percent: number, servers: readonly T[]): ReadonlySet<T> {
  const failed = servers.filter(({ health }) => health === 'down').sort((a, b) => a.since - b.since);
  return new Set(failed.slice(0, mostEjected(percent, servers.length)));
}

/**
 * Whether fewer than that share, in percent, of the servers is up, so that a failed server may well be better than none.
 * Those that are not yet known could be up.
 */
export function isPanic(percent: number, servers: readonly Judged[]): boolean {
  if (percent === 0) return false;
  const hopeful = servers.filter((server) => isUp(server) || server.health === 'unknown').length;
  return hopeful * 100 < servers.length * percent;
}
