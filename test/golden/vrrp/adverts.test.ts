import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, fromHex, toHex, viewOf } from '../../../src/base/bytes.ts';
import { hmacSha256 } from '../../../src/system/hmac.ts';
import { type ChecksumForm, decode, describe, encode, type Path } from '../../../src/wire/vrrp.ts';
import * as trailers from '../../../src/wire/vrrp-auth.ts';
import { GOLDEN_KEY, goldenAdverts } from './adverts.ts';

const goldens = goldenAdverts();

test('the golden file has adverts of every kind', () => {
  const of = (prefix: string): number => goldens.filter((g) => g.name.startsWith(prefix)).length;
  assert.deepEqual([goldens.length, of('v2-'), of('v3-'), of('v3-ipv6')], [16, 5, 11, 2]);
  assert.equal(goldens.filter((g) => g.fields.has('stamp')).length, 4);
});

for (const golden of goldens) {
  const path: Path = { source: golden.source, destination: golden.destination };
  const { fields } = golden;

  test(`${golden.name} decodes to what was configured`, () => {
    const decoded = decode(golden.bytes, path);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    const { advert, checksum, auth, trailer } = decoded.value;
    assert.equal(advert.version, golden.version);
    assert.equal(advert.routerId, 51);
    assert.equal(String(advert.priority), fields.get('priority'));
    assert.equal(String(advert.interval), fields.get('interval'));
    assert.equal(advert.addresses.join(' '), fields.get('addresses'));
    assert.equal(checksum, fields.get('checksum'));
    assert.equal(String(trailer.length), fields.get('trailer') ?? '0');
    assert.equal(auth && `${auth.type}${toHex(auth.data)}`, fields.get('auth')?.replaceAll(' ', '') ?? null);
    assert.ok(describe(advert).startsWith(`VRRPv${golden.version} router 51 priority ${advert.priority}`));
  });

  test(`${golden.name} encodes to the same bytes`, () => {
    const decoded = decode(golden.bytes, path);
    assert.ok(decoded.ok);
    const { advert, checksum, auth, trailer } = decoded.value;
    let again = encode(advert, path, checksum as ChecksumForm, auth ?? undefined);
    if (fields.has('stamp')) again = trailers.sign(again, path, { id: 1, bytes: GOLDEN_KEY }, golden.stamp, hmacSha256);
    else again = concat([again, trailer]);
    assert.equal(toHex(again), toHex(golden.bytes));
  });

  test(`${golden.name} cut short at any length is refused`, () => {
    const whole = golden.bytes.length - Number(fields.get('trailer') ?? 0);
    for (let length = 0; length < whole; length++)
      assert.deepEqual(decode(golden.bytes.subarray(0, length), path), { ok: false, error: 'truncated' });
  });

  if (!fields.has('stamp')) continue;
  const trailer = golden.bytes.subarray(-trailers.TRAILER_LENGTH);

  test(`${golden.name} has a trailer that reads, prints and writes back`, () => {
    const read = trailers.decode(trailer);
    assert.ok(read.ok);
    assert.equal(read.value.keyId, 1);
    assert.equal(read.value.stamp, viewOf(fromHex(fields.get('stamp') as string)).getBigUint64(0));
    assert.equal(toHex(trailers.encode(read.value)), toHex(trailer));
    assert.match(trailers.describe(read.value), /^HMAC-SHA256 with key 1 at 1795\d+\.\d{4} no\. \d$/);
    for (let length = 0; length < trailer.length; length++)
      assert.deepEqual(trailers.decode(trailer.subarray(0, length)), { ok: false, error: 'length' });
  });

  test(`${golden.name} is genuine, and is not with any byte changed but its checksum`, () => {
    const genuine = (bytes: Uint8Array) => trailers.verify(bytes, golden.source, GOLDEN_KEY, hmacSha256);
    for (let at = -1; at < golden.bytes.length; at++) {
      const bytes = golden.bytes.slice();
      if (at >= 0) bytes[at] = (bytes[at] as number) ^ 0x10;
      assert.equal(genuine(bytes), at === -1 || at === 6 || at === 7, `byte ${at}`);
    }
  });
}
