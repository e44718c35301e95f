/**
 * From which address a probe leaves: the director's own, never a virtual one. A virtual address is on one director at a
 * time, so the answers to the other one's probes would go astray, and every check would fail at the moment of a failover.
 */

import { familyOf, type IpAddress, inPrefix } from '../base/address.ts';
import type { InterfaceAddress, Rtnetlink } from '../system/rtnetlink.ts';
import { RT_SCOPE } from '../wire/netlink-rtnl.ts';

/** Answers for many destinations from one look at the addresses. `null`: let the kernel choose. */
export async function probeSources(
  rtnetlink: Rtnetlink,
  destinations: readonly IpAddress[],
  virtual: ReadonlySet<string>,
): Promise<ReadonlyMap<IpAddress, IpAddress | null>> {
  const read = await rtnetlink.addresses();
  const own = read.ok ? read.value.filter((a) => !virtual.has(a.prefix.address)) : [];
  const unique = [...new Set(destinations)];
  const sources = await Promise.all(unique.map((to) => sourceTowards(rtnetlink, to, own)));
  return new Map(unique.map((to, i) => [to, sources[i] ?? null]));
}

async function sourceTowards(
  rtnetlink: Rtnetlink,
  to: IpAddress,
  own: readonly InterfaceAddress[],
): Promise<IpAddress | null> {
  const route = await rtnetlink.route(to);
  if (!route.ok) return null;
  const { source, interfaceIndex } = route.value;
  if (source !== undefined && own.some((a) => a.prefix.address === source)) return source;
  return chooseSource(to, own, interfaceIndex);
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
