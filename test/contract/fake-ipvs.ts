/**
 * The kernel's IPVS in memory: the same interface, the same refusals (net/netfilter/ipvs/ip_vs_ctl.c), the same contract
 * suite. What the kernel forwards is not modelled, only the table.
 */

import { BITS, familyOf, type IpAddress, inPrefix, ipBytes, type Prefix, parsePrefix } from '../../src/base/address.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import { serviceOf } from '../../src/ipvs/plan.ts';
import {
  type Destination,
  destinationKey,
  familyOfService,
  type Operation,
  SCHEDULERS,
  type Service,
  type ServiceId,
  serviceKey,
  type Table,
  type Tunnel,
  tableOf,
} from '../../src/ipvs/table.ts';
import type { Ipvs } from '../../src/system/ipvs.ts';
import { explain, type Refusal } from '../../src/system/ipvs-refusal.ts';

export type FakeIpvs = Ipvs & {
  /** What the kernel holds. Assign to it to be the somebody else who changes it. */
  table: Table;
};

export function fakeIpvs(schedulers: readonly string[] = SCHEDULERS): FakeIpvs {
  const sent = { reads: 0, writes: 0 };
  const fake: FakeIpvs = {
    table: new Map(),
    sent,
    read: async (only, assumed = () => undefined) => {
      const services = [...fake.table.values()];
      if (only === undefined) {
        sent.reads += 1 + services.filter(({ id }) => assumed(id) === undefined).length;
        return ok(tableOf(services.map((one) => ({ ...one, destinations: assumed(one.id) ?? one.destinations }))));
      }
      sent.reads += only.length;
      const there = new Set(only.map(serviceKey).filter((key) => fake.table.has(key)));
      sent.reads += there.size;
      return ok(new Map([...fake.table].filter(([key]) => there.has(key))));
    },
    services: async () => {
      sent.reads += 1;
      return ok(new Map([...fake.table].map(([key, service]) => [key, { ...service, destinations: [] }])));
    },
    apply: async (operations) =>
      operations.map((operation): Result<null, Refusal> => {
        sent.writes++;
        const after = applyTo(fake.table, operation, schedulers);
        if (!after.ok) return err(explain(operation, after.error, 'refused'));
        fake.table = after.value;
        return ok(null);
      }),
    close() {},
  };
  return fake;
}

/** The table after one operation; or the name of the errno with which the kernel refuses it. */
export function applyTo(
  table: Table,
  operation: Operation,
  schedulers: readonly string[] = SCHEDULERS,
): Result<Table, string> {
  const key = serviceKey(serviceOf(operation));
  const service = table.get(key);
  if (operation.op === 'add-service') {
    if (service !== undefined) return err('EEXIST');
    const refused = refuseService(operation.service, schedulers);
    if (refused !== undefined) return err(refused);
    return ok(withService(table, key, { ...operation.service, destinations: [] }));
  }
  if (service === undefined) return err('ESRCH');
  if (operation.op === 'set-service') {
    const refused = refuseService(operation.service, schedulers);
    if (refused !== undefined) return err(refused);
    return ok(withService(table, key, { ...operation.service, destinations: service.destinations }));
  }
  if (operation.op === 'delete-service') {
    const rest = new Map(table);
    rest.delete(key);
    return ok(rest);
  }
  const destinations = applyToDestinations(service, operation);
  return destinations.ok ? ok(withService(table, key, { ...service, destinations: destinations.value })) : destinations;
}

const withService = (table: Table, key: string, service: Service): Table => new Map(table).set(key, service);

/** As ip_vs_add_service and ip_vs_edit_service have it. */
function refuseService({ id, scheduler, engine, granularity }: Service, schedulers: readonly string[]) {
  if (!schedulers.includes(scheduler) || (engine !== null && engine !== 'sip')) return 'ENOENT';
  const lengths = familyOfService(id) === 6 && granularity !== null;
  return lengths && (granularity < 1 || granularity > 128) ? 'EINVAL' : undefined;
}

function applyToDestinations(
  { id, destinations }: Service,
  operation: Extract<Operation, { destination: Destination }>,
): Result<readonly Destination[], string> {
  const { op, destination } = operation;
  const same = (d: Destination): boolean => destinationKey(d) === destinationKey(destination);
  const was = destinations.find(same);
  if (op !== 'delete-destination' && familyOf(destination.address.address) !== familyOfService(id))
    if (destination.forward !== 'tun') return err('EINVAL');
  if (op === 'delete-destination') return was ? ok(destinations.filter((d) => !same(d))) : err('ENOENT');
  if (destination.lowerThreshold > destination.upperThreshold) return err('ERANGE');
  if (destination.tunnel?.type === 'gue' && destination.tunnel.port === 0) return err('EINVAL');
  if (op === 'set-destination')
    return was
      ? ok(destinations.map((d) => (same(d) ? { ...destination, counts: was.counts ?? NO_COUNTS } : d)))
      : err('ENOENT');
  if (was !== undefined) return err('EEXIST');
  if (!isUnicast(destination.address.address)) return err('EINVAL');
  return ok([...destinations, { ...destination, counts: NO_COUNTS }]);
}

const NO_COUNTS = { active: 0, inactive: 0, persistent: 0 };

/** As ip_vs_new_dest has it: no multicast, no broadcast, no unspecified and, for IPv6, no link-local or mapped address. */
function isUnicast(address: IpAddress): boolean {
  const [first = 0] = ipBytes(address);
  if (familyOf(address) === 4) return (first & 0xf0) !== 0xe0 && !['0.0.0.0', '255.255.255.255'].includes(address);
  return (
    first !== 0xff && address !== '::' && !['fe80::/10', '::ffff:0:0/96'].some((net) => inPrefix(address, prefix(net)))
  );
}

const prefix = (text: string): Prefix => parsePrefix(text) as Prefix;

/** A table as plain values in one order and without counts, to be compared. */
export const uncounted = (table: Table): readonly unknown[] =>
  [...table].sort(byKey).map(([key, { destinations, ...service }]) => ({
    key,
    ...service,
    destinations: destinations
      .map(({ counts: _, ...destination }): [string, Destination] => [destinationKey(destination), destination])
      .sort(byKey),
  }));

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** The table as `ipvsadm -S -n` prints it, sorted. It prints no thresholds. */
export function saved(table: Table): readonly string[] {
  const lines: string[] = [];
  for (const { id, scheduler, flags, destinations, ...service } of table.values()) {
    const name = nameOf(id);
    const ops = flags & 0x4 ? ' -o' : '';
    lines.push(`-A ${name} -s ${scheduler}${persistenceOf(id, service)}${ops}${schedulerFlags(scheduler, flags)}`);
    for (const d of destinations)
      lines.push(`-a ${name} -r ${destinationKey(d)} ${METHOD[d.forward]} -w ${d.weight}${tunnelOf(d.tunnel)}`);
  }
  return lines.sort();
}

const NAME = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const;
const nameOf = (id: ServiceId): string =>
  id.fwmark === undefined
    ? `${NAME[id.protocol]} ${destinationKey(id)}`
    : // It prints the mark as if it had a sign.
      `-f ${id.fwmark | 0}${id.family === 6 ? ' -6' : ''}`;

type Persistence = Pick<Service, 'persistence' | 'granularity' | 'engine'>;
function persistenceOf(id: ServiceId, { persistence, granularity, engine }: Persistence): string {
  if (persistence === null) return '';
  const whole = granularity === null || granularity === BITS[familyOfService(id)];
  const mask = familyOfService(id) === 6 ? String(granularity) : maskOf(granularity ?? 32);
  return ` -p ${persistence}${whole ? '' : ` -M ${mask}`}${engine === null ? '' : ` --pe ${engine}`}`;
}

const maskOf = (length: number): string =>
  [0, 8, 16, 24].map((at) => (0xff << (8 - Math.max(0, Math.min(8, length - at)))) & 0xff).join('.');

function tunnelOf(tunnel: Tunnel | null): string {
  if (tunnel === null) return '';
  const port = tunnel.type === 'gue' ? ` --tun-port ${tunnel.port}` : '';
  const checksum = tunnel.type === 'ipip' ? '' : ` --tun-${tunnel.checksum === 'none' ? 'nocsum' : tunnel.checksum}`;
  return ` --tun-type ${tunnel.type}${port}${checksum}`;
}

const METHOD: Readonly<Record<Destination['forward'], string>> = {
  nat: '-m',
  tun: '-i',
  dr: '-g',
  local: '-g',
  bypass: '',
};

function schedulerFlags(scheduler: string, flags: number): string {
  const named = scheduler === 'sh' || scheduler === 'mh';
  const names = named ? [`${scheduler}-fallback`, `${scheduler}-port`, 'flag-3'] : ['flag-1', 'flag-2', 'flag-3'];
  const set = names.filter((_, i) => flags & (0x8 << i));
  return set.length > 0 ? ` -b ${set.join(',')}` : '';
}
