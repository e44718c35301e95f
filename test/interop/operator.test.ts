/** An operator moves the role by hand: at once, for as long as was said, and whatever happens to the daemon meanwhile. */

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OrderAnswer } from '../../src/control/director.ts';
import { eventually } from '../lab/process.ts';
import {
  claims,
  createPair,
  holds,
  type Member,
  masterDown,
  type Pair,
  PRIORITY,
  skew,
  startPair,
  vrrpToml,
} from './directors.ts';
import { assertOneMaster } from './reigns.ts';
import { CROSSING, GRACE } from './scene.ts';
import { INTERVAL, VIP4 } from './settings.ts';
import { tapeTime } from './tape.ts';

const DEMOTED = 1;
const PROMOTED = 254;

describe('an operator', () => {
  let pair: Pair;
  let lb1: Member;
  let lb2: Member;
  before(async () => {
    pair = await startPair('operator', {
      lb1: vrrpToml({ priority: PRIORITY.lb1 }),
      lb2: vrrpToml({ priority: PRIORITY.lb2 }),
    });
    ({ lb1, lb2 } = pair);
  });
  after(() => pair.close());

  /** A verb that must succeed; what it says, as JSON. */
  async function ordered(on: Member, ...args: readonly string[]): Promise<OrderAnswer['routers'][number]> {
    const { code, stdout, stderr } = await on.lvskeeper(...args, '--json');
    assert.equal(code, 0, stderr);
    const [first] = (JSON.parse(stdout) as OrderAnswer).routers;
    assert.ok(first !== undefined);
    return first;
  }

  /** lb1 has resigned since then, and lb2 has claimed the role within its skew. */
  async function movedToLb2(since: number): Promise<void> {
    const taken = await claims(lb2, since);
    const last = lb1.adverts({ since }).findLast(({ at }) => at <= taken.at);
    assert.equal(last?.priority, 0, 'lb1 resigns');
    const took = taken.at - last.at;
    assert.ok(took <= skew(PRIORITY.lb2) + GRACE, `lb2 takes over ${took.toFixed()} ms after that`);
    await lb2.becomes('master');
    await lb1.becomes('backup');
    await holds(lb1, [VIP4], false);
    await holds(lb2, [VIP4], true);
  }

  /** lb1 has taken the role back, as the priorities say, no sooner than then and within its patience. */
  async function backAtLb1(since: number): Promise<void> {
    const claimed = await claims(lb1, since);
    assert.equal(claimed.priority, PRIORITY.lb1);
    const took = claimed.at - since;
    assert.ok(took <= masterDown(PRIORITY.lb1) + SLACK, `lb1 takes over ${took.toFixed()} ms after that`);
    await lb1.becomes('master');
    await lb2.becomes('backup');
    await holds(lb2, [VIP4], false);
    assert.equal((await lb1.router()).order, null);
    // So long that on the tape the reign of lb2 is over, whose last advert was no priority 0.
    await sleep(3 * INTERVAL);
  }

  /** What the command line and the supervisor, no real-time processes, may need. */
  const SLACK = 2000;

  const orders = async (on: Member): Promise<string[]> =>
    (await on.events('order')).map(({ order, what, by, reason }) => `${order} ${what} by ${by}: ${reason}`);

  test('moves the role away: lvskeeper failover', async () => {
    const since = tapeTime();
    const answer = await ordered(lb1, 'failover', '--reason', 'new kernel');
    assert.equal(answer.done, 'given');
    assert.equal(answer.before, 'master');
    await movedToLb2(since);
    const router = await lb1.router();
    assert.equal(router.priority, DEMOTED);
    assert.match(router.cause, /demoted by anna: new kernel/);
    assert.deepEqual(
      router.priorityParts.map(({ delta }) => delta),
      [PRIORITY.lb1, DEMOTED - PRIORITY.lb1],
    );
    const { kind, by, reason, since: given, until } = router.order ?? {};
    assert.deepEqual([kind, by, reason], ['demote', 'anna', 'new kernel']);
    assert.equal(Date.parse(until ?? '') - Date.parse(given ?? ''), 600_000, 'for ten minutes unless it is said');
    assert.deepEqual(await orders(lb1), ['demote given by anna: new kernel']);
    const page = await lb1.lvskeeper('status');
    assert.match(page.stdout, /anna/);
    assert.match(page.stdout, /new kernel/);
  });

  test('says how long it is to stay the backup: failover --to-backup', async () => {
    const { done, order, before } = await ordered(lb1, 'failover', '--to-backup', '--for', '1h');
    assert.deepEqual([done, order?.kind, before], ['given', 'demote', 'backup']);
    assert.ok(Date.parse(order?.until ?? '') - Date.now() > 3_500_000);
    assert.deepEqual(await orders(lb1), ['demote given by anna: new kernel', 'demote given by anna: ']);
  });

  test('takes it back: demote --cancel', async () => {
    const since = tapeTime();
    assert.equal((await ordered(lb1, 'demote', 'edge', '--cancel')).done, 'taken-back');
    await backAtLb1(since);
    assert.equal((await orders(lb1)).at(-1), 'demote ended by anna: taken back by anna');
  });

  test('demotes it for three seconds: then it is back by itself', async () => {
    const since = tapeTime();
    const { order } = await ordered(lb1, 'demote', 'edge', '--for', '3s');
    const until = Date.parse(order?.until ?? '');
    await movedToLb2(since);
    await backAtLb1(until);
    assert.equal((await orders(lb1)).at(-1), 'demote ended by anna: its time is over');
  });

  test('promotes the backup: it claims the role at once, and its peer gives way at its first advert', async () => {
    const since = tapeTime();
    assert.equal((await ordered(lb2, 'promote', 'edge', '--reason', 'a test')).done, 'given');
    const taken = await claims(lb2, since);
    assert.equal(taken.priority, PROMOTED);
    await lb1.becomes('backup');
    const after = lb1.adverts({ since: taken.at + CROSSING });
    assert.deepEqual(after, [], 'lb1 says no more');
    await lb2.becomes('master');
    await holds(lb1, [VIP4], false);
    const router = await lb2.router();
    assert.deepEqual([router.order?.kind, router.order?.until], ['promote', null], 'until it is taken back');
    assert.match(router.cause, /promoted by anna: a test/);
    const cancelled = tapeTime();
    assert.equal((await ordered(lb2, 'promote', 'edge', '--cancel')).done, 'taken-back');
    await backAtLb1(cancelled);
    assert.ok(lb2.adverts({ since: cancelled }).some(({ priority }) => priority === PRIORITY.lb2));
  });

  test('has his order outlive a kill -9 of the supervisor, with what remains of its time', async () => {
    const since = tapeTime();
    const { order } = await ordered(lb1, 'demote', 'edge', '--for', '60s', '--reason', 'over night');
    await movedToLb2(since);
    lb1.director.process.kill('SIGKILL');
    await lb1.director.process.exited;
    await eventually('its children to end', 10_000, () =>
      lb1.station.processes().some(({ command }) => command.includes('dist/')) ? undefined : true,
    );
    await lb1.start();
    await lb1.becomes('backup');
    const router = await lb1.router();
    assert.deepEqual(router.order, order, 'the same, to the same time');
    assert.equal(router.priority, DEMOTED);
    assert.deepEqual(await orders(lb1), [], 'it is not given anew');
    assert.equal((await lb2.router()).state, 'master');
    const cancelled = tapeTime();
    await ordered(lb1, 'demote', 'edge', '--cancel');
    await backAtLb1(cancelled);
  });

  test('mistypes a name: he is told which there are, and nothing moves', async () => {
    const { code, stderr } = await lb1.lvskeeper('demote', 'egde');
    assert.equal(code, 1);
    assert.match(stderr, /there is no virtual router egde, did you mean edge\?/);
    assert.equal((await lb1.router()).state, 'master');
  });

  test('… and there never were two masters for longer than an advert takes', () => {
    assertOneMaster(pair.tape.adverts(), CROSSING);
  });
});

test('whoever asks /healthz is told when the kernel has no IPVS, and so no service is carried', async () => {
  const service = `
[[service]]
name = "web"
address = "10.77.0.100:80"
forward = "dr"
server = [{ address = "10.77.0.10:80" }]
`;
  const pair = await createPair('health', { lb1: vrrpToml({ priority: PRIORITY.lb1 }) + service });
  const { lb1 } = pair;
  try {
    await lb1.start();
    await lb1.becomes('master');
    const healthz = (): Promise<string> => lb1.director.control('/healthz', ['-w', ' %{http_code}']);
    if (existsSync('/proc/net/ip_vs')) assert.equal(await healthz(), 'ok\n 200');
    else assert.match(await healthz(), /"IPVS: .*; no service is carried".* 503$/s);
    await lb1.reload(vrrpToml({ priority: PRIORITY.lb1 }));
    assert.equal(await healthz(), 'ok\n 200', 'without a service nobody needs it');
  } finally {
    await pair.close();
  }
});
