/**
 * Links in rtnetlink (linux/if_link.h): what they are, and the macvlan, the one kind that lvskeeper makes.
 *
 * Trap: what IFLA_INFO_DATA holds depends on IFLA_INFO_KIND, so it is read as bytes.
 */

import { err, ok, type Result } from '../base/result.ts';
import { type MacAddress, macBytes } from './ethernet.ts';
import { nested, table, type WireError, writeAttributes } from './netlink.ts';
import { nulString, raw, s32, struct, u8, u16, u32 } from './netlink-codec.ts';
import { headed } from './netlink-rtnl.ts';
import { newSink, type Sink, written } from './netlink-sink.ts';

/** ifi_flags (linux/if.h) */
const IFF = { UP: 0x1, LOOPBACK: 0x8, RUNNING: 0x40, MULTICAST: 0x1000, LOWER_UP: 0x10000 } as const;
/** Leaves the counters out of what a dump tells of a link (RTEXT_FILTER_SKIP_STATS). */
const SKIP_STATS = 1 << 3;
/**
 * enum macvlan_mode, MACVLAN_MODE_PRIVATE: no frame goes from one macvlan of an interface to another, not even by way of
 * a switch that sends it back. Virtual routers of one machine have nothing to say to each other, and must not answer
 * each other's ARP.
 */
const MACVLAN_MODE_PRIVATE = 1;
/** IFALIASZ, with its closing NUL. */
export const ALIAS_BYTES = 256;

/** struct ifinfomsg */
const ifinfomsg = struct({ ifi_family: u8, pad: u8, ifi_type: u16, ifi_index: s32, ifi_flags: u32, ifi_change: u32 });

/** enum IFLA_MACVLAN_* */
export const IFLA_MACVLAN = table({ IFLA_MACVLAN_MODE: [1, u32] });

/** enum IFLA_INFO_* */
export const IFLA_INFO = table({ IFLA_INFO_KIND: [1, nulString], IFLA_INFO_DATA: [2, raw()] });

/** enum IFLA_*: those that lvskeeper reads or writes; the others are kept as they are. */
export const IFLA = table({
  IFLA_ADDRESS: [1, raw()],
  IFLA_IFNAME: [3, nulString],
  IFLA_MTU: [4, u32],
  IFLA_LINK: [5, u32],
  IFLA_OPERSTATE: [16, u8],
  IFLA_LINKINFO: [18, nested(IFLA_INFO)],
  IFLA_IFALIAS: [20, nulString],
  IFLA_EXT_MASK: [29, u32],
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
  /** `macvlan`, `veth`, …; absent for hardware. */
  readonly kind?: string;
  /** Index of the link it rests on, or of its other end. */
  readonly parent?: number;
  /** What an administrator, or we, wrote on it. */
  readonly alias?: string;
};

/** A macvlan, as it is asked for. */
export type Macvlan = { readonly name: string; readonly parent: number; readonly mac: MacAddress };

const header = { ifi_family: 0, pad: 0, ifi_type: 0, ifi_index: 0, ifi_flags: 0, ifi_change: 0 } as const;

/** RTM_GETLINK: of one link by name, or of all. */
export function writeGetLink(sink: Sink, name?: string): void {
  ifinfomsg.write(sink, header);
  writeAttributes(sink, IFLA, { ...(name !== undefined && { IFLA_IFNAME: name }), IFLA_EXT_MASK: SKIP_STATS });
}

/** RTM_NEWLINK with NLM_F_CREATE and NLM_F_EXCL. The new link is down. */
export function writeMacvlan(sink: Sink, { name, parent, mac }: Macvlan): void {
  ifinfomsg.write(sink, header);
  const data = newSink(8);
  writeAttributes(data, IFLA_MACVLAN, { IFLA_MACVLAN_MODE: MACVLAN_MODE_PRIVATE });
  writeAttributes(sink, IFLA, {
    ...{ IFLA_IFNAME: name, IFLA_ADDRESS: macBytes(mac), IFLA_LINK: parent },
    IFLA_LINKINFO: { IFLA_INFO_KIND: 'macvlan', IFLA_INFO_DATA: written(data) },
  });
}

/** RTM_SETLINK: what is given is changed, the rest stays. */
export function writeSetLink(
  sink: Sink,
  index: number,
  change: { readonly up?: boolean; readonly alias?: string },
): void {
  const flags = change.up === undefined ? {} : { ifi_flags: change.up ? IFF.UP : 0, ifi_change: IFF.UP };
  ifinfomsg.write(sink, { ...header, ifi_index: index, ...flags });
  if (change.alias !== undefined) writeAttributes(sink, IFLA, { IFLA_IFALIAS: change.alias });
}

/** RTM_DELLINK */
export const writeDeleteLink = (sink: Sink, index: number): void =>
  ifinfomsg.write(sink, { ...header, ifi_index: index });

export function decodeLink(payload: Uint8Array): Result<Link, WireError> {
  const read = headed(ifinfomsg.decode(payload), IFLA);
  if (!read.ok) return read;
  const { header, attributes } = read.value;
  if (attributes.IFLA_IFNAME === undefined) return err('missing');
  const has = (bit: number): boolean => (header.ifi_flags & bit) !== 0;
  const kind = attributes.IFLA_LINKINFO?.IFLA_INFO_KIND;
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
    ...(kind !== undefined && { kind }),
    ...(attributes.IFLA_LINK !== undefined && { parent: attributes.IFLA_LINK }),
    ...(attributes.IFLA_IFALIAS !== undefined && { alias: attributes.IFLA_IFALIAS }),
  });
}

/** For logs and test failures: `eth0 (2) 02:00:5e:00:53:01 up running`. */
export function describeLink(link: Link): string {
  const states = (['up', 'running', 'lowerUp'] as const).filter((state) => link[state]);
  return [`${link.name} (${link.index})`, link.mac, ...states, `mtu ${link.mtu}`].filter(Boolean).join(' ');
}
