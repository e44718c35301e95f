/**
 * The IPVS table as a value: what the kernel holds, or what it should hold. The names are those of ipvsadm(8); how each
 * field lies on the wire is in `src/wire/netlink-ipvs.ts`.
 */

import { type Endpoint, type Family, familyOf, formatEndpoint } from '../base/address.ts';

/** Every scheduler of the kernel (net/netfilter/ipvs/ip_vs_*.c), by the name it is asked for with. */
export const SCHEDULERS = [
  'rr',
  'wrr',
  'lc',
  'wlc',
  'lblc',
  'lblcr',
  'dh',
  'sh',
  'sed',
  'nq',
  'fo',
  'ovf',
  'mh',
  'twos',
] as const;
export type Scheduler = (typeof SCHEDULERS)[number];
export type Forward = 'nat' | 'tun' | 'dr';
export type Protocol = 'tcp' | 'udp' | 'sctp';

/** What makes a service one service to the kernel: protocol and address, or the mark that netfilter gave its packets. */
export type ServiceId =
  | { readonly protocol: Protocol; readonly address: Endpoint; readonly fwmark?: undefined }
  | { /** 1 to 4294967295 */ readonly fwmark: number; readonly family: Family };

/** How packets are wrapped for a server that is reached by a tunnel. */
export type Tunnel = {
  readonly type: 'ipip' | 'gre' | 'gue';
  /** UDP port at the server, of gue; else 0. */
  readonly port: number;
  /** Of gre and gue: none, a checksum, or (gue) remote checksum offload. */
  readonly checksum: 'none' | 'csum' | 'remcsum';
};

export type Service = {
  readonly id: ServiceId;
  /** The kernel's name for the scheduler, without `ip_vs_`. */
  readonly scheduler: string;
  /** Persistence timeout in whole seconds; `null`: not persistent. */
  readonly persistence: number | null;
  /**
   * Prefix length: for persistence clients that share so many bits count as one. 0 to 32, of IPv6 1 to 128; `null`, only in
   * what the kernel tells: a mask with holes.
   */
  readonly granularity: number | null;
  /** Name of the persistence engine (`sip`); `null`: persistence is by client address. */
  readonly engine: string | null;
  /** Scheduler flag bits (IP_VS_SVC_F_SCHED*, IP_VS_SVC_F_ONEPACKET; linux/ip_vs.h), without HASHED and PERSISTENT. */
  readonly flags: number;
  readonly destinations: readonly Destination[];
};

export type Destination = {
  readonly address: Endpoint;
  readonly forward: Forward | 'local' | 'bypass';
  /** 0 to 65535 */
  readonly weight: number;
  /** Connection thresholds; 0 means none. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** Of `tun`; else `null`, as in what the kernel tells of a tunnel that has no name here. */
  readonly tunnel: Tunnel | null;
  /** Only in what the kernel tells; never compared. */
  readonly counts?: { readonly active: number; readonly inactive: number; readonly persistent: number };
};

/** Services by `serviceKey`. */
export type Table = ReadonlyMap<string, Service>;

/** `tcp 192.0.2.10:80`, `fwmark 7`, `fwmark 7 IPv6`: the key of a service in a `Table`, and how it is written for people. */
export const serviceKey = (id: ServiceId): string =>
  id.fwmark === undefined
    ? `${id.protocol} ${formatEndpoint(id.address)}`
    : `fwmark ${id.fwmark}${id.family === 6 ? ' IPv6' : ''}`;
export const destinationKey = (d: Pick<Destination, 'address'>): string => formatEndpoint(d.address);
/** A server of a service, which is named by its key. */
export const memberKey = (service: string, d: Pick<Destination, 'address'>): string =>
  `${service} ${destinationKey(d)}`;

/** The connections of one server in several services of the kernel, together. */
export function sumCounts(all: readonly Pick<Destination, 'counts'>[]): NonNullable<Destination['counts']> {
  const sum = (of: 'active' | 'inactive' | 'persistent'): number =>
    all.reduce((n, { counts }) => n + (counts?.[of] ?? 0), 0);
  return { active: sum('active'), inactive: sum('inactive'), persistent: sum('persistent') };
}

export const tableOf = (services: Iterable<Service>): Table => new Map([...services].map((s) => [serviceKey(s.id), s]));

export const familyOfService = (id: ServiceId): Family =>
  id.fwmark === undefined ? familyOf(id.address.address) : id.family;

/**
 * The bits of `Service.flags` (IP_VS_SVC_F_*, linux/ip_vs.h) by ipvsadm(8)'s names; what the scheduler flags mean is the
 * scheduler's business, and those of one that gives them no meaning are numbered.
 */
const ONE_PACKET = 0x4;
const SCHEDULER_FLAGS = [0x8, 0x10, 0x20] as const;
const FLAG_NAMES: Readonly<Record<string, readonly [string, string]>> = {
  sh: ['sh-fallback', 'sh-port'],
  mh: ['mh-fallback', 'mh-port'],
};

/** Every flag that some scheduler has. */
export const SERVICE_FLAGS = [
  'sh-fallback',
  'sh-port',
  'mh-fallback',
  'mh-port',
  'flag-1',
  'flag-2',
  'flag-3',
] as const;
export type ServiceFlag = (typeof SERVICE_FLAGS)[number];

/** `['ops', 'sh-port']`: the names of the bits that are set. */
export function flagNames(scheduler: string, flags: number): readonly string[] {
  const names = SCHEDULER_FLAGS.flatMap((bit, i) =>
    (flags & bit) === 0 ? [] : (FLAG_NAMES[scheduler]?.[i] ?? `flag-${i + 1}`),
  );
  return (flags & ONE_PACKET) === 0 ? names : ['ops', ...names];
}

/** The bits for these names; `undefined` where the scheduler has no flag of that name. */
export function flagBits(scheduler: string, names: readonly string[], ops: boolean): number | undefined {
  let bits = ops ? ONE_PACKET : 0;
  for (const name of names) {
    const bit = SCHEDULER_FLAGS.find((_, i) => name === FLAG_NAMES[scheduler]?.[i] || name === `flag-${i + 1}`);
    if (bit === undefined) return undefined;
    bits |= bit;
  }
  return bits;
}

/** One change to the kernel's table. A plan is a list of them, in the order in which they must be made. */
export type Operation =
  | { readonly op: 'add-service'; readonly service: Service }
  | { readonly op: 'set-service'; readonly service: Service; readonly was: Service }
  | { readonly op: 'delete-service'; readonly service: Service }
  | { readonly op: 'add-destination'; readonly service: ServiceId; readonly destination: Destination }
  | {
      readonly op: 'set-destination';
      readonly service: ServiceId;
      readonly destination: Destination;
      readonly was: Destination;
    }
  | { readonly op: 'delete-destination'; readonly service: ServiceId; readonly destination: Destination };
