import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip } from '../../../src/base/address.ts';
import { seconds } from '../../../src/base/time.ts';
import {
  type Daemon,
  type DaemonState,
  describeSetting,
  type Found,
  type Kept,
  keep,
  NOTHING_WANTED,
  planSettings,
  release,
  type SettingsDefinition,
  type SettingsOperation,
  sameDaemon,
  type Wanted,
  wantedSettings,
  wantsOfIpvs,
} from '../../../src/ipvs/settings.ts';
import { SYSCTL_NAMES, type Sysctls, sameSysctl, writeSysctls } from '../../../src/ipvs/sysctls.ts';

const MASTER: Daemon = {
  ...{ state: 'master', interface: 'eth0', id: 7 },
  ...{ group: ip('224.0.0.81'), port: 8848, ttl: 1, maxLength: 1472 },
};
const BACKUP: Daemon = { ...MASTER, state: 'backup' };
const NOTHING_KEPT: Kept = { before: new Map(), daemons: [] };
/** Every setting left alone. */
const ALONE = Object.fromEntries(
  SYSCTL_NAMES.map((name) => [
    name.replace('net.ipv4.vs.', '').replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()),
    null,
  ]),
) as Sysctls;
const DEFINITION: SettingsDefinition = {
  ...{ timeoutTcp: null, timeoutTcpFin: null, timeoutUdp: null, sysctl: ALONE, sync: null },
};
const found = (values: Readonly<Record<string, string>>, ...daemons: readonly Daemon[]): Found => ({
  values: new Map(Object.entries(values)),
  daemons,
});
const wanted = (values: Readonly<Record<string, string>>, daemon: Wanted['daemon'] = null): Wanted => ({
  values: new Map(Object.entries(values)),
  daemon,
});
const said = (operations: readonly SettingsOperation[]): string[] => operations.map(describeSetting);

/** What the kernel makes of operations; what `vs` calls automatic it changes by itself. */
function applied({ values, daemons }: Found, operations: readonly SettingsOperation[]): Found {
  const next = new Map(values);
  let running = daemons;
  for (const operation of operations) {
    if (operation.op === 'set') {
      assert.equal(next.get(operation.name), operation.was);
      next.set(operation.name, operation.value);
    } else if (operation.op === 'stop-daemon') {
      assert.ok(
        running.some(({ state }) => state === operation.daemon.state),
        'stops one that runs',
      );
      running = running.filter(({ state }) => state !== operation.daemon.state);
    } else {
      assert.deepEqual(
        running.filter(({ state }) => state === operation.daemon.state),
        [],
        'starts one that does not run',
      );
      running = [...running, { ...MASTER, ...withoutNull(operation.daemon) }];
    }
  }
  return { values: next, daemons: running };
}
const withoutNull = (daemon: Daemon): Daemon =>
  Object.fromEntries(Object.entries(daemon).filter(([, value]) => value !== null)) as Daemon;

test('nothing in the config wants nothing', () => {
  assert.deepEqual(wantedSettings(DEFINITION, 'backup'), NOTHING_WANTED);
  assert.equal(wantsOfIpvs(DEFINITION), false);
  assert.equal(wantsOfIpvs({ ...DEFINITION, timeoutUdp: seconds(30) }), true);
  assert.equal(wantsOfIpvs({ ...DEFINITION, sync: MASTER }), true);
});

test('each setting has the name and the text that the kernel has', () => {
  const sysctl: Sysctls = {
    ...ALONE,
    ...{ expireNodestConn: true, sloppyTcp: false, connReuseMode: 3, dropEntry: 'automatic', dropPacket: 'always' },
    ...{ secureTcp: 'never', syncThreshold: { threshold: 3, period: 50 }, syncRefreshPeriod: seconds(90) },
    ...{ estCpulist: '0-3,8', estNice: -5, syncPersistMode: 1, snatReroute: true },
  };
  const { values } = wantedSettings(
    { ...DEFINITION, timeoutTcp: seconds(600), timeoutTcpFin: seconds(60), timeoutUdp: seconds(30), sysctl },
    undefined,
  );
  assert.deepEqual(Object.fromEntries(values), {
    ...{ timeout_tcp: '600', timeout_tcp_fin: '60', timeout_udp: '30' },
    ...{ 'net.ipv4.vs.expire_nodest_conn': '1', 'net.ipv4.vs.sloppy_tcp': '0', 'net.ipv4.vs.conn_reuse_mode': '3' },
    ...{ 'net.ipv4.vs.drop_entry': '1', 'net.ipv4.vs.drop_packet': '3', 'net.ipv4.vs.secure_tcp': '0' },
    ...{ 'net.ipv4.vs.sync_threshold': '3 50', 'net.ipv4.vs.sync_refresh_period': '90' },
    ...{ 'net.ipv4.vs.est_cpulist': '0-3,8', 'net.ipv4.vs.est_nice': '-5', 'net.ipv4.vs.sync_persist_mode': '1' },
    ...{ 'net.ipv4.vs.snat_reroute': '1' },
  });
  assert.equal(writeSysctls(ALONE).size, 0);
  assert.equal(SYSCTL_NAMES.length, 26);
});

test('what the kernel says in another way is not written again', () => {
  for (const [name, a, b, same] of [
    ['net.ipv4.vs.sync_threshold', '3\t50', '3 50', true],
    ['net.ipv4.vs.sync_threshold', '3\t51', '3 50', false],
    // The kernel changes 1 to 2 and back as memory comes and goes.
    ['net.ipv4.vs.drop_entry', '2', '1', true],
    ['net.ipv4.vs.drop_entry', '0', '1', false],
    ['net.ipv4.vs.drop_entry', '3', '1', false],
    ['net.ipv4.vs.conn_reuse_mode', '2', '1', false],
    ['net.ipv4.vs.conntrack', '7', '1', true],
    ['net.ipv4.vs.conntrack', '7', '0', false],
    ['timeout_tcp', '2', '1', false],
  ] as const)
    assert.equal(sameSysctl(name, a, b), same, `${name} ${a} ${b}`);
});

test('a setting that is not there is left out, one that is right is not written', () => {
  const there = found({ timeout_tcp: '900', 'net.ipv4.vs.conntrack': '1' });
  const plan = planSettings(
    there,
    wanted({ timeout_tcp: '600', 'net.ipv4.vs.conntrack': '1', 'net.ipv4.vs.est_nice': '5' }),
    NOTHING_KEPT,
  );
  assert.deepEqual(said(plan), ['timeout_tcp 900 s → 600 s']);
});

test('what is no longer wanted becomes what it was before us, and is then forgotten', () => {
  const first = wanted({ timeout_tcp: '600', timeout_udp: '30' });
  const kept = keep(NOTHING_KEPT, found({ timeout_tcp: '900', timeout_udp: '30' }), first);
  assert.deepEqual(Object.fromEntries(kept.before), { timeout_tcp: '900', timeout_udp: '30' });
  // What somebody made of it meanwhile is not what it was before us.
  const drifted = found({ timeout_tcp: '5', timeout_udp: '5' });
  assert.deepEqual(keep(kept, drifted, first), kept);
  const next = wanted({ timeout_udp: '30' });
  assert.deepEqual(said(planSettings(drifted, next, kept)), ['timeout_tcp 5 s → 900 s', 'timeout_udp 5 s → 30 s']);
  assert.deepEqual(Object.fromEntries(release(kept, next).before), { timeout_udp: '30' });
});

test('a daemon is stopped before its settings change, and started after: it counts its ports when it starts', () => {
  const ports = 'net.ipv4.vs.sync_ports';
  assert.deepEqual(
    said(planSettings(found({ [ports]: '1' }, BACKUP), wanted({ [ports]: '4' }, BACKUP), NOTHING_KEPT)),
    [
      'sync daemon backup on eth0, id 7, group 224.0.0.81, port 8848, ttl 1, max length 1472 stopped',
      'net.ipv4.vs.sync_ports 1 → 4',
      'sync daemon backup on eth0, id 7, group 224.0.0.81, port 8848, ttl 1, max length 1472 started',
    ],
  );
});

test('one daemon runs at a time; what is left open, the kernel may choose', () => {
  const operations = (there: readonly Daemon[], daemon: Wanted['daemon'], kept = NOTHING_KEPT): string[] =>
    planSettings(found({}, ...there), wanted({}, daemon), kept).map(({ op, ...rest }) =>
      op === 'set' ? op : `${op} ${(rest as { daemon: Daemon }).daemon.state}`,
    );
  assert.deepEqual(operations([BACKUP], MASTER), ['stop-daemon backup', 'start-daemon master']);
  assert.deepEqual(operations([MASTER, BACKUP], MASTER), ['stop-daemon backup']);
  assert.deepEqual(operations([MASTER], { ...MASTER, id: 8 }), ['stop-daemon master', 'start-daemon master']);
  assert.deepEqual(operations([MASTER], { ...MASTER, maxLength: null }), []);
  assert.deepEqual(operations([{ ...MASTER, group: null, port: null, ttl: null, maxLength: null }], MASTER), []);
  assert.deepEqual(operations([BACKUP], 'as-it-is'), []);
  assert.deepEqual(operations([], 'as-it-is'), []);
});

test('without synchronization in the config only those daemons go that we have started', () => {
  const there = found({}, MASTER, BACKUP);
  assert.deepEqual(planSettings(there, NOTHING_WANTED, NOTHING_KEPT), []);
  assert.deepEqual(planSettings(there, NOTHING_WANTED, { before: new Map(), daemons: ['backup'] }), [
    { op: 'stop-daemon', daemon: BACKUP },
  ]);
});

const NAMES = [
  'timeout_tcp',
  'net.ipv4.vs.drop_entry',
  'net.ipv4.vs.sync_ports',
  'net.ipv4.vs.sync_threshold',
  'net.ipv4.vs.conntrack',
];
const values = fc
  .dictionary(fc.constantFrom(...NAMES), fc.constantFrom('0', '1', '2', '3', '3\t50', '3 50'), {
    maxKeys: NAMES.length,
  })
  .map((record) => new Map(Object.entries(record)));
const daemon = (state: DaemonState) =>
  fc
    .record({ id: fc.nat(2), port: fc.constantFrom(8848, 9000) })
    .map((more): Daemon => ({ ...MASTER, state, ...more }));
const daemons = fc
  .tuple(fc.option(daemon('master')), fc.option(daemon('backup')))
  .map((both) => both.filter((one) => one !== null));
const someFound = fc.record({ values, daemons }, { noNullPrototype: true });
const someWanted: fc.Arbitrary<Wanted> = fc.record(
  { values, daemon: fc.oneof(daemon('master'), daemon('backup'), fc.constantFrom('as-it-is' as const, null)) },
  { noNullPrototype: true },
);

test('whatever was there, the plan makes what is wanted true, and then there is nothing more to do', () => {
  fc.assert(
    fc.property(someFound, someWanted, (there, want) => {
      const kept = keep(NOTHING_KEPT, there, want);
      const after = applied(there, planSettings(there, want, kept));
      for (const [name, value] of want.values) {
        const is = after.values.get(name);
        assert.ok(is === undefined || sameSysctl(name, is, value));
      }
      const { daemon: one } = want;
      if (one === null || one === 'as-it-is') assert.deepEqual(after.daemons, there.daemons);
      else assert.ok(after.daemons.length === 1 && after.daemons.every((is) => sameDaemon(is, one)));
      assert.deepEqual(planSettings(after, want, release(kept, want)), []);
    }),
  );
});

test('through any row of configs the end is what was there in the beginning, with no daemon of ours', () => {
  fc.assert(
    fc.property(values, fc.array(someWanted, { minLength: 1, maxLength: 5 }), (start, wants) => {
      let there: Found = { values: start, daemons: [] };
      let kept = NOTHING_KEPT;
      for (const want of [...wants, NOTHING_WANTED]) {
        kept = keep(kept, there, want);
        there = applied(there, planSettings(there, want, kept));
        kept = release(kept, want);
      }
      for (const [name, value] of start) assert.ok(sameSysctl(name, there.values.get(name) ?? '', value), name);
      assert.deepEqual(there.daemons, []);
      assert.deepEqual(kept, NOTHING_KEPT);
    }),
  );
});
