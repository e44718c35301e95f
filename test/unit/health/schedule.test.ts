import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { instant, milliseconds, seconds } from '../../../src/base/time.ts';
import { createAgenda, firstDue, nextDue } from '../../../src/health/schedule.ts';

const time = fc.integer({ min: 0, max: 1_000_000 });
const length = fc.integer({ min: 1, max: 100_000 });

test('first probes are evenly spread over one interval, the first at once', () => {
  const due = [0, 1, 2, 3].map((index) => firstDue(instant(100), seconds(2), index, 4));
  assert.deepEqual(due, [100, 600, 1100, 1600]);
  assert.equal(firstDue(instant(100), seconds(2), 0, 1), 100);
});

test('the next turn is one interval after the last was due, however late it was taken', () => {
  assert.equal(nextDue(instant(1000), milliseconds(500), instant(1000)), 1500);
  assert.equal(nextDue(instant(1000), milliseconds(500), instant(1499)), 1500);
});

test('turns that have gone by are skipped', () => {
  assert.equal(nextDue(instant(1000), milliseconds(500), instant(1500)), 2000);
  assert.equal(nextDue(instant(1000), milliseconds(500), instant(60_123)), 60_500);
});

test('the next turn is in phase, in the future, and the nearest such', () => {
  fc.assert(
    fc.property(time, length, time, (due, interval, late) => {
      const now = due + late;
      const next = nextDue(instant(due), milliseconds(interval), instant(now));
      assert.equal((next - due) % interval, 0);
      assert.ok(next > now && next - now <= interval);
    }),
  );
});

test('the agenda gives out what is due, earliest first, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(time, { maxLength: 200 }), time, (dues, now) => {
      const agenda = createAgenda<number>();
      for (const due of dues) agenda.add(instant(due), due);
      const taken: number[] = [];
      for (let next = agenda.take(instant(now)); next; next = agenda.take(instant(now))) taken.push(next.item);
      const sorted = dues.toSorted((a, b) => a - b);
      assert.deepEqual(
        taken,
        sorted.filter((due) => due <= now),
      );
      assert.equal(
        agenda.next(),
        sorted.find((due) => due > now),
      );
    }),
  );
});
