import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import {
  aheadOf,
  isTimely,
  type Marks,
  mark,
  NO_MARKS,
  nextStamp,
  type ReplayRule,
  SENDERS,
  stampOf,
} from '../../../src/vrrp/replay.ts';
import type { Stamp } from '../../../src/wire/vrrp-auth.ts';

const NOW = 1_795_469_769_250;
const time: ReplayRule = { mode: 'time', window: 5 };
const monotonic: ReplayRule = { mode: 'monotonic' };
const peer = ip('192.0.2.12');
/** A stamp so many seconds from now. */
const at = (seconds: number): Stamp => stampOf(NOW + seconds * 1000);

test('a stamp is seconds, 65536ths of a second, and a counter of 0', () => {
  assert.equal(stampOf(NOW), 0x6b04b1c9_4000_0000n);
  assert.equal(stampOf(1000), 0x00000001_0000_0000n);
  assert.equal(stampOf(999.999), 0x00000000_ffff_0000n);
  assert.equal(stampOf(2 ** 32 * 1000 + 1500), 0x00000001_8000_0000n, 'the seconds wrap in 2106');
});

test('how far a stamp is ahead of the clock counts whole seconds, over the wrap too', () => {
  assert.equal(aheadOf(at(7), NOW), 7);
  assert.equal(aheadOf(at(-7), NOW), -7);
  assert.equal(aheadOf(0x00000001_0000_0000n, (2 ** 32 - 2) * 1000), 3);
  assert.equal(aheadOf(0xffffffff_0000_0000n, 2 ** 32 * 1000 + 1000), -2);
});

for (const rule of [time, monotonic]) {
  test(`stamps that are sent only grow, whatever the clock does (${rule.mode})`, () => {
    let last: Stamp | null = null;
    for (const clock of [NOW, NOW, NOW + 10, NOW - 3000, NOW - 3000, NOW + 5, NOW + 10, NOW + 11]) {
      const next = nextStamp(last, clock, rule);
      if (last !== null) assert.ok(next > last, `${clock}`);
      last = next;
    }
    assert.equal(last, stampOf(NOW + 11));
  });

  test(`the counter of a moment carries into its fraction (${rule.mode})`, () => {
    assert.equal(nextStamp(stampOf(NOW) | 0xffffn, NOW, rule), stampOf(NOW) + 0x10000n);
  });

  test(`the stamp after the last of all is above it (${rule.mode})`, () => {
    assert.equal(nextStamp((1n << 64n) - 1n, (2 ** 32 - 1) * 1000, rule), 0n);
  });
}

test('a clock that was far ahead and is right again counts in mode time, and in mode monotonic it has to wait', () => {
  assert.equal(nextStamp(at(3600), NOW, time), stampOf(NOW));
  assert.equal(nextStamp(at(3600), NOW, monotonic), at(3600) + 1n);
  assert.equal(nextStamp(at(5), NOW, time), at(5) + 1n, 'the window is still open');
  assert.equal(nextStamp(at(6), NOW, time), stampOf(NOW), 'no receiver would take it');
});

test('mode time lets pass what is in the window, to the second', () => {
  for (const [seconds, passes] of [
    [-6, false],
    [-5, true],
    [0, true],
    [5, true],
    [6, false],
  ] as const) {
    assert.equal(isTimely(at(seconds), NOW, time), passes, `${seconds}`);
    assert.ok(isTimely(at(seconds), NOW, monotonic));
  }
});

for (const rule of [time, monotonic]) {
  test(`only a stamp above the last of its sender is taken (${rule.mode})`, () => {
    const marks = take(NO_MARKS, peer, at(0), rule);
    assert.equal(mark(marks, peer, at(0), NOW, rule), null);
    assert.equal(mark(marks, peer, at(0) - 1n, NOW, rule), null);
    assert.equal(mark(marks, peer, at(-4), NOW, rule), null);
    const later = take(marks, peer, at(0) + 1n, rule);
    assert.equal(later.get(peer), at(0) + 1n);
    assert.equal(marks.get(peer), at(0), 'the marks before are untouched');
    assert.ok(take(later, ip('192.0.2.13'), at(-4), rule), 'each sender has its own');
  });
}

test('a mark outside the window is forgotten in mode time and kept in mode monotonic', () => {
  const old = take(NO_MARKS, peer, at(0), time);
  assert.ok(mark(old, peer, at(-3600), NOW - 3_600_000, time), 'the clocks of both were set back');
  assert.equal(mark(old, peer, at(-3600), NOW - 3_600_000, monotonic), null);
});

test('stamps are compared over the wrap of 2106', () => {
  const last = (2n ** 32n - 1n) << 32n;
  const marks = take(NO_MARKS, peer, last, monotonic);
  assert.ok(mark(marks, peer, 1n << 32n, 1000, monotonic));
  assert.equal(mark(take(NO_MARKS, peer, 1n << 32n, monotonic), peer, last, 1000, monotonic), null);
});

test('so many senders are remembered, and the one heard longest ago is forgotten first', () => {
  const sender = (n: number): IpAddress => ip(`198.51.100.${n}`);
  let marks = NO_MARKS;
  for (let n = 0; n < SENDERS; n++) marks = take(marks, sender(n), at(0), monotonic);
  marks = take(marks, sender(0), at(1), monotonic);
  marks = take(marks, peer, at(0), monotonic);
  assert.equal(marks.size, SENDERS);
  assert.deepEqual([marks.has(sender(0)), marks.has(sender(1)), marks.has(peer)], [true, false, true]);
});

function take(marks: Marks, source: IpAddress, stamp: Stamp, rule: ReplayRule): Marks {
  const next = mark(marks, source, stamp, NOW, rule);
  assert.ok(next);
  return next;
}
