import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Issue } from '../../../src/config/config.ts';
import { fakeDirector, serve, temporaryFolder } from '../control/fake-director.ts';
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

test('events with a wrong kind exits with 1 and the right ones', async (t) => {
  const socket = await serve(t, fakeDirector());
  for (const argv of [
    ['events', '--kind', 'vrpp'],
    ['events', '--follow', '--kind', 'vrpp'],
  ]) {
    const { code, err } = await cli(argv, socket);
    assert.equal(code, 1);
    assert.match(err, /kind=vrpp is unknown[\s\S]*vrrp, server, quorum/);
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
  const answer = { outcome: 'applied', detail: 'service web added', file: 'a.toml', issues: [] } as const;
  const socket = await serve(t, fakeDirector({ reload: async () => answer }));
  assert.deepEqual(await cli(['reload'], socket), { code: 0, out: 'reload applied: service web added\n', err: '' });
  assert.deepEqual(JSON.parse((await cli(['reload', '--json'], socket)).out), answer);
});

test('a refused reload exits with 1 and prints every issue with its place', async (t) => {
  const answer = {
    outcome: 'refused',
    detail: 'the config before stays in force',
    file: '/etc/a.toml',
    issues: [ISSUE],
  } as const;
  const socket = await serve(t, fakeDirector({ reload: async () => answer }));
  const { code, out, err } = await cli(['reload'], socket);
  assert.deepEqual([code, out], [1, '']);
  assert.equal(err, '/etc/a.toml:13:3: unknown key "wieght"\nreload refused: the config before stays in force\n');
  assert.equal((await cli(['reload', '--json'], socket)).code, 1);
});

test('plan asks the daemon about its own file, or about the one given', async (t) => {
  const texts: (string | null)[] = [];
  const plan = async (text: string | null) => {
    texts.push(text);
    return { changes: [{ sign: '-', what: 'service udp 192.0.2.11:53', breaks: 2 }] as const };
  };
  const socket = await serve(t, fakeDirector({ plan }));
  const own = await cli(['plan'], socket);
  assert.equal(own.code, 0);
  assert.match(own.out, /^- service udp 192\.0\.2\.11:53 {2}breaks 2 live connections\n1 change, /);
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

test('check of a file that is not there names it', async () => {
  const { code, err } = await cli(['check', '/nonexistent/a.toml'], NOWHERE);
  assert.equal(code, 1);
  assert.match(err, /^\/nonexistent\/a\.toml: .*no such file/);
});

test('run with a bad file starts nothing', async (t) => {
  const { code } = await cli(['run', configFile(t, 'nonsense')], NOWHERE);
  assert.equal(code, 78);
});
