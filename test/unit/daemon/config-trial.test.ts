/** A config on trial, on a clock and a run directory of the test's own: kept, taken back, over in time, whatever dies when. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { type Duration, seconds } from '../../../src/base/time.ts';
import type { Happening } from '../../../src/control/event.ts';
import { type ConfigDesk, createConfigDesk } from '../../../src/daemon/config-desk.ts';
import { startFrom, type TrialRecord } from '../../../src/daemon/trial-record.ts';
import { readText } from '../../../src/system/config-file.ts';

const minutes = (n: number): Duration => seconds(60 * n);

const FILE = '/etc/lvskeeper/lvskeeper.toml';
const router = (priority: number): string =>
  `[[vrrp]]\nname = "edge"\ninterface = "eth0"\nrouter_id = 51\npriority = ${priority}\naddresses = ["192.0.2.10/24"]\n`;
const [OLD, NEW, OTHER, BAD] = [router(150), router(90), router(80), '[[vrrp]]\nname = 7\n'];
const FIVE = minutes(5);
const UNTIL = '2026-03-01T12:05:00.000Z';

/** A machine: its clock, its file, its run directory; `boot` runs a daemon on it, in place of one that is killed. */
function machine(file = OLD) {
  let time = Date.UTC(2026, 2, 1, 12);
  let due: { at: number; work: () => void } | undefined;
  let desk: ConfigDesk | undefined;
  const events: string[] = [];
  const world = {
    file,
    saved: undefined as unknown,
    /** What is done in place of the next write to the run directory. */
    failing: undefined as (() => never) | undefined,
    running: [] as number[],
    events,
    desk: () => desk as ConfigDesk,
    priority: () => world.desk().config().vrrp[0]?.priority,
    kill() {
      due = undefined;
      desk = undefined;
    },
    boot(reader = readText) {
      const reading = readText(world.file);
      assert.ok(reading.config);
      // As a file: nothing is shared with the daemon before.
      const start = startFrom(
        { ...reading, config: reading.config },
        structuredClone(world.saved),
        new Date(time),
        reader,
      );
      const report = (happening: Happening): void => void events.push(wordsOf(happening));
      desk = createConfigDesk(start, {
        file: FILE,
        read: () => readText(world.file),
        readText: reader,
        now: () => new Date(time),
        later(after: Duration, work: () => void) {
          const mine = { at: time + after, work };
          due = mine;
          return {
            cancel() {
              if (due === mine) due = undefined;
            },
          };
        },
        report,
        keep(record: TrialRecord | null) {
          world.failing?.();
          world.saved = record === null ? undefined : structuredClone(record);
        },
        unreadableSecrets: () => [],
        busy: () => {},
        changed: async () => void world.running.push(world.priority() ?? 0),
        again: () => {},
        tryProgram: async () => ({ ok: true, value: undefined }),
        restart: () => true,
        planOf: async () => ({ changes: [] }),
      });
      start.told.forEach(report);
      if (start.told.length > 0) desk.keepEnd();
    },
    /** Goes on in steps of the timers. */
    async pass(length: Duration): Promise<void> {
      const end = time + length;
      for (let steps = 0; due !== undefined && due.at <= end && steps < 1000; steps++) {
        const { at, work } = due;
        due = undefined;
        time = at;
        work();
        await settle();
      }
      time = end;
    },
    sleep(length: Duration) {
      time += length;
    },
    apply: (text = NEW) => world.desk().apply({ text, lifetime: FIVE, by: 'anna' }),
    state: () => world.desk().configStatus().trial?.state ?? null,
  };
  world.boot();
  return world;
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};
function wordsOf(h: Happening): string {
  if (h.kind === 'trial') return `${h.what}${h.reason === '' ? '' : `: ${h.reason}`}`;
  return h.kind === 'reload' ? `reload ${h.outcome}` : h.kind === 'trouble' ? h.what : h.kind;
}
const ANNA = { by: 'anna', since: '2026-03-01T12:00:00.000Z', until: UNTIL };

test('what is applied runs at once, and the status says until when', async () => {
  const m = machine();
  const answer = await m.apply();
  assert.ok(answer.ok);
  assert.deepEqual(
    [answer.value.outcome, answer.value.detail, answer.value.trial?.until],
    ['on-trial', 'vrrp edge changed: priority 150 -> 90', UNTIL],
  );
  assert.equal(m.priority(), 90);
  assert.deepEqual(m.desk().configStatus().trial, { state: 'running', ...ANNA });
  assert.deepEqual(m.desk().trial(), { state: 'running', text: NEW, before: OLD, ...ANNA });
  assert.equal(m.file, OLD);
});

test('without a word what ran before runs again, at its time and not before', async () => {
  const m = machine();
  await m.apply();
  await m.pass((FIVE - 1) as Duration);
  assert.equal(m.priority(), 90);
  await m.pass(1 as Duration);
  assert.equal(m.priority(), 150);
  assert.deepEqual(m.events, ['begun', 'rolled-back: nobody confirmed it in time']);
  assert.deepEqual([m.state(), m.saved], [null, undefined]);
});

test('a confirmed one stays, and nothing is run anew', async () => {
  const m = machine();
  await m.apply();
  m.file = NEW;
  assert.ok((await m.desk().confirm('bob')).ok);
  await m.pass(minutes(60));
  assert.deepEqual([m.priority(), m.running, m.saved, m.state()], [90, [90], undefined, null]);
  assert.deepEqual(m.events, ['begun', 'confirmed: by bob']);
  assert.equal((await m.desk().reload()).outcome, 'unchanged');
});

test('a confirmation is refused while the file does not hold it, and the trial goes on', async () => {
  const m = machine();
  await m.apply();
  const answer = await m.desk().confirm('bob');
  assert.ok(!answer.ok);
  assert.equal(answer.error.error, 'not-installed');
  await m.pass(FIVE);
  assert.equal(m.priority(), 150);
});

test('a confirmation that comes too late is none', async () => {
  const m = machine();
  await m.apply();
  m.sleep(FIVE);
  m.file = NEW;
  const answer = await m.desk().confirm('bob');
  assert.ok(!answer.ok);
  assert.match(answer.error.what, /rolled back/);
  assert.equal(m.priority(), 150);
});

test('a word takes it back at once', async () => {
  const m = machine();
  await m.apply();
  assert.ok((await m.desk().rollback('bob')).ok);
  assert.deepEqual([m.priority(), m.events.at(-1), m.saved], [150, 'rolled-back: taken back by bob', undefined]);
  const again = await m.desk().rollback('bob');
  assert.ok(!again.ok && again.error.error === 'no-trial');
});

test('while one is on trial a reload, and another one, are refused with what to do', async () => {
  const m = machine();
  await m.apply();
  m.file = OTHER;
  const reload = await m.desk().reload();
  assert.equal(reload.outcome, 'refused');
  assert.match(reload.detail, /on trial by anna until 2026-03-01 12:05:00 UTC: `lvskeeper confirm` keeps it/);
  assert.equal(m.desk().configStatus().refused, null);
  const second = await m.apply(OTHER);
  assert.ok(!second.ok);
  assert.equal(second.error.error, 'on-trial');
  assert.deepEqual([m.priority(), m.events], [90, ['begun', 'reload refused']]);
});

test('a text with errors moves nothing, and all of them are told', async () => {
  const m = machine();
  const answer = await m.apply(BAD);
  assert.ok(answer.ok);
  assert.equal(answer.value.outcome, 'refused');
  assert.ok(answer.value.issues.length > 1);
  assert.deepEqual([m.priority(), m.saved, m.events, m.running], [150, undefined, [], []]);
});

test('what cannot be written down is not tried', async () => {
  const m = machine();
  m.failing = () => {
    throw new Error('no space');
  };
  const answer = await m.apply();
  assert.ok(answer.ok);
  assert.equal(answer.value.outcome, 'refused');
  assert.match(answer.value.detail, /no space/);
  assert.deepEqual([m.priority(), m.state(), m.running], [150, null, []]);
});

test('a crash during the trial: it goes on, and the deadline stays', async () => {
  const m = machine();
  await m.apply();
  await m.pass(minutes(2));
  m.kill();
  m.sleep(minutes(1));
  m.boot();
  assert.deepEqual([m.priority(), m.state()], [90, 'running']);
  await m.pass((minutes(2) - 1) as Duration);
  assert.equal(m.priority(), 90);
  await m.pass(1 as Duration);
  assert.equal(m.priority(), 150);
  assert.deepEqual(m.events.slice(0, 2), ['begun', 'resumed']);
});

test('a crash before what is written down runs: the next start runs it, with its deadline', async () => {
  const m = machine();
  m.desk();
  void m.apply();
  while (m.saved === undefined) await Promise.resolve();
  m.kill();
  m.boot();
  assert.equal(m.priority(), 90);
  await m.pass(FIVE);
  assert.equal(m.priority(), 150);
});

test('a deadline that passes while nobody runs: the former one is loaded, and it is told', async () => {
  const m = machine();
  await m.apply();
  m.kill();
  m.sleep(minutes(6));
  m.boot();
  assert.deepEqual([m.priority(), m.state(), m.saved], [150, null, undefined]);
  assert.match(m.events.at(-1) ?? '', /^rolled-back: nobody confirmed it, and its time passed while nothing ran$/);
});

test('a run directory that takes nothing keeps no daemon from its start: it is told', async () => {
  const m = machine();
  m.file = NEW;
  await m.apply();
  m.kill();
  m.failing = () => {
    throw new Error('no space');
  };
  m.boot();
  assert.deepEqual(
    [m.priority(), m.events],
    [90, ['begun', 'resumed']],
    'of one that goes on there is nothing to keep',
  );
  m.kill();
  m.sleep(FIVE);
  m.boot();
  assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
  assert.equal(m.events.at(-1), 'the end of a trial cannot be kept');
});

test('a file edited in place is not run by a restart after it was rolled back, until it is mended or reloaded', async () => {
  const m = machine();
  m.file = NEW;
  await m.apply();
  await m.pass(FIVE);
  assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
  m.kill();
  m.boot();
  assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
  assert.equal((await m.desk().reload()).outcome, 'applied');
  assert.deepEqual([m.priority(), m.state(), m.saved], [90, null, undefined]);
});

for (const dies of [false, true])
  test(`… nor after another one was tried, and rolled back${dies ? ' while nothing ran' : ''}`, async () => {
    const m = machine();
    m.file = NEW;
    await m.apply();
    await m.pass(FIVE);
    await m.apply(OTHER);
    if (dies) {
      m.kill();
      m.sleep(FIVE);
      m.boot();
    } else await m.desk().rollback('bob');
    assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
    m.kill();
    m.boot();
    assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
  });

test('a file that was refused, and then written by a confirmation, is refused no longer', async () => {
  const m = machine();
  m.file = BAD;
  await m.desk().reload();
  await m.apply();
  assert.match(m.desk().configStatus().refused ?? '', /stays in force/);
  m.file = NEW;
  await m.desk().confirm('bob');
  assert.equal(m.desk().configStatus().refused, null);
});

test('a file that is put back as it was, since its confirmation came too late, is what runs', async () => {
  const m = machine();
  await m.apply();
  m.sleep(FIVE);
  m.file = NEW;
  await m.desk().confirm('bob');
  assert.equal(m.state(), 'rolled-back');
  m.file = OLD;
  assert.deepEqual([m.state(), m.saved], [null, undefined]);
});

test('once that file is mended, a restart runs it', async () => {
  const m = machine();
  m.file = NEW;
  await m.apply();
  m.kill();
  m.sleep(minutes(6));
  m.boot();
  assert.deepEqual([m.priority(), m.state()], [150, 'rolled-back']);
  m.kill();
  m.file = OTHER;
  m.boot();
  assert.deepEqual([m.priority(), m.state()], [80, null]);
});

test('a crash on the way back does not begin the trial anew', async () => {
  const m = machine();
  m.file = NEW;
  await m.apply();
  void m.desk().rollback('bob');
  while ((m.saved as TrialRecord).state !== 'rolled-back') await Promise.resolve();
  m.kill();
  m.boot();
  assert.equal(m.priority(), 150);
});

test('a confirmed trial is over also for the next start', async () => {
  const m = machine();
  await m.apply();
  m.file = NEW;
  await m.desk().confirm('bob');
  m.kill();
  m.sleep(minutes(60));
  m.boot();
  assert.deepEqual([m.priority(), m.events.length], [90, 2]);
});

for (const saved of [
  null,
  7,
  {},
  { state: 'running', text: NEW },
  { ...ANNA, state: 'running', text: NEW, before: OLD, until: 'x' },
])
  test(`a damaged record is told, and the file runs: ${JSON.stringify(saved)}`, () => {
    const m = machine();
    m.kill();
    m.saved = saved;
    m.boot();
    assert.deepEqual([m.priority(), m.events, m.state()], [150, ['the config on trial is not known'], null]);
  });

test('a program that does not take the text any more goes back', async () => {
  const m = machine();
  await m.apply();
  m.kill();
  m.boot((text) => readText(text === NEW ? BAD : text));
  assert.deepEqual([m.priority(), m.events.at(-1)], [150, 'rolled-back: this program does not take it']);
});

test('a program that does not take the former one any more says so, and goes on', async () => {
  const m = machine();
  await m.apply();
  m.kill();
  m.boot((text) => readText(text === OLD ? BAD : text));
  await m.pass(FIVE);
  assert.deepEqual([m.priority(), m.events.at(-1)], [90, 'the config before the trial cannot run']);
});
