import assert from 'node:assert/strict';
import test from 'node:test';
import { after, type Instant, milliseconds } from '../../../src/base/time.ts';
import { createEve, FRESH, LEAD, REST } from '../../../src/daemon/eve.ts';
import { createFakeClock } from './fake-clock.ts';

/** `rehearsed`: when each began and was to end, in milliseconds from the start. */
function world() {
  const clock = createFakeClock();
  const start = clock.now();
  const rehearsed: [from: number, until: number][] = [];
  const made = {
    ...{ clock, rehearsed },
    at: (ms: number): Instant => after(start, milliseconds(ms)),
    next: undefined as Instant | undefined,
    async pass(by: number) {
      for (let n = 0; n < by; n++) {
        clock.pass(1);
        await Promise.resolve();
      }
    },
  };
  const eve = createEve({
    ...{ now: clock.now, timer: clock.timer },
    next: () => made.next,
    async rehearse(until) {
      rehearsed.push([clock.now() - start, until - start]);
    },
  });
  return { ...made, eve, made };
}

test('a rehearsal begins shortly before the take-over, and leaves the last moment free', async () => {
  const w = world();
  w.made.next = w.at(3600);
  w.eve.look();
  await w.pass(5000);
  assert.deepEqual(w.rehearsed[0], [3600 - LEAD, 3600 - REST]);
});

test('a master that is heard puts the rehearsal off, without being told of', async () => {
  const w = world();
  w.made.next = w.at(3600);
  w.eve.look();
  for (let second = 1; second <= 5; second++) {
    await w.pass(1000);
    w.made.next = w.at(1000 * second + 3600);
  }
  assert.deepEqual(w.rehearsed, []);
  await w.pass(3600);
  assert.deepEqual(w.rehearsed[0], [8600 - LEAD, 8600 - REST]);
});

test('one that resigns brings it forward', async () => {
  const w = world();
  w.made.next = w.at(3600);
  w.eve.look();
  await w.pass(100);
  w.made.next = w.at(160);
  w.eve.look();
  await w.pass(60);
  assert.deepEqual(w.rehearsed, [[160 - LEAD, 160 - REST]]);
});

test('what was rehearsed is not again so soon, whatever is next', async () => {
  const w = world();
  w.made.next = w.at(100);
  w.eve.look();
  await w.pass(100 - LEAD);
  assert.equal(w.rehearsed.length, 1);
  w.made.next = w.at(110);
  w.eve.look();
  await w.pass(FRESH - 1);
  assert.equal(w.rehearsed.length, 1);
  w.made.next = w.at(500);
  w.eve.look();
  await w.pass(500);
  assert.deepEqual(w.rehearsed[1], [500 - LEAD, 500 - REST]);
});

test('without a backup, and when it is closed, nothing is rehearsed', async () => {
  const w = world();
  w.eve.look();
  w.made.next = w.at(100);
  w.eve.look();
  w.made.next = undefined;
  w.eve.look();
  await w.pass(200);
  w.made.next = w.at(400);
  w.eve.look();
  w.eve.close();
  await w.pass(400);
  assert.deepEqual(w.rehearsed, []);
});
