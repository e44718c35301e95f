/**
 * From the table that the kernel holds to the one it should hold, in the fewest operations.
 *
 * The order is the safety: what is new comes first, then changes, weights that rise before weights that fall, then
 * removals. So a service that had a server is never without one on the way to another set of servers, and a refusal in
 * the middle leaves more servers than wanted rather than fewer.
 *
 * Ownership: a service that is wanted is made right whoever made it. One that is not wanted is deleted only when it is
 * `owned`; any other is somebody else's and is not looked at.
 */

import { BITS } from '../base/address.ts';
import { connections } from './leaving.ts';
import {
  type Destination,
  destinationKey,
  familyOfService,
  flagNames,
  memberKey,
  type Operation,
  type Service,
  type ServiceId,
  serviceKey,
  type Table,
  type Tunnel,
} from './table.ts';

/** Nothing to do: `[]`. The operations must be made in order. */
export function plan(actual: Table, desired: Table, owned: ReadonlySet<string>): readonly Operation[] {
  const add: Operation[] = [];
  const addDestination: Operation[] = [];
  const change: Operation[] = [];
  const raise: Operation[] = [];
  const lower: Operation[] = [];
  const deleteDestination: Operation[] = [];
  const remove: Operation[] = [];

  for (const [key, service] of desired) {
    const was = actual.get(key);
    if (was === undefined) add.push({ op: 'add-service', service });
    else if (!sameService(was, service)) change.push({ op: 'set-service', service, was });

    const before = new Map(was?.destinations.map((d) => [destinationKey(d), d]));
    for (const destination of service.destinations) {
      const had = before.get(destinationKey(destination));
      before.delete(destinationKey(destination));
      if (had === undefined) addDestination.push({ op: 'add-destination', service: service.id, destination });
      else if (!sameDestination(had, destination))
        (destination.weight < had.weight ? lower : raise).push(
          { op: 'set-destination', service: service.id, destination, was: had }, //
        );
    }
    for (const destination of before.values())
      deleteDestination.push({ op: 'delete-destination', service: service.id, destination });
  }

  for (const [key, service] of actual)
    if (owned.has(key) && !desired.has(key)) remove.push({ op: 'delete-service', service });

  return [...add, ...addDestination, ...change, ...raise, ...lower, ...deleteDestination, ...remove];
}

/** What `plan` has behind all that adds: it may leave a service with fewer servers, or with less weight. */
export const takesAway = (operation: Operation): boolean =>
  operation.op === 'delete-destination' ||
  operation.op === 'delete-service' ||
  (operation.op === 'set-destination' && operation.destination.weight < operation.was.weight);

/** The services, by `serviceKey`, of which every server that is to get connections is among those `refused`. */
export function bareServices(desired: Table, refused: readonly Operation[]): ReadonlySet<string> {
  const keys = refused.map((operation) => serviceKey(serviceOf(operation)));
  const members = new Set(
    refused.map((one, i) => ('destination' in one ? memberKey(keys[i] as string, one.destination) : '')),
  );
  const isBare = (key: string): boolean => {
    const serving = (desired.get(key)?.destinations ?? []).filter(({ weight }) => weight > 0);
    return serving.length > 0 && serving.every((destination) => members.has(memberKey(key, destination)));
  };
  return new Set(keys.filter(isBare));
}

/** Whether all but the destinations is the same. */
const sameService = (a: Service, b: Service): boolean =>
  a.scheduler === b.scheduler &&
  a.persistence === b.persistence &&
  a.granularity === b.granularity &&
  a.engine === b.engine &&
  a.flags === b.flags;

const sameDestination = (a: Destination, b: Destination): boolean =>
  sameWay(a, b) &&
  a.weight === b.weight &&
  a.upperThreshold === b.upperThreshold &&
  a.lowerThreshold === b.lowerThreshold;

const sameWay = (a: Destination, b: Destination): boolean => a.forward === b.forward && sameTunnel(a.tunnel, b.tunnel);

const sameTunnel = (a: Tunnel | null, b: Tunnel | null): boolean =>
  a?.type === b?.type && a?.port === b?.port && a?.checksum === b?.checksum;

/** What an operation does to the table: adds to it, changes it, takes from it. */
export const SIGN: Readonly<Record<Operation['op'], '+' | '~' | '-'>> = {
  'add-service': '+',
  'add-destination': '+',
  'set-service': '~',
  'set-destination': '~',
  'delete-destination': '-',
  'delete-service': '-',
};

/** The service an operation is about. */
export const serviceOf = (operation: Operation): ServiceId =>
  'destination' in operation ? operation.service : operation.service.id;

/**
 * How many live connections an operation would break: those of a destination that goes, or whose packets would from then
 * on be forwarded in another way. Persistence templates count, since their clients would be sent elsewhere. 0 where the
 * kernel's counts are not known.
 */
export function breaks(operation: Operation): number {
  switch (operation.op) {
    case 'delete-destination':
      return connections(operation.destination);
    case 'delete-service':
      return operation.service.destinations.reduce((sum, d) => sum + connections(d), 0);
    case 'set-destination':
      return sameWay(operation.was, operation.destination) ? 0 : connections(operation.was);
    default:
      return 0;
  }
}

/** How many live connections are on a server that an operation gives no new ones, and lets go on with these. */
export const drains = (operation: Operation): number =>
  operation.op === 'set-destination' &&
  operation.was.weight > 0 &&
  operation.destination.weight === 0 &&
  sameWay(operation.was, operation.destination)
    ? connections(operation.was)
    : 0;

/** One line for people: `tcp 192.0.2.10:80: server 10.0.0.21:80 weight 100 → 0`. */
export function describe(operation: Operation): string {
  const service = serviceKey(serviceOf(operation));
  switch (operation.op) {
    case 'add-service':
      return `${service}: new service, ${describeService(operation.service)}`;
    case 'set-service':
      return `${service}: ${changes(serviceWords(operation.was), serviceWords(operation.service))}`;
    case 'delete-service':
      return `${service}: service deleted, with ${counted(operation.service.destinations.length, 'server')}`;
    case 'add-destination':
      return `${service}: new server ${destinationKey(operation.destination)}, ${describeDestination(operation.destination)}`;
    case 'set-destination': {
      const { was, destination } = operation;
      return `${service}: server ${destinationKey(was)} ${changes(destinationWords(was), destinationWords(destination))}`;
    }
    case 'delete-destination':
      return `${service}: server ${destinationKey(operation.destination)} deleted`;
  }
}

/** `scheduler wlc, persistence 300 s` */
export const describeService = (service: Service): string => words(serviceWords(service));
/** `forward dr, weight 100` */
export const describeDestination = (destination: Destination): string => words(destinationWords(destination));

/** By ipvsadm(8)'s words; `undefined`: not set, and not worth a word. */
type Words = { readonly [name: string]: string | undefined };

const serviceWords = ({ id, scheduler, persistence, granularity, engine, flags }: Service): Words => ({
  scheduler,
  persistence: persistence === null ? undefined : `${persistence} s`,
  granularity: granularity === BITS[familyOfService(id)] ? undefined : granularityIn(granularity),
  engine: engine ?? undefined,
  flags: flags === 0 ? undefined : flagNames(scheduler, flags).join(' '),
});

const destinationWords = ({ forward, weight, upperThreshold, lowerThreshold, tunnel }: Destination): Words => ({
  forward,
  tunnel: forward === 'tun' ? describeTunnel(tunnel) : undefined,
  weight: String(weight),
  'upper threshold': upperThreshold === 0 ? undefined : String(upperThreshold),
  'lower threshold': lowerThreshold === 0 ? undefined : String(lowerThreshold),
});

/** `/24` */
const granularityIn = (length: number | null): string => (length === null ? 'a mask with holes' : `/${length}`);

/** `gue port 6080 csum`, `gre` */
function describeTunnel(tunnel: Tunnel | null): string {
  if (tunnel === null) return 'of another kind';
  const { type, port, checksum } = tunnel;
  return [type, ...(port === 0 ? [] : [`port ${port}`]), ...(checksum === 'none' ? [] : [checksum])].join(' ');
}

const words = (of: Words): string =>
  Object.entries(of)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');

const changes = (was: Words, is: Words): string =>
  [...new Set([...Object.keys(was), ...Object.keys(is)])]
    .filter((name) => was[name] !== is[name])
    .map((name) => `${name} ${was[name] ?? 'none'} → ${is[name] ?? 'none'}`)
    .join(', ');

const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;
