import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import {
  createProgress,
  endWords,
  type Sight,
  sightOf,
  timeLeft,
  waitUntilEmpty,
} from '../../../src/cli/drain-wait.ts';
import { renderStatus } from '../../../src/cli/render-status.ts';
import { painter } from '../../../src/cli/verb.ts';
import type { ServerOrderOutcome, ServerOrderResult } from '../../../src/control/director.ts';
import type { Connections, ServerOrder, ServerStatus, Status } from '../../../src/control/status.ts';
import { NOW, WELL } from '../../golden/cli/samples.ts';
import { fakeDirector, serve } from '../control/fake-director.ts';
import { cli } from './harness.ts';

process.env.TZ = 'UTC';

const NOWHERE = '/nonexistent/control.sock';
const has = (active: number, inactive = 0, persistent = 0): Connections => ({ active, inactive, persistent });

const ORDER: ServerOrder = {
  kind: 'drain',
  weight: null,
  by: 'anna',
  reason: 'new disk',
  since: '2026-03-01T12:05:03.000Z',
  until: '2026-03-01T12:15:03.000Z',
};
const LASTING: ServerOrder = { ...ORDER, reason: '', until: null };
const GIVEN: ServerOrderOutcome = {
  service: 'web',
  server: 'web1',
  address: '10.0.0.21:80',
  done: 'given',
  order: ORDER,
  replaced: null,
  connections: has(12, 3, 40),
  detail: 'new disk',
  notes: [],
};

/** The command line as `anna`, in front of a director that answers `servers` to every order and notes what it was asked. */
async function orderly(t: TestContext, argv: readonly string[], ...servers: readonly ServerOrderOutcome[]) {
  const asked: unknown[] = [];
  const answer = (what: unknown): Promise<ServerOrderResult> => {
    asked.push(what);
    return Promise.resolve(ok({ servers }));
  };
  const socket = await serve(t, fakeDirector({ orderServer: answer, takeBackServer: answer }));
  const ran = await cli(argv, socket, undefined, { SUDO_USER: 'anna' });
  return { ...ran, asked };
}

test('drain gives the order and says what the server has', async (t) => {
  const argv = ['drain', 'web1', '--for', '10m', '--reason', 'new disk'];
  const { code, out, err: said, asked } = await orderly(t, argv, GIVEN);
  assert.deepEqual([code, said], [0, '']);
  assert.equal(
    out,
    'web: web1 (10.0.0.21:80): drained by anna for 10 m: new disk; it has 12 active, 3 inactive, 40 persistent\n',
  );
  assert.deepEqual(asked, [
    { server: 'web1', service: null, kind: 'drain', weight: null, reason: 'new disk', by: 'anna', lifetime: 600_000 },
  ]);
});

test('an order without an end says how to end it; what there is to know stands below its server', async (t) => {
  const notes = ['UDP says no goodbye'];
  const outcome = { ...GIVEN, order: LASTING, connections: has(0), notes };
  const { out, asked } = await orderly(t, ['drain', 'web1', '--service', 'web'], outcome);
  assert.equal(
    out,
    'web: web1 (10.0.0.21:80): drained by anna; it has no connections\n  UDP says no goodbye\n' +
      'it stays so until `lvskeeper undrain web1 --service web` takes it back\n',
  );
  assert.equal((asked[0] as { service: string }).service, 'web');
});

test('disable says what it broke, and what it took the place of', async (t) => {
  const order = { ...LASTING, kind: 'disable' } as const;
  const { out } = await orderly(t, ['disable', 'web1'], { ...GIVEN, order, replaced: { ...ORDER, by: 'bob' } });
  assert.equal(
    out,
    'web: web1 (10.0.0.21:80): disabled by anna; that broke 15 connections, and 40 templates of persistence forgotten' +
      ' (it was drained by bob)\nit stays so until `lvskeeper enable web1` takes it back\n',
  );
  const none = await orderly(t, ['disable', 'web1'], { ...GIVEN, order, connections: has(0, 1) });
  assert.match(none.out, /; that broke 1 connection\n/);
  const idle = await orderly(t, ['disable', 'web1'], { ...GIVEN, order, connections: has(0) });
  assert.match(idle.out, /; that broke no connection\n/);
});

test('weight gives another weight, and --cancel takes it back', async (t) => {
  const order = { ...LASTING, kind: 'weight', weight: 5 } as const;
  const given = await orderly(t, ['weight', 'web1', '5'], { ...GIVEN, order });
  assert.equal(
    given.out,
    'web: web1 (10.0.0.21:80): given weight 5 by anna\n' +
      'it stays so until `lvskeeper weight web1 --cancel` takes it back\n',
  );
  assert.deepEqual(given.asked, [
    { server: 'web1', service: null, kind: 'weight', weight: 5, reason: '', by: 'anna', lifetime: null },
  ]);
  const back = await orderly(t, ['weight', 'web1', '--cancel'], { ...GIVEN, order, done: 'taken-back' });
  assert.equal(back.out, 'web: web1 (10.0.0.21:80): no longer given weight 5 by anna\n');
  assert.deepEqual(back.asked, [{ server: 'web1', service: null, kind: 'weight', by: 'anna' }]);
});

test('undrain and enable take back their own kind; what was not so is said', async (t) => {
  const detail = 'there is no such order to take back';
  for (const [verb, kind] of [
    ['undrain', 'drain'],
    ['enable', 'disable'],
  ] as const) {
    const outcome = { ...GIVEN, done: 'nothing', order: null, detail } as const;
    const { code, out, asked } = await orderly(t, [verb, '10.0.0.21', '--service', 'web'], outcome);
    assert.deepEqual([code, out], [0, `web: web1 (10.0.0.21:80): ${detail}\n`]);
    assert.deepEqual(asked, [{ server: '10.0.0.21', service: 'web', kind, by: 'anna' }]);
  }
});

test('--json is the very answer', async (t) => {
  const { out } = await orderly(t, ['drain', 'web1', '--json'], GIVEN);
  assert.deepEqual(JSON.parse(out), { servers: [GIVEN] });
});

test('an unknown server exits with 1, with the nearest and the list', async (t) => {
  const refusal = {
    error: 'no-such-server',
    what: 'there is no server wbe1, did you mean web1?',
    todo: 'There are: web1.',
  } as const;
  const socket = await serve(t, fakeDirector({ orderServer: async () => err(refusal) }));
  assert.deepEqual(await cli(['drain', 'wbe1'], socket), {
    code: 1,
    out: '',
    err: `lvskeeper: ${refusal.what}\n${refusal.todo}\n`,
  });
});

/** arguments, what is said */
const WRONG = [
  [['drain'], /an operand is missing/],
  [['drain', 'web1', '--for', '10'], /--for 10 is no time/],
  [['weight', 'web1'], /the weight is missing/],
  [['weight', 'web1', '0'], /a weight of 0 is `lvskeeper drain`/],
  [['weight', 'web1', '65536'], /65536 is no weight; give a whole number, 1 to 65535/],
  [['weight', 'web1', '1.5'], /1\.5 is no weight/],
  [['weight', 'web1', 'five'], /five is no weight/],
  [['weight', 'web1', '5', '--cancel'], /--cancel goes without a weight/],
  [['weight', 'web1', '--cancel', '--for', '1m'], /--cancel goes without --for/],
  [['undrain', 'web1', '--for', '1m'], /unknown option --for/],
] as const;
for (const [argv, said] of WRONG)
  test(`lvskeeper ${argv.join(' ')} is wrong usage`, async () => {
    const ran = await cli(argv, NOWHERE);
    assert.deepEqual([ran.code, ran.out], [2, '']);
    assert.match(ran.err, said);
  });

// Waiting.

/** Waits on a clock of its own; at each look, a second apart, `sights` says how it is, the last of them from then on. */
async function waitOn(sights: readonly (Sight | undefined)[], limit = 3_600_000) {
  const said: string[] = [];
  let clock = 5_000_000;
  let looks = 0;
  const waited = await waitUntilEmpty({
    look: async () => sights[Math.min(looks++, sights.length - 1)],
    say: (text) => said.push(text),
    now: () => clock,
    sleep: async (ms) => {
      clock += ms;
    },
    limit,
  });
  return { waited, said };
}

const sight = (left: Connections, more: Partial<Sight> = {}): Sight => ({
  drained: true,
  settled: true,
  left,
  ...more,
});

test('--wait ends when nothing is left, and says meanwhile how much is, and how long it may take', async () => {
  const { waited, said } = await waitOn([10, 9, 8, 7, 6, 0].map((n) => sight(has(n, n, n))));
  assert.deepEqual(waited, { outcome: 'empty', took: 5000, left: has(0) });
  assert.equal(said[0], '10 active, 10 inactive, 10 persistent');
  assert.equal(said[3], '7 active, 7 inactive, 7 persistent, about 7 s more');
});

test('a server of which the kernel could still make connections is not empty', async () => {
  const { waited } = await waitOn([sight(has(0), { settled: false }), sight(has(1)), sight(has(0))]);
  assert.deepEqual([waited.outcome, waited.took], ['empty', 2000]);
});

test('templates of persistence count as left', async () => {
  const { waited } = await waitOn([sight(has(0, 0, 1)), sight(has(0))]);
  assert.equal(waited.took, 1000);
});

test('--wait ends at its limit, with what is left', async () => {
  const { waited } = await waitOn([sight(has(2, 1))], 2500);
  assert.deepEqual(waited, { outcome: 'late', took: 2500, left: has(2, 1) });
});

test('--wait ends when the order does', async () => {
  const { waited } = await waitOn([sight(has(2)), sight(has(3), { drained: false })]);
  assert.deepEqual(waited, { outcome: 'ended', took: 1000, left: has(3) });
});

test('--wait outlives a restart of the daemon, and gives up on one that stays away', async () => {
  const silence = Array.from({ length: 20 }, () => undefined);
  const before = Array.from({ length: 25 }, () => sight(has(2)));
  assert.equal((await waitOn([...before, ...silence, sight(has(0))])).waited.outcome, 'empty');
  const { waited } = await waitOn([sight(has(2)), undefined]);
  assert.deepEqual(waited, { outcome: 'lost', took: 30_000, left: has(2) });
});

test('the time left is by the slope, and unknown while nothing falls or too little was seen', () => {
  assert.equal(
    timeLeft([
      { at: 0, total: 100 },
      { at: 10_000, total: 80 },
    ]),
    '40 s',
  );
  assert.equal(
    timeLeft([
      { at: 0, total: 100 },
      { at: 10_000, total: 100 },
    ]),
    undefined,
  );
  assert.equal(
    timeLeft([
      { at: 0, total: 100 },
      { at: 1000, total: 50 },
    ]),
    undefined,
  );
  assert.equal(timeLeft([]), undefined);
});

test('on a terminal progress is one line that is overwritten; elsewhere a line every few seconds', () => {
  for (const [columns, expected] of [
    [20, '\rweb1: 120 active\rweb1: 9 active  \rweb1: 8 active, 77 \n'],
    [Number.POSITIVE_INFINITY, 'web1: 120 active\nweb1: 8 active, 77 inactive\n'],
  ] as const) {
    let out = '';
    let clock = 0;
    const write = (text: string): void => {
      out += text;
    };
    const progress = createProgress({ out: write, columns }, 'web1', () => clock);
    for (const [at, text] of [
      [0, '120 active'],
      [1000, '9 active'],
      [5000, '8 active, 77 inactive'],
    ] as const) {
      clock = at;
      progress.say(text);
    }
    progress.done();
    assert.equal(out, expected);
  }
});

test('each end has its words', () => {
  const words = (outcome: 'empty' | 'late' | 'ended' | 'lost', left: Connections | null = has(2)): string =>
    endWords({ outcome, took: 42_000, left }, 'web1');
  assert.equal(words('empty'), 'web1: no connections left, after 42 s');
  assert.equal(words('late'), 'web1: it has 2 active, 0 inactive after 42 s, and is no longer waited for');
  assert.equal(words('ended'), 'web1: it is no longer drained; it has 2 active, 0 inactive');
  assert.equal(
    words('lost', null),
    'web1: the daemon has not told of it for 30 s; nothing is known of its connections',
  );
});

/** WELL with this of `web1`, the first server of its service `web`. */
function statusWith(more: Partial<ServerStatus>, whole: Partial<Status> = {}): Status {
  const [web, ...others] = WELL.services;
  assert.ok(web);
  const servers = web.servers.map((server, i) => (i === 0 ? { ...server, ...more } : server));
  return { ...WELL, services: [{ ...web, servers }, ...others], ...whole };
}
const DRAINED: Partial<ServerStatus> = { order: ORDER, weight: 0, connections: has(7) };

test('a drained server is seen as what the status says of it', () => {
  assert.deepEqual(sightOf(statusWith(DRAINED), [GIVEN]), sight(has(7)));
  assert.deepEqual(sightOf(statusWith({ ...DRAINED, weight: 10 }), [GIVEN]), sight(has(7), { settled: false }));
  assert.deepEqual(sightOf(statusWith({ ...DRAINED, order: null }), [GIVEN]), sight(has(7), { drained: false }));
  assert.deepEqual(sightOf(statusWith({ ...DRAINED, weight: null, connections: null }), [GIVEN]), sight(has(0)));
  assert.deepEqual(sightOf({ ...WELL, services: [] }, [GIVEN]), sight(has(0), { drained: false }));
});

test('of a server that nobody knows of nothing is said, rather than that it has no connections', () => {
  const silent = { ...DRAINED, state: 'unknown', weight: null, connections: null } as const;
  assert.equal(sightOf(statusWith(silent), [GIVEN]), undefined);
  assert.equal(sightOf(statusWith(DRAINED, { ipvsTrouble: 'no ip_vs' }), [GIVEN]), undefined);
});

test('drain --wait says the answer, then how it goes, and exits by how it ended', async (t) => {
  const left = [has(2), has(1), has(0)];
  const director = fakeDirector({
    orderServer: async () => ok({ servers: [GIVEN] }),
    status: async () => statusWith({ ...DRAINED, connections: left.shift() ?? has(0) }),
  });
  const { code, out } = await cli(['drain', 'web1', '--wait'], await serve(t, director));
  assert.equal(code, 0);
  assert.match(
    out,
    /^web: web1 .*\n\rweb1: 2 active, 0 inactive\rweb1: 1 active, 0 inactive\nweb1: no connections left, after \d.* s\n$/,
  );
});

test('drain --wait --for ends with it; with --json the answer and the end are one object', async (t) => {
  const director = fakeDirector({
    orderServer: async () => ok({ servers: [GIVEN] }),
    status: async () => statusWith(DRAINED),
  });
  const {
    code,
    out,
    err: said,
  } = await cli(['drain', 'web1', '--wait', '--for', '100ms', '--json'], await serve(t, director));
  assert.equal(code, 1);
  const { servers, waited } = JSON.parse(out);
  assert.deepEqual([servers, waited.outcome, waited.left], [[GIVEN], 'late', has(7)]);
  assert.match(said, /^lvskeeper: web1: it has 7 active, 0 inactive after /);
});

test('status shows the order below the servers, in 80 columns', () => {
  const reason = 'its disk is replaced by a larger one, which takes until the shop closes in the evening';
  const plain = { now: NOW, width: 80, paint: painter(false) };
  const text = renderStatus(statusWith({ ...DRAINED, order: { ...ORDER, reason } }), plain);
  assert.match(text, /^ {2}web1 \(7 active, 0 inactive\) drained by anna, 10 m left: its disk is /m);
  for (const line of text.split('\n')) assert.ok([...line].length <= 80, line);
  const weight = { order: { ...LASTING, kind: 'weight', weight: 5 } } as const;
  assert.match(renderStatus(statusWith(weight), plain), /^ {2}web1 given weight 5 by anna, until taken back$/m);
});
