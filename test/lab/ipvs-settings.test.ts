/**
 * What of IPVS belongs to no service, as the kernel's own tools see it: timeouts, settings, sync daemons, and services that
 * are there only on the master.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import type { Host } from './network.ts';
import { becomes, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Output } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { ipvsRules } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');

/** Room for a restart, which in the guest takes two seconds: a role that moves takes the daemons and services along. */
const INTERVAL = 'interval = "3s"';

const IPVS = `
[ipvs]
timeout_tcp = "10m"
timeout_udp = "30s"

[ipvs.sysctl]
expire_nodest_conn = true
conn_reuse_mode = 2
sync_threshold = { threshold = 1, period = 20 }
drop_entry = "automatic"
est_cpulist = "0"

[ipvs.sync]
vrrp = "edge"
interface = "eth0"
id = 7
group = "224.0.0.82"
port = 9000
ttl = 2
max_length = 1400
`;
const BEFORE = {
  timeouts: [900, 120, 300],
  expire_nodest_conn: '0',
  conn_reuse_mode: '1',
  sync_threshold: '3\t50',
  drop_entry: '0',
};
const WANTED = {
  timeouts: [600, 120, 30],
  expire_nodest_conn: '1',
  conn_reuse_mode: '2',
  sync_threshold: '1\t20',
  drop_entry: '1',
};

/** By ipvsadm and by /proc/sys. */
async function settingsOf(host: Host): Promise<typeof BEFORE> {
  const text = await host.must(['ipvsadm', '-L', '--timeout']);
  const timeouts = (/\(tcp tcpfin udp\): (\d+) (\d+) (\d+)/.exec(text) ?? []).slice(1).map(Number);
  const names = ['expire_nodest_conn', 'conn_reuse_mode', 'sync_threshold', 'drop_entry'] as const;
  const files = names.map((name) => `/proc/sys/net/ipv4/vs/${name}`);
  const values = (await host.must(['cat', ...files])).trimEnd().split('\n');
  return { timeouts, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) } as typeof BEFORE;
}

/** `master sync daemon (mcast=eth0, syncid=7, …)`, one line each. */
const daemonsOf = async (host: Host): Promise<string[]> =>
  (await host.must(['ipvsadm', '-L', '--daemon'])).split('\n').filter(Boolean);

const DAEMON =
  /^(master|backup) sync daemon \(mcast=eth0, syncid=7, maxlen=1400, group=224\.0\.0\.82, port=9000, ttl=2\)$/;

const daemonIs = (host: Host, state: string): Promise<true> =>
  eventually(`the sync daemon of ${host.name} to be ${state}`, 45_000, async () => {
    const daemons = await daemonsOf(host);
    return daemons.length === 1 && DAEMON.exec(daemons[0] ?? '')?.[1] === state ? true : undefined;
  });

const settingsAre = (host: Host, wanted: typeof BEFORE): Promise<true> =>
  eventually('the settings', 10_000, async () => {
    const found = await settingsOf(host);
    return JSON.stringify(found) === JSON.stringify(wanted) ? true : undefined;
  }).catch(async (error) => {
    assert.deepEqual(await settingsOf(host), wanted);
    throw error;
  });

describe('the settings of IPVS', () => {
  let lab: Topology;
  let lb1: Director;
  let lb2: Director;
  before(async () => {
    lab = await createTopology({ servers: 1 });
    // The namespace has the kernel's own defaults, and one setting that somebody chose.
    await lab.lb1.must(['ipvsadm', '--set', '900', '120', '300']);
  });
  after(() => lab.close());

  const config = (priority: number, more = IPVS): string =>
    vrrpToml(priority, INTERVAL) + more + servicesToml('nat', ['10.77.0.21'], 'active = "master"');
  const start = (host: Host, priority: number, more = IPVS): Promise<Director> =>
    director(host, config(priority, more));
  const lvskeeper = (host: Host, ...args: readonly string[]): Promise<Output> =>
    host.exec([process.execPath, COMMAND, ...args]);
  const ours = async (host: Host): Promise<string[]> =>
    (await ipvsRules(host)).filter((rule) => rule.startsWith('-A') && rule.includes(VIP.nat));

  test('a plan lists them, and changes nothing', async () => {
    assert.deepEqual(await settingsOf(lab.lb1), BEFORE);
    const file = writeDirectorConfig(lab.lb1, config(150));
    const { stdout, stderr, code } = await lvskeeper(lab.lb1, 'plan', file);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /~ timeout_tcp 900 s → 600 s/);
    assert.match(stdout, /~ net\.ipv4\.vs\.sync_threshold 3 50 → 1 20/);
    assert.match(
      stdout,
      /\+ sync daemon backup on eth0, id 7, group 224\.0\.0\.82, port 9000, ttl 2, max length 1400 started/,
    );
    assert.deepEqual(await settingsOf(lab.lb1), BEFORE);
  });

  test('are made as the file says; a setting that this kernel lacks is told by its name', async () => {
    lb1 = await start(lab.lb1, 150);
    await becomes(lb1, 'master');
    await settingsAre(lab.lb1, WANTED);
    await daemonIs(lab.lb1, 'master');
    const events = await lb1.control('/events?kind=trouble');
    // Linux 6.2 has it.
    const lacks = (await lab.lb1.exec(['test', '-e', '/proc/sys/net/ipv4/vs/est_cpulist'])).code !== 0;
    assert.equal(/net\.ipv4\.vs\.est_cpulist/.test(events), lacks, events);
    const { sync } = await lb1.status();
    assert.deepEqual(
      sync?.running.map((one) => [one.state, one.group, one.maxLength]),
      [['master', '224.0.0.82', 1400]],
    );
    assert.deepEqual([sync?.wanted, sync?.trouble], ['master', null]);
  });

  test('the sync daemon and the services that follow the router are backup and away on the other director', async () => {
    lb2 = await start(lab.lb2, 100);
    await becomes(lb2, 'backup');
    await daemonIs(lab.lb2, 'backup');
    assert.equal((await ours(lab.lb1)).length, 2);
    assert.deepEqual(await ours(lab.lb2), []);
    await eventually('the servers to be probed in backup too', 15_000, async () =>
      (await lb2.status()).services.every((s) => s.servers.every((server) => server.state === 'up')) ? true : undefined,
    );
  });

  test('a restart of a process, or of all by lvskeeper restart, writes nothing', async () => {
    const writes = await ipvsWrites(lab.lb1);
    const pid = await lb1.pid('checker');
    process.kill(pid, 'SIGKILL');
    await eventually('another checker', 20_000, async () => {
      const now = (await lb1.status()).processes.find((p) => p.name === 'checker');
      return now?.state === 'ready' && now.pid !== pid ? true : undefined;
    });
    const before = (await lb1.status()).started;
    const { code, stdout, stderr } = await lvskeeper(lab.lb1, 'restart', '--socket', lb1.socket);
    assert.equal(code, 0, stdout + stderr);
    await eventually('it to run anew', 30_000, async () => {
      const status = await lb1.status().catch(() => undefined);
      return status !== undefined && status.started !== before && status.processes.every((p) => p.state === 'ready')
        ? true
        : undefined;
    });
    await becomes(lb1, 'master');
    await eventually('the role to be known', 10_000, async () =>
      (await lb1.status()).sync?.wanted === 'master' ? true : undefined,
    );
    assert.deepEqual(await writes.stop(), []);
    assert.equal((await ours(lab.lb1)).length, 2);
    assert.deepEqual(await settingsOf(lab.lb1), WANTED);
  });

  test('what somebody changes is put back, with an event', async () => {
    await lab.lb1.must(['ipvsadm', '--stop-daemon', 'master']);
    await lab.lb1.sysctl({ 'net.ipv4.vs.conn_reuse_mode': 0 });
    assert.match((await lb1.status()).sync?.trouble ?? '', /running: none/);
    const { stdout } = await lvskeeper(lab.lb1, 'status', '--socket', lb1.socket);
    assert.match(
      stdout.replace(/\s+/g, ' '),
      /connection synchronization: should be master, as edge says; running: none/,
    );
    await daemonIs(lab.lb1, 'master');
    await settingsAre(lab.lb1, WANTED);
    const drifts = await lb1.control('/events?kind=drift');
    assert.match(drifts, /sync daemon master on eth0/);
    assert.match(drifts, /conn_reuse_mode 0 → 2/);
  });

  test('a failover turns the daemons and the services round', async () => {
    const { code, stderr } = await lvskeeper(lab.lb1, 'failover', '--socket', lb1.socket);
    assert.equal(code, 0, stderr);
    await becomes(lb2, 'master');
    await daemonIs(lab.lb2, 'master');
    await daemonIs(lab.lb1, 'backup');
    await eventually('the services to move', 10_000, async () =>
      (await ours(lab.lb1)).length === 0 && (await ours(lab.lb2)).length === 2 ? true : undefined,
    );
  });

  test('a reload that takes one out puts back what it was before, and leaves the rest', async () => {
    writeDirectorConfig(
      lab.lb1,
      config(150, IPVS.replace('timeout_tcp = "10m"\n', '').replace('conn_reuse_mode = 2\n', '')),
    );
    const { code, stdout, stderr } = await lvskeeper(lab.lb1, 'reload', '--socket', lb1.socket);
    assert.equal(code, 0, stdout + stderr);
    await settingsAre(lab.lb1, { ...WANTED, timeouts: [900, 120, 30], conn_reuse_mode: '1' });
  });

  test('kill -9 of everything, a start and a clean stop restore what was there in the very beginning', async () => {
    await lb1.killAll();
    assert.notDeepEqual(await settingsOf(lab.lb1), BEFORE);
    lb1 = await start(lab.lb1, 90);
    await settingsAre(lab.lb1, WANTED);
    await daemonIs(lab.lb1, 'backup');
    await lb1.stop();
    assert.deepEqual(await settingsOf(lab.lb1), BEFORE);
    assert.deepEqual(await daemonsOf(lab.lb1), []);
    const kept = readFileSync(join(lab.lb1.directory, 'run', 'ipvs-settings.json'), 'utf8');
    assert.deepEqual(JSON.parse(kept), { before: {}, daemons: [] });
  });

  test('what the kernel refuses is told in words, and the rest is made', async () => {
    lb1 = await start(lab.lb1, 90, IPVS.replace('interface = "eth0"', 'interface = "eth7"'));
    await settingsAre(lab.lb1, WANTED);
    const trouble = await eventually(
      'the refusal',
      10_000,
      async () => (await lb1.status()).sync?.trouble ?? undefined,
    );
    assert.match(trouble, /sync daemon backup on eth7.* started: there is no interface eth7/);
    await lb1.stop();
    assert.deepEqual(await settingsOf(lab.lb1), BEFORE);
  });

  test('a clean stop of the master takes its services along', async () => {
    assert.equal((await ours(lab.lb2)).length, 2);
    await lb2.stop();
    assert.deepEqual(await ours(lab.lb2), []);
    assert.deepEqual(await daemonsOf(lab.lb2), []);
  });
});
