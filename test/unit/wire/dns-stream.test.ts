import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { concat } from '../../../src/base/bytes.ts';
import { createUnframer, framed } from '../../../src/wire/dns-stream.ts';

test('a message follows its length, in two bytes', () => {
  assert.deepEqual(framed(Uint8Array.of(7, 8, 9)), Uint8Array.of(0, 3, 7, 8, 9));
  assert.deepEqual([...framed(new Uint8Array(0x1234)).subarray(0, 2)], [0x12, 0x34]);
});

test('messages come out as they went in, however they are cut', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
      const heard: Uint8Array[] = [];
      const take = createUnframer((message) => heard.push(Uint8Array.from(message)));
      const bytes = concat(sent.map(framed));
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const next = at + (cuts[i % cuts.length] as number);
        take(bytes.subarray(at, next));
        at = next;
      }
      assert.deepEqual(
        heard,
        sent.map((message) => Uint8Array.from(message)),
      );
    }),
  );
});
