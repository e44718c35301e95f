/** The servers changed at run time, laid over those of the file. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ServerConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { faults, isWrong, overlay, type ServerChange } from '../../../src/config/server-changes.ts';
import { readServer, writeServer } from '../../../src/config/server-table.ts';
import { describeServer } from '../../../src/config/service-words.ts';

/** `[[service]]` web on port 80 with servers 10.0.0.N:80, and what more is given. */
function serviceToml(servers: readonly string[], more = '', name = 'web', vip = '192.0.2.10:80'): string {
  const tables = servers.map((server) => `[[service.server]]\n${server}\n`).join('');
  return `[[service]]\nname = "${name}"\naddress = "${vip}"\nforward = "nat"\n${more}\n[service.check]\ntype = "tcp"\nport = 80\n${tables}`;
}

function servicesOf(...tomls: readonly string[]): readonly ServiceConfig[] {
  const { config, issues } = load(tomls.join(''), { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}

const at = (last: number, more = ''): string => `address = "10.0.0.${last}:80"\n${more}`;
const TERMS = { by: 'anna', reason: '', since: '2026-03-01T12:00:00.000Z' };

function serverOf(table: object): ServerConfig {
  const { server, issues } = readServer(table);
  assert.ok(server, JSON.stringify(issues));
  return server;
}
const added = (table: object, service = 'web'): ServerChange => ({
  ...TERMS,
  ...{ what: 'added', service, server: serverOf(table) },
});
const removed = (address: string, service = 'web'): ServerChange => ({
  ...TERMS,
  ...{ what: 'removed', service, server: serverOf({ address }) },
});
const addresses = (services: readonly ServiceConfig[], name = 'web'): readonly string[] => {
  const service = services.find((one) => one.name === name);
  return service?.servers.map(({ address }) => describeServer(service, address)) ?? [];
};
const whys = (laid: ReturnType<typeof overlay>): readonly string[] => laid.ceased.map(({ why }) => why);

test('servers are added behind those of the file, and removed; a service without changes is the very one of the file', () => {
  const services = servicesOf(serviceToml([at(21), at(22)]), serviceToml([at(21)], '', 'shop', '192.0.2.10:443'));
  const changes = [added({ address: '10.0.0.23:80', weight: 5 }), removed('10.0.0.21:80')];
  const laid = overlay(services, changes);
  assert.deepEqual(addresses(laid.services), ['10.0.0.22:80', '10.0.0.23:80']);
  assert.equal(laid.services[0]?.servers[1]?.weight, 5);
  assert.equal(laid.services[1], services[1]);
  assert.deepEqual([laid.inForce, laid.ceased], [changes, []]);
  assert.equal(overlay(services, []).services, services);
});

test('a server without a port is the one with the port of the service', () => {
  const services = servicesOf(serviceToml(['address = "10.0.0.21"', at(22)]));
  assert.deepEqual(addresses(overlay(services, [removed('10.0.0.21:80')]).services), ['10.0.0.22:80']);
  assert.deepEqual(whys(overlay(services, [added({ address: '10.0.0.22' })])), ['the file has it now']);
});

/** the servers of the file, what more it says, the change, why it ceases */
const CEASED = [
  [[at(21), at(23)], '', added({ address: '10.0.0.23:80' }), /^the file has it now$/],
  [[at(21), at(23, 'name = "other"')], '', added({ address: '10.0.0.23:80', name: 'web3' }), /^the file has it now$/],
  [[at(21), at(23, 'weight = 7')], '', added({ address: '10.0.0.23:80' }), /has it now, with settings of its own$/],
  [[at(21)], '', removed('10.0.0.23:80'), /^the file no longer has it$/],
  [[at(21)], '', added({ address: '10.0.0.23:80' }, 'gone'), /^its service is no longer in the config$/],
  [[at(21), at(22)], 'quorum = 2', removed('10.0.0.22:80'), /stands against it: quorum is 2, expected at most 1/],
  [[at(21)], '', removed('10.0.0.21:80'), /stands against it: server has nothing in it, expected at least 1/],
  [[at(21, 'name = "web3"')], '', added({ address: '10.0.0.23:80', name: 'web3' }), /: name is "web3", as of another/],
  [[at(21)], 'sorry_server = "10.0.0.23:80"', added({ address: '10.0.0.23:80' }), /is a sorry_server of the service/],
  [[at(21)], '', added({ address: '[2001:db8::23]:80' }), /an IPv6 server behind an IPv4 service/],
  [[at(21)], '', added({ address: '10.0.0.23:80', tunnel: 'gre' }), /tunnel has no effect here, expected forward/],
  [[at(21)], '', added({ address: '10.0.0.23:81', forward: 'dr' }), /forward = "dr" leaves the port as it is/],
] as const;
for (const [servers, more, change, why] of CEASED)
  test(`it ceases: ${change.what} ${change.server.name}: ${why.source}`, () => {
    const services = servicesOf(serviceToml(servers, more));
    const laid = overlay(services, [change]);
    assert.match(whys(laid)[0] ?? '', why);
    assert.deepEqual([laid.services, laid.inForce.length], [services, 0]);
    assert.equal(laid.services[0], services[0]);
  });

test('removing the first server does not move marks to another family', () => {
  const marks = `[[service]]\nname = "web"\nfwmark = 1\nforward = "tun"\n`;
  const servers = `[[service.server]]\naddress = "10.0.0.21"\n[[service.server]]\naddress = "2001:db8::22"\n`;
  const change = [removed('10.0.0.21')];
  assert.match(whys(overlay(servicesOf(marks + servers), change))[0] ?? '', /marks of the service would be of IPv6/);
  const said = servicesOf(`${marks}fwmark_family = "ipv4"\n${servers}`);
  assert.deepEqual(addresses(overlay(said, change).services), ['2001:db8::22']);
});

test('what only together obeys the file is in force together; what stands against it ceases alone', () => {
  const services = servicesOf(serviceToml([at(21), at(22)], 'quorum = 2'));
  const swap = [removed('10.0.0.22:80'), added({ address: '10.0.0.23:80' })];
  assert.deepEqual(addresses(overlay(services, swap).services), ['10.0.0.21:80', '10.0.0.23:80']);
  const laid = overlay(services, [...swap, added({ address: '10.0.0.24:80', forward: 'dr', tunnel: 'gre' })]);
  assert.deepEqual(addresses(laid.services), ['10.0.0.21:80', '10.0.0.23:80']);
  assert.deepEqual([laid.inForce, laid.ceased.length], [swap, 1]);
});

test('a service has no more servers than the file may give it', () => {
  const [service] = servicesOf(serviceToml([at(21)]));
  assert.ok(service);
  const { servers } = service;
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    ...(servers[0] as ServerConfig),
    ...serverOf({ address: `10.1.${i >> 8}.${i & 255}:80` }),
  }));
  const [fault] = faults(service, { ...service, servers: [...servers, ...many] });
  assert.match(fault?.message ?? '', /server has 10001 values in it, expected at most 10000/);
});

test('a warning of the file is told once more only where a change is its cause', () => {
  const [service] = servicesOf(serviceToml([at(21, 'weight = 0'), at(22)]));
  assert.ok(service);
  const [first] = service.servers;
  assert.ok(first);
  const found = faults(service, { ...service, servers: [first] });
  assert.deepEqual([isWrong(found), found.map(({ severity }) => severity)], [false, ['warning']]);
  assert.deepEqual(faults(service, service), []);
});

const lasts = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 });
const file = fc
  .record({ lasts, quorum: fc.integer({ min: 1, max: 3 }), weight: fc.integer({ min: 1, max: 2 }) })
  .filter((f) => f.quorum <= f.lasts.length)
  .map((f) =>
    servicesOf(
      serviceToml(
        f.lasts.map((n) => at(n, `weight = ${f.weight}`)),
        `quorum = ${f.quorum}`,
      ),
    ),
  );
const change = fc
  .record({ add: fc.boolean(), last: fc.integer({ min: 1, max: 6 }), name: fc.constantFrom(undefined, 'a', 'b') })
  .map(({ add, last, name }) =>
    add
      ? added({ address: `10.0.0.${last}:80`, weight: 1, ...(name !== undefined && { name }) })
      : removed(`10.0.0.${last}:80`),
  );
// One change at most for each server, as the desk sees to.
const changesOf = fc.uniqueArray(change, { maxLength: 6, selector: ({ server }) => server.address.address });

test('whatever the file and the changes: what results obeys the file, and each change is in force or ceased', () => {
  fc.assert(
    fc.property(file, changesOf, (services, changes) => {
      const { services: laid, inForce, ceased } = overlay(services, changes);
      const [before, after] = [services[0], laid[0]];
      assert.ok(before && after);
      assert.equal(isWrong(faults(before, after)), false);
      assert.deepEqual(
        changes.filter((one) => !inForce.includes(one)),
        ceased.map((one) => one.change),
      );
      const there = new Set(addresses(laid));
      for (const { what, server } of inForce)
        assert.equal(there.has(describeServer(after, server.address)), what === 'added');
      const touched = new Set(inForce.map(({ server }) => describeServer(before, server.address)));
      assert.deepEqual(
        addresses(services).filter((address) => !touched.has(address)),
        addresses(laid).filter((address) => !touched.has(address)),
      );
    }),
  );
});

test('what is in force is all in force again over the same file', () => {
  fc.assert(
    fc.property(file, changesOf, (services, changes) => {
      const once = overlay(services, changes);
      const again = overlay(services, once.inForce);
      assert.deepEqual([again.services, again.inForce, again.ceased], [once.services, once.inForce, []]);
    }),
  );
});

test('a server as JSON is read by the rows of the file, with its words', () => {
  const { server } = readServer({ address: '10.0.0.23', weight: 5, forward: null, tunnel: { type: 'gre' } });
  assert.deepEqual(server, {
    ...{ name: '10.0.0.23', address: { address: '10.0.0.23', port: 0 }, weight: 5, forward: null },
    ...{ tunnel: { type: 'gre', port: 0, checksum: 'none' }, upperThreshold: 0, lowerThreshold: 0 },
  });
  assert.deepEqual(readServer(writeServer(server as ServerConfig)).server, server);
});

/** JSON, what is said */
const WRONG = [
  [{}, /missing "address" in \[\[service\.server\]\]/],
  [{ address: '10.0.0.23:80', wieght: 5 }, /unknown key "wieght" in \[\[service\.server\]\], did you mean "weight"\?/],
  [{ address: '10.0.0.23:80', weight: 70_000 }, /weight is 70000, expected a whole number from 0 to 65535/],
  [{ address: '10.0.0.23:80', weight: 1.5 }, /weight is 1\.5/],
  [{ address: '10.0.0.23:80', forward: 'ip' }, /forward is "ip", expected/],
  [{ address: '0.0.0.0:80' }, /address is "0\.0\.0\.0:80"/],
  [[], /no table of options/],
  ['10.0.0.23:80', /no table of options/],
  [null, /no table of options/],
  [{ address: [null] }, /address is a list/],
  [{ address: { a: { b: { c: { d: 1 } } } } }, /too deep a one/],
] as const;
for (const [json, said] of WRONG)
  test(`a server as JSON: ${JSON.stringify(json)} is wrong`, () => {
    const { server, issues } = readServer(json);
    assert.equal(server, null);
    assert.match(issues[0]?.message ?? '', said);
    assert.deepEqual([issues[0]?.line, issues[0]?.column], [0, 0]);
  });
