import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { chooseSource } from '../../../src/daemon/probe-source.ts';

const own = (index: number, text: string, scope = 0) => ({
  index,
  prefix: parsePrefix(text) as Prefix,
  scope,
  flags: 0,
});

const ADDRESSES = [
  own(1, '127.0.0.1/8', 254),
  own(2, '192.0.2.11/24'),
  own(3, '10.0.0.11/24'),
  own(3, 'fe80::1/64', 253),
  own(3, '2001:db8::11/64'),
];

const cases: readonly [string, number, string | null, string][] = [
  ['10.0.0.21', 3, '10.0.0.11', 'the address of the same network'],
  ['10.0.0.21', 2, '10.0.0.11', 'the same network before the outgoing interface'],
  ['198.51.100.1', 2, '192.0.2.11', 'an address of the outgoing interface'],
  ['198.51.100.1', 9, '192.0.2.11', 'any own address, when the interface has none'],
  ['2001:db8:1::1', 2, '2001:db8::11', 'an address of the same family'],
];
for (const [to, outgoing, expected, why] of cases)
  test(`towards ${to} by interface ${outgoing}: ${why}`, () =>
    assert.equal(chooseSource(ip(to), ADDRESSES, outgoing), expected));

test('with no own address of the family the kernel is left to choose', () => {
  assert.equal(chooseSource(ip('10.0.0.21'), [own(1, '127.0.0.1/8', 254)], 1), null);
});
