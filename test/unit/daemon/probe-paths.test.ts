import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { createProbePaths, type Sources } from '../../../src/daemon/probe-paths.ts';
import type { Table } from '../../../src/ipvs/table.ts';

const FIRST = 1000;
const EMPTY: Table = new Map();
const NONE: ReadonlySet<string> = new Set();

function servicesOf(toml: string): readonly ServiceConfig[] {
  const { config, issues } = load(toml, { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}

const service = (name: string, more: string, check = 'type = "tcp"', servers = '"10.0.0.21", "10.0.0.22"'): string => `
[[service]]
name = "${name}"
${more}
check = { ${check} }
server = [${servers
  .split(', ')
  .map((address) => `{ address = ${address} }`)
  .join(', ')}]
`;

/** The services with their ways, each with the mark that it has. */
function laid(toml: string, sources: Sources = new Map()) {
  const services = servicesOf(toml);
  const paths = createProbePaths();
  paths.configure(services, FIRST);
  const table = paths.wanted(EMPTY, NONE);
  const through = (name: string, server: number, check = 0) => {
    const of = services.find((one) => one.name === name) as ServiceConfig;
    const [at, by] = [of.servers[server] as ServerConfig, of.checks[check] as CheckConfig];
    return paths.through(of, at, by, sources);
  };
  const ways = (name: string, server: number, check = 0) => {
    const found = through(name, server, check);
    if (found === undefined) return 'direct';
    const targets = found.targets.map(({ address, mark }) => `${address.address}:${address.port} by ${mark}`);
    return [found.both ? 'both' : 'only', found.forward, ...targets].join(' ');
  };
  return { paths, table, through, ways };
}

test('servers that answer clients themselves are probed both ways, and those of NAT directly', () => {
  const { paths, ways, table } = laid(
    service('dr', 'address = "192.0.2.10:80"\nforward = "dr"') +
      service('tun', 'address = "192.0.2.11:80"\nforward = "tun"') +
      service('nat', 'address = "192.0.2.12:80"\nforward = "nat"'),
  );
  assert.equal(ways('dr', 0), 'both dr 192.0.2.10:80 by 1000');
  assert.equal(ways('dr', 1), 'both dr 192.0.2.10:80 by 1001');
  assert.equal(ways('tun', 1), 'both tun 192.0.2.11:80 by 1003');
  assert.equal(ways('nat', 0), 'direct');
  assert.deepEqual([...table.keys()], ['fwmark 1000', 'fwmark 1001', 'fwmark 1002', 'fwmark 1003']);
  assert.deepEqual(
    paths.status().map(({ fwmark, server, forward }) => `${fwmark} ${server} ${forward}`),
    ['1000 10.0.0.21 dr', '1001 10.0.0.22 dr', '1002 10.0.0.21 tun', '1003 10.0.0.22 tun'],
  );
});

test('many services over the same servers have one mark for each server', () => {
  const { ways, table } = laid(
    service(
      'web',
      'address = ["192.0.2.10:80", "192.0.2.11:80", "192.0.2.10:81"]\nforward = "dr"',
      'type = "tcp", port = 80',
    ) + service('mail', 'address = "192.0.2.10:25"\nforward = "dr"'),
  );
  // Each virtual address is one to probe, however many ports it has.
  assert.equal(ways('web', 0), 'both dr 192.0.2.10:80 by 1000 192.0.2.11:80 by 1000');
  assert.equal(ways('mail', 0), 'both dr 192.0.2.10:25 by 1000');
  assert.equal(table.size, 2);
});

test('by default no port is probed there that clients do not use', () => {
  const dr = (more: string, check: string) => laid(service('a', `${more}\nforward = "dr"`, check)).ways('a', 0);
  const WEB = 'address = "192.0.2.10:80"';
  assert.equal(dr(WEB, 'type = "tcp", port = 8080'), 'direct');
  assert.equal(dr(WEB, 'type = "tcp", port = 80'), 'both dr 192.0.2.10:80 by 1000');
  assert.equal(dr('address = "192.0.2.10:80-90"', 'type = "tcp", port = 85'), 'both dr 192.0.2.10:85 by 1000');
  assert.equal(
    dr('address = "192.0.2.10:0"\npersistence = "5m"', 'type = "tcp", port = 7'),
    'both dr 192.0.2.10:7 by 1000',
  );
  assert.equal(dr(`${WEB}\nprotocol = "udp"`, 'type = "http", port = 80'), 'direct');
  // Asked for it is.
  assert.equal(dr(WEB, 'type = "tcp", port = 8080, via = "both"'), 'both dr 192.0.2.10:8080 by 1000');
});

test('a service of marks alone is probed directly', () => {
  assert.equal(laid(service('a', 'fwmark = 7\nforward = "dr"', 'type = "tcp", port = 80')).ways('a', 0), 'direct');
});

test('the way can be chosen', () => {
  const via = (way: string) =>
    laid(service('a', 'address = "192.0.2.10:80"\nforward = "dr"', `type = "tcp", via = "${way}"`));
  assert.equal(via('datapath').ways('a', 0), 'only dr 192.0.2.10:80 by 1000');
  assert.equal(via('direct').ways('a', 0), 'direct');
  assert.equal(via('direct').table.size, 0);
  assert.equal(via('direct').paths.any(), false);
});

test('a tunnel leads from an address of either family, and each has its mark', () => {
  const toml = service(
    ...([
      'a',
      'address = ["192.0.2.10:80", "[2001:db8::10]:80"]\nforward = "tun"',
      'type = "tcp"',
      '"10.0.0.21"',
    ] as const),
  );
  const { ways, table } = laid(toml);
  assert.equal(ways('a', 0), 'both tun 192.0.2.10:80 by 1000 2001:db8::10:80 by 1001');
  assert.deepEqual([...table.keys()], ['fwmark 1000', 'fwmark 1001 IPv6']);
});

test('it leaves from an own address towards the server, or of the family of the virtual address; never from a fixed port', () => {
  const toml = service(
    ...([
      'a',
      'address = ["192.0.2.10:80", "[2001:db8::10]:80"]\nforward = "tun"',
      'type = "tcp", source_port = 1234',
      '"10.0.0.21"',
    ] as const),
  );
  const { through } = laid(
    toml,
    new Map([
      [ip('10.0.0.21'), ip('10.0.0.1')],
      [ip('192.0.2.10'), ip('192.0.2.1')],
      [ip('2001:db8::10'), ip('2001:db8::1')],
    ]),
  );
  assert.deepEqual(
    through('a', 0)?.targets.map(({ source, sourcePort }) => [source, sourcePort]),
    [
      ['10.0.0.1', null],
      ['2001:db8::1', null],
    ],
  );
});

test('a source that is given is the source', () => {
  const { through } = laid(
    service('a', 'address = "192.0.2.10:80"\nforward = "dr"', 'type = "tcp", source = "10.0.0.7", device = "eth1"'),
    new Map([[ip('10.0.0.21'), ip('10.0.0.1')]]),
  );
  const [target] = through('a', 0)?.targets ?? [];
  assert.deepEqual([target?.source, target?.device], ['10.0.0.7', 'eth1']);
});

test('virtual addresses and servers that such probes have to do with are told, others are not', () => {
  const { paths } = laid(
    service('a', 'address = "192.0.2.10:80"\nforward = "dr"') +
      service('b', 'address = "192.0.2.11:80"\nforward = "nat"', 'type = "tcp"', '"10.0.0.31"'),
  );
  assert.deepEqual([...paths.ends.addresses], ['192.0.2.10']);
  assert.deepEqual([...paths.ends.servers], ['10.0.0.21', '10.0.0.22']);
});

test('marks stay when servers come and go, and once closed nothing is wanted', () => {
  const paths = createProbePaths();
  const of = (servers: string) =>
    servicesOf(service('a', 'address = "192.0.2.10:80"\nforward = "dr"', 'type = "tcp"', servers));
  paths.configure(of('"10.0.0.21", "10.0.0.22"'), FIRST);
  const before = paths.wanted(EMPTY, NONE);
  paths.configure(of('"10.0.0.23", "10.0.0.22"'), FIRST);
  const after = paths.wanted(before, new Set(before.keys()));
  const servers = (table: Table) =>
    [...table].map(([key, { destinations }]) => `${key} ${destinations[0]?.address.address}`);
  assert.deepEqual(servers(after).sort(), ['fwmark 1001 10.0.0.22', 'fwmark 1002 10.0.0.23']);
  paths.close();
  assert.equal(paths.wanted(after, new Set(after.keys())).size, 0);
});
