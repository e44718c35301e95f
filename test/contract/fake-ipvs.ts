/**
 * The kernel's IPVS in memory: the same interface, the same refusals (net/netfilter/ipvs/ip_vs_ctl.c), the same contract
 * suite. What the kernel forwards is not modelled, only the table.
 */

import { familyOf, type IpAddress, ipBytes } from '../../src/base/address.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import { serviceOf } from '../../src/ipvs/plan.ts';
import {
  type Destination,
  destinationKey,
  type Operation,
  SCHEDULERS,
  type Service,
  serviceKey,
  type Table,
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
    read: async () => {
      sent.reads += 1 + fake.table.size;
      return ok(fake.table);
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
    if (!schedulers.includes(operation.service.scheduler)) return err('ENOENT');
    return ok(withService(table, key, { ...operation.service, destinations: [] }));
  }
  if (service === undefined) return err('ESRCH');
  if (operation.op === 'set-service') {
    if (!schedulers.includes(operation.service.scheduler)) return err('ENOENT');
    return ok(withService(table, key, { ...operation.service, destinations: service.destinations }));
  }
  if (operation.op === 'delete-service') {
    const rest = new Map(table);
    rest.delete(key);
    return ok(rest);
  }
  const destinations = applyToDestinations(service.destinations, operation);
  return destinations.ok ? ok(withService(table, key, { ...service, destinations: destinations.value })) : destinations;
}

const withService = (table: Table, key: string, service: Service): Table => new Map(table).set(key, service);

function applyToDestinations(
  destinations: readonly Destination[],
  operation: Extract<Operation, { destination: Destination }>,
): Result<readonly Destination[], string> {
  const { op, destination } = operation;
  const same = (d: Destination): boolean => destinationKey(d) === destinationKey(destination);
  const was = destinations.find(same);
  if (op === 'delete-destination') return was ? ok(destinations.filter((d) => !same(d))) : err('ENOENT');
  if (destination.lowerThreshold > destination.upperThreshold) return err('ERANGE');
  if (op === 'set-destination')
    return was
      ? ok(destinations.map((d) => (same(d) ? { ...destination, counts: was.counts ?? NO_COUNTS } : d)))
      : err('ENOENT');
  if (was !== undefined) return err('EEXIST');
  if (!isUnicast(destination.address.address)) return err('EINVAL');
  return ok([...destinations, { ...destination, counts: NO_COUNTS }]);
}

const NO_COUNTS = { active: 0, inactive: 0, persistent: 0 };

/** As ip_vs_new_dest has it: no multicast, no broadcast, no unspecified and, for IPv6, no link-local address. */
function isUnicast(address: IpAddress): boolean {
  const [first = 0, second = 0] = ipBytes(address);
  if (familyOf(address) === 4) return first > 0 && first < 224;
  return first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80) && address !== '::';
}

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
  for (const { id, scheduler, persistence, flags, destinations } of table.values()) {
    const name = `${id.protocol === 'tcp' ? '-t' : '-u'} ${destinationKey(id)}`;
    const sticky = persistence === null ? '' : ` -p ${persistence}`;
    lines.push(`-A ${name} -s ${scheduler}${sticky}${flags & 0x4 ? ' -o' : ''}${schedulerFlags(scheduler, flags)}`);
    for (const d of destinations) {
      const tunnel = d.forward === 'tun' ? ' --tun-type ipip' : '';
      lines.push(`-a ${name} -r ${destinationKey(d)} ${METHOD[d.forward]} -w ${d.weight}${tunnel}`);
    }
  }
  return lines.sort();
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
