/**
 * Addresses in rtnetlink (linux/if_addr.h).
 *
 * Traps: IFA_ADDRESS is the peer's on a point-to-point link, so an own address is IFA_LOCAL where there is one (IPv4)
 * and IFA_ADDRESS where not (IPv6). `ifa_flags` has 8 bits; IFA_FLAGS, when present, has all of them. A message that
 * renews an address says everything anew: flags and lifetimes that it leaves out are taken away.
 */

import { type Family, familyOf, type IpAddress, ipBytes, type Prefix } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type Attributes, table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, struct, u8, u32 } from './netlink-codec.ts';
import { AF, addressOf, familyOfAf, headed } from './netlink-rtnl.ts';
import type { Sink } from './netlink-sink.ts';

/** ifa_flags, IFA_FLAGS */
export const IFA_F = {
  ...{ SECONDARY: 0x01, NODAD: 0x02, OPTIMISTIC: 0x04, DADFAILED: 0x08, DEPRECATED: 0x20, TENTATIVE: 0x40 },
  PERMANENT: 0x80,
} as const;

/** struct ifaddrmsg */
const ifaddrmsg = struct({ ifa_family: u8, ifa_prefixlen: u8, ifa_flags: u8, ifa_scope: u8, ifa_index: u32 });
/** struct ifa_cacheinfo: lifetimes in seconds, 0xffffffff for ever; stamps in 1/100 s since boot. */
const ifa_cacheinfo = struct({ ifa_prefered: u32, ifa_valid: u32, cstamp: u32, tstamp: u32 });

/** enum IFA_* */
export const IFA = table({
  IFA_ADDRESS: [1, raw()],
  IFA_LOCAL: [2, raw()],
  IFA_LABEL: [3, nulString],
  IFA_BROADCAST: [4, raw()],
  IFA_CACHEINFO: [6, ifa_cacheinfo],
  IFA_FLAGS: [8, u32],
  IFA_RT_PRIORITY: [9, u32],
  IFA_PROTO: [11, u8],
});

/** Whole seconds; `null`: for ever. */
export type Lifetime = number | null;
const FOR_EVER = 0xffffffff;

export type InterfaceAddress = {
  readonly index: number;
  /** The own address, with the length of the network it is in, or of the peer's. */
  readonly prefix: Prefix;
  readonly scope: number;
  /** IFA_F bits. */
  readonly flags: number;
  /** The other end, where there is one. */
  readonly peer?: IpAddress;
  readonly broadcast?: IpAddress;
  /** IPv4 only; the kernel gives the interface's name to one that has none. */
  readonly label?: string;
  /** Of the route to its network; absent: the kernel's default. */
  readonly routeMetric?: number;
  /** Until the kernel ceases to choose it as a source (0: it never does), and until it removes it. Absent: both for ever. */
  readonly lifetimes?: { readonly preferred: Lifetime; readonly valid: Lifetime };
};

/** RTM_GETADDR: of every link; of one family, or of both. */
export function writeGetAddresses(sink: Sink, family?: Family): void {
  const ifa_family = family === undefined ? 0 : AF[family];
  ifaddrmsg.write(sink, { ifa_family, ifa_prefixlen: 0, ifa_flags: 0, ifa_scope: 0, ifa_index: 0 });
}

/** RTM_DELADDR, whatever its label and how long it would live. */
export const writeDeleteAddress = (sink: Sink, { index, prefix, scope, flags, peer }: InterfaceAddress): void =>
  writeAddress(sink, { index, prefix, scope, flags, ...(peer !== undefined && { peer }) });

/** RTM_NEWADDR */
export function writeAddress(sink: Sink, address: InterfaceAddress): void {
  const { prefix, flags, peer, broadcast, label, routeMetric, lifetimes } = address;
  ifaddrmsg.write(sink, {
    ifa_family: AF[familyOf(prefix.address)],
    ifa_prefixlen: prefix.length,
    ifa_flags: flags & 0xff,
    ifa_scope: address.scope,
    ifa_index: address.index,
  });
  writeAttributes(sink, IFA, {
    ...{ IFA_LOCAL: ipBytes(prefix.address), IFA_ADDRESS: ipBytes(peer ?? prefix.address), IFA_FLAGS: flags },
    ...(broadcast !== undefined && { IFA_BROADCAST: ipBytes(broadcast) }),
    ...(label !== undefined && { IFA_LABEL: label }),
    ...(routeMetric !== undefined && { IFA_RT_PRIORITY: routeMetric }),
    ...(lifetimes !== undefined && {
      IFA_CACHEINFO: {
        ...{ ifa_prefered: lifetimes.preferred ?? FOR_EVER, ifa_valid: lifetimes.valid ?? FOR_EVER },
        ...{ cstamp: 0, tstamp: 0 },
      },
    }),
  });
}

/** An address; `undefined`: one of a family other than IPv4 and IPv6. */
export function decodeAddress(payload: Uint8Array): Result<InterfaceAddress | undefined, WireError> {
  const read = headed(ifaddrmsg.decode(payload), IFA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  const family = familyOfAf(header.ifa_family);
  if (family === undefined) return ok(undefined);
  const bytes = attributes.IFA_LOCAL ?? attributes.IFA_ADDRESS;
  if (bytes === undefined) return err('missing');
  const address = addressOf(bytes, family);
  const more = options(attributes, family);
  if (address === undefined || more === undefined || header.ifa_prefixlen > 8 * bytes.length) return err('value');
  const { peer, ...rest } = more;
  return ok({
    index: header.ifa_index,
    prefix: { address, length: header.ifa_prefixlen },
    scope: header.ifa_scope,
    flags: attributes.IFA_FLAGS ?? header.ifa_flags,
    ...(peer !== undefined && peer !== address && { peer }),
    ...rest,
  });
}

type Options = Pick<InterfaceAddress, 'peer' | 'broadcast' | 'label' | 'routeMetric' | 'lifetimes'>;

/** `undefined`: one of the addresses is not as long as an address. */
function options(attributes: Attributes<typeof IFA.rows>, family: Family): Options | undefined {
  const { IFA_ADDRESS, IFA_BROADCAST, IFA_LABEL, IFA_RT_PRIORITY, IFA_CACHEINFO } = attributes;
  const peer = IFA_ADDRESS && addressOf(IFA_ADDRESS, family);
  const broadcast = IFA_BROADCAST && addressOf(IFA_BROADCAST, family);
  if ((IFA_ADDRESS && !peer) || (IFA_BROADCAST && !broadcast)) return undefined;
  const lifetimes = IFA_CACHEINFO && {
    preferred: lifetime(IFA_CACHEINFO.ifa_prefered),
    valid: lifetime(IFA_CACHEINFO.ifa_valid),
  };
  const limited = lifetimes !== undefined && (lifetimes.preferred !== null || lifetimes.valid !== null);
  return {
    ...(peer !== undefined && { peer }),
    ...(broadcast !== undefined && { broadcast }),
    ...(IFA_LABEL !== undefined && { label: IFA_LABEL }),
    ...(IFA_RT_PRIORITY !== undefined && { routeMetric: IFA_RT_PRIORITY }),
    ...(limited && { lifetimes }),
  };
}

const lifetime = (seconds: number): Lifetime => (seconds === FOR_EVER ? null : seconds);
