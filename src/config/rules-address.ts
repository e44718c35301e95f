/** Rules of the virtual addresses of [[vrrp]]. */

import { type Family, familyOf, type IpAddress, type Prefix } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import { isLinkLocal, lastOf, networkOf } from '../base/prefix.ts';
import type { VirtualAddress } from './config.ts';
import type { Draft, RouterDraft, Rules, Virtual } from './rules.ts';
import { sayVrrp } from './say-vrrp.ts';

/** Each address is there once. Returns all of them. */
export function checkVirtual(routers: readonly RouterDraft[], rules: Rules): Virtual {
  const seen = new Map<string, number>();
  const virtual = new Set<IpAddress>();
  for (const router of routers)
    for (const item of router.addresses ?? []) {
      if (item.address === undefined) continue;
      const { address } = item.address;
      virtual.add(address);
      // A link-local address is one of its link (RFC 4007, 5).
      const key = isLinkLocal(address) ? `${address}%${item.interface ?? router.interface}` : address;
      const at = placeOf(rules, item, 'address');
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, at);
      else rules.error(at, sayVrrp.virtualTwice(address, rules.line(earlier)));
    }
  return virtual;
}

export function checkAddresses(router: RouterDraft, rules: Rules): void {
  for (const item of router.addresses ?? []) {
    if (item.address === undefined) continue;
    const { address, length } = item.address;
    const at = placeOf(rules, item, 'address');
    if (router.version === 2 && familyOf(address) === 6) rules.error(at, sayVrrp.version2(address));
    const edge = item.peer === null ? edgeOf(item.address) : undefined;
    if (edge !== undefined) rules.error(at, sayVrrp.edge(address, length, edge));
    checkForm(item, item.address, item.interface ?? router.interface, rules);
  }
  for (const family of [4, 6] as const) checkRoom(router, family, rules);
}

/** What only one family has, and what must be like the address. */
function checkForm(item: Draft<VirtualAddress>, { address }: Prefix, on: string | undefined, rules: Rules): void {
  const { label, peer } = item;
  const at = (name: keyof VirtualAddress) => placeOf(rules, item, name);
  const family = familyOf(address);
  if (label && family === 6) rules.error(at('label'), sayVrrp.labelFamily(address));
  else if (label && on !== undefined && label !== on && !label.startsWith(`${on}:`))
    rules.error(at('label'), sayVrrp.labelName(label, on));
  if (family === 6 && isGiven(rules, item, 'scope')) rules.error(at('scope'), sayVrrp.scopeFamily(address));
  if (peer && familyOf(peer) !== family) rules.error(at('peer'), sayVrrp.peerFamily(peer, family));
}

/** What the address is besides an address; the two of a point-to-point prefix are both hosts (RFC 3021, RFC 6164). */
function edgeOf(prefix: Prefix): string | undefined {
  const family = familyOf(prefix.address);
  if (prefix.length >= (family === 4 ? 31 : 127)) return undefined;
  if (prefix.address === networkOf(prefix))
    return family === 4 ? 'network address' : 'subnet-router anycast address (RFC 4291, 2.6.1)';
  return family === 4 && prefix.address === lastOf(prefix) ? 'broadcast address' : undefined;
}

/** MTU of Ethernet, whose frames every network of adverts carries. */
const MTU = 1500;

/** Adverts are never sent in fragments, and count their addresses in one byte. */
function checkRoom(router: RouterDraft, family: Family, rules: Rules): void {
  const { addresses = [], version, transport, auth } = router;
  const count = addresses.filter((a) => a.advertise && a.address && familyOf(a.address.address) === family).length;
  const header = (family === 4 ? 20 : 40) + (transport === 'udp' ? 8 : 0);
  const vrrp = 8 + (version === 2 ? 8 : 0) + (auth?.type === 'hmac' ? 28 : 0);
  const most = Math.min(255, Math.floor((MTU - header - vrrp) / (family === 4 ? 4 : 16)));
  if (count > most) rules.error(placeOf(rules, router, 'addresses'), sayVrrp.tooMany(count, most, family));
}
