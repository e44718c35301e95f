import assert from 'node:assert/strict';
import test from 'node:test';
import { type Family, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import type { VrrpConfig } from '../../../src/config/config.ts';
import { createHolders } from '../../../src/daemon/holders.ts';

const router = (family: Family, ...addresses: string[]) => {
  const config = { addresses: addresses.map((text) => ({ address: parsePrefix(text) as Prefix })) };
  return { router: { family, config: config as unknown as VrrpConfig } };
};

test('an address leads to the routers of its family that have it', () => {
  const all = [
    router(4, '192.0.2.1/24', '2001:db8::1/64'),
    router(6, '192.0.2.1/24', '2001:db8::1/64'),
    router(4, '192.0.2.1/32', '192.0.2.2/32'),
  ];
  const holders = createHolders(() => all);
  assert.deepEqual(holders.of(ip('192.0.2.1')), [all[0], all[2]]);
  assert.deepEqual(holders.of(ip('2001:db8::1')), [all[1]]);
  assert.deepEqual(holders.of(ip('192.0.2.3')), []);
});

test('a router that comes is found from when it is told of', () => {
  const all = [router(4, '192.0.2.1/24')];
  const holders = createHolders(() => all);
  assert.deepEqual(holders.of(ip('192.0.2.2')), []);
  const more = router(4, '192.0.2.2/24');
  all.push(more);
  holders.changed();
  assert.deepEqual(holders.of(ip('192.0.2.2')), [more]);
});
