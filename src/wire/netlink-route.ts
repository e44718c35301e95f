/**
 * Routes in rtnetlink (linux/rtnetlink.h): those of the tables, and which way a packet would leave.
 *
 * Traps: `rtm_table` has 8 bits, RTA_TABLE all of them. IPv6 gives 1024 to a route without a metric, IPv4 gives it 0. To
 * delete, protocol 0 means any maker's.
 */

import { type Family, familyOf, type IpAddress, ipBytes, type Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { table, type WireError, writeAttributes } from './netlink.ts';
import { raw, struct, u8, u32 } from './netlink-codec.ts';
import { AF, addressOf, familyOfAf, headed, RT_SCOPE } from './netlink-rtnl.ts';
import type { Sink } from './netlink-sink.ts';

/** rtm_type */
const RTN_UNICAST = 1;
/** rtm_table of one above 255, which RTA_TABLE has. */
const RT_TABLE_UNSPEC = 0;
/** rtm_flags: made by the kernel for one destination, and no entry of a table. */
const RTM_F_CLONED = 0x200;

/** struct rtmsg */
const rtmsg = struct({
  ...{ rtm_family: u8, rtm_dst_len: u8, rtm_src_len: u8, rtm_tos: u8 },
  ...{ rtm_table: u8, rtm_protocol: u8, rtm_scope: u8, rtm_type: u8, rtm_flags: u32 },
});

/** enum rtattr_type_t */
export const RTA = table({
  RTA_DST: [1, raw()],
  RTA_OIF: [4, u32],
  RTA_GATEWAY: [5, raw()],
  RTA_PRIORITY: [6, u32],
  RTA_PREFSRC: [7, raw()],
  RTA_TABLE: [15, u32],
});

/** What the kernel would do with a packet to somewhere. */
export type Route = {
  readonly interfaceIndex: number;
  /** The source it would have, unless the sender says another. */
  readonly source: IpAddress | undefined;
  /** `undefined`: the destination is on the link. */
  readonly gateway: IpAddress | undefined;
};

/** One unicast entry of a routing table. */
export type TableRoute = {
  readonly to: Prefix;
  /** `null`: the destination is on the link. */
  readonly gateway: IpAddress | null;
  /** The interface it leaves by; `null`: none is told, or several. */
  readonly index: number | null;
  /** Preferred source. */
  readonly source: IpAddress | null;
  /** 1 to 4294967295; 254 is `main`. */
  readonly table: number;
  /** `null`, in a request: the kernel's default. */
  readonly metric: number | null;
  /** Who made it (rtm_protocol). */
  readonly protocol: number;
};

/** What the kernel gives to a route whose maker names no metric (IP6_RT_PRIO_USER). */
export const DEFAULT_METRIC = { 4: 0, 6: 1024 } as const satisfies Record<Family, number>;

/** RTM_GETROUTE for one destination, as `ip route get` asks. */
export function writeGetRoute(sink: Sink, destination: IpAddress): void {
  const bytes = ipBytes(destination);
  rtmsg.write(sink, {
    ...{ rtm_family: AF[familyOf(destination)], rtm_dst_len: 8 * bytes.length, rtm_src_len: 0, rtm_tos: 0 },
    ...{ rtm_table: 0, rtm_protocol: 0, rtm_scope: 0, rtm_type: 0, rtm_flags: 0 },
  });
  writeAttributes(sink, RTA, { RTA_DST: bytes });
}

/** RTM_GETROUTE of all, as a dump. */
export function writeGetRoutes(sink: Sink, family: Family): void {
  rtmsg.write(sink, {
    ...{ rtm_family: AF[family], rtm_dst_len: 0, rtm_src_len: 0, rtm_tos: 0 },
    ...{ rtm_table: 0, rtm_protocol: 0, rtm_scope: 0, rtm_type: 0, rtm_flags: 0 },
  });
}

/** RTM_NEWROUTE, RTM_DELROUTE. */
export function writeRoute(sink: Sink, route: TableRoute): void {
  const { to, gateway, index, source, metric } = route;
  rtmsg.write(sink, {
    ...{ rtm_family: AF[familyOf(to.address)], rtm_dst_len: to.length, rtm_src_len: 0, rtm_tos: 0 },
    rtm_table: route.table < 256 ? route.table : RT_TABLE_UNSPEC,
    rtm_protocol: route.protocol,
    rtm_scope: gateway === null ? RT_SCOPE.link : RT_SCOPE.global,
    ...{ rtm_type: RTN_UNICAST, rtm_flags: 0 },
  });
  writeAttributes(sink, RTA, {
    ...(to.length > 0 && { RTA_DST: ipBytes(to.address) }),
    ...(gateway !== null && { RTA_GATEWAY: ipBytes(gateway) }),
    ...(source !== null && { RTA_PREFSRC: ipBytes(source) }),
    ...(index !== null && { RTA_OIF: index }),
    ...(metric !== null && { RTA_PRIORITY: metric }),
    RTA_TABLE: route.table,
  });
}

export function decodeRoute(payload: Uint8Array): Result<Route, WireError> {
  const read = headed(rtmsg.decode(payload), RTA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  const family = familyOfAf(header.rtm_family);
  if (attributes.RTA_OIF === undefined) return err('missing');
  if (family === undefined) return err('value');
  return ok({
    interfaceIndex: attributes.RTA_OIF,
    source: attributes.RTA_PREFSRC && addressOf(attributes.RTA_PREFSRC, family),
    gateway: attributes.RTA_GATEWAY && addressOf(attributes.RTA_GATEWAY, family),
  });
}

/** `undefined`: not IPv4 or IPv6, not unicast, or no entry of a table. */
export function decodeTableRoute(payload: Uint8Array): Result<TableRoute | undefined, WireError> {
  const read = headed(rtmsg.decode(payload), RTA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  const family = familyOfAf(header.rtm_family);
  const cloned = (header.rtm_flags & RTM_F_CLONED) !== 0;
  if (family === undefined || cloned || header.rtm_type !== RTN_UNICAST) return ok(undefined);
  const { RTA_DST = new Uint8Array(family === 4 ? 4 : 16), RTA_GATEWAY, RTA_PREFSRC } = attributes;
  const all = [RTA_DST, RTA_GATEWAY, RTA_PREFSRC].map((bytes) => bytes && addressOf(bytes, family));
  const [address, gateway, source] = all;
  const short = (RTA_GATEWAY && !gateway) || (RTA_PREFSRC && !source);
  if (address === undefined || short || header.rtm_dst_len > 8 * RTA_DST.length) return err('value');
  return ok({
    to: { address, length: header.rtm_dst_len },
    gateway: gateway ?? null,
    index: attributes.RTA_OIF ?? null,
    source: source ?? null,
    table: attributes.RTA_TABLE ?? header.rtm_table,
    metric: attributes.RTA_PRIORITY ?? 0,
    protocol: header.rtm_protocol,
  });
}
