/** The services as they are told to a process that has been told of others before. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { deserialize, serialize } from 'node:v8';
import fc from 'fast-check';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { tell, understand } from '../../../src/daemon/told-services.ts';

const service = (n: number): ServiceConfig => ({ name: `s${n}` }) as ServiceConfig;
const ALL = Array.from({ length: 12 }, (_, n) => service(n));

test('whatever has been told before, what is understood is what was told', () => {
  const some = fc
    .uniqueArray(fc.integer({ min: 0, max: 11 }))
    .map((picked) => picked.map((n) => ALL[n] as ServiceConfig));
  fc.assert(
    fc.property(fc.array(some, { maxLength: 6 }), (turns) => {
      let [told, understood]: (readonly ServiceConfig[])[] = [[], []];
      for (const services of turns) {
        const message = deserialize(serialize(tell(services, told as readonly ServiceConfig[])));
        told = services;
        understood = understand(message, understood as readonly ServiceConfig[]);
        assert.deepEqual(understood, services);
      }
    }),
  );
});

test('a service that was told before is only a number, and its value stays', () => {
  const changed = service(1);
  const told = tell([ALL[0], changed, ALL[2]] as ServiceConfig[], ALL.slice(0, 3));
  assert.deepEqual(told, [0, changed, 2]);
  const before = ALL.slice(0, 3);
  const [first, second, third] = understand(told, before);
  assert.ok(first === before[0] && second === changed && third === before[2]);
});

test('where nothing is new the services are the very same', () => {
  const before = ALL.slice(0, 3);
  assert.equal(understand(tell(before, before), before), before);
});

test('a number that nobody was told of is a defect', () => {
  assert.throws(() => understand([3], ALL.slice(0, 3)), /no number 3/);
});
