import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, parseEndpoint } from '../../../src/base/address.ts';
import { homesOf } from '../../../src/config/active.ts';
import type { Config, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening, VrrpState } from '../../../src/control/event.ts';
import { awayWith, onlyActive } from '../../../src/daemon/active-services.ts';
import { createRoleBoard, isMaster, isMasterOfAny, type RouterRole } from '../../../src/daemon/roles.ts';
import { syncStatus, wantedWith } from '../../../src/daemon/sync-status.ts';
import { desired } from '../../../src/ipvs/desired.ts';
import type { Daemon } from '../../../src/ipvs/settings.ts';
import type { Table } from '../../../src/ipvs/table.ts';

const became = (router: string, family: 4 | 6, to: VrrpState): Happening => ({
  ...{ kind: 'vrrp', router, family, from: 'init', to, cause: '', priority: 100, addresses: [] },
});

test('a role is what the last event says, each family by itself, and a change is told once', () => {
  const board = createRoleBoard();
  assert.equal(isMaster(board.current(), 'edge', 4), undefined);
  const told = [
    became('edge', 4, 'backup'),
    became('edge', 4, 'fault'),
    became('edge', 4, 'master'),
    became('edge', 6, 'backup'),
    { kind: 'trouble', severity: 'error', what: 'x', detail: '' } as const,
    became('edge', 4, 'master'),
  ].map((happening) => board.take(happening));
  assert.deepEqual(told, [true, false, true, true, false, false]);
  assert.deepEqual([isMaster(board.current(), 'edge', 4), isMaster(board.current(), 'edge', 6)], [true, false]);
  assert.equal(isMasterOfAny(board.current(), 'edge'), true);
  assert.equal(isMasterOfAny(board.current(), 'other'), undefined);
});

const config = (service: string): Config => {
  const { config: read, issues } = load(
    `
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
[[vrrp]]
name = "other"
interface = "eth0"
router_id = 52
addresses = ["192.0.2.20/24"]
[ipvs.sync]
vrrp = "edge"
interface = "eth1"
[[service]]
name = "web"
forward = "nat"
${service}
[[service.server]]
address = "10.0.0.21:80"
`,
    { hostName: 'lb1' },
  );
  assert.ok(read, JSON.stringify(issues));
  return read;
};

const tableOf = (services: readonly ServiceConfig[]): Table => desired(services, () => 1);
const EMPTY: Table = new Map();

function active(service: string, roles: readonly RouterRole[], kernel = EMPTY): string[] {
  const { services, vrrp } = config(service);
  return [...onlyActive(tableOf(services), kernel, services, { homes: homesOf(vrrp), roles }).keys()];
}

const role = (router: string, family: 4 | 6, master: boolean): RouterRole => ({ router, family, master });

test('a service that follows the master is there while its router is, and one that does not is always', () => {
  const follows = 'active = "master"\naddress = "192.0.2.10:80"';
  assert.deepEqual(active(follows, [role('edge', 4, true)]), ['tcp 192.0.2.10:80']);
  assert.deepEqual(active(follows, [role('edge', 4, false)]), []);
  assert.deepEqual(active('address = "192.0.2.10:80"', [role('edge', 4, false)]), ['tcp 192.0.2.10:80']);
});

test('each address follows the router that has it, or all the one that is named', () => {
  const two = 'active = "master"\naddress = ["192.0.2.10:80", "192.0.2.20:80"]';
  const roles = [role('edge', 4, false), role('other', 4, true)];
  assert.deepEqual(active(two, roles), ['tcp 192.0.2.20:80']);
  assert.deepEqual(active(`${two}\nvrrp = "other"`, roles), ['tcp 192.0.2.10:80', 'tcp 192.0.2.20:80']);
  // A mark has no address, and goes with the first.
  assert.deepEqual(active('active = "master"\nvrrp = "other"\nfwmark = 7', roles), ['fwmark 7']);
  assert.deepEqual(active('active = "master"\naddress = "192.0.2.10:80"\nfwmark = 7', roles), []);
});

test('a service is away with its router when none of it is to be here', () => {
  const away = (service: string, roles: readonly RouterRole[], kernel = EMPTY): string | null | undefined => {
    const { services, vrrp } = config(service);
    return services[0] && awayWith(services[0], kernel, { homes: homesOf(vrrp), roles });
  };
  const follows = 'active = "master"\naddress = "192.0.2.10:80"';
  assert.equal(away(follows, [role('edge', 4, false)]), 'edge');
  assert.equal(away(follows, [role('edge', 4, true)]), null);
  assert.equal(away('address = "192.0.2.10:80"', [role('edge', 4, false)]), null);
  const two = 'active = "master"\naddress = ["192.0.2.10:80", "192.0.2.20:80"]';
  assert.equal(away(two, [role('edge', 4, false), role('other', 4, true)]), null, 'half of it is here');
  assert.equal(away(two, [role('edge', 4, false), role('other', 4, false)]), 'edge');
  assert.equal(away(follows, [], tableOf(config(follows).services)), null, 'not known yet, and there');
});

test('while a role is not known the kernel stays as it is: a restart of a master takes nothing away', () => {
  const follows = 'active = "master"\naddress = "192.0.2.10:80"';
  const there = tableOf(config(follows).services);
  assert.deepEqual(active(follows, []), []);
  assert.deepEqual(active(follows, [], there), ['tcp 192.0.2.10:80']);
  assert.deepEqual(active(follows, [role('edge', 6, false)], there), ['tcp 192.0.2.10:80']);
  assert.deepEqual(active(follows, [role('edge', 4, false)], there), []);
});

test('the sync daemon is master while its router is, backup otherwise, and as it is while that is not known', () => {
  const { ipvs } = config('address = "192.0.2.10:80"');
  const stateWith = (roles: readonly RouterRole[]) => {
    const { daemon } = wantedWith(ipvs, roles);
    return daemon === null || daemon === 'as-it-is' ? daemon : daemon.state;
  };
  assert.equal(stateWith([]), 'as-it-is');
  assert.equal(stateWith([role('other', 4, true)]), 'as-it-is');
  assert.equal(stateWith([role('edge', 4, false), role('edge', 6, false)]), 'backup');
  assert.equal(stateWith([role('edge', 4, true)]), 'master');
});

test('status says what is wrong with the sync daemon, and nothing when it is right', () => {
  const { ipvs } = config('address = "192.0.2.10:80"');
  const wanted = wantedWith(ipvs, [role('edge', 4, true)]);
  const master: Daemon = {
    ...{ state: 'master', interface: 'eth1', id: 0, group: ip('224.0.0.81'), port: 8848, ttl: 1, maxLength: 1472 },
  };
  const values = new Map<string, string>();
  const troubleOf = (daemons: readonly Daemon[], trouble: string | null = null) =>
    syncStatus(ipvs, wanted, { values, daemons }, trouble)?.trouble;
  assert.equal(troubleOf([master]), null);
  assert.equal(troubleOf([]), 'running: none');
  assert.equal(troubleOf([], 'there is no interface eth1'), 'there is no interface eth1');
  assert.match(troubleOf([{ ...master, id: 3 }]) ?? '', /^running: master on eth1, id 3/);
  assert.equal(syncStatus(ipvs, wanted, undefined, 'not permitted')?.trouble, 'not permitted');
  assert.equal(syncStatus({ ...ipvs, sync: null }, wanted, undefined, null), null);
  const unknown = syncStatus(ipvs, wantedWith(ipvs, []), { values, daemons: [] }, null);
  assert.deepEqual([unknown?.wanted, unknown?.trouble], [null, null]);
});

test('the home of an address is the router that has it', () => {
  const homes = homesOf(config('address = "192.0.2.10:80"').vrrp);
  assert.equal(homes.get(parseEndpoint('[2001:db8::10]:80')?.address ?? ip('::1')), 'edge');
  assert.equal(homes.get(ip('192.0.2.20')), 'other');
});
