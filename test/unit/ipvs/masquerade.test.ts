import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, parseEndpoint } from '../../../src/base/address.ts';
import type { ServerDefinition } from '../../../src/ipvs/desired.ts';
import {
  CONNTRACK_ALONE,
  differences,
  isNoMasquerading,
  type Masquerade,
  type MasqueradedService,
  NO_MASQUERADING,
  wantedMasquerading,
  withConntrack,
} from '../../../src/ipvs/masquerade.ts';
import { isNothing, type SettingsDefinition } from '../../../src/ipvs/settings.ts';
import { type Destination, type Protocol, tableOf } from '../../../src/ipvs/table.ts';

const at = (text: string) => parseEndpoint(text) ?? assert.fail(text);
const server = (text: string): ServerDefinition => ({
  ...{ address: at(text), forward: null, tunnel: null, upperThreshold: 0, lowerThreshold: 0 },
});

type Terms = {
  readonly addresses?: readonly string[];
  readonly last?: number;
  readonly fwmarks?: readonly number[];
  readonly protocol?: Protocol;
  readonly servers?: readonly string[];
  readonly sorry?: readonly string[];
};
const service = (masquerade: Masquerade, terms: Terms): MasqueradedService => ({
  ...{ masquerade, protocol: terms.protocol ?? 'tcp', fwmarks: terms.fwmarks ?? [], fwmarkFamily: null },
  addresses: (terms.addresses ?? []).map((text) => ({ ...at(text), lastPort: terms.last ?? at(text).port })),
  ...{ forward: 'nat', tunnel: null, scheduler: 'wlc', flags: [], ops: false },
  ...{ persistence: null, persistenceGranularity: 32, persistenceGranularityIpv6: 128, persistenceEngine: null },
  servers: (terms.servers ?? ['10.0.0.1:80']).map(server),
  sorryServers: (terms.sorry ?? []).map(at),
});

const saysOf = (...services: MasqueradedService[]) => {
  const { rules, servers } = wantedMasquerading(services, new Map());
  return { rules: Object.fromEntries([...rules].map(([key, { source }]) => [key, source])), servers: [...servers] };
};

test('each address, range and mark of a service is a rule, and its servers and sorry servers are those it goes to', () => {
  assert.deepEqual(
    saysOf(
      service(true, { addresses: ['192.0.2.10:8000', '192.0.2.11:8000'], last: 8010, sorry: ['10.0.0.9:80'] }),
      service(ip('fd00::5'), { fwmarks: [7], addresses: ['[2001:db8::1]:0'], servers: ['[fd00::1]:0'] }),
    ),
    {
      rules: {
        'tcp 192.0.2.10:8000-8010': 'interface',
        'tcp 192.0.2.11:8000-8010': 'interface',
        'tcp [2001:db8::1]:0': 'fd00::5',
        'fwmark 7 IPv6': 'fd00::5',
      },
      servers: ['10.0.0.1', '10.0.0.9', 'fd00::1'],
    },
  );
});

test('without a service that asks for it there is nothing', () => {
  assert.equal(wantedMasquerading([service(false, { addresses: ['192.0.2.10:80'] })], new Map()), NO_MASQUERADING);
  assert.ok(isNoMasquerading(NO_MASQUERADING));
});

test('a service that keeps the client is told apart from one for every port of its address, and by its mark', () => {
  const rules = (protocol: Protocol) =>
    saysOf(
      service(true, { addresses: ['192.0.2.10:0'] }),
      service(false, { addresses: ['192.0.2.10:25', '192.0.2.11:25'], protocol }),
      service(false, { fwmarks: [3] }),
    ).rules;
  assert.deepEqual(rules('tcp'), {
    'tcp 192.0.2.10:25': 'client',
    'fwmark 3': 'client',
    'tcp 192.0.2.10:0': 'interface',
  });
  assert.deepEqual(rules('udp'), { 'fwmark 3': 'client', 'tcp 192.0.2.10:0': 'interface' });
});

test('a server that is leaving is one still, as long as the kernel has it for NAT', () => {
  const destination = (text: string, forward: Destination['forward']): Destination => ({
    ...{ address: at(text), forward, weight: 0, upperThreshold: 0, lowerThreshold: 0, tunnel: null },
  });
  const kernel = tableOf([
    {
      id: { protocol: 'tcp', address: at('192.0.2.10:80') },
      ...{ scheduler: 'rr', persistence: null, granularity: 32, engine: null, flags: 0 },
      destinations: [destination('10.0.0.7:80', 'nat'), destination('10.0.0.8:80', 'dr')],
    },
  ]);
  const { servers } = wantedMasquerading([service(true, { addresses: ['192.0.2.10:80'] })], kernel);
  assert.deepEqual([...servers], ['10.0.0.1', '10.0.0.7']);
});

test('it asks for connection tracking, and leaves it for services that stay', () => {
  const settings = { sysctl: { conntrack: null } } as unknown as SettingsDefinition;
  assert.equal(withConntrack(settings, [service(false, {})]), settings);
  assert.equal(withConntrack(settings, [service(false, {}), service(true, {})]).sysctl.conntrack, true);
  assert.ok(!isNothing(CONNTRACK_ALONE));
});

test('differences in words', () => {
  const [before, after] = [
    wantedMasquerading([service(true, { addresses: ['192.0.2.10:80', '192.0.2.11:80'] })], new Map()),
    wantedMasquerading(
      [service(ip('10.0.0.5'), { addresses: ['192.0.2.10:80', '192.0.2.12:80'], servers: ['10.0.0.2:80'] })],
      new Map(),
    ),
  ];
  assert.deepEqual(
    differences(before, after).map(({ sign, what }) => `${sign} ${what}`),
    [
      '~ source of tcp 192.0.2.10:80: the address of the interface → 10.0.0.5',
      '+ source of tcp 192.0.2.12:80: 10.0.0.5',
      '- source of tcp 192.0.2.11:80: the address of the interface',
      '+ source NAT towards server 10.0.0.2',
      '- source NAT towards server 10.0.0.1',
    ],
  );
  assert.deepEqual(differences(after, after), []);
});
