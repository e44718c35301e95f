import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import {
  decodeAttributes,
  decodeMessages,
  describeAttributes,
  type Message,
  NLM_F,
  nested,
  table,
  writeAttributes,
  writeMessage,
} from '../../../src/wire/netlink.ts';
import { be16, nulString, raw, struct, u8, u32, u64 } from '../../../src/wire/netlink-codec.ts';
import { decodeError } from '../../../src/wire/netlink-error.ts';
import { newSink, type Sink, written } from '../../../src/wire/netlink-sink.ts';

const inner = table({ INNER_WEIGHT: [1, u32], INNER_PORT: [2, be16] });
const outer = table({
  OUTER_BYTE: [1, u8],
  OUTER_NAME: [2, nulString],
  OUTER_NEST: [3, nested(inner)],
  OUTER_COUNT: [4, u64],
  OUTER_FLAGS: [5, struct({ flags: u32, mask: u32 })],
  OUTER_RAW: [6, raw(3)],
});

const bytesOf = (write: (sink: Sink) => void): Uint8Array => {
  const sink = newSink(1);
  write(sink);
  return written(sink);
};

test('each attribute lies as its row says: length, type, payload, padding', () => {
  const lines = {
    '0500 0100 07 000000': { OUTER_BYTE: 7 },
    '0800 0200 77726c00': { OUTER_NAME: 'wrl' },
    '0700 0200 727200 00': { OUTER_NAME: 'rr' },
    '1400 0380  0800 0100 64000000  0600 0200 1f90 0000': { OUTER_NEST: { INNER_WEIGHT: 100, INNER_PORT: 8080 } },
    '0c00 0400 ffffffffffffffff': { OUTER_COUNT: 0xffff_ffff_ffff_ffffn },
    '0c00 0500 01000000 ffffffff': { OUTER_FLAGS: { flags: 1, mask: 0xffffffff } },
    '0700 0600 010203 00': { OUTER_RAW: Uint8Array.of(1, 2, 3) },
  };
  for (const [hex, value] of Object.entries(lines)) {
    assert.equal(toHex(bytesOf((sink) => writeAttributes(sink, outer, value))), hex.replaceAll(' ', ''));
    assert.deepEqual(decodeAttributes(outer, fromHex(hex)), { ok: true, value });
  }
});

test('an attribute that the table does not know is kept, flags and all, and written again', () => {
  const hex = '05000100070000000600630012340000 08006380deadbeef';
  const read = decodeAttributes(outer, fromHex(hex));
  assert.deepEqual(read, {
    ok: true,
    value: {
      OUTER_BYTE: 7,
      unknown: [
        { type: 0x63, bytes: fromHex('1234') },
        { type: 0x8063, bytes: fromHex('deadbeef') },
      ],
    },
  });
  assert.equal(toHex(bytesOf((sink) => writeAttributes(sink, outer, read.value))), hex.replace(' ', ''));
  assert.equal(describeAttributes(outer, read.value), 'OUTER_BYTE 7, unknown 99 (2 bytes), unknown 99 (4 bytes)');
});

test('bytes that are not attributes of the table are refused with the reason', () => {
  const reasons = {
    truncated: ['05', '050001', '0500 0100', '0900 0200 7272 0000', '0800 0380 0800 0100'],
    length: ['0300 0100', '0000 0000 00000000'],
    value: [
      '0600 0100 0700 0000', // two bytes where one belongs
      '0700 0200 727272 00', // a string without its end
      '0400 0200', // a string of nothing
      '0800 0400 00000000', // half a counter
      '0800 0500 00000000', // half a struct
      '0600 0600 0102 0000', // two bytes where three belong
      '0a00 0380 0600 0100 6400 0000', // a nest whose attribute is wrong
    ],
  };
  for (const [reason, all] of Object.entries(reasons))
    for (const hex of all)
      assert.deepEqual(
        decodeAttributes(outer, fromHex(hex)),
        // A nest that ends too early is, to the table around it, a wrong value.
        { ok: false, error: hex.startsWith('0800 0380') ? 'value' : reason },
        hex,
      );
});

test('no bytes at all make the readers throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeAttributes(outer, bytes);
      const messages = decodeMessages(bytes);
      if (messages.ok) messages.value.forEach(decodeError);
    }),
  );
});

const message = fc.record(
  {
    type: fc.nat(0xffff),
    flags: fc.nat(0xffff),
    sequence: fc.nat(0xffffffff),
    port: fc.nat(0xffffffff),
    payload: fc.uint8Array({ maxLength: 40 }),
  },
  { noNullPrototype: true },
);

test('messages written one after the other are read as the same messages', () => {
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const bytes = bytesOf((sink) => {
        for (const { payload, ...header } of messages) writeMessage(sink, header, (into) => raw().write(into, payload));
      });
      assert.deepEqual(decodeMessages(bytes), { ok: true, value: messages });
    }),
  );
});

test('a message shorter than its header says is refused', () => {
  const bytes = bytesOf((sink) => writeMessage(sink, { type: 1, flags: 2, sequence: 3, port: 4 }, () => {}));
  assert.deepEqual(decodeMessages(bytes.subarray(0, 15)), { ok: false, error: 'truncated' });
  bytes[0] = 17;
  assert.deepEqual(decodeMessages(bytes), { ok: false, error: 'truncated' });
  bytes[0] = 15;
  assert.deepEqual(decodeMessages(bytes), { ok: false, error: 'length' });
});

test('a refusal is read with its errno and the words of the kernel, whether or not it quotes the request', () => {
  const header = '14000000 10000500 01000000 00000000';
  const words = '0c000100 6e6f206d61746500'; // NLMSGERR_ATTR_MSG "no mate"
  const refusal = (flags: number, hex: string): Message => ({
    type: 2,
    flags,
    sequence: 1,
    port: 0,
    payload: fromHex(hex),
  });
  const { ACK_TLVS, CAPPED } = NLM_F;
  const cases: readonly (readonly [Message, unknown])[] = [
    [refusal(0, `efffffff ${header}`), { ok: true, value: { errno: 17, text: undefined } }],
    [refusal(CAPPED, `00000000 ${header}`), { ok: true, value: { errno: 0, text: undefined } }],
    [refusal(ACK_TLVS | CAPPED, `efffffff ${header} ${words}`), { ok: true, value: { errno: 17, text: 'no mate' } }],
    [refusal(ACK_TLVS, `efffffff ${header} deadbeef ${words}`), { ok: true, value: { errno: 17, text: 'no mate' } }],
    [refusal(ACK_TLVS, `efffffff ${header}`), { ok: false, error: 'length' }],
    [refusal(0, `11000000 ${header}`), { ok: false, error: 'value' }],
    [refusal(0, 'efffffff'), { ok: false, error: 'truncated' }],
  ];
  for (const [one, expected] of cases) assert.deepEqual(decodeError(one), expected, toHex(one.payload));
});
