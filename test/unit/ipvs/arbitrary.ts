/** Tables for property tests: few keys, so that two of them overlap, differ and collide. */

import fc from 'fast-check';
import { type Endpoint, type IpAddress, ip } from '../../../src/base/address.ts';
import { type Destination, destinationKey, type Protocol, type Table, tableOf } from '../../../src/ipvs/table.ts';

/** Objects like those of the code, which deepEqual tells from ones without a prototype. */
const PLAIN = { noNullPrototype: true } as const;

const address = (network: string): fc.Arbitrary<IpAddress> =>
  fc.integer({ min: 1, max: 4 }).map((n) => ip(`${network}${n}`));
const endpoint = (network: string): fc.Arbitrary<Endpoint> =>
  fc.record({ address: address(network), port: fc.constantFrom(0, 80, 443, 65535) }, PLAIN);

const destination = (network: string): fc.Arbitrary<Destination> =>
  fc
    .record({
      address: endpoint(network),
      forward: fc.constantFrom<Destination['forward'][]>('nat', 'tun', 'dr'),
      weight: fc.constantFrom(0, 1, 100, 65535),
      thresholds: fc.constantFrom([0, 0], [1000, 0], [1000, 10]),
      counts: fc.record({ active: fc.nat(9), inactive: fc.nat(9), persistent: fc.nat(9) }, PLAIN),
    })
    .map(({ thresholds: [upperThreshold = 0, lowerThreshold = 0], ...one }) => ({
      ...one,
      upperThreshold,
      lowerThreshold,
    }));

const services = ['192.0.2.', '2001:db8::'].map((virtual, i) =>
  fc.record(
    {
      id: fc.record({ protocol: fc.constantFrom<Protocol[]>('tcp', 'udp'), address: endpoint(virtual) }, PLAIN),
      scheduler: fc.constantFrom('rr', 'wlc', 'sh'),
      persistence: fc.constantFrom(null, 1, 300),
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
