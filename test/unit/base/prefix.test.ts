import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, parsePrefix } from '../../../src/base/address.ts';
import { isLinkLocal, isMulticast, lastOf, networkOf } from '../../../src/base/prefix.ts';

const edges: readonly [prefix: string, first: string, last: string][] = [
  ['192.0.2.77/24', '192.0.2.0', '192.0.2.255'],
  ['192.0.2.77/28', '192.0.2.64', '192.0.2.79'],
  ['192.0.2.77/32', '192.0.2.77', '192.0.2.77'],
  ['192.0.2.77/31', '192.0.2.76', '192.0.2.77'],
  ['192.0.2.77/0', '0.0.0.0', '255.255.255.255'],
  ['172.31.255.1/12', '172.16.0.0', '172.31.255.255'],
  ['2001:db8:1:2::3/64', '2001:db8:1:2::', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
  ['2001:db8::7/127', '2001:db8::6', '2001:db8::7'],
  ['fe80::1/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];
for (const [written, first, last] of edges)
  test(`the edges of ${written}`, () => {
    const prefix = parsePrefix(written);
    assert.ok(prefix);
    assert.deepEqual([networkOf(prefix), lastOf(prefix)], [first, last]);
  });

const kinds: readonly [address: string, multicast: boolean, linkLocal: boolean][] = [
  ['223.255.255.255', false, false],
  ['224.0.0.0', true, false],
  ['239.255.255.255', true, false],
  ['240.0.0.1', false, false],
  ['254.128.0.1', false, false],
  ['fe7f::1', false, false],
  ['fe80::1', false, true],
  ['febf::1', false, true],
  ['fec0::1', false, false],
  ['ff02::12', true, false],
  ['2001:db8::1', false, false],
];
for (const [address, multicast, linkLocal] of kinds)
  test(`what ${address} is`, () =>
    assert.deepEqual([isMulticast(ip(address)), isLinkLocal(ip(address))], [multicast, linkLocal]));
