/** The addresses of a config that are on one machine now and on another later. */

import type { IpAddress } from '../base/address.ts';
import type { VrrpConfig } from '../config/config.ts';

export type Floating = {
  /** That no director may take for its own. */
  readonly virtual: ReadonlySet<string>;
  /** Those of them that nobody minds but the router that has them. */
  readonly unminded: ReadonlySet<string>;
};

export const NONE_FLOATS: Floating = { virtual: new Set(), unminded: new Set() };

export function floatingOf(
  routers: readonly Pick<VrrpConfig, 'priority' | 'addresses' | 'routes' | 'track'>[],
): Floating {
  // An owner's addresses are the machine's own, and may be all that it has to send from.
  const virtual = routers
    .filter(({ priority }) => priority < 255)
    .flatMap(({ addresses }) => addresses.map((a) => a.address.address));
  // A router may track that an interface has an address which is another's.
  const minded = new Set<IpAddress>(
    routers.flatMap(({ track }) => track.flatMap((t) => (t.type === 'interface' ? (t.address ?? []) : []))),
  );
  // Routes may go with any address.
  const routes = routers.some((router) => router.routes.length > 0);
  return { virtual: new Set(virtual), unminded: new Set(routes ? [] : virtual.filter((one) => !minded.has(one))) };
}
