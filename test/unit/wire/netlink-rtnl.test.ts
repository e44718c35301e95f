/** What no captured message shows: what is refused, what is left alone, and what a delete leaves out. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  decodeAddress,
  type InterfaceAddress,
  writeAddress,
  writeDeleteAddress,
} from '../../../src/wire/netlink-address.ts';
import { writeSetLink } from '../../../src/wire/netlink-link.ts';
import { decodeTableRoute, type TableRoute, writeRoute } from '../../../src/wire/netlink-route.ts';
import { decodeRule, type Rule, writeRule } from '../../../src/wire/netlink-rule.ts';
import { newSink, type Sink, written } from '../../../src/wire/netlink-sink.ts';

const bytesOf = (write: (sink: Sink) => void): Uint8Array => {
  const sink = newSink(16);
  write(sink);
  return written(sink);
};
const hexOf = (write: (sink: Sink) => void): string => toHex(bytesOf(write));
const bytes = (hex: string): Uint8Array => fromHex(hex.replaceAll(' ', ''));
const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

test('a delete of an address says nothing of its label, lifetime and metric, which need not match', () => {
  const address: InterfaceAddress = {
    ...{ index: 2, prefix: prefix('192.0.2.1/30'), scope: 0, flags: 0, peer: ip('198.51.100.1') },
    ...{ label: 'eth0:web', routeMetric: 7, lifetimes: { preferred: 0, valid: 5 }, broadcast: ip('192.0.2.3') },
  };
  const read = decodeAddress(bytesOf((sink) => writeDeleteAddress(sink, address)));
  const { index, prefix: at, scope, flags, peer } = address;
  assert.deepEqual(read, { ok: true, value: { index, prefix: at, scope, flags, peer } });
  assert.deepEqual(decodeAddress(bytesOf((sink) => writeAddress(sink, address))), { ok: true, value: address });
});

test('an address that lives for ever and is chosen as any other has no lifetimes', () => {
  const address = { index: 2, prefix: prefix('192.0.2.1/24'), scope: 0, flags: 0 };
  const forEver = { ...address, lifetimes: { preferred: null, valid: null } };
  assert.deepEqual(decodeAddress(bytesOf((sink) => writeAddress(sink, forEver))), { ok: true, value: address });
});

test('all flags are told, not only the eight bits of the header', () => {
  const flags = 0x208;
  const address = { index: 2, prefix: prefix('2001:db8::1/64'), scope: 0, flags };
  const read = decodeAddress(bytesOf((sink) => writeAddress(sink, address)));
  assert.ok(read.ok);
  assert.equal(read.value?.flags, flags);
});

test('addresses of a length that their family has not are refused', () => {
  const v4 = '02180000 02000000';
  for (const hex of [
    ...[`${v4} 08000100c0000201 14000400 20010db8000000000000000000000001`, `${v4} 08000200c0000201 06000100c0000000`],
    ...['02210000 02000000 08000100c0000201', '0a400000 02000000 08000100c0000201'],
  ])
    assert.deepEqual(decodeAddress(bytes(hex)), { ok: false, error: 'value' }, hex);
  for (const hex of [
    ...['02180000 fe000001 00000000 06000100c0000000', '02210000 fe000001 00000000 08000100c0000200'],
    ...['02180000 fe000001 00000000 08000100c0000200 06000500c0000000', '02000000 fe000001 00000000 06000700c0000000'],
  ])
    assert.deepEqual(decodeTableRoute(bytes(hex)), { ok: false, error: 'value' }, hex);
  for (const hex of [
    ...['02001800 fe000001 00000000', '02001800 fe000001 00000000 06000200c0000000'],
    '02002100 fe000001 00000000 08000200c0000200',
  ])
    assert.deepEqual(decodeRule(bytes(hex)), { ok: false, error: 'value' }, hex);
});

test('what is no unicast entry of a table, or no rule that asks one, is left alone', () => {
  for (const hex of [
    ...['80000000 fe000001 00000000', '02200000 ff000002 00000000 080001007f000001', '02200000 fe000001 00020000'],
  ])
    assert.deepEqual(decodeTableRoute(bytes(hex)), { ok: true, value: undefined }, hex);
  for (const hex of ['80000000 fe000001 00000000', '02000000 00000007 00000000'])
    assert.deepEqual(decodeRule(bytes(hex)), { ok: true, value: undefined }, hex);
});

test('a default route has no destination, and is read back as one', () => {
  for (const to of ['0.0.0.0/0', '::/0']) {
    const route: TableRoute = {
      ...{ to: prefix(to), gateway: null, index: 2, source: null, table: 100, metric: 5, protocol: 112 },
    };
    const written = bytesOf((sink) => writeRoute(sink, route));
    assert.doesNotMatch(toHex(written.subarray(12, 16)), /^....0100/);
    assert.deepEqual(decodeTableRoute(written), { ok: true, value: route });
  }
});

test('a table above 255 is not in the header, where it would be cut', () => {
  const route: TableRoute = {
    ...{ to: prefix('192.0.2.0/24'), gateway: null, index: 2, source: null, table: 510, metric: null, protocol: 112 },
  };
  const rule: Rule = {
    ...{ family: 4, from: null, to: null, fwmark: 7, interface: null, table: 510, priority: 5, protocol: 112 },
  };
  assert.equal(hexOf((sink) => writeRoute(sink, route)).slice(8, 10), '00');
  assert.equal(hexOf((sink) => writeRoute(sink, { ...route, table: 254 })).slice(8, 10), 'fe');
  assert.equal(hexOf((sink) => writeRule(sink, rule)).slice(8, 10), '00');
  assert.equal(hexOf((sink) => writeRule(sink, { ...rule, table: 254 })).slice(8, 10), 'fe');
});

test('of a link only that is changed which is named', () => {
  assert.equal(
    hexOf((sink) => writeSetLink(sink, 4, {})),
    '00000000040000000000000000000000',
  );
  assert.equal(
    hexOf((sink) => writeSetLink(sink, 4, { up: false })),
    '00000000040000000000000001000000',
  );
});
