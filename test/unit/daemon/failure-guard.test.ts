import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createFailureGuard } from '../../../src/daemon/failure-guard.ts';
import type { ProbeOutcome, ProbeResult } from '../../../src/health/verdict.ts';

/** Ten servers, and a way to them about which is said what the test says. */
function world() {
  let now = 0;
  let answer: (found: string | null) => void = () => assert.fail('nobody asked');
  let asked = 0;
  const happened: Happening[] = [];
  const passed: { key: string; result: ProbeResult; at: Instant }[] = [];
  const keys = Array.from({ length: 10 }, (_, i) => `probe${i}`);
  const guard = createFailureGuard({
    inspect: (to: readonly IpAddress[]) => {
      asked++;
      assert.ok(to.length > 0 && new Set(to).size === to.length);
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    now: () => instant(now),
    pass: (key, result, at) => passed.push({ key, result, at }),
    report: (happening) => happened.push(happening),
  });
  guard.configure(new Map(keys.map((key, i) => [key, ip(`10.0.0.${i + 1}`)])));
  /** What is passed on of this result; `waits`: nothing yet. */
  const judge = (i: number, outcome: ProbeOutcome): { outcome: ProbeOutcome | 'waits'; reason: string } => {
    guard.hear(`probe${i}`, { outcome, reason: `was ${outcome}`, took: milliseconds(1) }, instant(now));
    return passed.splice(0)[0]?.result ?? { outcome: 'waits', reason: '' };
  };
  return {
    guard,
    judge,
    all: (outcome: ProbeOutcome) => keys.map((_, i) => judge(i, outcome).outcome),
    found: async (what: string | null) => {
      answer(what);
      await Promise.resolve();
      await Promise.resolve();
    },
    pass: (ms: number) => {
      now += ms;
    },
    asked: () => asked,
    passed: () => passed.splice(0).map(({ key, result, at }) => `${key} ${result.outcome} at ${at}`),
    told: () => happened.splice(0).map((h) => (h.kind === 'trouble' ? `${h.what}: ${h.detail}` : h.kind)),
  };
}

test('while most probes are well, a failure counts and nobody looks at the way', () => {
  const w = world();
  w.all('up');
  for (let i = 0; i < 5; i++) assert.equal(w.judge(i, 'down').outcome, 'down');
  assert.equal(w.asked(), 0);
});

test('when most fail and the way is broken, failures do not count, and that is told once', async () => {
  const w = world();
  w.all('up');
  for (let i = 0; i < 5; i++) w.judge(i, 'down');
  // The sixth is the first that may be the fault of the director: it is looked first.
  assert.equal(w.judge(5, 'down').outcome, 'waits');
  await w.found('eth1 has no carrier');
  assert.deepEqual(w.passed(), ['probe5 local-error at 0']);
  const result = w.judge(6, 'down');
  assert.deepEqual(
    [result.outcome, result.reason],
    ['local-error', 'does not count, as eth1 has no carrier: was down'],
  );
  assert.equal(w.guard.trouble(), 'eth1 has no carrier');
  assert.deepEqual(w.told(), [
    'failed checks do not count: 6 of 10 probes fail, and eth1 has no carrier: this director is cut off, so all weights stay as they are',
  ]);
  w.pass(5000);
  assert.equal(w.judge(7, 'down').outcome, 'local-error');
  await w.found('eth1 has no carrier');
  assert.deepEqual(w.told(), []);
});

test('when most fail and nothing is wrong with the way, they count', async () => {
  const w = world();
  w.all('up');
  w.all('down');
  await w.found(null);
  assert.deepEqual(new Set(w.all('down')), new Set(['down']));
  assert.equal(w.guard.trouble(), null);
  assert.deepEqual(w.told(), []);
});

test('the way is looked at again every second, by one question at a time', async () => {
  const w = world();
  w.all('down');
  assert.equal(w.asked(), 1);
  await w.found('eth1 has no carrier');
  w.pass(999);
  w.judge(0, 'down');
  assert.equal(w.asked(), 1);
  w.pass(1);
  w.all('down');
  assert.equal(w.asked(), 2);
  // What was found the last time holds until then.
  assert.equal(w.judge(0, 'down').outcome, 'local-error');
  await w.found(null);
  assert.equal(w.judge(0, 'down').outcome, 'down');
  assert.match(w.told().at(-1) ?? '', /^failed checks count again: /);
});

test('when most are well again, it is over', async () => {
  const w = world();
  w.all('down');
  await w.found('the gateway 10.0.0.254 has not answered 2 ARP requests');
  w.passed();
  for (let i = 0; i < 5; i++) assert.equal(w.judge(i, 'up').outcome, 'up');
  assert.equal(w.judge(5, 'down').outcome, 'down');
  assert.equal(w.guard.trouble(), null);
  assert.match(w.told().at(-1) ?? '', /^failed checks count again: .* 5 of 10 probes fail$/);
});

test('however long the way is broken, failures do not begin to count', async () => {
  const w = world();
  w.all('down');
  await w.found('eth1 is down');
  for (let i = 0; i < 100; i++) {
    w.pass(2000);
    assert.equal(w.judge(i % 10, 'down').outcome, 'local-error');
    await w.found('eth1 is down');
  }
});

test('a local error is what it is, and says nothing about the way', () => {
  const w = world();
  assert.deepEqual(new Set(w.all('local-error')), new Set(['local-error']));
  assert.equal(w.asked(), 0);
});

test('an answer that comes when most are well again changes nothing', async () => {
  const w = world();
  w.all('down');
  w.all('up');
  await w.found('eth1 is down');
  assert.equal(w.guard.trouble(), null);
  assert.deepEqual(w.told(), []);
});

test('when those that fail are probed no more, it is over', async () => {
  const w = world();
  w.all('down');
  await w.found('eth1 has no carrier');
  w.told();
  w.guard.configure(new Map());
  assert.equal(w.guard.trouble(), null);
  assert.match(w.told().join(), /^failed checks count again: /);
});

test('what waits until the way was looked at counts when the way is well, as of when it came', async () => {
  const w = world();
  w.pass(100);
  assert.deepEqual(new Set(w.all('down')), new Set(['waits']));
  w.pass(50);
  w.judge(3, 'up');
  w.judge(4, 'down');
  await w.found(null);
  assert.deepEqual(w.passed(), [
    ...[0, 1, 2].map((i) => `probe${i} down at 100`),
    'probe4 down at 100',
    'probe4 down at 150',
    ...[5, 6, 7, 8, 9].map((i) => `probe${i} down at 100`),
  ]);
  assert.equal(w.judge(0, 'down').outcome, 'down');
});
