import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { readTargets, type Target, usable, withDiscovered } from '../../../src/config/discovered-servers.ts';
import { load } from '../../../src/config/load.ts';
import { writeServerAddress } from '../../../src/config/options-service.ts';
import { overlay } from '../../../src/config/server-changes.ts';
import { readServer } from '../../../src/config/server-table.ts';

const DNS = 'discovery = { type = "dns", query = "web.example.net" }';

function service(text: string, listeners = 'address = "192.0.2.10:80"\nforward = "nat"'): ServiceConfig {
  const { config, issues } = load(`[[service]]\nname = "web"\n${listeners}\n${text}`, { hostName: 'lb1' });
  const [found] = config?.services ?? [];
  assert.ok(found, JSON.stringify(issues));
  return found;
}

const listed = (...targets: readonly string[]) => targets.map((target) => ({ target, labels: {} }));
const LABELS = { weight: 7, weightLabel: 'weight', nameLabel: null } as const;
const found = (...targets: readonly string[]): readonly Target[] => readTargets(listed(...targets), LABELS).targets;
const addresses = (targets: readonly Target[]): readonly string[] =>
  targets.map(({ address }) => writeServerAddress(address));

test('a target is an address, with or without port; what is none is skipped and named', () => {
  const names = '; names are not looked up, list addresses, or use type = "dns"';
  const read = readTargets(
    listed(
      '10.0.0.1:80',
      '[2001:db8::1]:80',
      '10.0.0.2',
      '2001:db8::2',
      'web1:80',
      '10.0.0.300:80',
      '',
      '10.0.0.3:0x50',
    ),
    LABELS,
  );
  assert.deepEqual(addresses(read.targets), ['10.0.0.1:80', '[2001:db8::1]:80', '10.0.0.2', '2001:db8::2']);
  assert.deepEqual(
    read.skipped,
    ['web1:80', '10.0.0.300:80', '', '10.0.0.3:0x50'].map((entry) => `${entry} is no address of a server${names}`),
  );
  assert.match(readTargets(listed('224.0.0.1:80'), LABELS).skipped[0] ?? '', /, which is multicast/);
  assert.match(readTargets(listed('fe80::1'), LABELS).skipped[0] ?? '', /, which is link-local/);
});

test('labels give weight and name; one that is none is said, and the server is taken all the same', () => {
  const of = (labels: Record<string, string>) =>
    readTargets([{ target: '10.0.0.1:80', labels }], { ...LABELS, nameLabel: 'host' });
  assert.deepEqual(of({ weight: '0', host: 'web1', zone: 'a' }).targets[0], {
    ...{ address: { address: '10.0.0.1', port: 80 }, weight: 0, name: 'web1' },
  });
  assert.equal(of({ weight: '65535' }).targets[0]?.weight, 65535);
  for (const weight of ['65536', '-1', '1.5', 'heavy', '']) {
    const read = of({ weight });
    assert.equal(read.targets[0]?.weight, null);
    assert.match(
      read.skipped[0] ?? '',
      /^10\.0\.0\.1:80 has weight ".*", which is no whole number .*: its weight is 7$/,
    );
  }
  const bad = of({ host: 'web 1' });
  assert.equal(bad.targets[0]?.name, null);
  assert.deepEqual(bad.skipped, ['10.0.0.1:80 has host "web 1", which is no name: it is called by its address']);
  assert.equal(readTargets([{ target: '10.0.0.1', labels: { host: 'x' } }], LABELS).targets[0]?.name, null);
});

const SKIPPED: readonly (readonly [what: string, config: ServiceConfig, target: string, why: RegExp])[] = [
  ['of another family', service(DNS), '[2001:db8::1]:80', /^\[2001:db8::1\]:80 cannot be reached: an IPv6 server/],
  [
    'on another port, which direct routing keeps',
    service(DNS, 'address = "192.0.2.10:80"\nforward = "dr"'),
    '10.0.0.1:81',
    /^10\.0\.0\.1:81 cannot be reached: forward = "dr" leaves the port/,
  ],
  [
    'that is a sorry server',
    service(`sorry_server = "10.0.0.9"\n${DNS}`),
    '10.0.0.9:80',
    /^10\.0\.0\.9:80 is a sorry_server of the service$/,
  ],
  [
    'of another family than the source of the check',
    service(`${DNS}\ncheck = { type = "tcp", source = "192.0.2.1" }`, 'address = "192.0.2.10:80"\nforward = "tun"'),
    '2001:db8::1',
    /^2001:db8::1 is of another family than source "192\.0\.2\.1" of the check$/,
  ],
  [
    'without a port where nobody knows one',
    service(`check = { type = "tcp" }\n${DNS}`, 'address = ["192.0.2.10:80", "192.0.2.10:81"]\nforward = "nat"'),
    '10.0.0.1',
    /^10\.0\.0\.1 has no port, and neither/,
  ],
];

for (const [what, config, target, why] of SKIPPED)
  test(`a target ${what} is skipped, and others are not`, () => {
    const [discovery] = config.discovery;
    assert.ok(discovery);
    const { targets, skipped } = usable(config, discovery, found(target));
    assert.deepEqual(targets, []);
    assert.match(skipped[0] ?? '', why);
    assert.equal(usable(config, discovery, found('10.0.0.1:80')).targets.length, 1);
  });

test('a target that stands there twice is taken once, also where the port is once that of the service', () => {
  const config = service(DNS);
  const [discovery] = config.discovery;
  assert.ok(discovery);
  const { targets, skipped } = usable(config, discovery, found('10.0.0.1', '10.0.0.2', '10.0.0.1:80', '10.0.0.1'));
  assert.deepEqual(addresses(targets), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(skipped, ['10.0.0.1:80 stands in the answer twice', '10.0.0.1 stands in the answer twice']);
});

test('how the discovery forwards decides whom it can reach', () => {
  const config = service('discovery = { type = "dns", query = "web.example.net", forward = "tun" }');
  const [discovery] = config.discovery;
  assert.ok(discovery);
  assert.deepEqual(addresses(usable(config, discovery, found('[2001:db8::1]:80')).targets), ['[2001:db8::1]:80']);
});

test('the port of the discovery is that of targets without one', () => {
  const config = service('discovery = { type = "dns", query = "web.example.net", port = 8080 }');
  const [discovery] = config.discovery;
  assert.ok(discovery);
  assert.deepEqual(addresses(usable(config, discovery, found('10.0.0.1', '10.0.0.2:90')).targets), [
    '10.0.0.1:8080',
    '10.0.0.2:90',
  ]);
});

test('what is found gets the settings of its discovery, and a weight of its own where it has one', () => {
  const config = service(
    '[service.discovery]\ntype = "dns"\nquery = "w.example.net"\nweight = 5\nforward = "tun"\nupper_threshold = 100\nlower_threshold = 50',
  );
  const targets: Target[] = [
    ...found('10.0.0.1:80'),
    ...found('10.0.0.2:80').map((target) => ({ ...target, weight: 9, name: 'web2' })),
  ];
  const laid = withDiscovered(config, new Map([['dns', targets]]));
  const common = { forward: 'tun', tunnel: null, upperThreshold: 100, lowerThreshold: 50 };
  assert.deepEqual(laid.service.servers, [
    { name: '10.0.0.1:80', address: { address: '10.0.0.1', port: 80 }, weight: 5, ...common },
    { name: 'web2', address: { address: '10.0.0.2', port: 80 }, weight: 9, ...common },
  ]);
  assert.deepEqual(
    [...laid.of],
    [
      ['10.0.0.1:80', 'dns'],
      ['10.0.0.2:80', 'dns'],
    ],
  );
});

const TWO = `
[[service.discovery]]
type = "dns"
query = "w.example.net"
[[service.discovery]]
type = "file"
file = "/etc/web.json"
weight = 3
[[service.server]]
name = "own"
address = "10.0.0.1"
weight = 2
`;

test('the file comes first, then the discoveries in their order; an address is one server', () => {
  const config = service(TWO);
  const laid = withDiscovered(
    config,
    new Map([
      ['file', found('10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80')],
      ['dns', found('10.0.0.2')],
    ]),
  );
  assert.deepEqual(
    laid.service.servers.map(({ name, weight }) => [name, weight]),
    [
      ['own', 2],
      ['10.0.0.2', 1],
      ['10.0.0.3:80', 3],
    ],
  );
  assert.deepEqual(
    [...laid.of],
    [
      ['10.0.0.2:80', 'dns'],
      ['10.0.0.3:80', 'file'],
    ],
  );
});

test('a name that is taken gives way to the address, and an address that is a name of another to nothing', () => {
  const config = service(TWO.replace('"own"', '"10.0.0.4:80"'));
  const named = found('10.0.0.2:80', '10.0.0.3:80').map((target) => ({ ...target, name: 'web' }));
  const laid = withDiscovered(config, new Map([['file', [...named, ...found('10.0.0.4:80')]]]));
  assert.deepEqual(
    laid.service.servers.map(({ name }) => name),
    ['10.0.0.4:80', 'web', '10.0.0.3:80'],
  );
  assert.deepEqual(laid.skipped, ['10.0.0.4:80 would be called "10.0.0.4:80" as another server of the service is']);
});

test('where nothing is found the service is the very same', () => {
  const config = service(TWO);
  assert.equal(withDiscovered(config, new Map()).service, config);
  assert.equal(withDiscovered(config, new Map([['file', found('10.0.0.1:80')]])).service, config);
});

test('a service has no more than 10,000 servers, and what is more is said', () => {
  const config = service(TWO);
  const many = Array.from({ length: 10_001 }, (_, i) => `10.1.${i >> 8}.${i & 255}:80`);
  const [dns] = config.discovery;
  assert.ok(dns);
  const { targets, skipped } = usable(config, dns, found(...many));
  assert.equal(targets.length, 10_000);
  assert.deepEqual(skipped, ['10.1.39.16:80 is more than the 10000 servers that a service may have']);
  const laid = withDiscovered(config, new Map([['dns', targets]]));
  assert.equal(laid.service.servers.length, 10_000);
  assert.equal(laid.skipped.length, 1);
});

test('what an operator changes lies over what is found: a removal, an addition, the last server', () => {
  const config = withDiscovered(service(DNS), new Map([['dns', found('10.0.0.1:80')]])).service;
  const terms = { service: 'web', by: 'anna', reason: '', since: '2026-03-01T12:00:00.000Z' };
  const { server } = readServer({ address: '10.0.0.7:80' });
  assert.ok(server);
  const [first] = config.servers;
  assert.ok(first);
  const laid = overlay(
    [config],
    [
      { ...terms, what: 'added', server },
      { ...terms, what: 'removed', server: first },
    ],
  );
  assert.deepEqual(laid.ceased, []);
  assert.deepEqual(
    laid.services[0]?.servers.map(({ name }) => name),
    ['10.0.0.7:80'],
  );
  const emptied = overlay([config], [{ ...terms, what: 'removed', server: first }]);
  assert.deepEqual([emptied.ceased, emptied.services[0]?.servers], [[], []]);
});
