/** What every message of rtnetlink has in common (linux/rtnetlink.h): types, groups, families, scopes, protocols. */

import { type Family, type IpAddress, ipFromBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Attributes, decodeAttributes, type Table, type WireError } from './netlink.ts';

export const RTM = {
  ...{ NEWLINK: 16, DELLINK: 17, GETLINK: 18, SETLINK: 19 },
  ...{ NEWADDR: 20, DELADDR: 21, GETADDR: 22 },
  ...{ NEWROUTE: 24, DELROUTE: 25, GETROUTE: 26 },
  ...{ NEWRULE: 32, DELRULE: 33, GETRULE: 34 },
} as const;

/** Multicast groups of notifications (enum rtnetlink_groups). */
export const RTNLGRP = {
  ...{ LINK: 1, IPV4_IFADDR: 5, IPV6_IFADDR: 9 },
  ...{ IPV4_ROUTE: 7, IPV4_RULE: 8, IPV6_ROUTE: 11, IPV6_RULE: 19 },
} as const;

/** rtm_scope, ifa_scope */
export const RT_SCOPE = { global: 0, site: 200, link: 253, host: 254 } as const;
export type Scope = keyof typeof RT_SCOPE;

/**
 * rtm_protocol, FRA_PROTOCOL: who made a route or a rule. Ours is a number that neither linux/rtnetlink.h nor iproute2's
 * rt_protos gives to anybody (keepalived has 18), and that whoever reads `proto 112` may guess: VRRP's IP protocol.
 */
export const RTPROT_LVSKEEPER = 112;

export const AF = { 4: 2, 6: 10 } as const satisfies Record<Family, number>;

/** `undefined`: a family other than IPv4 and IPv6. */
export function familyOfAf(af: number): Family | undefined {
  if (af === AF[4]) return 4;
  return af === AF[6] ? 6 : undefined;
}

/** The fixed header, and the attributes behind it. */
export function headed<H, R>(
  read: Result<{ header: H; rest: Uint8Array }, WireError>,
  known: Table<R>,
): Result<{ header: H; attributes: Attributes<R> }, WireError> {
  if (!read.ok) return read;
  const attributes = decodeAttributes(known, read.value.rest);
  return attributes.ok ? ok({ header: read.value.header, attributes: attributes.value }) : err(attributes.error);
}

/** An address of that family; `undefined` when it is not as long as one. */
export const addressOf = (bytes: Uint8Array, family: Family): IpAddress | undefined =>
  bytes.length === (family === 4 ? 4 : 16) ? ipFromBytes(bytes) : undefined;
