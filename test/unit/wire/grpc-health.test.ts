import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import { decodeResponse, encodeRequest } from '../../../src/wire/grpc-health.ts';

test('a request: a frame, and in it the name of the service as field 1', () => {
  assert.equal(toHex(encodeRequest('')), '0000000000');
  assert.equal(toHex(encodeRequest('a.B')), `0000000005${'0a'}${'03'}${'612e42'}`);
  const long = encodeRequest('x'.repeat(200));
  assert.equal(toHex(long.subarray(0, 8)), '00000000cb' + '0a' + 'c801');
  assert.equal(long.length, 8 + 200);
});

/** The whole of what comes, in hexadecimal, and what it says. */
const rows: readonly (readonly [string, string, string | number])[] = [
  ['status 1', '00 00000002 08 01', 'SERVING'],
  ['status 2', '00 00000002 08 02', 'NOT_SERVING'],
  ['status 3', '00 00000002 08 03', 'SERVICE_UNKNOWN'],
  ['no field: the first', '00 00000000', 'UNKNOWN'],
  ['a status that there is not', '00 00000002 08 07', 7],
  ['a status of two bytes', '00 00000003 08 8101', 129],
  ['a status below zero, in ten bytes', '00 0000000b 08 ffffffffffffffffff01', 4_294_967_295],
  ['the status twice: the last counts', '00 00000004 08 02 08 01', 'SERVING'],
  ['unknown fields before and after', '00 00000016 10 05 19 0102030405060708 22 02 6869 2d 01020304 08 01', 'SERVING'],
];
for (const [what, hex, status] of rows)
  test(`an answer with ${what}: ${status}; cut anywhere it is refused`, () => {
    const bytes = fromHex(hex);
    assert.deepEqual(decodeResponse(bytes), { ok: true, value: status });
    for (let i = 0; i < bytes.length; i++) assert.equal(decodeResponse(bytes.subarray(0, i)).ok, false, `${i} bytes`);
  });

const refused: readonly (readonly [string, string])[] = [
  ['empty', ''],
  ['compressed', '01 00000002 08 01'],
  ['truncated', '00 00000003 08 01'],
  ['trailing', '00 00000002 08 01 00'],
  ['malformed', '00 00000001 08'],
  ['malformed', '00 00000002 08 80'],
  ['malformed', '00 0000000c 08 ffffffffffffffffffff01'],
  ['malformed', '00 00000002 00 01'],
  ['malformed', '00 00000002 0b 01'],
  ['malformed', '00 00000003 0a 01 78'],
  ['malformed', '00 00000003 12 05 78'],
  ['malformed', '00 00000003 0d 01 02'],
];
for (const [why, hex] of refused)
  test(`an answer ${hex} is refused: ${why}`, () => {
    assert.deepEqual(decodeResponse(fromHex(hex)), { ok: false, error: why });
  });

test('whatever bytes come, they are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      decodeResponse(bytes);
      const framed = Uint8Array.of(0, 0, 0, 0, bytes.length, ...bytes);
      decodeResponse(framed);
    }),
    { numRuns: 2000 },
  );
});
