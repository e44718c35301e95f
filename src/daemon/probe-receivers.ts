/** Interfaces by which the answers to probes through IPVS come in: those with the addresses that the probes leave from. */

import { familyOf, type IpAddress } from '../base/address.ts';
import type { Rtnetlink } from '../system/rtnetlink.ts';

/** Names; of IPv4 alone, since IPv6 takes what comes from one of its own addresses. Where the kernel cannot be read there are none. */
export async function receiversAt(
  rtnetlink: Pick<Rtnetlink, 'addresses' | 'links'>,
  sources: ReadonlySet<IpAddress>,
): Promise<readonly string[]> {
  const those = new Set([...sources].filter((address) => familyOf(address) === 4));
  if (those.size === 0) return [];
  const [addresses, links] = [await rtnetlink.addresses(), await rtnetlink.links()];
  if (!addresses.ok || !links.ok) return [];
  const at = new Set(addresses.value.filter((a) => those.has(a.prefix.address)).map((a) => a.index));
  return links.value.filter(({ index }) => at.has(index)).map(({ name }) => name);
}
