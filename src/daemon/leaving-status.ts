/** The servers of a service that have left the config, as the kernel still has them. */

import { formatEndpoint } from '../base/address.ts';
import { type Instant, instant } from '../base/time.ts';
import type { ServiceConfig } from '../config/config.ts';
import type { LeavingStatus } from '../control/status.ts';
import { idsOf } from '../ipvs/desired.ts';
import { type Destination, destinationKey, serviceKey, sumCounts, type Table } from '../ipvs/table.ts';

/** By when a server of a service has to be gone; `undefined`: it is not leaving (`LeavingServers`). */
export type LeavingUntil = (service: string, server: string) => Instant | undefined;

/** Of a server that is in several services of the kernel the connections of all, and the last time. */
export function leavingStatus(
  kernel: Table,
  service: ServiceConfig,
  until: LeavingUntil,
  date: (at: Instant) => string,
): readonly LeavingStatus[] {
  const found = new Map<string, { of: Destination[]; until: Instant }>();
  for (const id of idsOf(service)) {
    const key = serviceKey(id);
    for (const destination of kernel.get(key)?.destinations ?? []) {
      const at = until(key, destinationKey(destination));
      if (at === undefined) continue;
      const address = formatEndpoint(destination.address);
      const one = found.get(address) ?? { of: [], until: at };
      found.set(address, { of: [...one.of, destination], until: instant(Math.max(at, one.until)) });
    }
  }
  return [...found].map(([address, one]) => ({
    address,
    connections: sumCounts(one.of),
    until: date(one.until),
  }));
}
