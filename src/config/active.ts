/** Which virtual router a service follows. */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import type { ServiceId } from '../ipvs/table.ts';

/** The router that has an address, by its name. */
export type Homes = ReadonlyMap<IpAddress, string>;

export const homesOf = (
  routers: readonly { readonly name: string; readonly addresses: readonly { address: { address: IpAddress } }[] }[],
): Homes => new Map(routers.flatMap(({ name, addresses }) => addresses.map((a) => [a.address.address, name] as const)));

type Following = { readonly vrrp: string | null; readonly addresses: readonly { readonly address: IpAddress }[] };

/** What `id`, one of the services of the kernel that `service` is made of, follows: marks follow its first address. */
export function routerOf(
  service: Following,
  id: ServiceId,
  homes: Homes,
): { readonly router: string; readonly family: Family } | undefined {
  const address = id.fwmark === undefined ? id.address.address : service.addresses[0]?.address;
  const router = service.vrrp ?? (address === undefined ? undefined : homes.get(address));
  const family = id.fwmark === undefined ? familyOf(id.address.address) : id.family;
  return router === undefined ? undefined : { router, family };
}
