/** A director is told to read its file again, good or bad: what it goes on with, and what the network notices. */

import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeDirectorConfig } from '../lab/director.ts';
import { eventually } from '../lab/process.ts';
import {
  claims,
  createPair,
  holds,
  masterDown,
  monitor,
  PATIENCE,
  type Pair,
  PRIORITY,
  skew,
  startPair,
  vrrpToml,
} from './directors.ts';
import { assertOneMaster } from './reigns.ts';
import { CROSSING, GRACE } from './scene.ts';
import { INTERVAL, VIP4 } from './settings.ts';
import { type Advert, tapeTime } from './tape.ts';

const SLOW = 2 * INTERVAL;
const MORE = '10.77.0.101/24';

const toml = (priority: number, more = '', addresses: readonly string[] = [VIP4]): string =>
  vrrpToml({ priority, interval: SLOW, addresses, more });
const pairOf = (name: string): Promise<Pair> => startPair(name, { lb1: toml(PRIORITY.lb1), lb2: toml(PRIORITY.lb2) });

async function told(pair: Pair, story: (pair: Pair) => Promise<void>): Promise<void> {
  try {
    await story(pair);
  } finally {
    await pair.close();
  }
}

const longestGap = (adverts: readonly Advert[]): number =>
  Math.max(...adverts.slice(1).map(({ at }, i) => at - (adverts[i]?.at ?? at)));

type Answer = { readonly outcome: string; readonly detail: string };

/** Has lb1 read this, as `edit` leaves it, and gives its answer, whatever that is. */
async function reload({ lb1 }: Pair, text: string, edit = (file: string) => file): Promise<Answer> {
  const file = writeDirectorConfig(lb1.station, text);
  writeFileSync(file, edit(readFileSync(file, 'utf8')));
  return JSON.parse(await lb1.director.control('/reload', ['-X', 'POST']));
}

/** That lb1 is master all through `story`: its adverts keep their beat, its addresses never leave, nobody else speaks. */
async function staysMaster(pair: Pair, story: () => Promise<void>): Promise<void> {
  const { lb1, lb2 } = pair;
  const watch = await monitor(lb1);
  const began = tapeTime();
  await story();
  // So long that lb2 would have claimed the role if it could.
  await sleep(masterDown(PRIORITY.lb2, SLOW) + GRACE);
  const adverts = lb1.adverts({ since: began - SLOW });
  assert.ok(longestGap(adverts) <= SLOW + GRACE, `no advert for ${longestGap(adverts).toFixed()} ms`);
  assert.deepEqual(
    (await watch.stop()).filter(({ gone }) => gone),
    [],
  );
  assert.deepEqual(lb2.adverts({ since: began }), [], 'lb2 never claims the role');
}

describe('a reload', { concurrency: 8 }, () => {
  test('of the same file, ten times over, disturbs neither adverts nor addresses', async () => {
    await told(await pairOf('reload same'), async (pair) =>
      staysMaster(pair, async () => {
        for (let n = 0; n < 10; n++) {
          assert.equal((await reload(pair, toml(PRIORITY.lb1))).outcome, 'unchanged');
          await sleep(SLOW / 4);
        }
      }),
    );
  });

  /** What is done to the file, and what is said of it. */
  const BAD: readonly (readonly [name: string, edit: (file: string) => string, why: RegExp])[] = [
    ['a VRID of 999', (file) => file.replace('router_id = 51', 'router_id = 999'), /router_id is 999/],
    ['a mistyped address', (file) => file.replace(VIP4, '10.77.0.1000/24'), /10\.77\.0\.1000/],
    ['an unknown keyword', (file) => `${file}prioritty = 200\n`, /prioritty.*did you mean.*priority/],
    ['a missing bracket', (file) => file.replace('[[vrrp]]', '[[vrrp]'), /expected "\]"/],
    ['a missing quote', (file) => file.replace('"eth0"', '"eth0'), /lvskeeper\.toml:\d+:\d+/],
    ['another run directory', (file) => file.replace('/run"', '/other"'), /run_dir .* cannot change/],
    [
      'nothing left of it',
      (file) => file.slice(0, file.indexOf('[[vrrp]]')),
      /no \[\[vrrp\]\] and no \[\[service\]\] is left/,
    ],
  ];
  test('of a file with a mistake is refused, whatever the mistake, and nothing moves', async () => {
    await told(await pairOf('reload bad'), async (pair) =>
      staysMaster(pair, async () => {
        for (const [name, edit, why] of BAD) {
          const { outcome, detail } = await reload(pair, toml(PRIORITY.lb1), edit);
          assert.equal(outcome, 'refused', name);
          assert.match(detail, why);
          assert.match((await pair.lb1.director.status()).config.refused ?? '', why);
        }
      }),
    );
  });

  test('with one address more than the peer has moves nothing, and both directors say that their lists differ', async () => {
    await told(await pairOf('reload more'), async (pair) => {
      const { lb1, lb2 } = pair;
      await staysMaster(pair, async () => {
        await lb1.reload(toml(PRIORITY.lb1, '', [VIP4, MORE]));
        await holds(lb1, [VIP4, MORE], true);
        await lb2.told('trouble', ({ what }) => /address lists differ/.test(what));
      });
      assert.equal((await lb2.router()).state, 'backup');
      assert.deepEqual(await lb2.held([VIP4, MORE]), []);
    });
  });

  test('with an interface that is not there hands the role over, and the next one, without the mistake, takes it back', async () => {
    await told(await pairOf('reload interface'), async (pair) => {
      const { lb1, lb2, tape } = pair;
      const began = tapeTime();
      await lb1.reload(toml(PRIORITY.lb1).replace('"eth0"', '"etho0"'));
      const taken = await claims(lb2, began);
      const last = lb1.adverts().at(-1);
      assert.equal(last?.priority, 0);
      assert.ok(taken.at - last.at <= skew(PRIORITY.lb2, SLOW) + GRACE);
      await lb1.becomes('fault');
      assert.match((await lb1.router()).cause, /etho0/);
      assert.deepEqual(await lb1.held([VIP4]), []);
      await lb1.reload(toml(PRIORITY.lb1));
      await lb1.becomes('master');
      await lb2.becomes('backup');
      await holds(lb2, [VIP4], false);
      assertOneMaster(tape.adverts(), CROSSING);
    });
  });

  test('of a backup, again and again while its master is silent, does not put the take-over off', async () => {
    await told(await pairOf('reload backup'), async (pair) => {
      const { lb1, lb2 } = pair;
      await lb1.station.isolate();
      const silent = lb1.adverts().at(-1)?.at ?? 0;
      const next = (n: number): string => toml(PRIORITY.lb2, `announce_count = ${3 + (n % 2)}`);
      for (let n = 0; n < 40 && lb2.adverts({ since: silent }).length === 0; n++) {
        await lb2.reload(next(n));
        await sleep(SLOW / 4);
      }
      const waited = (await claims(lb2, silent)).at - silent;
      assert.ok(waited <= masterDown(PRIORITY.lb2, SLOW) + GRACE, `it takes over after ${waited.toFixed()} ms`);
      const reloads = (await lb2.events('reload')).length;
      assert.ok(reloads >= 3, `only ${reloads} reloads came before that`);
    });
  });

  test('moves an address from one router to another and back, at once', async () => {
    const OTHER = '10.77.0.110/24';
    const both = (edge: readonly string[], inner: readonly string[]): string =>
      toml(PRIORITY.lb1, '', edge) +
      vrrpToml({ name: 'inner', routerId: 52, priority: PRIORITY.lb1, interval: SLOW, addresses: inner });
    const pair = await createPair('reload move', { lb1: both([VIP4, MORE], [OTHER]) });
    await told(pair, async ({ lb1 }) => {
      await lb1.start();
      await lb1.becomes('master');
      await holds(lb1, [VIP4, MORE, OTHER], true);
      const watch = await monitor(lb1);
      for (const [next, routerId] of [
        [both([VIP4], [OTHER, MORE]), 52],
        [both([VIP4, MORE], [OTHER]), 51],
      ] as const) {
        const told = tapeTime();
        await lb1.reload(next);
        await eventually('the other router to advertise it', PATIENCE, () =>
          lb1.adverts({ routerId, since: told }).at(-1)?.count === 2 ? true : undefined,
        );
        await sleep(2 * SLOW);
        assert.deepEqual(await lb1.held([VIP4, MORE, OTHER]), [VIP4, MORE, OTHER]);
        const changes = watch.changes().filter(({ at, what }) => at >= told && what.includes(` inet ${MORE} `));
        const gone = changes.find((one) => one.gone)?.at ?? told;
        const back = changes.find((one) => !one.gone && one.at >= gone)?.at ?? gone;
        assert.ok(back - gone <= CROSSING, `it is away for ${(back - gone).toFixed()} ms`);
      }
      await watch.stop();
    });
  });

  test('leaves a tracked script alone that is just running, and its turns where they were', async () => {
    const files = mkdtempSync('/run/reload-');
    const [script, log] = [join(files, 'slow'), join(files, 'log')];
    writeFileSync(script, `#!/bin/sh\necho "begins $(date +%s%3N)" >>${log}\nsleep 1\necho ends >>${log}\n`);
    writeFileSync(log, '');
    chmodSync(script, 0o755);
    const track = `track = [{ script = ["${script}"], interval = "3s", timeout = "2s", weight = -1, user = "root" }]\n`;
    const pair = await createPair('reload script', { lb1: toml(PRIORITY.lb1, track) });
    await told(pair, async ({ lb1 }) => {
      await lb1.start();
      const lines = (): string[] => readFileSync(log, 'utf8').trim().split('\n');
      const begun = (): number[] =>
        lines().flatMap((line) => (line.startsWith('begins') ? [Number(line.slice(7))] : []));
      await eventually('the script to run', PATIENCE, () => (begun().length === 1 ? true : undefined));
      for (let n = 0; n < 4; n++) await lb1.reload(toml(PRIORITY.lb1 - 1 + (n % 2), track));
      await eventually('its next turn', PATIENCE, () => (begun().length === 2 ? true : undefined));
      assert.deepEqual(
        lines().map((line) => line.replace(/ .*/, '')),
        ['begins', 'ends', 'begins'],
      );
      const [first = 0, second = 0] = begun();
      assert.ok(Math.abs(second - first - 3000) <= 2 * GRACE, `its next turn came after ${second - first} ms`);
    });
  });
});
