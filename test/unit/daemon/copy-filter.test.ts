import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { instant } from '../../../src/base/time.ts';
import type { Arrival } from '../../../src/daemon/advert-transport.ts';
import { createCopyFilter } from '../../../src/daemon/copy-filter.ts';

const INTERFACE = 2;
const MACVLAN = 3;
const bytes = (n: number): Uint8Array => Uint8Array.of(0x31, 51, n);
const arrival = (interfaceIndex: number, at: number, source = '192.0.2.2'): Arrival => ({
  ...{ source: ip(source), destination: ip('224.0.0.18'), ttl: 255, interfaceIndex, receivedAt: instant(at) },
});

test('the copy that comes by the other device is one, in either order', () => {
  for (const [first, second] of [
    [INTERFACE, MACVLAN],
    [MACVLAN, INTERFACE],
  ] as const) {
    const isCopy = createCopyFilter();
    assert.equal(isCopy(bytes(1), arrival(first, 0)), false);
    assert.equal(isCopy(bytes(1), arrival(second, 3)), true);
    assert.equal(isCopy(bytes(1), arrival(first, 1000)), false);
    assert.equal(isCopy(bytes(1), arrival(second, 1000)), true);
  }
});

test('the same advert again by the same device is another one', () => {
  const isCopy = createCopyFilter();
  for (let at = 0; at < 100; at += 10) assert.equal(isCopy(bytes(1), arrival(MACVLAN, at)), false);
});

test('an original has one copy', () => {
  const isCopy = createCopyFilter();
  isCopy(bytes(1), arrival(INTERFACE, 0));
  assert.equal(isCopy(bytes(1), arrival(MACVLAN, 1)), true);
  assert.equal(isCopy(bytes(1), arrival(MACVLAN, 2)), false);
});

test('the copies of three adverts that come after all three are three', () => {
  const isCopy = createCopyFilter();
  for (const at of [0, 10, 20]) assert.equal(isCopy(bytes(1), arrival(INTERFACE, at)), false);
  for (const at of [0, 10, 20]) assert.equal(isCopy(bytes(1), arrival(MACVLAN, at)), true);
});

const others: readonly [string, Uint8Array, Arrival][] = [
  ['other bytes', bytes(2), arrival(MACVLAN, 1)],
  ['more bytes', Uint8Array.of(0x31, 51, 1, 0), arrival(MACVLAN, 1)],
  ['another source', bytes(1), arrival(MACVLAN, 1, '192.0.2.3')],
  ['another destination', bytes(1), { ...arrival(MACVLAN, 1), destination: ip('192.0.2.1') }],
  ['a later time', bytes(1), arrival(MACVLAN, 101)],
];
for (const [what, packet, at] of others)
  test(`${what}: no copy`, () => {
    const isCopy = createCopyFilter();
    isCopy(bytes(1), arrival(INTERFACE, 0));
    assert.equal(isCopy(packet, at), false);
  });
