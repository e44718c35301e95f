import assert from 'node:assert/strict';
import test from 'node:test';
import { mac, macBytes, macFromBytes, parseMac } from '../../../src/wire/ethernet.ts';

test('a hardware address has one canonical form', () => {
  assert.equal(parseMac('02:00:5E:00:53:0A'), '02:00:5e:00:53:0a');
});

test('what is not six pairs of hex digits is no hardware address', () => {
  for (const text of [
    '',
    '02:00:5e:00:53',
    '02:00:5e:00:53:01:02',
    '02-00-5e-00-53-01',
    '2:0:5e:0:53:1',
    '0g:00:5e:00:53:01',
  ])
    assert.equal(parseMac(text), undefined, text);
});

test('bytes and text say the same address', () => {
  const bytes = Uint8Array.of(2, 0, 0x5e, 0, 0x53, 0xff);
  assert.equal(macFromBytes(bytes), '02:00:5e:00:53:ff');
  assert.deepEqual(macBytes(mac('02:00:5e:00:53:ff')), bytes);
});
