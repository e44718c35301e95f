import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, parseEndpoint } from '../../../src/base/address.ts';
import { seconds } from '../../../src/base/time.ts';
import {
  desired,
  idsOf,
  type PortRange,
  type ServerDefinition,
  type ServiceDefinition,
} from '../../../src/ipvs/desired.ts';
import { destinationKey, serviceKey } from '../../../src/ipvs/table.ts';

type Named = ServerDefinition & { readonly name: string };
const server = (name: string, text: string, more: Partial<Named> = {}): Named => ({
  name,
  address: parseEndpoint(text) ?? { address: ip(text), port: 0 },
  ...{ forward: null, tunnel: null, upperThreshold: 0, lowerThreshold: 0 },
  ...more,
});
const range = (address: string, port: number, lastPort = port): PortRange => ({ address: ip(address), port, lastPort });
const web = (more: Partial<ServiceDefinition<Named>> = {}): ServiceDefinition<Named> => ({
  protocol: 'tcp',
  addresses: [range('192.0.2.10', 80)],
  ...{ fwmarks: [], fwmarkFamily: null, forward: 'tun', tunnel: null, scheduler: 'mh', flags: [], ops: false },
  ...{ persistence: null, persistenceGranularity: 32, persistenceGranularityIpv6: 128, persistenceEngine: null },
  servers: [server('a', '10.0.0.21:80'), server('b', '10.0.0.22:80'), server('c', '10.0.0.23:80')],
  ...more,
});
const IPIP = { type: 'ipip', port: 0, checksum: 'none' } as const;
const one = (): number => 1;
/** Each service with where its servers are. */
const shape = (service: ServiceDefinition<Named>): readonly string[] =>
  [...desired([service], one)].map(
    ([key, { destinations }]) => `${key}: ${destinations.map(destinationKey).join(' ')}`,
  );

test('each server stands in the table with its weight, an absent one not at all', () => {
  const weights: Readonly<Record<string, number | 'absent'>> = { a: 7, b: 0, c: 'absent' };
  const service = web({ persistence: seconds(300) });
  const table = desired([service], (of, { name }) => {
    assert.equal(of, service);
    return weights[name] ?? 'absent';
  });
  const destination = { forward: 'tun', upperThreshold: 0, lowerThreshold: 0, tunnel: IPIP } as const;
  assert.deepEqual(
    [...table],
    [
      [
        'tcp 192.0.2.10:80',
        {
          id: { protocol: 'tcp', address: { address: '192.0.2.10', port: 80 } },
          ...{ scheduler: 'mh', persistence: 300, granularity: 32, engine: null, flags: 0 },
          destinations: [
            { address: service.servers[0]?.address, weight: 7, ...destination },
            { address: service.servers[1]?.address, weight: 0, ...destination },
          ],
        },
      ],
    ],
  );
});

test('a service without servers stands there all the same, so that its address refuses rather than leaks', () => {
  const table = desired([web()], () => 'absent');
  assert.deepEqual(table.get('tcp 192.0.2.10:80')?.destinations, []);
  assert.equal(table.get('tcp 192.0.2.10:80')?.persistence, null);
});

test('each address, each port of a range and each mark is a service to the kernel, with the same servers', () => {
  const group = web({
    addresses: [range('192.0.2.10', 80), range('192.0.2.11', 8000, 8002)],
    fwmarks: [7],
    forward: 'nat',
    servers: [server('a', '10.0.0.21:8080')],
  });
  assert.deepEqual(shape(group), [
    'tcp 192.0.2.10:80: 10.0.0.21:8080',
    'tcp 192.0.2.11:8000: 10.0.0.21:8080',
    'tcp 192.0.2.11:8001: 10.0.0.21:8080',
    'tcp 192.0.2.11:8002: 10.0.0.21:8080',
    'fwmark 7: 10.0.0.21:8080',
  ]);
});

test('a server without a port has that of each service', () => {
  const group = web({ addresses: [range('192.0.2.10', 80, 81)], fwmarks: [7], servers: [server('a', '10.0.0.21')] });
  assert.deepEqual(shape(group), [
    'tcp 192.0.2.10:80: 10.0.0.21:80',
    'tcp 192.0.2.10:81: 10.0.0.21:81',
    'fwmark 7: 10.0.0.21:0',
  ]);
});

test('the family of a mark is as configured, or that of the first server', () => {
  const marked = { addresses: [], fwmarks: [7] };
  const keys = (more: Partial<ServiceDefinition<Named>>): string[] =>
    idsOf(web({ ...marked, ...more })).map(serviceKey);
  assert.deepEqual(keys({}), ['fwmark 7']);
  assert.deepEqual(keys({ servers: [server('a', 'fd00::21')] }), ['fwmark 7 IPv6']);
  assert.deepEqual(keys({ servers: [server('a', 'fd00::21')], fwmarkFamily: 'ipv4' }), ['fwmark 7']);
  assert.deepEqual(keys({ fwmarkFamily: 'ipv6' }), ['fwmark 7 IPv6']);
});

test('flags, granularity and engine are those of the config, the granularity that of the family', () => {
  const both = web({
    addresses: [range('192.0.2.10', 5060), range('2001:db8::10', 5060)],
    ...{ protocol: 'udp', flags: ['mh-port'], ops: true, persistence: seconds(60), persistenceEngine: 'sip' },
    ...{ persistenceGranularity: 24, persistenceGranularityIpv6: 64 },
  });
  assert.deepEqual(
    [...desired([both], one).values()].map(({ granularity, engine, flags }) => ({ granularity, engine, flags })),
    [
      { granularity: 24, engine: 'sip', flags: 0x14 },
      { granularity: 64, engine: 'sip', flags: 0x14 },
    ],
  );
});

test('a server may be reached in another way than the others, and by another tunnel', () => {
  const gue = { type: 'gue', port: 6080, checksum: 'csum' } as const;
  const gre = { type: 'gre', port: 0, checksum: 'none' } as const;
  const mixed = web({
    tunnel: gue,
    servers: [
      server('a', '10.0.0.21'),
      server('b', '10.0.0.22', { tunnel: gre, upperThreshold: 100, lowerThreshold: 10 }),
      server('c', '10.0.0.23', { forward: 'dr' }),
    ],
  });
  const [service] = desired([mixed], one).values();
  assert.deepEqual(
    service?.destinations.map((d) => [d.forward, d.tunnel, d.upperThreshold, d.lowerThreshold]),
    [
      ['tun', gue, 0, 0],
      ['tun', gre, 100, 10],
      ['dr', null, 0, 0],
    ],
  );
});
