/** What the kernel tells of links, addresses, routes and rules as they change. */

import type { Result } from '../base/result.ts';
import type { Message } from '../wire/netlink.ts';
import { decodeAddress, type InterfaceAddress } from '../wire/netlink-address.ts';
import { decodeLink, type Link } from '../wire/netlink-link.ts';
import { decodeTableRoute, type TableRoute } from '../wire/netlink-route.ts';
import { RTM, RTNLGRP, RTPROT_LVSKEEPER } from '../wire/netlink-rtnl.ts';
import { decodeRule, type Rule } from '../wire/netlink-rule.ts';
import { NETLINK, type NetlinkError } from './netlink.ts';
import { type Watch, watchNetlink } from './netlink-watch.ts';

export type NetworkEvent =
  | { readonly kind: 'link'; readonly link: Link; readonly gone: boolean }
  | { readonly kind: 'address'; readonly address: InterfaceAddress; readonly gone: boolean }
  /** Events were lost: read links and addresses anew. */
  | { readonly kind: 'overrun' };

/** Tells of every change to a link or an address, of what was ours as of what was not, from when it returns. */
export const watchNetwork = (handle: (event: NetworkEvent) => void): Result<Watch, NetlinkError> =>
  watch([RTNLGRP.LINK, RTNLGRP.IPV4_IFADDR, RTNLGRP.IPV6_IFADDR], networkEvent, handle, { kind: 'overrun' });

function networkEvent({ type, payload }: Message): NetworkEvent | undefined {
  if (type === RTM.NEWLINK || type === RTM.DELLINK) {
    // ifi_family other than AF_UNSPEC (AF_BRIDGE) tells of the port of a bridge, not of the link.
    if (payload[0] !== 0) return undefined;
    const link = decodeLink(payload);
    return link.ok ? { kind: 'link', link: link.value, gone: type === RTM.DELLINK } : undefined;
  }
  if (type !== RTM.NEWADDR && type !== RTM.DELADDR) return undefined;
  const address = decodeAddress(payload);
  if (!address.ok || address.value === undefined) return undefined;
  return { kind: 'address', address: address.value, gone: type === RTM.DELADDR };
}

export type RoutingEvent =
  | { readonly kind: 'route'; readonly route: TableRoute }
  | { readonly kind: 'rule'; readonly rule: Rule }
  /** Events were lost: something of ours may have gone. */
  | { readonly kind: 'overrun' };

/**
 * Tells of each route and rule of ours (by its protocol) that goes, and of nobody else's. The kernel does not tell of
 * IPv4 routes that go with their interface's link, with their interface's last address, or with their preferred source:
 * after such an event of a link or an address, look.
 */
export const watchRouting = (handle: (event: RoutingEvent) => void): Result<Watch, NetlinkError> =>
  watch([RTNLGRP.IPV4_ROUTE, RTNLGRP.IPV6_ROUTE, RTNLGRP.IPV4_RULE, RTNLGRP.IPV6_RULE], routingEvent, handle, {
    kind: 'overrun',
  });

function routingEvent({ type, payload }: Message): RoutingEvent | undefined {
  if (type === RTM.DELROUTE) {
    const route = decodeTableRoute(payload);
    const ours = route.ok && route.value?.protocol === RTPROT_LVSKEEPER;
    return ours ? { kind: 'route', route: route.value } : undefined;
  }
  if (type !== RTM.DELRULE) return undefined;
  const rule = decodeRule(payload);
  return rule.ok && rule.value?.protocol === RTPROT_LVSKEEPER ? { kind: 'rule', rule: rule.value } : undefined;
}

function watch<E>(
  groups: readonly number[],
  read: (message: Message) => E | undefined,
  handle: (event: E) => void,
  overrun: E,
): Result<Watch, NetlinkError> {
  const onMessage = (message: Message): void => {
    const event = read(message);
    if (event !== undefined) handle(event);
  };
  return watchNetlink(NETLINK.ROUTE, groups, onMessage, () => handle(overrun));
}
