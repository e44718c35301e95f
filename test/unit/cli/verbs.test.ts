import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import { author } from '../../../src/cli/order-terms.ts';
import type { Issue } from '../../../src/config/config.ts';
import type {
  Director,
  OrderOutcome,
  OrderRefusal,
  OrderResult,
  PlannedChange,
} from '../../../src/control/director.ts';
import type { ProcessStatus, RouterOrder, Status } from '../../../src/control/status.ts';
import { WELL } from '../../golden/cli/samples.ts';
import { EMPTY_STATUS, fakeDirector, NO_CHANGES, serve, temporaryFolder } from '../control/fake-director.ts';
import { cli } from './harness.ts';

process.env.TZ = 'UTC';

const NOWHERE = '/nonexistent/control.sock';
const trouble = (what: string) => ({ kind: 'trouble', severity: 'warning', what, detail: '' }) as const;
const ISSUE: Issue = { severity: 'error', line: 13, column: 3, message: 'unknown key "wieght"' };

const GOOD = `
[[service]]
name    = "web"
address = "192.0.2.10:80"
forward = "nat"
[service.check]
type = "tcp"
[[service.server]]
address = "10.0.0.21:80"
`;

function configFile(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'a.toml');
  writeFileSync(file, text);
  return file;
}

test('status prints the status, and with --json the very answer', async (t) => {
  const director = fakeDirector();
  const socket = await serve(t, director);
  const { code, out } = await cli(['status'], socket);
  assert.equal(code, 0);
  assert.match(out, /^lb1 {2}lvskeeper 1\.2\.3, up 4 h, 1 of 1 processes ready\n/);
  const { out: json } = await cli(['status', '--json'], socket);
  assert.deepEqual(JSON.parse(json), await director.status());
});

test('a daemon that fails exits with 1 and its own words', async (t) => {
  const socket = await serve(t, fakeDirector({ status: () => Promise.reject(new Error('no child')) }));
  const { code, out, err } = await cli(['status'], socket);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^lvskeeper: no child\n/);
});

test('events are printed oldest first, and chosen by kind, number and count', async (t) => {
  const director = fakeDirector();
  for (const what of ['a', 'b', 'c']) director.journal.add(trouble(what));
  director.journal.add({ kind: 'reload', outcome: 'applied', detail: '' });
  const socket = await serve(t, director);
  assert.equal(
    (await cli(['events'], socket)).out,
    '2026-03-01 12:00:00  a\n2026-03-01 12:00:01  b\n2026-03-01 12:00:02  c\n2026-03-01 12:00:03  reload applied\n',
  );
  assert.equal((await cli(['events', '--kind', 'trouble', '--limit', '1'], socket)).out, '2026-03-01 12:00:02  c\n');
  assert.equal((await cli(['events', '--since', '3'], socket)).out, '2026-03-01 12:00:03  reload applied\n');
  const { out } = await cli(['events', '--since=3', '--json'], socket);
  assert.deepEqual(JSON.parse(out), {
    seq: 4,
    time: '2026-03-01T12:00:03.000Z',
    kind: 'reload',
    outcome: 'applied',
    detail: '',
  });
});

test('events --since takes an age', async (t) => {
  const director = fakeDirector();
  for (const what of ['a', 'b', 'c']) director.journal.add(trouble(what));
  const socket = await serve(t, director);
  // It is 12:05:03.
  assert.equal((await cli(['events', '--since', '5m1s'], socket)).out, '2026-03-01 12:00:02  c\n');
});

/** arguments, what is said */
const WRONG_QUESTIONS = [
  [['--kind', 'vrpp'], /there is no kind vrpp, did you mean vrrp\?\nThe kinds are vrrp, split-brain, /],
  [['--kind', 'vrrp,sever'], /there is no kind sever, did you mean server\?/],
  [['--since', 'yesterday'], /--since yesterday is no time; give an age/],
  [['--limit', 'all'], /--limit all is no count/],
] as const;
for (const [argv, said] of WRONG_QUESTIONS)
  test(`events ${argv.join(' ')} is wrong usage, said in the words of the command line, and asks nobody`, async () => {
    for (const more of [[], ['--follow']]) {
      const { code, out, err } = await cli(['events', ...argv, ...more], NOWHERE);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, said);
      assert.match(err, /^lvskeeper events: /);
      assert.match(err, /\nUsage: lvskeeper events \[--follow\]/);
    }
  });

test('events --follow goes on as things happen, until the daemon ends', async (t) => {
  const director = fakeDirector();
  director.journal.add(trouble('past'));
  const stalled = fakeDirector({ journal: director.journal });
  const socket = await serve(t, stalled);
  let told = false;
  const ran = await new Promise<string>((resolve) => {
    void cli(['events', '--follow', '--json'], socket, ({ out }) => {
      if (!told) director.journal.add(trouble('live'));
      told = true;
      if (out.includes('live')) resolve(out);
    });
  });
  assert.deepEqual(
    ran
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { what: string }).what),
    ['past', 'live'],
  );
});

test('reload says what was done', async (t) => {
  const answer = {
    outcome: 'applied',
    detail: 'service web added',
    file: 'a.toml',
    issues: [],
    serverChanges: NO_CHANGES,
  } as const;
  const socket = await serve(t, fakeDirector({ reload: async () => answer }));
  assert.deepEqual(await cli(['reload'], socket), { code: 0, out: 'reload applied: service web added\n', err: '' });
  assert.deepEqual(JSON.parse((await cli(['reload', '--json'], socket)).out), answer);
});

/** Answers of a daemon that is asked for its status, one after the other; the last of them from then on. */
function inTurn(...answers: Status[]): () => Promise<Status> {
  const left = [...answers];
  return async () => (left.length > 1 ? left.shift() : left[0]) ?? assert.fail('no answer');
}

test('restart waits for the next daemon, and says which roles it has and has not', async (t) => {
  const routers = WELL.routers.slice(0, 2).map((router) => ({ ...router, state: 'master', cause: '' }) as const);
  const [edge = assert.fail('no router'), inner = assert.fail('only one')] = routers;
  const [supervisor] = EMPTY_STATUS.processes as [ProcessStatus];
  const vrrp = { ...supervisor, name: 'vrrp', state: 'ready' } as const;
  const before = { ...EMPTY_STATUS, routers, processes: [supervisor, vrrp] };
  const after: Status = {
    ...{ ...EMPTY_STATUS, started: '2026-03-01T12:00:00.000Z', version: '1.3.0' },
    ...{ routers: [edge, { ...inner, state: 'backup', cause: 'slept too long' }], processes: [supervisor, vrrp] },
  };
  const starting: Status = { ...after, version: 'too early', processes: [supervisor, { ...vrrp, state: 'starting' }] };
  // The control socket is there before the first process is.
  const early: Status = { ...after, version: 'much too early', processes: [supervisor] };
  // The first is from before the restart is asked for, the second comes while the old daemon still ends.
  const status = (): Partial<Director> => ({ status: inTurn(before, before, early, starting, after) });
  const { code, out, err } = await cli(['restart'], await serve(t, fakeDirector(status())));
  assert.deepEqual([code, err], [0, '']);
  const [first, ...rest] = out.split('\n');
  assert.match(first ?? '', /^restarted in \d\S* m?s: lvskeeper 1\.3\.0$/);
  const changed = `${inner.name} IPv${inner.family}: master before, backup now: slept too long`;
  assert.deepEqual(rest, [changed, '1 virtual router is what it was', '']);

  const { out: json } = await cli(['restart', '--json'], await serve(t, fakeDirector(status())));
  const { took, ...answer } = JSON.parse(json);
  assert.equal(typeof took, 'number');
  const { name, family } = edge;
  assert.deepEqual(answer, {
    ...{ outcome: 'restarted', version: '1.3.0' },
    routers: [
      { name, family, cause: '', before: 'master', after: 'master' },
      { name: inner.name, family: inner.family, cause: 'slept too long', before: 'master', after: 'backup' },
    ],
  });
});

test('a refused restart exits with 1, prints every issue with its place, and waits for nothing', async (t) => {
  const answer = {
    outcome: 'refused',
    detail: 'with it nothing could start',
    file: '/etc/a.toml',
    issues: [ISSUE],
  } as const;
  const socket = await serve(t, fakeDirector({ restart: async () => answer }));
  const { code, out, err } = await cli(['restart'], socket);
  assert.deepEqual([code, out], [1, '']);
  assert.equal(err, '/etc/a.toml:13:3: unknown key "wieght"\nrestart refused: with it nothing could start\n');
});

test('a refused reload exits with 1 and prints every issue with its place', async (t) => {
  const answer = {
    outcome: 'refused',
    detail: 'the config before stays in force',
    file: '/etc/a.toml',
    issues: [ISSUE],
    serverChanges: NO_CHANGES,
  } as const;
  const socket = await serve(t, fakeDirector({ reload: async () => answer }));
  const { code, out, err } = await cli(['reload'], socket);
  assert.deepEqual([code, out], [1, '']);
  assert.equal(err, '/etc/a.toml:13:3: unknown key "wieght"\nreload refused: the config before stays in force\n');
  assert.equal((await cli(['reload', '--json'], socket)).code, 1);
});

const CHANGE: PlannedChange = {
  ...{ part: 'ipvs', sign: '-', what: 'service udp 192.0.2.11:53', breaks: 2, drains: 0, notes: [] },
};

test('plan asks the daemon about its own file, or about the one given', async (t) => {
  const texts: (string | null)[] = [];
  const plan = async (text: string | null) => {
    texts.push(text);
    return { changes: [CHANGE] };
  };
  const socket = await serve(t, fakeDirector({ plan }));
  const own = await cli(['plan'], socket);
  assert.equal(own.code, 0);
  assert.match(own.out, /^IPVS TABLE\n- service udp 192\.0\.2\.11:53 {2}breaks 2 live connections\n\n1 change, /);
  await cli(['plan', configFile(t, GOOD)], socket);
  assert.deepEqual(texts, [null, GOOD]);
  assert.equal(JSON.parse((await cli(['plan', '--json'], socket)).out).changes.length, 1);
});

test("an empty file is not mistaken for the daemon's own", async (t) => {
  const texts: (string | null)[] = [];
  const plan = async (text: string | null) => {
    texts.push(text);
    return { issues: [] };
  };
  const socket = await serve(t, fakeDirector({ plan }));
  await cli(['plan', configFile(t, '')], socket);
  assert.ok(!texts.includes(null), JSON.stringify(texts));
});

test('plan of a wrong file exits with 1, with its issues, and asks nobody', async (t) => {
  const file = configFile(t, `${GOOD}wieght = 1\n`);
  const { code, out, err } = await cli(['plan', file], NOWHERE);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, new RegExp(`^${file}:10:1: .*wieght.*weight`));
});

test('a daemon that answers but finds the file wrong is believed', async (t) => {
  const socket = await serve(t, fakeDirector({ plan: async () => ({ issues: [ISSUE] }) }));
  const { code, err } = await cli(['plan'], socket);
  assert.equal(code, 1);
  assert.equal(err, '/etc/lvskeeper/lvskeeper.toml:13:3: unknown key "wieght"\n');
});

test('check of a good file sums it up', async (t) => {
  const file = configFile(t, GOOD);
  const { code, out } = await cli(['check', file], NOWHERE);
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^${file}: good: .*1 service with 1 server`));
});

test('check of a bad file prints every issue with its place and exits with 1', async (t) => {
  const file = configFile(t, GOOD.replace('"nat"', '"nta"').replace('10.0.0.21:80', '10.0.0.321:80'));
  const { code, out, err } = await cli(['check', file], NOWHERE);
  assert.deepEqual([code, out], [1, '']);
  const lines = err.trim().split('\n');
  assert.match(lines[0] ?? '', new RegExp(`^${file}:5:11: `));
  assert.match(lines[1] ?? '', new RegExp(`^${file}:9:11: `));
  assert.equal(lines.at(-1), `${file}: 2 errors`);
  const json = JSON.parse((await cli(['check', file, '--json'], NOWHERE)).out) as { ok: boolean; issues: Issue[] };
  assert.deepEqual([json.ok, json.issues.map(({ line }) => line)], [false, [5, 9]]);
});

test('check warns of key files and scripts that this machine would refuse, and the file is good all the same', async (t) => {
  const router = `[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
addresses = ["192.0.2.10/24"]
auth = { type = "hmac", keys = [{ id = 1, file = "/nonexistent/vrrp.key" }] }
track = [{ script = ["/nonexistent/check"], user = "root" }]
`;
  const file = configFile(t, GOOD + router);
  const { code, out, err } = await cli(['check', file], NOWHERE);
  assert.equal(code, 0);
  assert.match(out, /good/);
  assert.match(err, /warning: on this machine, \[\[vrrp\]\] edge: key file \/nonexistent\/vrrp\.key/);
  assert.match(
    err,
    /warning: on this machine, \[\[vrrp\]\] edge: script \/nonexistent\/check would not be run: there is no/,
  );
  const json = JSON.parse((await cli(['check', file, '--json'], NOWHERE)).out) as { ok: boolean; issues: Issue[] };
  assert.deepEqual([json.ok, json.issues.length >= 2], [true, true]);
});

test('check warns of the commands of a quorum that this machine would refuse', async (t) => {
  const service = `[[service]]
name = "dns"
address = "192.0.2.53:53"
forward = "nat"
quorum_down = ["/nonexistent/announce", "down"]
quorum_user = "root"
server = [{ address = "10.0.0.53" }]
`;
  const { code, err } = await cli(['check', configFile(t, GOOD + service)], NOWHERE);
  assert.equal(code, 0);
  assert.match(
    err,
    /on this machine, \[\[service\]\] dns: quorum_down \/nonexistent\/announce would not be run: there is no/,
  );
});

test('check warns of the program of a check that this machine would refuse', async (t) => {
  const service = `[[service]]
name = "db"
address = "192.0.2.54:5432"
forward = "nat"
check = { name = "alive", type = "exec", command = ["/nonexistent/check-db"], user = "root" }
server = [{ address = "10.0.0.54" }]
`;
  const { code, err } = await cli(['check', configFile(t, GOOD + service)], NOWHERE);
  assert.equal(code, 0);
  assert.match(err, /on this machine, \[\[service\]\] db: check alive would not be run: there is no \/nonexistent/);
});

test('check of a file that is not there names it', async () => {
  const { code, err } = await cli(['check', '/nonexistent/a.toml'], NOWHERE);
  assert.equal(code, 1);
  assert.match(err, /^\/nonexistent\/a\.toml: .*no such file/);
});

test('run with a bad file starts nothing', async (t) => {
  const { code } = await cli(['run', configFile(t, 'nonsense')], NOWHERE);
  assert.equal(code, 78);
});

const ORDER: RouterOrder = {
  kind: 'demote',
  by: 'anna',
  reason: 'kernel upgrade',
  since: '2026-03-01T12:05:03.000Z',
  until: '2026-03-01T12:15:03.000Z',
};
const GIVEN: OrderOutcome = {
  router: 'edge',
  syncGroup: null,
  before: 'master',
  done: 'given',
  order: ORDER,
  detail: '',
};

/** The command line as `anna`, in front of a director that answers `routers` to every order and notes what it was asked. */
async function orderly(t: TestContext, argv: readonly string[], ...routers: readonly OrderOutcome[]) {
  const asked: unknown[] = [];
  const answer = (...what: readonly unknown[]): Promise<OrderResult> => {
    asked.push(...what);
    return Promise.resolve(ok({ routers }));
  };
  const socket = await serve(t, fakeDirector({ order: answer, takeBack: answer, failover: answer }));
  const ran = await cli(argv, socket, undefined, { SUDO_USER: 'anna', LOGNAME: 'root' });
  return { ...ran, asked };
}

test('demote gives the order in the name of whoever is behind sudo, and says what was and will be', async (t) => {
  const argv = ['demote', 'edge', '--for', '10m', '--reason', 'kernel upgrade'];
  const { code, out, err, asked } = await orderly(t, argv, GIVEN);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(out, 'edge: demoted by anna for 10 m: kernel upgrade; it was MASTER here\n');
  assert.deepEqual(asked, ['edge', { kind: 'demote', lifetime: 600_000, reason: 'kernel upgrade', by: 'anna' }]);
});

test('an order without an end says how to end it, and a group that it goes together', async (t) => {
  const order: RouterOrder = { ...ORDER, kind: 'promote', reason: '', until: null };
  const outcomes = ['inner', 'outer'].map((router) => ({ ...GIVEN, router, syncGroup: 'lan', before: null, order }));
  const { out, asked } = await orderly(t, ['promote', 'inner'], ...outcomes);
  assert.equal(
    out,
    [
      'inner: promoted by anna; the vrrp process does not answer, and is told as soon as it does',
      'outer: promoted by anna; the vrrp process does not answer, and is told as soon as it does',
      'inner and outer are in the sync group lan: they go together',
      'it stays so until `lvskeeper promote inner --cancel` takes it back\n',
    ].join('\n'),
  );
  assert.deepEqual(asked[1], { kind: 'promote', lifetime: null, reason: '', by: 'anna' });
});

test('--cancel takes the order back', async (t) => {
  const { code, out, asked } = await orderly(t, ['promote', 'edge', '--cancel'], { ...GIVEN, done: 'taken-back' });
  assert.deepEqual([code, out, asked], [0, 'edge: no longer demoted by anna\n', ['edge', 'anna']]);
  const detail = 'there is no order to take back';
  const nothing = await orderly(t, ['demote', 'edge', '--cancel'], { ...GIVEN, done: 'nothing', order: null, detail });
  assert.deepEqual([nothing.code, nothing.out], [0, `edge: ${detail}\n`]);
});

test('failover is about every router unless one is named', async (t) => {
  const all = await orderly(t, ['failover'], GIVEN);
  const named = await orderly(t, ['failover', 'edge', '--to-backup', '--for=1h'], GIVEN);
  assert.deepEqual(
    [all.asked, named.asked],
    [
      [{ router: null, toBackup: false, lifetime: 600_000, reason: '', by: 'anna' }],
      [{ router: 'edge', toBackup: true, lifetime: 3_600_000, reason: '', by: 'anna' }],
    ],
  );
});

test('what cannot be done is said as an error and exits with 1; with --json it is in the answer', async (t) => {
  const outcome: OrderOutcome = { ...GIVEN, done: 'impossible', order: null, detail: 'it is FAULT here' };
  const { code, out, err } = await orderly(t, ['failover'], outcome);
  assert.deepEqual([code, out, err], [1, '', 'lvskeeper: edge: it is FAULT here\n']);
  const json = await orderly(t, ['failover', '--json'], outcome);
  assert.deepEqual([json.code, JSON.parse(json.out)], [1, { routers: [outcome] }]);
});

test('an unknown router exits with 1, with the nearest and the list', async (t) => {
  const refusal: OrderRefusal = {
    error: 'no-such-router',
    what: 'there is no virtual router egde, did you mean edge?',
    todo: 'There are: edge.',
  };
  const socket = await serve(t, fakeDirector({ order: async () => err(refusal) }));
  assert.deepEqual(await cli(['demote', 'egde'], socket), {
    code: 1,
    out: '',
    err: `lvskeeper: ${refusal.what}\n${refusal.todo}\n`,
  });
});

/** arguments, what is said */
const WRONG_ORDERS = [
  [['demote'], /an operand is missing/],
  [['demote', 'edge', '--for', '10'], /--for 10 is no time; give a number and a unit/],
  [['promote', 'edge', '--for', '0s'], /--for 0s is no time/],
  [['failover', '--for', 'ever'], /--for ever is no time/],
  [['demote', 'edge', '--cancel', '--for', '10m'], /--cancel goes without --for/],
  [['demote', 'edge', '--cancel', '--reason', 'x'], /--cancel goes without --reason/],
] as const;
for (const [argv, said] of WRONG_ORDERS)
  test(`lvskeeper ${argv.join(' ')} is wrong usage`, async () => {
    const { code, out, err } = await cli(argv, NOWHERE);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, said);
  });

test('the author of an order is the person, as far as the environment tells', () => {
  assert.equal(author({ environment: { SUDO_USER: 'anna', LOGNAME: 'root' } }), 'anna');
  assert.equal(author({ environment: { DOAS_USER: 'bob', LOGNAME: 'root' } }), 'bob');
  assert.equal(author({ environment: { SUDO_USER: '', LOGNAME: 'carol' } }), 'carol');
  assert.notEqual(author({ environment: {} }), '');
});
