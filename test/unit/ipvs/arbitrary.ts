/** Tables for property tests: few keys, so that two of them overlap, differ and collide. */

import fc from 'fast-check';
import { type Endpoint, type Family, type IpAddress, ip } from '../../../src/base/address.ts';
import {
  type Destination,
  destinationKey,
  type Protocol,
  type Table,
  type Tunnel,
  tableOf,
} from '../../../src/ipvs/table.ts';

/** Objects like those of the code, which deepEqual tells from ones without a prototype. */
const PLAIN = { noNullPrototype: true } as const;

const address = (network: string): fc.Arbitrary<IpAddress> =>
  fc.integer({ min: 1, max: 4 }).map((n) => ip(`${network}${n}`));
const endpoint = (network: string): fc.Arbitrary<Endpoint> =>
  fc.record({ address: address(network), port: fc.constantFrom(0, 80, 443, 65535) }, PLAIN);

type Way = Pick<Destination, 'forward' | 'tunnel'>;
const tunnel: fc.Arbitrary<Tunnel> = fc.constantFrom<Tunnel[]>(
  { type: 'ipip', port: 0, checksum: 'none' },
  { type: 'gre', port: 0, checksum: 'csum' },
  { type: 'gue', port: 6080, checksum: 'none' },
  { type: 'gue', port: 6080, checksum: 'remcsum' },
);

const destination = (network: string): fc.Arbitrary<Destination> =>
  fc
    .record({
      address: endpoint(network),
      way: fc.oneof(
        fc.constantFrom<Way[]>({ forward: 'nat', tunnel: null }, { forward: 'dr', tunnel: null }),
        tunnel.map((one): Way => ({ forward: 'tun', tunnel: one })),
      ),
      weight: fc.constantFrom(0, 1, 100, 65535),
      thresholds: fc.constantFrom([0, 0], [1000, 0], [1000, 10]),
      counts: fc.record({ active: fc.nat(9), inactive: fc.nat(9), persistent: fc.nat(9) }, PLAIN),
    })
    .map(({ thresholds: [upperThreshold = 0, lowerThreshold = 0], way, ...one }) => ({
      ...{ ...one, ...way },
      upperThreshold,
      lowerThreshold,
    }));

const services = ['192.0.2.', '2001:db8::'].map((virtual, i) =>
  fc.record(
    {
      id: fc.oneof(
        fc.record({ protocol: fc.constantFrom<Protocol[]>('tcp', 'udp', 'sctp'), address: endpoint(virtual) }, PLAIN),
        fc.record({ fwmark: fc.integer({ min: 1, max: 3 }), family: fc.constant<Family>(i === 0 ? 4 : 6) }, PLAIN),
      ),
      scheduler: fc.constantFrom('rr', 'wlc', 'sh'),
      persistence: fc.constantFrom(null, 1, 300),
      granularity: fc.constantFrom(24, 32),
      engine: fc.constantFrom(null, 'sip'),
      flags: fc.constantFrom(0, 0x4, 0x18),
      destinations: fc.uniqueArray(destination(i === 0 ? '10.0.0.' : 'fd00::'), {
        maxLength: 5,
        selector: destinationKey,
      }),
    },
    PLAIN,
  ),
);

export const table: fc.Arbitrary<Table> = fc.array(fc.oneof(...services), { maxLength: 6 }).map(tableOf);
