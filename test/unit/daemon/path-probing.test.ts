import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { ProbeOutcome, ProbeTarget } from '../../../src/checkers/probe.ts';
import type { CheckConfig, IpvsConfig, ServerConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { createPathProbing } from '../../../src/daemon/path-probing.ts';
import type { RouterRole } from '../../../src/daemon/roles.ts';
import { shareProbes } from '../../../src/daemon/shared-probes.ts';
import { type Table, tableOf } from '../../../src/ipvs/table.ts';
import type { Link } from '../../../src/system/rtnetlink.ts';
import { fakeIpvs } from '../../contract/fake-ipvs.ts';

const CONFIG = load(
  `
  [[vrrp]]
  name = "edge"
  interface = "eth0"
  router_id = 51
  addresses = ["10.0.0.100/24"]
  [ipvs.sync]
  vrrp = "edge"
  interface = "eth0"
  [[service]]
  name = "web"
  address = "10.0.0.100:80"
  forward = "dr"
  check = { type = "tcp" }
  server = [{ address = "10.0.0.21" }]
  `,
  { hostName: 'lb1' },
).config;
assert.ok(CONFIG);
const [WEB] = CONFIG.services as readonly [ServiceConfig];
const [SERVER] = WEB.servers as readonly [ServerConfig];
const [CHECK] = WEB.checks as readonly [CheckConfig];
const HOMES = new Map([[ip('10.0.0.100'), 'edge']]);
const MASTER: RouterRole = { router: 'edge', family: 4, master: true };

const own = (text: string) => ({ index: 2, prefix: parsePrefix(text) as Prefix, scope: 0, flags: 0 });
const eth0: Link = {
  ...{ index: 2, name: 'eth0', mac: '02:00:00:00:00:01', up: true, running: true, lowerUp: true, loopback: false },
  ...{ multicast: true, mtu: 1500 },
};

/** A director at 10.0.0.11 whose probes end as `ways` says, by the address that they are for. */
function bench() {
  const kernel = fakeIpvs();
  const b = {
    kernel,
    at: 0,
    ipvs: { ...(CONFIG?.ipvs as IpvsConfig), sync: null } as IpvsConfig,
    roles: [] as readonly RouterRole[],
    addresses: [own('10.0.0.11/24')],
    sysctls: new Map([
      ['ipv4/vs/backup_only', '0'],
      ['ipv4/conf/all/accept_local', '0'],
      ['ipv4/conf/eth0/accept_local', '1'],
    ]),
    ends: new Map<string, ProbeOutcome>(),
    restored: [] as string[],
    probing: undefined as unknown as ReturnType<typeof createPathProbing>,
    probe: async (): Promise<readonly [ProbeOutcome, string]> => ['up', ''],
  };
  b.probing = createPathProbing({
    now: () => instant(b.at),
    rtnetlink: {
      addresses: async () => ok(b.addresses),
      links: async () => ok([eth0]),
      // As with the virtual address on this machine.
      routesTo: async (to) => to.map(() => ok({ interfaceIndex: 2, source: ip('10.0.0.100'), gateway: undefined })),
    },
    openIpvs: async () => ok(kernel),
    sysctl: {
      read: (name) => {
        const value = b.sysctls.get(name.join('/'));
        return value === undefined ? err({ code: 'ENOENT', message: 'none' }) : ok(value);
      },
      write: () => err({ code: 'EPERM', message: 'no' }),
    },
    createProber: (_, { address: { address } }) => ({
      run: async () => ({
        outcome: b.ends.get(address) ?? 'up',
        ...{ reason: 'no answer in 1 s', took: milliseconds(1) },
      }),
      close: () => {},
    }),
    ipvs: () => b.ipvs,
    roles: () => b.roles,
    restore: (what) => void b.restored.push(what),
    complain: () => {},
  });
  return b;
}

/** … whose one probe is made. */
async function aimed() {
  const b = bench();
  const { probing } = b;
  probing.configure([WEB], 1000);
  b.kernel.table = tableOf(probing.wanted(new Map() as Table, new Set()).values());
  const sources = await probing.sources([WEB], ['10.0.0.100']);
  const straight: ProbeTarget = {
    address: { address: SERVER.address.address, port: 80 },
    ...{ source: sources.get(SERVER.address.address) ?? null, sourcePort: null, device: null, mark: null },
  };
  const wish = probing.withWays({ key: 'web', check: CHECK, target: straight }, [WEB, SERVER, CHECK, sources]);
  const settings = await probing.settingsFor([wish]);
  const prober = probing.createProber(CHECK, wish.target);
  b.probe = async () => {
    const { outcome, reason } = await prober.run();
    return [outcome, reason];
  };
  return Object.assign(b, { wish, straight, settings });
}

test('a probe leaves from an own address, which the answers to it must be taken at', async () => {
  const { wish, settings } = await aimed();
  const [target] = wish.target.through?.targets ?? [];
  assert.deepEqual([target?.source, target?.mark], ['10.0.0.11', 1000]);
  assert.deepEqual([...settings], [['net.ipv4.conf.eth0.accept_local', '1']]);
});

test('without a [[vrrp]] the address of a service is no source either', async () => {
  const b = bench();
  b.probing.configure([WEB], 1000);
  b.addresses.unshift(own('10.0.0.100/24'));
  assert.equal((await b.probing.sources([WEB], [])).get(SERVER.address.address), '10.0.0.11');
});

test('a way through IPVS is part of what a probe is', async () => {
  const { wish, straight } = await aimed();
  assert.equal(shareProbes([wish, { ...wish, target: straight }]).orders.length, 2);
  assert.equal(shareProbes([wish, { ...wish, key: 'other' }]).orders.length, 1);
});

test('a server that answers directly alone is down, and it is said why', async () => {
  const b = await aimed();
  assert.deepEqual(await b.probe(), ['up', 'no answer in 1 s through IPVS']);
  b.ends.set('10.0.0.100', 'down');
  await b.probe();
  const [outcome, reason] = await b.probe();
  assert.equal(outcome, 'down');
  assert.match(reason, /^answers directly, but not through IPVS: .* the virtual address is missing/);
});

test('accept_local that is off counts where the virtual address is here, and no interface has it on', async () => {
  const b = await aimed();
  b.ends.set('10.0.0.100', 'down');
  b.sysctls.set('ipv4/conf/eth0/accept_local', '0');
  assert.equal((await b.probe())[0], 'down');
  b.addresses.push(own('10.0.0.100/24'));
  const said =
    'no answer in 1 s; cannot probe through IPVS: answers from a virtual address are dropped: net.ipv4.conf.eth0.accept_local is 0';
  assert.deepEqual(await b.probe(), ['up', said]);
  assert.deepEqual(b.restored, ['setting']);
  b.sysctls.set('ipv4/conf/all/accept_local', '1');
  assert.equal((await b.probe())[0], 'down');
});

test('a service that the kernel has lost is asked for again', async () => {
  const b = await aimed();
  b.ends.set('10.0.0.100', 'down');
  b.kernel.table = new Map();
  assert.equal((await b.probe())[0], 'up');
  assert.deepEqual(b.restored, ['service']);
});

test('a backup that directs nothing (backup_only) goes by the direct probes', async () => {
  const b = await aimed();
  b.ends.set('10.0.0.100', 'down');
  b.ipvs = CONFIG.ipvs;
  b.sysctls.set('ipv4/vs/backup_only', '1');
  const said =
    'no answer in 1 s; cannot probe through IPVS: this director is backup, and directs nothing (backup_only)';
  assert.deepEqual(await b.probe(), ['up', said]);
  b.roles = [MASTER];
  assert.equal((await b.probe())[0], 'down');
  b.roles = [];
  b.sysctls.set('ipv4/vs/backup_only', '0');
  assert.equal((await b.probe())[0], 'down');
});

test('what fails from the moment on that this director became master is its own fault', async () => {
  const b = await aimed();
  await b.probe();
  b.at = 1000;
  b.roles = [MASTER];
  b.probing.rolesChanged([{ ...MASTER, master: false }], HOMES);
  b.at = 2000;
  b.ends.set('10.0.0.100', 'down');
  await b.probe();
  const [outcome, reason] = await b.probe();
  assert.equal(outcome, 'up');
  assert.match(reason, /nothing by 10\.0\.0\.100 comes back since this director became master/);
});

test('a role that was so before changes nothing', async () => {
  const b = await aimed();
  await b.probe();
  b.roles = [MASTER];
  b.probing.rolesChanged([MASTER], HOMES);
  b.ends.set('10.0.0.100', 'down');
  assert.equal((await b.probe())[0], 'down');
});
