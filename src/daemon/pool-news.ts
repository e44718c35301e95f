/** What is new in the pool of a service, as events. */

import type { ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import type { Happening } from '../control/event.ts';
import type { Pool } from '../pool/pool.ts';

/** What has been told of a service. */
export type Told = {
  readonly panic: boolean;
  /** Addresses of the failed servers that stay in. */
  readonly kept: ReadonlySet<string>;
};

export const NOTHING_TOLD: Told = { panic: false, kept: new Set() };

/** Whether the seats of single servers can be news: where not all that fail may be out. Else the quorum alone is. */
export const seatsAreNews = ({ panicThreshold, maxEjected }: ServiceConfig, { panic, kept }: Told): boolean =>
  panicThreshold > 0 || maxEjected < 100 || panic || kept.size > 0;

export function poolNews(
  service: ServiceConfig,
  pool: Pick<Pool, 'change' | 'panic' | 'seats'>,
  before: Told,
): { readonly told: Told; readonly happenings: readonly Happening[] } {
  const happenings: Happening[] = [];
  const { name, panicThreshold: threshold, servers } = service;
  if (pool.change !== undefined) happenings.push({ kind: 'quorum', service: name, ...pool.change });
  if (pool.panic !== before.panic) {
    const up = pool.seats.filter(({ why }) => why === 'up' || why === 'slow-start').length;
    happenings.push({ kind: 'panic', service: name, begun: pool.panic, up, servers: servers.length, threshold });
  }
  const out = pool.seats.filter(({ why }) => why === 'failed').length;
  const kept = new Set<string>();
  for (const [i, server] of servers.entries()) {
    const why = pool.seats[i]?.why;
    if (why !== 'kept' && (why !== 'failed' || before.kept.size === 0)) continue;
    const address = describeServer(service, server.address);
    if (why === 'kept') kept.add(address);
    // One that is kept no longer has come back, or a panic or the sorry servers have come, which is told anyway.
    const ejected = why === 'failed';
    if (why === 'kept' ? before.kept.has(address) : !ejected || !before.kept.has(address)) continue;
    const of = { service: name, server: server.name, address };
    happenings.push({ kind: 'ejection', ...of, ejected, out, servers: servers.length });
  }
  return { told: { panic: pool.panic, kept }, happenings };
}
