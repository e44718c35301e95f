/**
 * The generic netlink family IPVS (linux/ip_vs.h; net/netfilter/ipvs/ip_vs_ctl.c).
 *
 * Traps: ports are in network order, all else in the host's. An address is always the 16 bytes of union nf_inet_addr, of
 * which IPv4 uses the first 4. IPVS_SVC_ATTR_NETMASK is a mask in network order for IPv4 and a prefix length in host
 * order for IPv6. Of IPVS_DEST_ATTR_FWD_METHOD only the low 3 bits are the method. A destination without
 * IPVS_DEST_ATTR_ADDR_FAMILY (Linux before 3.18) is of its service's family.
 */

import { BITS, type Endpoint, type Family, familyOf, type IpAddress, ipBytes, ipFromBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import {
  type Attributes,
  describeAttributes,
  nested,
  readAttributes,
  table,
  type WireError,
  writeAttributes,
} from './netlink.ts';
import { be16, nulString, raw, struct, u8, u16, u32, u64 } from './netlink-codec.ts';
import { GENLMSGHDR } from './netlink-generic.ts';
import { IPVS_CONFIG_CMD, IPVS_CONFIG_ROWS, IPVS_GENL_VERSION } from './netlink-ipvs-config.ts';
import type { Sink } from './netlink-sink.ts';

export const IPVS_GENL_NAME = 'IPVS';

export const IPVS_CMD = {
  ...{ NEW_SERVICE: 1, SET_SERVICE: 2, DEL_SERVICE: 3, GET_SERVICE: 4 },
  ...{ NEW_DEST: 5, SET_DEST: 6, DEL_DEST: 7, GET_DEST: 8 },
  ...IPVS_CONFIG_CMD,
} as const;
export type IpvsCommand = keyof typeof IPVS_CMD;

/** enum IPVS_STATS_ATTR_*, as in IPVS_SVC_ATTR_STATS64 and IPVS_DEST_ATTR_STATS64. Rates are per second. */
export const IPVS_STATS64 = table({
  IPVS_STATS_ATTR_CONNS: [1, u64],
  IPVS_STATS_ATTR_INPKTS: [2, u64],
  IPVS_STATS_ATTR_OUTPKTS: [3, u64],
  IPVS_STATS_ATTR_INBYTES: [4, u64],
  IPVS_STATS_ATTR_OUTBYTES: [5, u64],
  IPVS_STATS_ATTR_CPS: [6, u64],
  IPVS_STATS_ATTR_INPPS: [7, u64],
  IPVS_STATS_ATTR_OUTPPS: [8, u64],
  IPVS_STATS_ATTR_INBPS: [9, u64],
  IPVS_STATS_ATTR_OUTBPS: [10, u64],
  IPVS_STATS_ATTR_PAD: [11, raw()],
});

/** Statistics stay bytes until somebody asks: a table of 10,000 destinations has 400,000 counters. */
const statistics = raw();

/** struct ip_vs_flags: the bits of `flags` outside `mask` stay as they are. */
const ip_vs_flags = struct({ flags: u32, mask: u32 });

/** enum IPVS_SVC_ATTR_* */
export const IPVS_SVC = table({
  IPVS_SVC_ATTR_AF: [1, u16],
  IPVS_SVC_ATTR_PROTOCOL: [2, u16],
  IPVS_SVC_ATTR_ADDR: [3, raw(16)],
  IPVS_SVC_ATTR_PORT: [4, be16],
  IPVS_SVC_ATTR_FWMARK: [5, u32],
  IPVS_SVC_ATTR_SCHED_NAME: [6, nulString],
  IPVS_SVC_ATTR_FLAGS: [7, ip_vs_flags],
  /** Persistence timeout, seconds. */
  IPVS_SVC_ATTR_TIMEOUT: [8, u32],
  IPVS_SVC_ATTR_NETMASK: [9, raw(4)],
  IPVS_SVC_ATTR_STATS: [10, statistics],
  IPVS_SVC_ATTR_PE_NAME: [11, nulString],
  IPVS_SVC_ATTR_STATS64: [12, statistics],
});

/** enum IPVS_DEST_ATTR_* */
export const IPVS_DEST = table({
  IPVS_DEST_ATTR_ADDR: [1, raw(16)],
  IPVS_DEST_ATTR_PORT: [2, be16],
  IPVS_DEST_ATTR_FWD_METHOD: [3, u32],
  IPVS_DEST_ATTR_WEIGHT: [4, u32],
  IPVS_DEST_ATTR_U_THRESH: [5, u32],
  IPVS_DEST_ATTR_L_THRESH: [6, u32],
  IPVS_DEST_ATTR_ACTIVE_CONNS: [7, u32],
  IPVS_DEST_ATTR_INACT_CONNS: [8, u32],
  IPVS_DEST_ATTR_PERSIST_CONNS: [9, u32],
  IPVS_DEST_ATTR_STATS: [10, statistics],
  IPVS_DEST_ATTR_ADDR_FAMILY: [11, u16],
  IPVS_DEST_ATTR_STATS64: [12, statistics],
  /** IP_VS_CONN_F_TUNNEL_TYPE_*: 0 ipip, 1 gue, 2 gre */
  IPVS_DEST_ATTR_TUN_TYPE: [13, u8],
  IPVS_DEST_ATTR_TUN_PORT: [14, be16],
  IPVS_DEST_ATTR_TUN_FLAGS: [15, u16],
});

/** enum IPVS_CMD_ATTR_*, the outermost level */
export const IPVS_CMD_ATTRS = table({
  IPVS_CMD_ATTR_SERVICE: [1, nested(IPVS_SVC)],
  IPVS_CMD_ATTR_DEST: [2, nested(IPVS_DEST)],
  ...IPVS_CONFIG_ROWS,
});

/** IP_VS_SVC_F_*: PERSISTENT is told by `persistence`, HASHED is the kernel's own; the others are the service's. */
const SVC_F = { PERSISTENT: 0x1, HASHED: 0x2 } as const;
/** The bits of `ServiceEntry.flags`: ONEPACKET, SCHED1, SCHED2, SCHED3. */
export const SERVICE_FLAGS = 0x3c;
/** IP_VS_CONN_F_FWD_MASK and the methods it covers. */
const FWD_MASK = 0x7;
const FORWARD = ['nat', 'local', 'tun', 'dr', 'bypass'] as const;
const PROTOCOL = { tcp: 6, udp: 17, sctp: 132 } as const;
const AF = { 4: 2, 6: 10 } as const satisfies Record<Family, number>;
/** IP_VS_CONN_F_TUNNEL_TYPE_* and IP_VS_TUNNEL_ENCAP_FLAG_*, by their numbers. */
const TUNNEL = ['ipip', 'gue', 'gre'] as const;
const CHECKSUM = ['none', 'csum', 'remcsum'] as const;

/** By address, or by the mark that netfilter gave the packet. */
export type ServiceKey =
  | { readonly protocol: keyof typeof PROTOCOL; readonly address: Endpoint; readonly fwmark?: undefined }
  | { readonly fwmark: number; readonly family: Family };
export type ServiceEntry = {
  readonly id: ServiceKey;
  readonly scheduler: string;
  /** Seconds; `null`: not persistent. */
  readonly persistence: number | null;
  /** Prefix length: clients that share so many bits count as one; `null`: a mask with holes, which is no prefix. */
  readonly granularity: number | null;
  /** Name of the persistence engine; `null`: by address. */
  readonly engine: string | null;
  readonly flags: number;
};
export type TunnelEntry = {
  readonly type: (typeof TUNNEL)[number];
  /** UDP port at the server, of gue; else 0. */
  readonly port: number;
  readonly checksum: (typeof CHECKSUM)[number];
};
export type DestinationEntry = {
  readonly address: Endpoint;
  readonly forward: (typeof FORWARD)[number];
  readonly weight: number;
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** `null`: it does not forward by a tunnel, or by one that has no name here. */
  readonly tunnel: TunnelEntry | null;
  readonly counts?: { readonly active: number; readonly inactive: number; readonly persistent: number };
};

type ServiceAttributes = Attributes<typeof IPVS_SVC.rows>;
type DestinationAttributes = Attributes<typeof IPVS_DEST.rows>;

/** Ten requests about ten servers name their service by one and the same value: its bytes are made once. */
const keys = new WeakMap<ServiceKey, ServiceAttributes>();

/** What names a service, and all that a request about one of its destinations says of it. */
export function serviceKeyAttributes(key: ServiceKey): ServiceAttributes {
  const known = keys.get(key);
  if (known !== undefined) return known;
  const af = { IPVS_SVC_ATTR_AF: AF[serviceFamily(key)] };
  const made =
    key.fwmark === undefined
      ? {
          ...af,
          IPVS_SVC_ATTR_PROTOCOL: PROTOCOL[key.protocol],
          IPVS_SVC_ATTR_ADDR: nfInetAddr(key.address.address),
          IPVS_SVC_ATTR_PORT: key.address.port,
        }
      : { ...af, IPVS_SVC_ATTR_FWMARK: key.fwmark };
  keys.set(key, made);
  return made;
}

const serviceFamily = (key: ServiceKey): Family =>
  key.fwmark === undefined ? familyOf(key.address.address) : key.family;

export function serviceAttributes(entry: ServiceEntry): ServiceAttributes {
  const flags = (entry.flags & SERVICE_FLAGS) | (entry.persistence === null ? 0 : SVC_F.PERSISTENT);
  return {
    ...serviceKeyAttributes(entry.id),
    IPVS_SVC_ATTR_SCHED_NAME: entry.scheduler,
    IPVS_SVC_ATTR_FLAGS: { flags, mask: 0xffffffff },
    IPVS_SVC_ATTR_TIMEOUT: entry.persistence ?? 0,
    IPVS_SVC_ATTR_NETMASK: netmask(serviceFamily(entry.id), entry.granularity ?? BITS[serviceFamily(entry.id)]),
    ...(entry.engine !== null && { IPVS_SVC_ATTR_PE_NAME: entry.engine }),
  };
}

export function destinationKeyAttributes({ address }: Pick<DestinationEntry, 'address'>): DestinationAttributes {
  return {
    IPVS_DEST_ATTR_ADDR: nfInetAddr(address.address),
    IPVS_DEST_ATTR_PORT: address.port,
    IPVS_DEST_ATTR_ADDR_FAMILY: AF[familyOf(address.address)],
  };
}

export function destinationAttributes(entry: DestinationEntry): DestinationAttributes {
  const plain = {
    ...destinationKeyAttributes(entry),
    IPVS_DEST_ATTR_FWD_METHOD: FORWARD.indexOf(entry.forward),
    IPVS_DEST_ATTR_WEIGHT: entry.weight,
    IPVS_DEST_ATTR_U_THRESH: entry.upperThreshold,
    IPVS_DEST_ATTR_L_THRESH: entry.lowerThreshold,
  };
  return entry.tunnel === null ? plain : { ...plain, ...tunnelAttributes(entry.tunnel) };
}

const tunnelAttributes = ({ type, port, checksum }: TunnelEntry): DestinationAttributes => ({
  IPVS_DEST_ATTR_TUN_TYPE: TUNNEL.indexOf(type),
  IPVS_DEST_ATTR_TUN_PORT: port,
  IPVS_DEST_ATTR_TUN_FLAGS: CHECKSUM.indexOf(checksum),
});

/** A service as the kernel tells it; `undefined`: one of another protocol, so it has no key here. */
export function serviceEntry(of: ServiceAttributes): Result<ServiceEntry | undefined, WireError> {
  const { IPVS_SVC_ATTR_FLAGS: bits, IPVS_SVC_ATTR_SCHED_NAME: scheduler, IPVS_SVC_ATTR_NETMASK: mask } = of;
  const id = serviceKeyFrom(of);
  if (!id.ok) return id;
  if (id.value === undefined) return ok(undefined);
  if (bits === undefined || scheduler === undefined) return err('missing');
  const persistent = (bits.flags & SVC_F.PERSISTENT) !== 0;
  const family = serviceFamily(id.value);
  return ok({
    id: id.value,
    scheduler,
    persistence: persistent ? (of.IPVS_SVC_ATTR_TIMEOUT ?? 0) : null,
    granularity: mask === undefined ? BITS[family] : prefixLength(family, mask),
    engine: of.IPVS_SVC_ATTR_PE_NAME ?? null,
    flags: bits.flags & SERVICE_FLAGS,
  });
}

function serviceKeyFrom(of: ServiceAttributes): Result<ServiceKey | undefined, WireError> {
  const { IPVS_SVC_ATTR_ADDR: bytes, IPVS_SVC_ATTR_PORT: port, IPVS_SVC_ATTR_FWMARK: fwmark } = of;
  const family = familyFrom(of.IPVS_SVC_ATTR_AF);
  if (family === undefined) return err('value');
  // 0 is no mark.
  if (fwmark) return ok({ fwmark, family });
  const protocol = PROTOCOLS.find((name) => PROTOCOL[name] === of.IPVS_SVC_ATTR_PROTOCOL);
  if (protocol === undefined) return ok(undefined);
  if (bytes === undefined || port === undefined) return err('missing');
  return ok({ protocol, address: { address: fromNfInetAddr(bytes, family), port } });
}

export function destinationEntry(of: DestinationAttributes, service: ServiceKey): Result<DestinationEntry, WireError> {
  const { IPVS_DEST_ATTR_ADDR: bytes, IPVS_DEST_ATTR_PORT: port, IPVS_DEST_ATTR_FWD_METHOD: method } = of;
  if (bytes === undefined || port === undefined || method === undefined) return err('missing');
  const { IPVS_DEST_ATTR_ADDR_FAMILY: af, IPVS_DEST_ATTR_ACTIVE_CONNS: active } = of;
  const family = af === undefined ? serviceFamily(service) : familyFrom(af);
  const forward = FORWARD[method & FWD_MASK];
  if (family === undefined || forward === undefined) return err('value');
  return ok({
    address: { address: fromNfInetAddr(bytes, family), port },
    forward,
    weight: of.IPVS_DEST_ATTR_WEIGHT ?? 0,
    upperThreshold: of.IPVS_DEST_ATTR_U_THRESH ?? 0,
    lowerThreshold: of.IPVS_DEST_ATTR_L_THRESH ?? 0,
    tunnel: forward === 'tun' ? tunnelFrom(of) : null,
    ...(active !== undefined && {
      counts: {
        active,
        inactive: of.IPVS_DEST_ATTR_INACT_CONNS ?? 0,
        persistent: of.IPVS_DEST_ATTR_PERSIST_CONNS ?? 0,
      },
    }),
  });
}

/** Linux before 5.3 has IP in IP alone, and says nothing of it. */
function tunnelFrom(of: DestinationAttributes): TunnelEntry | null {
  const type = TUNNEL[of.IPVS_DEST_ATTR_TUN_TYPE ?? 0];
  const checksum = CHECKSUM[of.IPVS_DEST_ATTR_TUN_FLAGS ?? 0];
  if (type === undefined || checksum === undefined) return null;
  return { type, port: of.IPVS_DEST_ATTR_TUN_PORT ?? 0, checksum };
}

export type IpvsMessage = { readonly cmd: number } & Attributes<typeof IPVS_CMD_ATTRS.rows>;

/** Writes the payload of one request: `IPVS_CMD_<command>` about `service`, and one of its destinations. */
export function writeIpvs(
  sink: Sink,
  command: IpvsCommand,
  service?: ServiceAttributes,
  destination?: DestinationAttributes,
): void {
  GENLMSGHDR.write(sink, { cmd: IPVS_CMD[command], version: IPVS_GENL_VERSION, reserved: 0 });
  if (service !== undefined) writeAttributes(sink, IPVS_CMD_ATTRS, { IPVS_CMD_ATTR_SERVICE: service });
  if (destination !== undefined) writeAttributes(sink, IPVS_CMD_ATTRS, { IPVS_CMD_ATTR_DEST: destination });
}

export function decodeIpvs(payload: Uint8Array): Result<IpvsMessage, WireError> {
  if (payload.length < GENLMSGHDR.size) return err('truncated');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const attributes = readAttributes(IPVS_CMD_ATTRS, view, GENLMSGHDR.size, payload.length);
  return attributes.ok ? ok({ ...attributes.value, cmd: view.getUint8(0) }) : attributes;
}

/** For logs and test failures: `NEW_DEST IPVS_CMD_ATTR_SERVICE { IPVS_SVC_ATTR_AF 2, … }`. */
export function describeIpvs(message: IpvsMessage): string {
  const command =
    Object.entries(IPVS_CMD).find(([, number]) => number === message.cmd)?.[0] ?? `command ${message.cmd}`;
  return `${command} ${describeAttributes(IPVS_CMD_ATTRS, message)}`;
}

const PROTOCOLS = Object.keys(PROTOCOL) as (keyof typeof PROTOCOL)[];

/** A mask in network order, or a prefix length as a u32 in host order. */
function netmask(family: Family, length: number): Uint8Array {
  if (family === 6) return new Uint8Array(Uint32Array.of(length).buffer);
  const bits = maskBits(length);
  return Uint8Array.of(bits >>> 24, bits >>> 16, bits >>> 8, bits);
}

/** `null` for a mask with holes. */
function prefixLength(family: Family, mask: Uint8Array): number | null {
  const view = new DataView(mask.buffer, mask.byteOffset, 4);
  if (family === 6) return view.getUint32(0, HOST_IS_LITTLE);
  const length = Math.clz32(~view.getUint32(0));
  return view.getUint32(0) === maskBits(length) ? length : null;
}

/** As a u32. A shift by 32 would be none. */
const maskBits = (length: number): number => (length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);

const HOST_IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const familyFrom = (af: number | undefined): Family | undefined => (af === AF[4] ? 4 : af === AF[6] ? 6 : undefined);

function nfInetAddr(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(ipBytes(address));
  return bytes;
}

const fromNfInetAddr = (bytes: Uint8Array, family: Family): IpAddress =>
  ipFromBytes(family === 4 ? bytes.subarray(0, 4) : bytes);
