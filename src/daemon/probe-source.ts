/**
 * From which address a probe leaves: the director's own, never a virtual one. A virtual address is on one director at a
 * time, so the answers to the other one's probes would go astray, and every check would fail at the moment of a failover.
 */

import { familyOf, type IpAddress, inPrefix } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import type { InterfaceAddress, NetlinkError, Route, Rtnetlink } from '../system/rtnetlink.ts';
import { RT_SCOPE } from '../wire/netlink-rtnl.ts';

/**
 * Answers for many destinations from one look at the addresses and at the routes. `null`: let the kernel choose, as where
 * there is no virtual address of that family.
 */
export async function probeSources(
  rtnetlink: Pick<Rtnetlink, 'addresses' | 'routesTo'>,
  destinations: readonly IpAddress[],
  virtual: ReadonlySet<string>,
): Promise<ReadonlyMap<IpAddress, IpAddress | null>> {
  const read = await rtnetlink.addresses();
  const own = read.ok ? read.value.filter((a) => !virtual.has(a.prefix.address)) : [];
  const families = new Set([...virtual].map((address) => familyOf(address as IpAddress)));
  const unique = [...new Set(destinations)].filter((to) => families.has(familyOf(to)));
  if (unique.length === 0) return new Map();
  const routes = await rtnetlink.routesTo(unique);
  const addresses = new Set(own.map((a) => a.prefix.address));
  const sourceBy = (to: IpAddress, route: Result<Route, NetlinkError> | undefined): IpAddress | null => {
    if (route?.ok !== true) return null;
    const { source, interfaceIndex } = route.value;
    return source !== undefined && addresses.has(source) ? source : chooseSource(to, own, interfaceIndex);
  };
  return new Map(unique.map((to, i) => [to, sourceBy(to, routes[i])]));
}

/**
 * What the kernel would choose if the virtual addresses were not there: an address of the same network, else any of the
 * outgoing interface, else any; of the same family, and of global scope.
 */
export function chooseSource(to: IpAddress, own: readonly InterfaceAddress[], outgoing: number): IpAddress | null {
  const fit = own.filter((a) => familyOf(a.prefix.address) === familyOf(to) && a.scope === RT_SCOPE.global);
  const best =
    fit.find((a) => inPrefix(to, a.prefix) && a.index === outgoing) ??
    fit.find((a) => inPrefix(to, a.prefix)) ??
    fit.find((a) => a.index === outgoing) ??
    fit[0];
  return best?.prefix.address ?? null;
}
