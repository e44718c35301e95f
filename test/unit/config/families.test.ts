import assert from 'node:assert/strict';
import test from 'node:test';
import { addressesOf, advertisedOf, familiesOf, groupOf, peersOf, sourceOf } from '../../../src/config/families.ts';
import { load } from '../../../src/config/load.ts';

function router(rest: string) {
  const text = `[[vrrp]]\nname = "a"\ninterface = "eth0"\nrouter_id = 1\n${rest}`;
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config?.vrrp[0], JSON.stringify(issues));
  return config.vrrp[0];
}

const both = router(`
addresses = [
  "2001:db8::10/64", "192.0.2.11/24", { address = "2001:db8::11/64", advertise = false }, "fe80::2/64",
  { address = "192.0.2.10/24", advertise = false }, "192.0.2.9/32", "fe80::1/64",
]
source = ["2001:db8::1", "192.0.2.1"]
peers = ["2001:db8::2", { address = "192.0.2.2", min_ttl = 253 }, "2001:db8::3"]
`);
const six = router('addresses = ["2001:db8::10/64"]\nmulticast_group = "ff02::99"\n');
const four = router('addresses = ["192.0.2.10/24"]\nmulticast_group = "224.0.0.99"\n');

test('the families are those of the addresses, 4 before 6', () => {
  assert.deepEqual([both, four, six].map(familiesOf), [[4, 6], [4], [6]]);
});

test('each family has its addresses in the order of the file, link-local ones first', () => {
  const written = (family: 4 | 6) =>
    addressesOf(both, family).map(({ address }) => `${address.address}/${address.length}`);
  assert.deepEqual(written(4), ['192.0.2.11/24', '192.0.2.10/24', '192.0.2.9/32']);
  assert.deepEqual(written(6), ['fe80::2/64', 'fe80::1/64', '2001:db8::10/64', '2001:db8::11/64']);
  assert.deepEqual(addressesOf(four, 6), []);
});

test('adverts list what is advertised', () => {
  assert.deepEqual(advertisedOf(both, 4), ['192.0.2.11', '192.0.2.9']);
  assert.deepEqual(advertisedOf(both, 6), ['fe80::2', 'fe80::1', '2001:db8::10']);
});

test('a group that the file does not give is that of the RFC', () => {
  assert.deepEqual([groupOf(four, 4), groupOf(four, 6)], ['224.0.0.99', 'ff02::12']);
  assert.deepEqual([groupOf(six, 4), groupOf(six, 6)], ['224.0.0.18', 'ff02::99']);
});

test('source and peers are those of the family', () => {
  assert.deepEqual([sourceOf(both, 4), sourceOf(both, 6), sourceOf(four, 4)], ['192.0.2.1', '2001:db8::1', null]);
  assert.deepEqual(peersOf(both, 4), [{ address: '192.0.2.2', minTtl: 253, maxTtl: 255 }]);
  assert.deepEqual(
    peersOf(both, 6).map(({ address }) => address),
    ['2001:db8::2', '2001:db8::3'],
  );
});
