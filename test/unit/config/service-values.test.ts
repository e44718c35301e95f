/** Values of [[service]] that may be one or several: what is written reads as the same. The golden files have their errors. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Endpoint, type IpAddress, ip } from '../../../src/base/address.ts';
import { inFile, isGiven, type Kind, placeOf, type Reading } from '../../../src/base/option.ts';
import { integer, oneOrMore } from '../../../src/base/option-kinds.ts';
import { SERVER, SERVICE, writePortRange, writeServerAddress } from '../../../src/config/options-service.ts';
import type { PortRange } from '../../../src/ipvs/desired.ts';

/** Reads what a value is written as, which must be without an error. */
function again<T>(kind: Kind<T>, value: T): T | undefined {
  const reading: Reading = {
    error: (_, message) => assert.fail(message),
    warn: (_, message) => assert.fail(message),
    facts: {},
    places: new Map(),
  };
  return kind.read(inFile(kind.write(value), 0), 'key', reading);
}

const address: fc.Arbitrary<IpAddress> = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255)).map(([a, d]) => ip(`${a}.0.2.${d}`)),
  fc.nat(0xffff).map((n) => ip(`2001:db8::${n.toString(16)}`)),
);
const port = fc.oneof(fc.constantFrom(0, 1, 80, 65535), fc.integer({ min: 0, max: 65535 }));
const range: fc.Arbitrary<PortRange> = fc
  .record({ address, ports: fc.tuple(port, port) }, { noNullPrototype: true })
  .map(({ address, ports: [a, b] }) => {
    const [first, last] = [Math.min(a, b), Math.max(a, b)];
    return { address, port: first, lastPort: first === 0 ? 0 : last };
  });

test('a list of port ranges, and one by itself, reads as it was written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(range, { maxLength: 5, selector: writePortRange }), (ranges) => {
      assert.deepEqual(again(SERVICE.address.is, ranges), ranges);
    }),
  );
});

test('a list of marks, and one by itself, reads as it was written', () => {
  const mark = fc.integer({ min: 1, max: 0xffff_ffff });
  fc.assert(
    fc.property(fc.uniqueArray(mark, { maxLength: 5 }), (marks) => {
      assert.deepEqual(again(SERVICE.fwmark.is, marks), marks);
    }),
  );
});

test('one value is written by itself, none and several as a list', () => {
  const kind = oneOrMore(integer(1, 9), 3);
  assert.deepEqual([kind.write([]), kind.write([1]), kind.write([1, 2])], [[], 1, [1, 2]]);
});

test('one by itself, or in a list, is the same; places are those of the values', () => {
  const kind = oneOrMore(integer(1, 9), 3);
  const errors: string[] = [];
  const reading: Reading = {
    error: (at, message) => errors.push(`${at}: ${message}`),
    warn: () => {},
    facts: {},
    places: new Map(),
  };
  const one = kind.read({ type: 'integer', value: 5n, at: 7 }, 'key', reading);
  assert.deepEqual(one, [5]);
  assert.equal(placeOf(reading, one as object, '0'), 7);
  assert.ok(!isGiven(reading, one as object, '1'));
  kind.read({ type: 'integer', value: 10n, at: 8 }, 'key', reading);
  kind.read({ type: 'string', value: '5', at: 9 }, 'key', reading);
  kind.read(inFile([1, 2, 3, 4], 10), 'key', reading);
  assert.equal(errors.length, 3);
  assert.match(errors[0] ?? '', /^8: key is 10, expected a whole number from 1 to 9/);
  assert.match(errors[1] ?? '', /^9: /);
  assert.match(errors[2] ?? '', /^10: /);
});

test('the address of a server, with a port or without, reads as it was written', () => {
  fc.assert(
    fc.property(fc.record({ address, port }, { noNullPrototype: true }), (server: Endpoint) => {
      assert.deepEqual(again(SERVER.address.is, server), server);
    }),
  );
  assert.equal(writeServerAddress({ address: ip('2001:db8::21'), port: 0 }), '2001:db8::21');
  assert.equal(writeServerAddress({ address: ip('2001:db8::21'), port: 80 }), '[2001:db8::21]:80');
});
