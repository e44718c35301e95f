import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip } from '../../../src/base/address.ts';
import { breaks, describe, plan, SIGN } from '../../../src/ipvs/plan.ts';
import {
  type Destination,
  type Operation,
  type Service,
  type Table,
  type Tunnel,
  tableOf,
} from '../../../src/ipvs/table.ts';
import { applyTo, uncounted } from '../../contract/fake-ipvs.ts';
import { table } from './arbitrary.ts';

const endpoint = (address: string, port = 80) => ({ address: ip(address), port });
const server = (address: string, change: Partial<Destination> = {}): Destination => ({
  address: endpoint(address),
  forward: 'dr',
  weight: 100,
  upperThreshold: 0,
  lowerThreshold: 0,
  tunnel: null,
  ...change,
});
const service = (destinations: readonly Destination[], change: Partial<Service> = {}): Service => ({
  id: { protocol: 'tcp', address: endpoint('192.0.2.10') },
  scheduler: 'wlc',
  persistence: null,
  granularity: 32,
  engine: null,
  flags: 0,
  destinations,
  ...change,
});
const IPIP = { type: 'ipip', port: 0, checksum: 'none' } as const;
const WEB = 'tcp 192.0.2.10:80';
const none: ReadonlySet<string> = new Set();

/** Makes each operation on a model of the kernel, which refuses what the kernel refuses; every table on the way. */
function steps(actual: Table, operations: readonly Operation[]): readonly Table[] {
  let now = actual;
  return operations.map((operation) => {
    const after = applyTo(now, operation);
    assert.ok(after.ok, `refused ${JSON.stringify(after)}: ${describe(operation)}`);
    now = after.value;
    return now;
  });
}

/** A kernel's table, a wanted one, and which of the kernel's services are ours. */
const situation = fc.tuple(table, table).chain(([actual, desired]) =>
  fc.record({
    actual: fc.constant(actual),
    desired: fc.constant(desired),
    owned: fc.subarray([...actual.keys()]).map((keys): ReadonlySet<string> => new Set(keys)),
  }),
);

test('carried out, a plan gives what is desired, and leaves what is foreign', () => {
  fc.assert(
    fc.property(situation, ({ actual, desired, owned }) => {
      const after = steps(actual, plan(actual, desired, owned)).at(-1) ?? actual;
      const expected = new Map(desired);
      for (const [key, one] of actual) if (!desired.has(key) && !owned.has(key)) expected.set(key, one);
      assert.deepEqual(uncounted(after), uncounted(expected));
    }),
  );
});

test('once carried out, nothing is left to do', () => {
  fc.assert(
    fc.property(situation, ({ actual, desired, owned }) => {
      const after = steps(actual, plan(actual, desired, owned)).at(-1) ?? actual;
      assert.deepEqual(plan(after, desired, owned), []);
    }),
  );
});

test('a service that had a server, and is to have one, has one after every step', () => {
  fc.assert(
    fc.property(situation, ({ actual, desired, owned }) => {
      const usable = (of: Table, key: string, least: number): boolean =>
        of.get(key)?.destinations.some((d) => d.weight >= least) === true;
      for (const now of steps(actual, plan(actual, desired, owned)))
        for (const key of desired.keys())
          for (const least of [0, 1])
            if (usable(actual, key, least) && usable(desired, key, least))
              assert.ok(usable(now, key, least), `${key} has no server of weight ${least}`);
    }),
  );
});

test('a foreign service is never deleted or changed, whatever it looks like', () => {
  fc.assert(
    fc.property(situation, ({ actual, owned }) => {
      const operations = plan(actual, new Map(), owned);
      assert.deepEqual(
        operations.map((o) => o.op === 'delete-service' && actual.get(keyOf(o.service)) === o.service),
        [...owned].map(() => true),
      );
    }),
  );
});

const keyOf = (of: Service): string => [...tableOf([of]).keys()][0] as string;

test('a table that is right needs nothing, whoever made it and whatever its connections', () => {
  const counts = { active: 3, inactive: 2, persistent: 1 };
  const actual = tableOf([service([server('10.0.0.21', { counts })])]);
  assert.deepEqual(plan(actual, tableOf([service([server('10.0.0.21')])]), none), []);
});

test('a wanted service that somebody else made is changed, not made anew', () => {
  const actual = tableOf([service([server('10.0.0.21'), server('10.0.0.22')], { scheduler: 'rr' })]);
  const operations = plan(actual, tableOf([service([server('10.0.0.21', { weight: 0 })])]), none);
  assert.deepEqual(operations.map(describe), [
    `${WEB}: scheduler rr → wlc`,
    `${WEB}: server 10.0.0.21:80 weight 100 → 0`,
    `${WEB}: server 10.0.0.22:80 deleted`,
  ]);
});

test('an own service that is not wanted any more goes in one operation, with its servers', () => {
  const actual = tableOf([service([server('10.0.0.21'), server('10.0.0.22')])]);
  assert.deepEqual(plan(actual, new Map(), new Set([WEB])).map(describe), [`${WEB}: service deleted, with 2 servers`]);
});

test('each operation reads in the words of ipvsadm', () => {
  const was = service([]);
  const sticky = service([], { persistence: 300, flags: 0x4 });
  const sip = service([], { persistence: 300, granularity: 24, engine: 'sip' });
  const holes = service([], { persistence: 300, granularity: null });
  const shifted = service([], { scheduler: 'mh', flags: 0x18 });
  const heavy = server('10.0.0.21', { forward: 'tun', tunnel: IPIP, upperThreshold: 50, lowerThreshold: 5 });
  const gue = server('10.0.0.21', { forward: 'tun', tunnel: { type: 'gue', port: 6080, checksum: 'csum' } });
  const strange = server('10.0.0.21', { forward: 'tun' });
  const lines: readonly [Operation, string][] = [
    [{ op: 'add-service', service: sticky }, 'new service, scheduler wlc, persistence 300 s, flags ops'],
    [{ op: 'set-service', service: sticky, was }, 'persistence none → 300 s, flags none → ops'],
    [{ op: 'set-service', service: was, was: sticky }, 'persistence 300 s → none, flags ops → none'],
    [{ op: 'set-service', service: sip, was: sticky }, 'granularity none → /24, engine none → sip, flags ops → none'],
    [{ op: 'set-service', service: sip, was: holes }, 'granularity a mask with holes → /24, engine none → sip'],
    [{ op: 'add-service', service: shifted }, 'new service, scheduler mh, flags mh-fallback mh-port'],
    [{ op: 'delete-service', service: service([server('10.0.0.21')]) }, 'service deleted, with 1 server'],
    [
      { op: 'add-destination', service: was.id, destination: heavy },
      'new server 10.0.0.21:80, forward tun, tunnel ipip, weight 100, upper threshold 50, lower threshold 5',
    ],
    [
      { op: 'set-destination', service: was.id, destination: heavy, was: server('10.0.0.21', { weight: 1 }) },
      'server 10.0.0.21:80 forward dr → tun, tunnel none → ipip, weight 1 → 100, upper threshold none → 50, lower threshold none → 5',
    ],
    [
      { op: 'set-destination', service: was.id, destination: gue, was: strange },
      'server 10.0.0.21:80 tunnel of another kind → gue port 6080 csum',
    ],
    [{ op: 'delete-destination', service: was.id, destination: heavy }, 'server 10.0.0.21:80 deleted'],
  ];
  for (const [operation, line] of lines) assert.equal(describe(operation), `${WEB}: ${line}`);
  assert.equal(new Set(lines.map(([o]) => o.op)).size, Object.keys(SIGN).length);
});

test('a change of one thing alone is one operation, made in place', () => {
  const was = service([server('10.0.0.21', { forward: 'tun', tunnel: IPIP }), server('10.0.0.22')], {
    persistence: 300,
  });
  const [tunnelled = server('10.0.0.21'), other = server('10.0.0.22')] = was.destinations;
  const gre = { type: 'gre', port: 0, checksum: 'none' } as const;
  const gue = { type: 'gue', port: 6080, checksum: 'none' } as const;
  const ofService: readonly Partial<Service>[] = [
    { scheduler: 'rr' },
    ...[{ persistence: 301 }, { persistence: null }],
    ...[{ granularity: 24 }, { engine: 'sip' }, { flags: 0x4 }],
  ];
  for (const change of ofService) {
    const next = { ...was, ...change };
    assert.deepEqual(plan(tableOf([was]), tableOf([next]), none), [{ op: 'set-service', service: next, was }]);
  }
  const ofServer: readonly Partial<Destination>[] = [
    ...[{ weight: 1 }, { upperThreshold: 9 }, { lowerThreshold: 9 }],
    ...[{ forward: 'dr', tunnel: null } as const, { tunnel: gre }, { tunnel: { ...gre, checksum: 'csum' } as const }],
    ...[{ tunnel: gue }, { tunnel: { ...gue, port: 6081 } }, { tunnel: null }],
  ];
  for (const change of ofServer) {
    const destination = { ...tunnelled, ...change };
    const next = { ...was, destinations: [destination, other] };
    assert.deepEqual(
      plan(tableOf([was]), tableOf([next]), none),
      [{ op: 'set-destination', service: was.id, destination, was: tunnelled }],
      JSON.stringify(change),
    );
  }
  const table = (tunnel: Tunnel) => tableOf([{ ...was, destinations: [{ ...tunnelled, tunnel }] }]);
  for (const other of [{ ...gue, port: 6081 }, { ...gue, checksum: 'csum' } as const])
    assert.equal(plan(table(gue), table(other), none).length, 1);
});

test('a mark of one family is another service than that of the other, and than an address', () => {
  const ids = [{ fwmark: 7, family: 4 }, { fwmark: 7, family: 6 }, service([]).id] as const;
  const table = tableOf(ids.map((id) => service([], { id })));
  assert.deepEqual([...table.keys()], ['fwmark 7', 'fwmark 7 IPv6', WEB]);
  const without = plan(table, tableOf([service([])]), new Set(table.keys()));
  assert.deepEqual(without.map(describe), [
    'fwmark 7: service deleted, with 0 servers',
    'fwmark 7 IPv6: service deleted, with 0 servers',
  ]);
});

test('what an operation breaks is counted from the live connections of the kernel', () => {
  const id = service([]).id;
  const busy = server('10.0.0.21', { counts: { active: 3, inactive: 20, persistent: 100 } });
  const idle = server('10.0.0.22');
  const broken = (operation: Operation) => breaks(operation);
  assert.equal(broken({ op: 'delete-destination', service: id, destination: busy }), 123);
  assert.equal(broken({ op: 'delete-destination', service: id, destination: idle }), 0);
  assert.equal(broken({ op: 'delete-service', service: service([busy, idle, busy]) }), 246);
  const set = (destination: Destination): Operation => ({ op: 'set-destination', service: id, destination, was: busy });
  assert.equal(broken(set(server('10.0.0.21', { forward: 'nat' }))), 123);
  assert.equal(broken(set(server('10.0.0.21', { weight: 0 }))), 0);
  const tunnelled = { ...busy, forward: 'tun', tunnel: IPIP } as const;
  const gre = { ...tunnelled, tunnel: { ...IPIP, type: 'gre' } } as const;
  assert.equal(broken({ op: 'set-destination', service: id, destination: gre, was: tunnelled }), 123);
  assert.equal(broken({ op: 'set-service', service: service([busy]), was: service([busy], { scheduler: 'rr' }) }), 0);
  assert.equal(broken({ op: 'add-destination', service: id, destination: busy }), 0);
});
