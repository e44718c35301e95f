/**
 * rtnetlink (linux/rtnetlink.h, if_addr.h, if_link.h): links, addresses, and which way a packet would leave.
 *
 * Traps: IFA_ADDRESS is the peer's on a point-to-point link, so an own address is IFA_LOCAL where there is one (IPv4)
 * and IFA_ADDRESS where not (IPv6). `ifa_flags` has 8 bits; IFA_FLAGS, when present, has all of them.
 */

import { type Family, familyOf, type IpAddress, ipBytes, ipFromBytes, type Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Attributes, decodeAttributes, type Table, table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, s32, struct, u8, u16, u32 } from './netlink-codec.ts';
import type { Sink } from './netlink-sink.ts';

export const RTM = {
  ...{ NEWLINK: 16, DELLINK: 17, GETLINK: 18 },
  ...{ NEWADDR: 20, DELADDR: 21, GETADDR: 22 },
  ...{ NEWROUTE: 24, GETROUTE: 26 },
} as const;

/** Multicast groups of notifications (enum rtnetlink_groups). */
export const RTNLGRP = { LINK: 1, IPV4_IFADDR: 5, IPV6_IFADDR: 9 } as const;

/** rtm_scope, ifa_scope */
export const RT_SCOPE = { global: 0, site: 200, link: 253, host: 254 } as const;
export type Scope = keyof typeof RT_SCOPE;

/** ifi_flags (linux/if.h) */
const IFF = { UP: 0x1, LOOPBACK: 0x8, RUNNING: 0x40, MULTICAST: 0x1000, LOWER_UP: 0x10000 } as const;
/** ifa_flags, IFA_FLAGS */
export const IFA_F = {
  ...{ SECONDARY: 0x01, NODAD: 0x02, OPTIMISTIC: 0x04, DADFAILED: 0x08, DEPRECATED: 0x20, TENTATIVE: 0x40 },
  PERMANENT: 0x80,
} as const;
/** Leaves the counters out of what a dump tells of a link (RTEXT_FILTER_SKIP_STATS). */
const SKIP_STATS = 1 << 3;
const AF = { 4: 2, 6: 10 } as const satisfies Record<Family, number>;

/** struct ifinfomsg */
const ifinfomsg = struct({ ifi_family: u8, pad: u8, ifi_type: u16, ifi_index: s32, ifi_flags: u32, ifi_change: u32 });
/** struct ifaddrmsg */
const ifaddrmsg = struct({ ifa_family: u8, ifa_prefixlen: u8, ifa_flags: u8, ifa_scope: u8, ifa_index: u32 });
/** struct rtmsg */
const rtmsg = struct({
  ...{ rtm_family: u8, rtm_dst_len: u8, rtm_src_len: u8, rtm_tos: u8 },
  ...{ rtm_table: u8, rtm_protocol: u8, rtm_scope: u8, rtm_type: u8, rtm_flags: u32 },
});
/** struct ifa_cacheinfo: lifetimes in seconds, 0xffffffff for ever; stamps in 1/100 s since boot. */
const ifa_cacheinfo = struct({ ifa_prefered: u32, ifa_valid: u32, cstamp: u32, tstamp: u32 });

/** enum IFLA_*: those that lvskeeper reads; the others are kept as they are. */
export const IFLA = table({
  IFLA_ADDRESS: [1, raw()],
  IFLA_IFNAME: [3, nulString],
  IFLA_MTU: [4, u32],
  IFLA_OPERSTATE: [16, u8],
  IFLA_EXT_MASK: [29, u32],
});

/** enum IFA_* */
export const IFA = table({
  IFA_ADDRESS: [1, raw()],
  IFA_LOCAL: [2, raw()],
  IFA_LABEL: [3, nulString],
  IFA_BROADCAST: [4, raw()],
  IFA_CACHEINFO: [6, ifa_cacheinfo],
  IFA_FLAGS: [8, u32],
  IFA_PROTO: [11, u8],
});

/** enum rtattr_type_t */
export const RTA = table({
  RTA_DST: [1, raw()],
  RTA_OIF: [4, u32],
  RTA_GATEWAY: [5, raw()],
  RTA_PREFSRC: [7, raw()],
});

export type Link = {
  /** From 1. */
  readonly index: number;
  readonly name: string;
  /** `02:00:5e:00:53:01`; empty where the kind of link has none. */
  readonly mac: string;
  /** Set up by an administrator (IFF_UP). */
  readonly up: boolean;
  /** Fit to carry packets (IFF_RUNNING: RFC 2863 operational state up). */
  readonly running: boolean;
  /** The carrier is there (IFF_LOWER_UP). */
  readonly lowerUp: boolean;
  readonly loopback: boolean;
  readonly multicast: boolean;
  readonly mtu: number;
};

export type InterfaceAddress = {
  readonly index: number;
  /** The own address, with the length of the network it is in. */
  readonly prefix: Prefix;
  readonly scope: number;
  /** IFA_F bits. */
  readonly flags: number;
};

/** What the kernel would do with a packet to somewhere. */
export type Route = {
  readonly interfaceIndex: number;
  /** The source it would have, unless the sender says another. */
  readonly source: IpAddress | undefined;
  /** `undefined`: the destination is on the link. */
  readonly gateway: IpAddress | undefined;
};

/** RTM_GETLINK: of one link by name, or of all. */
export function writeGetLink(sink: Sink, name?: string): void {
  ifinfomsg.write(sink, { ifi_family: 0, pad: 0, ifi_type: 0, ifi_index: 0, ifi_flags: 0, ifi_change: 0 });
  writeAttributes(sink, IFLA, { ...(name !== undefined && { IFLA_IFNAME: name }), IFLA_EXT_MASK: SKIP_STATS });
}

/** RTM_GETADDR: of every link; of one family, or of both. */
export function writeGetAddresses(sink: Sink, family?: Family): void {
  const ifa_family = family === undefined ? 0 : AF[family];
  ifaddrmsg.write(sink, { ifa_family, ifa_prefixlen: 0, ifa_flags: 0, ifa_scope: 0, ifa_index: 0 });
}

/** Whole seconds that an address lives unless it is renewed (ifa_cacheinfo); `null`: for ever. */
export type Lifetime = number | null;
const FOR_EVER = 0xffffffff;

/** RTM_NEWADDR, RTM_DELADDR. Broadcast address and label are left to the kernel: none. */
export function writeAddress(
  sink: Sink,
  { index, prefix, scope, flags }: InterfaceAddress,
  lifetime: Lifetime = null,
): void {
  const family = familyOf(prefix.address);
  const bytes = ipBytes(prefix.address);
  ifaddrmsg.write(sink, {
    ifa_family: AF[family],
    ifa_prefixlen: prefix.length,
    ifa_flags: flags & 0xff,
    ifa_scope: scope,
    ifa_index: index,
  });
  const seconds = lifetime ?? FOR_EVER;
  const lives = { ifa_prefered: seconds, ifa_valid: seconds, cstamp: 0, tstamp: 0 };
  writeAttributes(sink, IFA, {
    ...{ IFA_LOCAL: bytes, IFA_ADDRESS: bytes, IFA_FLAGS: flags },
    ...(lifetime !== null && { IFA_CACHEINFO: lives }),
  });
}

/** RTM_GETROUTE for one destination, as `ip route get` asks. */
export function writeGetRoute(sink: Sink, destination: IpAddress): void {
  const bytes = ipBytes(destination);
  rtmsg.write(sink, {
    ...{ rtm_family: AF[familyOf(destination)], rtm_dst_len: 8 * bytes.length, rtm_src_len: 0, rtm_tos: 0 },
    ...{ rtm_table: 0, rtm_protocol: 0, rtm_scope: 0, rtm_type: 0, rtm_flags: 0 },
  });
  writeAttributes(sink, RTA, { RTA_DST: bytes });
}

export function decodeLink(payload: Uint8Array): Result<Link, WireError> {
  const read = headed(ifinfomsg.decode(payload), IFLA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  if (attributes.IFLA_IFNAME === undefined) return err('missing');
  const has = (bit: number): boolean => (header.ifi_flags & bit) !== 0;
  return ok({
    index: header.ifi_index,
    name: attributes.IFLA_IFNAME,
    mac: Array.from(attributes.IFLA_ADDRESS ?? [], (byte) => byte.toString(16).padStart(2, '0')).join(':'),
    up: has(IFF.UP),
    running: has(IFF.RUNNING),
    lowerUp: has(IFF.LOWER_UP),
    loopback: has(IFF.LOOPBACK),
    multicast: has(IFF.MULTICAST),
    mtu: attributes.IFLA_MTU ?? 0,
  });
}

/** An address; `undefined`: one of a family other than IPv4 and IPv6. */
export function decodeAddress(payload: Uint8Array): Result<InterfaceAddress | undefined, WireError> {
  const read = headed(ifaddrmsg.decode(payload), IFA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  if (header.ifa_family !== AF[4] && header.ifa_family !== AF[6]) return ok(undefined);
  const bytes = attributes.IFA_LOCAL ?? attributes.IFA_ADDRESS;
  if (bytes === undefined) return err('missing');
  const address = own(bytes, header.ifa_family);
  if (address === undefined || header.ifa_prefixlen > 8 * bytes.length) return err('value');
  return ok({
    index: header.ifa_index,
    prefix: { address, length: header.ifa_prefixlen },
    scope: header.ifa_scope,
    flags: attributes.IFA_FLAGS ?? header.ifa_flags,
  });
}

export function decodeRoute(payload: Uint8Array): Result<Route, WireError> {
  const read = headed(rtmsg.decode(payload), RTA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  if (attributes.RTA_OIF === undefined) return err('missing');
  return ok({
    interfaceIndex: attributes.RTA_OIF,
    source: attributes.RTA_PREFSRC && own(attributes.RTA_PREFSRC, header.rtm_family),
    gateway: attributes.RTA_GATEWAY && own(attributes.RTA_GATEWAY, header.rtm_family),
  });
}

/** For logs and test failures: `eth0 (2) 02:00:5e:00:53:01 up running`. */
export function describeLink(link: Link): string {
  const states = (['up', 'running', 'lowerUp'] as const).filter((state) => link[state]);
  return [`${link.name} (${link.index})`, link.mac, ...states, `mtu ${link.mtu}`].filter(Boolean).join(' ');
}

function headed<H, R>(
  read: Result<{ header: H; rest: Uint8Array }, WireError>,
  known: Table<R>,
): Result<{ header: H; attributes: Attributes<R> }, WireError> {
  if (!read.ok) return read;
  const attributes = decodeAttributes(known, read.value.rest);
  return attributes.ok ? ok({ header: read.value.header, attributes: attributes.value }) : attributes;
}

const own = (bytes: Uint8Array, af: number): IpAddress | undefined =>
  bytes.length === (af === AF[4] ? 4 : 16) ? ipFromBytes(bytes) : undefined;
