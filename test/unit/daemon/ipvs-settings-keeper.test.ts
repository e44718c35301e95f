import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createIpvsSettingsKeeper } from '../../../src/daemon/ipvs-settings-keeper.ts';
import {
  acceptLocal,
  type Daemon,
  describeSetting,
  type Kept,
  NOTHING_WANTED,
  receiverOf,
  type Wanted,
  withValues,
} from '../../../src/ipvs/settings.ts';
import type { IpvsSettings } from '../../../src/system/ipvs-settings.ts';

const MASTER: Daemon = {
  ...{ state: 'master', interface: 'eth0', id: 0 },
  ...{ group: ip('224.0.0.81'), port: 8848, ttl: 1, maxLength: null },
};
const BACKUP: Daemon = { ...MASTER, state: 'backup' };

/** A keeper over a kernel in memory, whose timer and files are in the hands of the test. */
function bench(wanted: Wanted, values: Readonly<Record<string, string>> = { timeout_tcp: '900' }) {
  const b = {
    wanted,
    values: new Map(Object.entries(values)),
    daemons: [] as readonly Daemon[],
    kept: { before: new Map(), daemons: [] } as Kept,
    happened: [] as Happening[],
    complaints: [] as string[],
    writes: [] as string[],
    refuses: '',
    absent: false,
    full: false,
    opened: 0,
    due: undefined as { after: number; work: () => void } | undefined,
  };
  const kernel: IpvsSettings = {
    // What is not of IPVS is found only when it is asked for.
    read: async (more = []) => {
      const seen = [...b.values].filter(([name]) => receiverOf(name) === undefined || more.includes(name));
      return ok({ values: new Map(seen), daemons: b.daemons });
    },
    async apply(operations) {
      return operations.map((operation) => {
        const words = describeSetting(operation);
        if (b.refuses !== '' && words.includes(b.refuses)) return err({ code: 'EPERM', message: `${words}: no` });
        b.writes.push(`${words} (kept ${[...b.kept.before.keys(), ...b.kept.daemons]})`);
        if (operation.op === 'set') b.values.set(operation.name, operation.value);
        else b.daemons = b.daemons.filter(({ state }) => state !== operation.daemon.state);
        if (operation.op === 'start-daemon') b.daemons = [...b.daemons, operation.daemon];
        return ok(null);
      });
    },
    close() {},
  };
  const make = () =>
    createIpvsSettingsKeeper({
      async open() {
        b.opened += 1;
        return b.absent ? err({ message: 'the kernel module ip_vs is not loaded: modprobe ip_vs' }) : ok(kernel);
      },
      wanted: () => b.wanted,
      kept: {
        load: () => b.kept,
        save(kept) {
          if (b.full) throw new Error('ENOSPC: no space left on device');
          b.kept = kept;
        },
      },
      report: (h) => void b.happened.push(h),
      complain: (what, detail) => void b.complaints.push(`${what}: ${detail}`),
      later: (after, work) => {
        b.due = { after, work };
        return { cancel: () => {} };
      },
    });
  return Object.assign(b, { keeper: make(), restart: make });
}

const want = (values: Readonly<Record<string, string>>, daemon: Wanted['daemon'] = null): Wanted => ({
  values: new Map(Object.entries(values)),
  daemon,
});

test('a director that wants nothing of it does not even ask for IPVS', async () => {
  const b = bench(NOTHING_WANTED);
  await b.keeper.request();
  await b.keeper.end();
  assert.deepEqual(await b.restart().preview(NOTHING_WANTED), []);
  assert.deepEqual([b.opened, b.due], [0, undefined]);
});

test('what was there is written down before it is changed, and a second round writes nothing', async () => {
  const b = bench(want({ timeout_tcp: '600' }, BACKUP));
  await b.keeper.request();
  assert.deepEqual(b.writes, [
    'timeout_tcp 900 s → 600 s (kept timeout_tcp,backup)',
    'sync daemon backup on eth0, id 0, group 224.0.0.81, port 8848, ttl 1 started (kept timeout_tcp,backup)',
  ]);
  await b.keeper.request();
  assert.equal(b.writes.length, 2);
  assert.equal(b.due?.after, 30_000);
  assert.deepEqual(b.happened, []);
});

test('the next process adopts what it finds without a write, and its end puts back what was there at first', async () => {
  const b = bench(want({ timeout_tcp: '600' }, BACKUP));
  await b.keeper.request();
  b.writes.length = 0;
  const next = b.restart();
  await next.request();
  assert.deepEqual(b.writes, []);
  await next.end();
  assert.deepEqual([b.values.get('timeout_tcp'), b.daemons], ['900', []]);
  assert.deepEqual(b.kept, { before: new Map(), daemons: [] });
  await next.request();
  assert.equal(b.values.get('timeout_tcp'), '900', 'an end is an end');
});

test('where it cannot be written down, nothing is changed', async () => {
  const b = bench(want({ timeout_tcp: '600' }));
  b.full = true;
  await b.keeper.request();
  assert.deepEqual(b.writes, []);
  assert.match(b.complaints[0] ?? '', /ENOSPC/);
  assert.equal(b.due?.after, 5000);
  b.full = false;
  await b.keeper.request();
  assert.deepEqual([b.values.get('timeout_tcp'), b.keeper.trouble()], ['600', null]);
});

test('a daemon follows its role; while that is not known it stays as it is', async () => {
  const b = bench(want({}, 'as-it-is'));
  b.daemons = [MASTER];
  await b.keeper.request();
  assert.deepEqual(b.daemons, [MASTER]);
  b.wanted = want({}, BACKUP);
  await b.keeper.request();
  assert.deepEqual(b.daemons, [BACKUP]);
  assert.deepEqual(b.happened, [], 'a change of our own is no drift');
});

test('what somebody changed is put back, with an event that says what', async () => {
  const b = bench(want({ timeout_tcp: '600' }, BACKUP));
  await b.keeper.request();
  b.values.set('timeout_tcp', '5');
  b.daemons = [];
  b.due?.work();
  await b.keeper.request();
  assert.deepEqual([b.values.get('timeout_tcp'), b.daemons], ['600', [BACKUP]]);
  const drifts = b.happened.flatMap((h) => (h.kind === 'drift' ? [`${h.object}: ${h.detail}`] : []));
  assert.deepEqual(drifts, [
    'the settings of IPVS: timeout_tcp 5 s → 600 s',
    'the settings of IPVS: sync daemon backup on eth0, id 0, group 224.0.0.81, port 8848, ttl 1 started',
  ]);
});

test('what this kernel lacks is told by its name, once, and the rest is made', async () => {
  const b = bench(want({ timeout_tcp: '600', 'net.ipv4.vs.est_nice': '5' }));
  await b.keeper.request();
  await b.keeper.request();
  assert.deepEqual(b.complaints, ['this kernel has not every setting of [ipvs]: net.ipv4.vs.est_nice']);
  assert.deepEqual([b.values.get('timeout_tcp'), b.keeper.trouble()], ['600', null]);
});

test('a refused change is named, the others are made, and it is tried again', async () => {
  const b = bench(want({ timeout_tcp: '600', timeout_udp: '30' }), { timeout_tcp: '900', timeout_udp: '300' });
  b.refuses = 'timeout_tcp';
  await b.keeper.request();
  assert.equal(b.values.get('timeout_udp'), '30');
  assert.match(b.keeper.trouble() ?? '', /timeout_tcp 900 s → 600 s: no/);
  assert.equal(b.due?.after, 5000);
  b.refuses = '';
  await b.keeper.request();
  assert.deepEqual([b.values.get('timeout_tcp'), b.keeper.trouble()], ['600', null]);
  await b.keeper.end();
  assert.deepEqual(Object.fromEntries(b.values), { timeout_tcp: '900', timeout_udp: '300' });
});

test('without IPVS in the kernel it says so and tries again', async () => {
  const b = bench(want({ timeout_tcp: '600' }));
  b.absent = true;
  await b.keeper.request();
  assert.match(b.keeper.trouble() ?? '', /modprobe ip_vs/);
  assert.equal(await b.keeper.preview(b.wanted), undefined);
  b.absent = false;
  b.due?.work();
  await b.keeper.request();
  assert.equal(b.values.get('timeout_tcp'), '600');
});

test('a preview changes nothing, and tells of what would be put back', async () => {
  const b = bench(want({ timeout_tcp: '600' }));
  await b.keeper.request();
  const changes = await b.keeper.preview(want({}, MASTER));
  assert.deepEqual(
    changes?.map(({ sign, what }) => `${sign} ${what}`),
    ['~ timeout_tcp 600 s → 900 s', '+ sync daemon master on eth0, id 0, group 224.0.0.81, port 8848, ttl 1 started'],
  );
  assert.equal(b.writes.length, 1);
});

test('requests that come during a round are answered by one more', async () => {
  const b = bench(want({ timeout_tcp: '600' }));
  const first = b.keeper.request();
  b.wanted = want({ timeout_tcp: '700' });
  await Promise.all([first, ...Array.from({ length: 20 }, () => b.keeper.request())]);
  assert.equal(b.values.get('timeout_tcp'), '700');
  assert.ok(b.writes.length <= 2);
});

test('what is to stay after the end stays, and the end after that puts it back', async () => {
  const both = { timeout_tcp: '600', 'net.ipv4.vs.conntrack': '1' };
  const b = bench(want(both), { timeout_tcp: '900', 'net.ipv4.vs.conntrack': '0' });
  await b.keeper.request();
  const staying = want({ 'net.ipv4.vs.conntrack': '1' });
  await b.keeper.end(staying);
  assert.deepEqual(Object.fromEntries(b.values), { timeout_tcp: '900', 'net.ipv4.vs.conntrack': '1' });
  const next = b.restart();
  await next.end();
  assert.equal(b.values.get('net.ipv4.vs.conntrack'), '0');
});

test('an interface takes answers from its own addresses while probes need it, and as before once none does', async () => {
  const wanted = withValues(NOTHING_WANTED, acceptLocal(['eth0.100']));
  const b = bench(wanted, { 'net.ipv4.conf.eth0.100.accept_local': '0', 'net.ipv4.conf.eth1.accept_local': '0' });
  assert.deepEqual(
    (await b.keeper.preview(wanted))?.map(({ what }) => what),
    ['net.ipv4.conf.eth0.100.accept_local 0 → 1'],
  );
  await b.keeper.request();
  assert.deepEqual(b.writes, ['net.ipv4.conf.eth0.100.accept_local 0 → 1 (kept net.ipv4.conf.eth0.100.accept_local)']);
  b.wanted = withValues(NOTHING_WANTED, acceptLocal(['eth1']));
  const next = b.restart();
  await next.request();
  assert.deepEqual(Object.fromEntries(b.values), {
    'net.ipv4.conf.eth0.100.accept_local': '0',
    'net.ipv4.conf.eth1.accept_local': '1',
  });
  await next.end();
  assert.equal(b.values.get('net.ipv4.conf.eth1.accept_local'), '0');
});
