/**
 * The IPVS table as a value: what the kernel holds, or what it should hold. The names are those of ipvsadm(8); how each
 * field lies on the wire is in `src/wire/netlink-ipvs.ts`.
 */

import { type Endpoint, formatEndpoint } from '../base/address.ts';

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
export type Protocol = 'tcp' | 'udp';

/** What makes a service one service to the kernel. */
export type ServiceId = { readonly protocol: Protocol; readonly address: Endpoint };

export type Service = {
  readonly id: ServiceId;
  /** The kernel's name for the scheduler, without `ip_vs_`. */
  readonly scheduler: string;
  /** Persistence timeout in whole seconds; `null`: not persistent. */
  readonly persistence: number | null;
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
  /** Only in what the kernel tells; never compared. */
  readonly counts?: { readonly active: number; readonly inactive: number; readonly persistent: number };
};

/** Services by `serviceKey`. */
export type Table = ReadonlyMap<string, Service>;

/** `tcp 192.0.2.10:80`: the key of a service in a `Table`, and how a service is written for people. */
export const serviceKey = (id: ServiceId): string => `${id.protocol} ${formatEndpoint(id.address)}`;
export const destinationKey = (d: Pick<Destination, 'address'>): string => formatEndpoint(d.address);

export const tableOf = (services: Iterable<Service>): Table => new Map([...services].map((s) => [serviceKey(s.id), s]));

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
