import assert from 'node:assert/strict';
import test from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { type ChecksumForm, decode, describe, type Envelope, encode, TTL } from '../../../src/wire/vrrp.ts';
import { goldenAdverts } from './adverts.ts';

const goldens = goldenAdverts();

test('the golden file has adverts of every kind', () => {
  assert.equal(goldens.length, 11);
  assert.equal(goldens.filter((g) => g.fields.has('refused')).length, 2);
});

for (const golden of goldens) {
  const envelope: Envelope = { source: golden.source, destination: golden.destination, ttl: TTL };
  const refused = golden.fields.get('refused');

  if (refused !== undefined) {
    test(`${golden.name} is refused: ${refused}`, () => {
      assert.deepEqual(decode(golden.bytes, envelope), { ok: false, error: refused });
    });
    continue;
  }

  test(`${golden.name} decodes to what was configured`, () => {
    const decoded = decode(golden.bytes, envelope);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    const { advert, checksum, trailer } = decoded.value;
    assert.equal(advert.routerId, 51);
    assert.equal(String(advert.priority), golden.fields.get('priority'));
    assert.equal(String(advert.interval), golden.fields.get('interval'));
    assert.equal(advert.addresses.join(' '), golden.fields.get('addresses'));
    assert.equal(checksum, golden.fields.get('checksum'));
    assert.equal(String(trailer.length), golden.fields.get('trailer') ?? '0');
    assert.match(describe(advert), /^VRRPv3 router 51 priority \d+/);
  });

  test(`${golden.name} encodes to the same bytes`, () => {
    const decoded = decode(golden.bytes, envelope);
    assert.ok(decoded.ok);
    const { advert, checksum, trailer } = decoded.value;
    assert.equal(toHex(encode(advert, envelope, checksum as ChecksumForm)) + toHex(trailer), toHex(golden.bytes));
  });

  test(`${golden.name} cut short at any length is refused`, () => {
    const whole = golden.bytes.length - Number(golden.fields.get('trailer') ?? 0);
    for (let length = 0; length < whole; length++)
      assert.deepEqual(decode(golden.bytes.subarray(0, length), envelope), { ok: false, error: 'truncated' });
  });
}
