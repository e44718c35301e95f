import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { type Duration, type Instant, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import type { ProbeResult, Prober } from '../../../src/checkers/probe.ts';
import type { TcpCheckConfig } from '../../../src/config/config.ts';
import { createProberSchedule, MOST_AT_ONCE, type ProbeOrder } from '../../../src/daemon/prober-schedule.ts';
import { defaults } from '../checkers/loopback.ts';

const UP: ProbeResult = { outcome: 'up', reason: 'connected', took: milliseconds(1) };
const GIVEN_UP: ProbeResult = { outcome: 'local-error', reason: 'given up', took: milliseconds(1) };

/** Of a target, all that says how to reach it. */
const ANYHOW = { source: null, sourcePort: null, device: null, mark: null };

function order(key: string, changes: Partial<TcpCheckConfig> = {}): ProbeOrder {
  const check: TcpCheckConfig = {
    ...defaults('tcp'),
    interval: seconds(1),
    ...changes,
  };
  return { key, check, target: { address: { address: ip('192.0.2.1'), port: 80 }, ...ANYHOW } };
}

/** A clock that moves when told, one timer, and probers that answer when told; every probe started is written down. */
function world() {
  let now = 0;
  let armed: Instant | undefined;
  let fire: () => void = () => undefined;
  const started: string[] = [];
  const results: string[] = [];
  const log: string[] = [];
  const pending: { settle: (result: ProbeResult) => void; prober: number }[] = [];
  let made = 0;
  let immediate = true;
  let timers = 0;
  let chance = 0;
  let interval = seconds(1);
  let later: Duration | undefined;

  const schedule = createProberSchedule({
    now: () => instant(now),
    timer: (due) => {
      timers++;
      fire = () => due(milliseconds(0));
      return {
        arm: (at) => {
          armed = at;
        },
        disarm: () => {
          armed = undefined;
        },
        close: () => {
          armed = undefined;
        },
      };
    },
    createProber: (): Prober => {
      const prober = made++;
      log.push(`made ${prober}`);
      return {
        run: () => {
          started.push(`${prober} at ${now}`);
          if (immediate) return Promise.resolve(UP);
          return new Promise((settle) => pending.push({ settle, prober }));
        },
        close: () => {
          log.push(`closed ${prober}`);
          for (const under of pending) if (under.prober === prober) under.settle(GIVEN_UP);
        },
      };
    },
    random: () => chance,
    onResult: (key, result, at) => {
      results.push(`${key} ${result.outcome} at ${at}`);
      interval = later ?? interval;
    },
    interval: () => interval,
  });

  /** Moves the clock to `to`, stopping at each time the timer is armed for. */
  async function run(to: number): Promise<void> {
    while (armed !== undefined && armed <= to) {
      now = Math.max(now, armed);
      fire();
      for (let i = 0; i < 5; i++) await Promise.resolve();
    }
    now = to;
  }
  return {
    schedule,
    run,
    sleep: (to: number) => {
      now = to;
    },
    hang: () => {
      immediate = false;
    },
    answer: async () => {
      for (const { settle } of pending.splice(0)) settle(UP);
      for (let i = 0; i < 5; i++) await Promise.resolve();
    },
    started: () => started.splice(0),
    results: () => results.splice(0),
    log: () => log.splice(0),
    armed: () => armed,
    fire: () => fire(),
    timers: () => timers,
    chance: (value: number) => {
      chance = value;
    },
    /** From now on, or from the next result on, this is the time between two probes. */
    interval: (now: Duration | undefined, afterResult?: Duration) => {
      interval = now ?? interval;
      later = afterResult;
    },
  };
}

test('first probes are spread over one interval and then repeat exactly, with one timer', async () => {
  const w = world();
  w.schedule.configure(['a', 'b', 'c', 'd'].map((key) => order(key)));
  await w.run(1999);
  assert.deepEqual(w.started(), [
    '0 at 0',
    '1 at 250',
    '2 at 500',
    '3 at 750',
    '0 at 1000',
    '1 at 1250',
    '2 at 1500',
    '3 at 1750',
  ]);
  assert.equal(w.timers(), 1);
});

test('each result is passed on with its key and the time it ended', async () => {
  const w = world();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(600);
  assert.deepEqual(w.results(), ['a up at 0', 'b up at 500']);
});

test('a probe that is still running is not started again; its next turn is', async () => {
  const w = world();
  w.hang();
  w.schedule.configure([order('a')]);
  await w.run(2500);
  assert.deepEqual(w.started(), ['0 at 0']);
  await w.answer();
  assert.deepEqual(w.results(), ['a up at 2500']);
  await w.run(3000);
  assert.deepEqual(w.started(), ['0 at 3000']);
});

test('turns that went by while the process slept are skipped, and the phases stay', async () => {
  const w = world();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(600);
  w.started();
  w.sleep(7300);
  await w.run(8600);
  assert.deepEqual(w.started(), ['0 at 7300', '1 at 7300', '1 at 7500', '0 at 8000', '1 at 8500']);
});

test('a reload leaves unchanged probes alone: same prober, same phase, same probe under way', async () => {
  const w = world();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(500);
  w.hang();
  await w.run(1100);
  assert.deepEqual(w.log(), ['made 0', 'made 1']);
  w.started();
  w.results();
  w.schedule.configure([order('b'), order('a')]);
  await w.answer();
  assert.deepEqual(w.results(), ['a up at 1100']);
  await w.run(2100);
  assert.deepEqual(w.started(), ['1 at 1500', '0 at 2000']);
  assert.deepEqual(w.log(), []);
});

test('a removed or changed probe is closed, and what it had under way is not reported', async () => {
  const w = world();
  w.hang();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(600);
  w.started();
  w.schedule.configure([order('b, sooner')]);
  assert.deepEqual(w.log(), ['made 0', 'made 1', 'made 2', 'closed 0', 'closed 1']);
  await w.run(601);
  await w.answer();
  assert.deepEqual(w.results(), ['b, sooner up at 601']);
  await w.run(2700);
  assert.deepEqual(w.started(), ['2 at 600', '2 at 1600']);
});

test('a probe that is new on a reload starts at once; several are spread', async () => {
  const w = world();
  w.schedule.configure([order('a')]);
  await w.run(300);
  w.started();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(995);
  assert.deepEqual(w.started(), ['1 at 300']);
  w.schedule.configure([order('a'), order('b'), order('c'), order('d', { interval: seconds(5) })]);
  await w.run(3500);
  assert.deepEqual(
    w.started().filter((line) => /^[23]/.test(line)),
    ['2 at 995', '2 at 1995', '2 at 2995', '3 at 3495'],
  );
});

test('a result that makes the interval shorter brings the next probe forward, and keeps the phase from there', async () => {
  const w = world();
  w.schedule.configure([order('a')]);
  await w.run(500);
  w.interval(undefined, milliseconds(200));
  await w.run(1500);
  assert.deepEqual(w.started(), ['0 at 0', '0 at 1000', '0 at 1200', '0 at 1400']);
});

test('a result that makes the interval longer puts the next probe off', async () => {
  const w = world();
  w.schedule.configure([order('a')]);
  await w.run(500);
  w.interval(undefined, seconds(5));
  await w.run(12_000);
  assert.deepEqual(w.started(), ['0 at 0', '0 at 1000', '0 at 6000', '0 at 11000']);
});

test('jitter starts each probe later by its share of the interval, and does not add up', async () => {
  const w = world();
  w.chance(0.5);
  w.schedule.configure([order('a', { jitter: 20 })]);
  await w.run(3500);
  assert.deepEqual(w.started(), ['0 at 0', '0 at 1100', '0 at 2100', '0 at 3100']);
});

test('an answer that comes between the turn and its late start does not cost the turn', async () => {
  const w = world();
  w.chance(0.5);
  w.hang();
  w.schedule.configure([order('a', { jitter: 50 })]);
  await w.run(1100);
  await w.answer();
  await w.run(1260);
  await w.answer();
  await w.run(2260);
  assert.deepEqual(w.started(), ['0 at 0', '0 at 1250', '0 at 2250']);
});

test('an answer that comes just after the next turn starts it at once, and keeps the phase', async () => {
  const w = world();
  w.hang();
  w.schedule.configure([order('a')]);
  await w.run(1010);
  await w.answer();
  await w.run(1020);
  await w.answer();
  await w.run(2250);
  await w.answer();
  await w.run(3250);
  await w.answer();
  assert.deepEqual(w.started(), ['0 at 0', '0 at 1010', '0 at 2000', '0 at 3000']);
});

test('when the interval becomes shorter by itself, the next probe is brought forward, and never put off', async () => {
  const w = world();
  w.interval(seconds(60));
  w.schedule.configure([order('a'), order('b')]);
  await w.run(1500);
  assert.deepEqual(w.started(), ['0 at 0', '1 at 500']);
  w.interval(seconds(2));
  w.schedule.hurry();
  await w.run(2500);
  assert.deepEqual(w.started(), ['0 at 2000', '1 at 2500']);
  w.interval(seconds(60));
  w.schedule.hurry();
  await w.run(5000);
  assert.deepEqual(w.started(), ['0 at 4000', '1 at 4500']);
});

test('a probe that somebody shares who wants it more often is brought forward by the reload', async () => {
  const w = world();
  w.interval(seconds(60));
  w.schedule.configure([order('a')]);
  await w.run(1500);
  w.started();
  w.interval(seconds(2));
  w.schedule.configure([order('a')]);
  await w.run(4500);
  assert.deepEqual(w.started(), ['0 at 2000', '0 at 4000']);
});

test('the first probe of a backup is not put off by its long interval', async () => {
  const w = world();
  w.interval(seconds(60));
  w.schedule.configure([order('a'), order('b')]);
  w.schedule.configure([order('a'), order('b')]);
  w.schedule.hurry();
  await w.run(999);
  assert.deepEqual(w.started(), ['0 at 0', '1 at 500']);
});

test('with nothing to probe the timer is off', async () => {
  const w = world();
  w.schedule.configure([order('a')]);
  w.schedule.configure([]);
  await w.run(5000);
  assert.deepEqual(w.started(), []);
  assert.equal(w.armed(), undefined);
});

test('closing ends what is under way, reports nothing more, and then settles', async () => {
  const w = world();
  w.hang();
  w.schedule.configure([order('a'), order('b')]);
  await w.run(100);
  await w.schedule.close();
  assert.deepEqual(w.results(), []);
  assert.deepEqual(w.log(), ['made 0', 'made 1', 'closed 0', 'closed 1']);
  assert.equal(w.armed(), undefined);
});

test('two probes of one name are a defect', () => {
  const w = world();
  assert.throws(() => w.schedule.configure([order('a'), order('a')]), /two probes are called a/);
});

test('probes that are due within 5 ms start together, at a whole multiple of it, and stay that far apart', async () => {
  const w = world();
  w.schedule.configure(Array.from({ length: 400 }, (_, i) => order(`${i}`)));
  await w.run(2000);
  const started = w.started().map((one) => Number(one.split(' at ')[1]));
  // Two are due in 5 ms.
  assert.equal(new Set(started).size, 401);
  assert.ok(started.every((at) => at % 5 === 0));
  assert.deepEqual(
    started.slice(0, 400).map((at) => at + 1000),
    started.slice(400, 800),
  );
});

test('what became due while the process slept is started in turns, so that answers are heard in between', async () => {
  const w = world();
  w.schedule.configure(Array.from({ length: 1000 }, (_, i) => order(`${i}`)));
  await w.run(999);
  w.started();
  w.sleep(3000);
  w.fire();
  assert.equal(w.started().length, MOST_AT_ONCE);
  assert.ok((w.armed() ?? Number.POSITIVE_INFINITY) <= 3000);
  await w.run(3000);
  assert.equal(w.started().length, 1000 - MOST_AT_ONCE);
});
