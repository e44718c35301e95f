import assert from 'node:assert/strict';
import test from 'node:test';
import { type Duration, type Instant, instant } from '../../../src/base/time.ts';
import { createChangingServices } from '../../../src/daemon/changing-services.ts';

function world() {
  const w = {
    now: instant(0),
    looked: [] as string[][],
    timer: undefined as { at: Instant; work: () => void } | undefined,
  };
  const changing = createChangingServices<string>({
    now: () => w.now,
    later(after: Duration, work) {
      const mine = { at: instant(w.now + after), work };
      w.timer = mine;
      return {
        cancel() {
          if (w.timer === mine) w.timer = undefined;
        },
      };
    },
    look: (services) => void w.looked.push([...services]),
  });
  const at = (now: number): void => {
    w.now = instant(now);
    w.timer?.work();
  };
  return { w, changing, at };
}

test('one timer rings for the earliest, and those whose time has come are looked at, no others', () => {
  const { w, changing, at } = world();
  changing.set([
    ['late', instant(900)],
    ['one', instant(500)],
    ['two', instant(500)],
    ['never', undefined],
  ]);
  assert.equal(w.timer?.at, 500);
  at(500);
  assert.deepEqual(w.looked, [['one', 'two']]);
  assert.equal(w.timer?.at, 900);
  at(899.5);
  assert.equal(w.looked.length, 1, 'a timer that is early');
  at(900);
  assert.deepEqual(w.looked[1], ['late']);
  assert.equal(w.timer, undefined);
});

test('what is set for some leaves the others, and what is cleared does not ring', () => {
  const { w, changing } = world();
  changing.set([
    ['one', instant(500)],
    ['two', instant(700)],
  ]);
  changing.set([['one', undefined]]);
  assert.equal(w.timer?.at, 700);
  changing.set([['one', instant(600)]]);
  assert.equal(w.timer?.at, 600);
  changing.clear();
  assert.equal(w.timer, undefined);
});
