import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { after, type Duration, type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import { createTimer, dateOf, now } from '../../../src/system/clock.ts';

/** Arms a timer and tells when it fired, and how late it said it was. */
function fire(at: (from: Instant) => Instant): Promise<{ due: Instant; firedAt: Instant; lateness: Duration }> {
  return new Promise((resolve) => {
    const timer = createTimer((lateness) => {
      const firedAt = now();
      timer.close();
      resolve({ due, firedAt, lateness });
    });
    const due = at(now());
    timer.arm(due);
  });
}

test('the clock counts from the machine’s start, so that processes can compare', () => {
  const clock = new URL('../../../src/system/clock.ts', import.meta.url).href;
  const script = `import { now } from '${clock}'; console.log(now());`;
  const before = now();
  const there = Number(execFileSync(process.execPath, ['--input-type=module', '-e', script]));
  assert.ok(before < there && there < now(), `${there} is not between the readings around it`);
});

test('a timer never fires before its instant, to the fraction of a millisecond', async () => {
  for (const delay of [0.01, 0.25, 0.5, 1, 1.75, 3.333]) {
    const { due, firedAt, lateness } = await fire((from) => after(from, milliseconds(delay)));
    assert.ok(firedAt >= due, `${firedAt} is before ${due}`);
    assert.ok(lateness >= 0 && lateness <= firedAt - due + 1e-6, `it says ${lateness}, it is ${firedAt - due} late`);
  }
});

test('a timer armed for the past fires at once, and says how late it is', async () => {
  const { lateness } = await fire((from) => after(from, milliseconds(-1000)));
  assert.ok(lateness >= 1000, `${lateness}`);
});

test('an instant before the machine’s start is past too', async () => {
  await fire(() => instant(0));
  await fire(() => instant(-5));
});

test('arming again replaces what was armed', async () => {
  let fired = 0;
  const timer = createTimer(() => (fired += 1));
  timer.arm(after(now(), milliseconds(1)));
  timer.arm(after(now(), milliseconds(86_400_000)));
  await fire((from) => after(from, milliseconds(5)));
  assert.equal(fired, 0);
  timer.close();
});

test('a timer that is due but not yet delivered can still be taken back', async () => {
  let fired = 0;
  const timer = createTimer(() => (fired += 1));
  const due = after(now(), milliseconds(1));
  timer.arm(due);
  while (now() < after(due, milliseconds(1)));
  timer.disarm();
  await fire((from) => after(from, milliseconds(2)));
  assert.equal(fired, 0);
  timer.close();
});

test('it may be armed, and closed, from within its callback', async () => {
  let fired = 0;
  await new Promise<void>((resolve) => {
    const timer = createTimer(() => {
      fired += 1;
      if (fired < 3) return timer.arm(after(now(), milliseconds(0.2)));
      timer.close();
      timer.close();
      timer.arm(now());
      timer.disarm();
      resolve();
    });
    timer.arm(now());
  });
  await fire((from) => after(from, milliseconds(2)));
  assert.equal(fired, 3);
});

test('a process ends when its timers are disarmed, and not before an armed one has fired', () => {
  const clock = new URL('../../../src/system/clock.ts', import.meta.url).href;
  const script = `import { createTimer, now } from '${clock}';
    const idle = createTimer(() => {});
    const stopped = createTimer(() => console.log('never'));
    stopped.arm(now() + 3600000);
    stopped.disarm();
    createTimer(() => console.log('fired')).arm(now() + 20);`;
  assert.equal(
    String(execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })),
    'fired\n',
  );
});

test('an instant has a date', () => {
  const before = Date.now();
  const date = Date.parse(dateOf(after(now(), milliseconds(-60_000))));
  assert.ok(date >= before - 60_001 && date <= Date.now() - 59_999, new Date(date).toISOString());
});
