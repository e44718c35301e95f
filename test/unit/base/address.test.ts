import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import test from 'node:test';
import fc from 'fast-check';
import {
  compareIp,
  familyOf,
  formatEndpoint,
  formatPrefix,
  inPrefix,
  ip,
  ipBytes,
  ipFromBytes,
  parseEndpoint,
  parseIp,
  parsePrefix,
} from '../../../src/base/address.ts';

/** What RFC 5952 makes of each way to write an address. */
const canonical: readonly [string, string][] = [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::', 'fe80::'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['::ffff:c000:201', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
];
for (const [text, expected] of canonical) test(`${text} is ${expected}`, () => assert.equal(parseIp(text), expected));

for (const text of [
  '',
  '1.2.3',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4.5',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  'fe80::1%eth0',
  '::g',
  '1.2.3.4::',
  '::1.2.3',
  '12345::',
  ' 1.2.3.4',
])
  test(`"${text}" is no address`, () => assert.equal(parseIp(text), undefined));

const bytes = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }));

test('bytes to text and back are the same bytes, and Node agrees that it is an address', () => {
  fc.assert(
    fc.property(bytes, (b) => {
      const address = ipFromBytes(b);
      assert.deepEqual(ipBytes(address), b);
      assert.equal(parseIp(address), address);
      assert.equal(isIP(address), familyOf(address));
    }),
  );
});

test('addresses are ordered by number, not by text', () => {
  assert.ok(compareIp(ip('10.0.0.9'), ip('10.0.0.10')) < 0);
  assert.ok(compareIp(ip('fe80::a'), ip('fe80::9')) > 0);
  assert.equal(compareIp(ip('10.0.0.1'), ip('10.0.0.1')), 0);
});

test('a prefix has a length that fits its family', () => {
  assert.deepEqual(parsePrefix('192.0.2.10/24'), { address: '192.0.2.10', length: 24 });
  assert.deepEqual(parsePrefix('192.0.2.10'), { address: '192.0.2.10', length: 32 });
  assert.deepEqual(parsePrefix('2001:db8::1/64'), { address: '2001:db8::1', length: 64 });
  for (const text of ['192.0.2.10/33', '2001:db8::1/129', '192.0.2.10/', '192.0.2.10/-1', '/24', '192.0.2/24'])
    assert.equal(parsePrefix(text), undefined, text);
  assert.equal(formatPrefix({ address: ip('192.0.2.10'), length: 24 }), '192.0.2.10/24');
});

test('an address lies in its prefix and not in the next one', () => {
  const prefix = { address: ip('192.0.2.10'), length: 25 };
  assert.ok(inPrefix(ip('192.0.2.127'), prefix));
  assert.ok(!inPrefix(ip('192.0.2.128'), prefix));
  assert.ok(!inPrefix(ip('2001:db8::1'), prefix));
  assert.ok(inPrefix(ip('203.0.113.1'), { address: ip('0.0.0.0'), length: 0 }));
});

test('an endpoint has a port, and brackets exactly for IPv6', () => {
  for (const text of ['192.0.2.1:80', '[2001:db8::1]:443', '192.0.2.1:0', '192.0.2.1:65535']) {
    const endpoint = parseEndpoint(text);
    assert.ok(endpoint !== undefined, text);
    assert.equal(formatEndpoint(endpoint), text);
  }
  for (const text of [
    '192.0.2.1',
    '192.0.2.1:65536',
    '2001:db8::1:80',
    '[192.0.2.1]:80',
    '[::1]',
    ':80',
    '192.0.2.1:',
    'host:80',
  ])
    assert.equal(parseEndpoint(text), undefined, text);
});
