import assert from 'node:assert/strict';
import test from 'node:test';
import { type Endpoint, ip } from '../../../src/base/address.ts';
import { seconds } from '../../../src/base/time.ts';
import { desired, type ServiceDefinition } from '../../../src/ipvs/desired.ts';

const web = {
  name: 'web',
  protocol: 'tcp',
  address: { address: ip('192.0.2.10'), port: 80 },
  forward: 'tun',
  scheduler: 'mh',
  persistence: seconds(300),
  servers: [
    { name: 'a', address: { address: ip('10.0.0.21'), port: 80 } },
    { name: 'b', address: { address: ip('10.0.0.22'), port: 80 } },
    { name: 'c', address: { address: ip('10.0.0.23'), port: 80 } },
  ],
} as const satisfies ServiceDefinition<{ name: string; address: Endpoint }> & { name: string };

test('each server stands in the table with its weight, an absent one not at all', () => {
  const weights = { a: 7, b: 0, c: 'absent' } as const;
  const table = desired([web], (service, server) => {
    assert.equal(service.name, 'web');
    return weights[server.name];
  });
  const destination = { forward: 'tun', upperThreshold: 0, lowerThreshold: 0 } as const;
  assert.deepEqual(
    [...table],
    [
      [
        'tcp 192.0.2.10:80',
        {
          id: { protocol: 'tcp', address: web.address },
          scheduler: 'mh',
          persistence: 300,
          flags: 0,
          destinations: [
            { address: web.servers[0].address, weight: 7, ...destination },
            { address: web.servers[1].address, weight: 0, ...destination },
          ],
        },
      ],
    ],
  );
});

test('a service without servers stands there all the same, so that its address refuses rather than leaks', () => {
  const table = desired([{ ...web, persistence: null }], () => 'absent');
  assert.deepEqual(table.get('tcp 192.0.2.10:80')?.destinations, []);
  assert.equal(table.get('tcp 192.0.2.10:80')?.persistence, null);
});
