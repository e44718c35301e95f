import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { err, ok } from '../../../src/base/result.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { readTargets } from '../../../src/config/discovered-servers.ts';
import type { DiscoveryConfig } from '../../../src/config/discovery-config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening } from '../../../src/control/event.ts';
import { describe } from '../../../src/control/render.ts';
import type { ServiceStatus } from '../../../src/control/status.ts';
import { createDiscoveryDesk } from '../../../src/daemon/discovery-desk.ts';
import { openDiscoveryStore, withKept } from '../../../src/daemon/discovery-store.ts';
import { unansweredService } from '../../../src/daemon/unanswered.ts';
import type { Answer, Source, Wanted } from '../../../src/discovery/source.ts';

function services(discovery: string, more = ''): readonly ServiceConfig[] {
  const text = `[[service]]\nname = "web"\naddress = "192.0.2.10:80"\nforward = "nat"\n${discovery}\n${more}`;
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}
const table = (options: string): string => `[[service.discovery]]\n${options}`;
const FILE = table('type = "file"\nfile = "/etc/web.json"\nconfirm_after = 3');
const WITH_SERVER = '[[service.server]]\naddress = "10.0.0.9:80"';

function runDirectory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'discovery-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A daemon's discovery whose sources answer when the test says so, and whose clock stands at `at`, seconds of 2026-03-01 12:00. */
function daemon(runDir: string) {
  let at = 0;
  const told: Happening[] = [];
  const sources = new Map<
    string,
    { config: DiscoveryConfig; wanted: Wanted; signal: AbortSignal; answer: (a: Answer) => void }
  >();
  const due: { work: () => void; after: number }[] = [];
  let changes = 0;
  const createSource = (config: DiscoveryConfig, wanted: Wanted): Source => ({
    ...{ what: `it of ${config.name}`, interval: 30_000 as never, retry: 5000 as never },
    ask: (signal) =>
      new Promise((resolve) => {
        sources.set(config.name, { config, wanted, signal, answer: resolve });
      }),
  });
  const desk = createDiscoveryDesk({
    createSource,
    later(after, work) {
      const one = { after, work };
      due.push(one);
      return { cancel: () => void due.splice(due.indexOf(one), 1) };
    },
    now: () => new Date(Date.UTC(2026, 2, 1, 12, 0, at)),
    store: openDiscoveryStore(runDir),
    report: (happening) => told.push(happening),
    changed: () => void changes++,
  });
  /** Lets all that waits happen, and says what has been told since the last time. */
  async function settle(): Promise<readonly string[]> {
    await setImmediate();
    for (const { work } of due.splice(0)) work();
    return told.splice(0).map((happening) => describe(happening));
  }
  async function hear(answer: Answer, name = 'file'): Promise<readonly string[]> {
    sources.get(name)?.answer(answer);
    return settle();
  }
  return {
    desk,
    sources,
    settle,
    hear,
    changes: () => changes,
    pass(seconds: number) {
      at += seconds;
    },
  };
}

const listed = (...targets: readonly string[]): Answer =>
  ok({
    ...readTargets(
      targets.map((target) => ({ target, labels: {} })),
      { weight: 1, weightLabel: 'weight', nameLabel: null },
    ),
    again: null,
  });
const tens = (...last: readonly number[]): Answer => listed(...last.map((n) => `10.0.0.${n}:80`));
const names = (all: readonly ServiceConfig[]): string => (all[0]?.servers ?? []).map(({ name }) => name).join(' ');
const statusOf = (all: readonly ServiceConfig[]): readonly ServiceStatus[] =>
  all.map((service) => unansweredService(service, new Date(0), new Map()));

test('a service has what is found besides what the file has, in the order of the addresses', async (t) => {
  const { desk, hear, changes } = daemon(runDirectory(t));
  const file = services(FILE, WITH_SERVER);
  desk.configure(file);
  // Nobody waits for the first answer.
  assert.equal(names(desk.over(file)), '10.0.0.9:80');
  assert.deepEqual(await hear(tens(10, 2, 9)), ['web: discovery file found 10.0.0.2:80, 10.0.0.9:80, 10.0.0.10:80']);
  assert.equal(changes(), 1);
  assert.equal(names(desk.over(file)), '10.0.0.9:80 10.0.0.2:80 10.0.0.10:80');
  // The same answer in another order is the same list, and the same services.
  const before = desk.over(file);
  assert.deepEqual(await hear(tens(2, 9, 10)), []);
  assert.equal(changes(), 1);
  assert.equal(desk.over(file), before);
  assert.deepEqual(await hear(tens(2, 3, 4, 5, 9, 10)), [
    'web: discovery file found 10.0.0.3:80, 10.0.0.4:80, 10.0.0.5:80',
  ]);
  assert.deepEqual(await hear(tens(2, 3)), [
    'web: discovery file no longer lists 10.0.0.4:80, 10.0.0.5:80 and 2 more, which stay: more than max_removed allows of 6',
  ]);
  assert.equal(names(desk.over(file)), '10.0.0.9:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80 10.0.0.5:80 10.0.0.10:80');
});

test('what goes is told, and half of them may go at once', async (t) => {
  const { desk, hear } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2, 3, 4));
  assert.deepEqual(await hear(tens(3, 4)), [
    'web: discovery file no longer lists 10.0.0.1:80, 10.0.0.2:80, out and drained',
  ]);
  assert.equal(names(desk.over(file)), '10.0.0.3:80 10.0.0.4:80');
});

test('another weight is another service, without a word', async (t) => {
  const { desk, hear, changes } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1));
  const heavy = tens(1);
  assert.ok(heavy.ok);
  const targets = heavy.value.targets.map((target) => ({ ...target, weight: 7 }));
  assert.deepEqual(await hear(ok({ ...heavy.value, targets })), []);
  assert.equal(changes(), 2);
  assert.equal(desk.over(file)[0]?.servers[0]?.weight, 7);
});

test('an error changes nothing; the second in a row is told once, and that it is over', async (t) => {
  const { desk, hear, pass } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2));
  pass(30);
  assert.deepEqual(await hear(err('no answer in 10 s')), []);
  pass(5);
  assert.deepEqual(await hear(err('no answer in 10 s')), [
    'web: discovery file fails, and what it found last stays: no answer in 10 s',
  ]);
  assert.deepEqual(await hear(err('answers HTTP 503')), []);
  assert.equal(names(desk.over(file)), '10.0.0.1:80 10.0.0.2:80');
  const [status] = desk.marked(statusOf(desk.over(file)))[0]?.discovery ?? [];
  assert.deepEqual(status, {
    ...{ name: 'file', type: 'file', what: 'it of file', questions: 4, failures: 3, servers: 2 },
    answered: '2026-03-01T12:00:00.000Z',
    ...{ error: 'answers HTTP 503', errorSince: '2026-03-01T12:00:30.000Z' },
    ...{ held: null, skipped: { count: 0, first: [] } },
  });
  assert.deepEqual(await hear(tens(1, 2)), ['web: discovery file answers again']);
  assert.equal(desk.marked(statusOf(file))[0]?.discovery[0]?.error, null);
});

test('one failure is not told, and so neither is its end', async (t) => {
  const { desk, hear } = daemon(runDirectory(t));
  desk.configure(services(FILE));
  await hear(tens(1));
  assert.deepEqual(await hear(err('no answer in 10 s')), []);
  assert.deepEqual(await hear(tens(1)), []);
});

test('answers that come together make one change', async (t) => {
  const { desk, sources, settle, changes } = daemon(runDirectory(t));
  desk.configure(services(`${FILE}\n${table('type = "dns"\nquery = "web.example.net"')}`));
  sources.get('file')?.answer(tens(1));
  sources.get('dns')?.answer(tens(2));
  await settle();
  assert.equal(changes(), 1);
});

test('a list is kept as soon as it changes: the next process may come at any moment', async (t) => {
  const runDir = runDirectory(t);
  const first = daemon(runDir);
  const file = services(FILE);
  first.desk.configure(file);
  await first.hear(tens(1, 2));
  await first.hear(tens(1, 2, 3));
  assert.equal(names(withKept(file, openDiscoveryStore(runDir))), '10.0.0.1:80 10.0.0.2:80 10.0.0.3:80');
});

test('no list empties a service, however often it comes, and whoever accepts it', async (t) => {
  const { desk, hear } = daemon(runDirectory(t));
  const file = services(FILE.replace('confirm_after = 3', 'max_removed = "100%"\nconfirm_after = 1'));
  desk.configure(file);
  await hear(tens(1, 2));
  for (const answer of [tens(), listed('web1:80'), listed('[2001:db8::1]:80')])
    for (let i = 0; i < 5; i++) {
      await hear(answer);
      assert.equal(names(desk.over(file)), '10.0.0.1:80 10.0.0.2:80');
    }
  assert.equal(desk.marked(statusOf(file))[0]?.discovery[0]?.error, 'it lists no server that can be used');
  const accepted = await desk.acceptServers('web', { discovery: null, by: 'anna' });
  assert.equal(accepted.ok ? '' : accepted.error.error, 'nothing-held');
  assert.equal(names(desk.over(file)), '10.0.0.1:80 10.0.0.2:80');
});

test('what is skipped is told once, and stands in the status', async (t) => {
  const { desk, hear } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  const bad = listed('10.0.0.1:80', 'web1:80', '10.0.0.1:80', '[2001:db8::1]:80', '10.0.0.300');
  const [skipped, found] = await hear(bad);
  assert.match(skipped ?? '', /^web: discovery file lists what is not heeded: web1:80 is no address .*; and 1 more$/);
  assert.equal(found, 'web: discovery file found 10.0.0.1:80');
  assert.deepEqual(await hear(bad), []);
  const { count, first } = desk.marked(statusOf(file))[0]?.discovery[0]?.skipped ?? { count: 0, first: [] };
  assert.deepEqual([count, first.length, first[2]], [4, 4, '10.0.0.1:80 stands in the answer twice']);
  await hear(tens(1));
  assert.equal(desk.marked(statusOf(file))[0]?.discovery[0]?.skipped.count, 0);
});

test('a list that would take out too many is held back until it came so often', async (t) => {
  const { desk, hear, pass } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2, 3, 4));
  pass(30);
  assert.deepEqual(await hear(tens(4, 5)), [
    'web: discovery file found 10.0.0.5:80',
    'web: discovery file no longer lists 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, which stay: more than max_removed allows of 4',
  ]);
  assert.deepEqual(desk.marked(statusOf(file))[0]?.discovery[0]?.held, {
    ...{ removes: 3, of: 4, times: 1, needed: 3, since: '2026-03-01T12:00:30.000Z' },
  });
  assert.deepEqual(await hear(tens(5, 4)), []);
  assert.equal(names(desk.over(file)).split(' ').length, 5);
  assert.deepEqual(await hear(tens(4, 5)), [
    'web: discovery file no longer lists 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, out and drained',
    'web: discovery file holds nothing back any more: it came 3 times in a row',
  ]);
  assert.equal(names(desk.over(file)), '10.0.0.4:80 10.0.0.5:80');
});

test('… or until they are back, or until an operator accepts it', async (t) => {
  const { desk, hear, settle } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2, 3, 4));
  await hear(tens(4));
  assert.deepEqual(await hear(tens(1, 2, 3, 4)), [
    'web: discovery file holds nothing back any more: what it lists is within max_removed again',
  ]);
  await hear(tens(4));
  const answer = await desk.acceptServers('web', { discovery: 'file', by: 'anna' });
  assert.deepEqual(answer, {
    ok: true,
    value: {
      service: 'web',
      accepted: [{ discovery: 'file', removed: ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80'] }],
    },
  });
  assert.equal(names(desk.over(file)), '10.0.0.4:80');
  assert.deepEqual(await settle(), [
    'web: discovery file no longer lists 10.0.0.1:80, 10.0.0.2:80, 10.0.0.3:80, out and drained',
    'web: discovery file holds nothing back any more: accepted by anna',
  ]);
});

test('who accepts what is not there is told what there is', async (t) => {
  const { desk } = daemon(runDirectory(t));
  desk.configure([...services(FILE), ...services('', WITH_SERVER).map((one) => ({ ...one, name: 'plain' }))]);
  const refusal = async (service: string, discovery: string | null) => {
    const answer = await desk.acceptServers(service, { discovery, by: 'anna' });
    return answer.ok ? '' : `${answer.error.what}: ${answer.error.todo}`;
  };
  assert.equal(await refusal('wbe', null), 'there is no service wbe, did you mean web?: There are: web, plain.');
  assert.match(await refusal('plain', null), /^service plain has no discovery: /);
  assert.equal(await refusal('web', 'fiel'), 'service web has no discovery fiel, did you mean file?: There are: file.');
  assert.match(await refusal('web', 'file'), /^no discovery of web holds anything back: /);
});

test('the next process begins with the last list, with its age and what is held back, and asks at once', async (t) => {
  const runDir = runDirectory(t);
  const first = daemon(runDir);
  const file = services(FILE, WITH_SERVER);
  first.desk.configure(file);
  await first.hear(tens(1, 2, 3));
  await first.hear(tens(1, 4));
  first.desk.close();
  assert.equal(
    names(withKept(file, openDiscoveryStore(runDir))),
    '10.0.0.9:80 10.0.0.1:80 10.0.0.4:80 10.0.0.2:80 10.0.0.3:80',
  );

  const next = daemon(runDir);
  next.pass(40);
  next.desk.configure(file);
  assert.equal(names(next.desk.over(file)), names(first.desk.over(file)));
  const [status] = next.desk.marked(statusOf(file))[0]?.discovery ?? [];
  assert.equal(status?.answered, '2026-03-01T12:00:00.000Z');
  assert.equal(status?.held?.removes, 2);
  assert.deepEqual(await next.hear(err('no answer')), []);
  assert.equal(names(next.desk.over(file)), names(first.desk.over(file)));
  // What it had counted goes on: the second and the third of the same answer.
  await next.hear(tens(1, 4));
  await next.hear(tens(1, 4));
  assert.equal(names(next.desk.over(file)), '10.0.0.9:80 10.0.0.1:80 10.0.0.4:80');
});

test('a list that is damaged is none', async (t) => {
  const runDir = runDirectory(t);
  const first = daemon(runDir);
  first.desk.configure(services(FILE));
  await first.hear(tens(1, 2, 3));
  first.desk.close();
  const folder = join(runDir, 'discovery', 'service-web');
  assert.deepEqual(readdirSync(folder), ['file.json']);
  for (const text of [
    '',
    '{',
    '[]',
    '{"followed": [{"address": "x"}], "held": null, "answered": 1}',
    '{"followed": {}}',
  ]) {
    writeFileSync(join(folder, 'file.json'), text);
    const next = daemon(runDir);
    const file = services(FILE);
    next.desk.configure(file);
    assert.equal(next.desk.over(file)[0]?.servers.length, 0, text);
  }
});

test('a reload that changes nothing asks nobody anew; another URL does, and the list stays meanwhile', async (t) => {
  const { desk, hear, sources } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2));
  const running = sources.get('file');
  const same = services(FILE, WITH_SERVER);
  desk.configure(same);
  assert.equal(sources.get('file'), running);
  assert.equal(names(desk.over(same)), '10.0.0.9:80 10.0.0.1:80 10.0.0.2:80');
  const other = services(FILE.replace('/etc/web.json', '/etc/other.json"\nweight = 5 #'));
  desk.configure(other);
  assert.equal(running?.signal.aborted, true);
  assert.notEqual(sources.get('file'), running);
  assert.equal(names(desk.over(other)), '10.0.0.1:80 10.0.0.2:80');
  assert.equal(desk.over(other)[0]?.servers[0]?.weight, 5);
  // It is judged by what is in force, whoever has listed that.
  assert.match((await hear(tens(7, 8))).join(), /which stay/);
});

test('a service that is renamed keeps what was found for it', async (t) => {
  const { desk, hear, sources } = daemon(runDirectory(t));
  const file = services(FILE);
  desk.configure(file);
  await hear(tens(1, 2));
  const first = sources.get('file');
  const renamed = file.map((service) => ({ ...service, name: 'shop' }));
  desk.configure(renamed);
  assert.equal(names(desk.over(renamed)), '10.0.0.1:80 10.0.0.2:80');
  assert.equal(first?.signal.aborted, true);
  assert.deepEqual(await hear(tens(1, 2, 3)), ['shop: discovery file found 10.0.0.3:80']);
  const other = file.map((service) => ({ ...service, name: 'other', protocol: 'udp' as const }));
  desk.configure(other);
  assert.equal(names(desk.over(other)), '');
});

test('a discovery that leaves the config takes its servers along and is forgotten, but not on trial', async (t) => {
  const { desk, hear, sources } = daemon(runDirectory(t));
  const file = services(FILE);
  const without = services('', WITH_SERVER);
  desk.configure(file);
  await hear(tens(1));
  desk.configure(without, true);
  assert.equal(sources.get('file')?.signal.aborted, true);
  assert.equal(desk.over(without), without);
  desk.configure(file);
  assert.equal(names(desk.over(file)), '10.0.0.1:80');
  desk.configure(without);
  desk.configure(file);
  assert.equal(names(desk.over(file)), '');
});

test('the status tells of each server who has it', async (t) => {
  const { desk, hear } = daemon(runDirectory(t));
  const file = services(`${FILE}\n${table('type = "dns"\nquery = "web.example.net"')}`, WITH_SERVER);
  desk.configure(file);
  await hear(tens(1, 9));
  await hear(tens(1, 2), 'dns');
  const [status] = desk.marked(statusOf(desk.over(file)));
  assert.deepEqual(
    status?.servers.map(({ name, discovered }) => [name, discovered]),
    [
      ['10.0.0.9:80', null],
      ['10.0.0.1:80', 'file'],
      ['10.0.0.2:80', 'dns'],
    ],
  );
  const added = { by: 'anna', reason: '', since: '' };
  const run = (status?.servers ?? []).map((server) => ({ ...server, added }));
  const [marked] = desk.marked(status === undefined ? [] : [{ ...status, servers: run }]);
  assert.deepEqual(
    marked?.servers.map(({ discovered }) => discovered),
    [null, null, null],
  );
});

test('a source is told of which families the servers can be', (t) => {
  const families = (text: string) => {
    const { config } = load(`[[service]]\nname = "web"\n${text}\n${FILE}`, { hostName: 'lb1' });
    const { desk, sources } = daemon(runDirectory(t));
    desk.configure(config?.services ?? []);
    desk.close();
    return sources.get('file')?.wanted.families;
  };
  assert.deepEqual(families('address = "192.0.2.10:80"\nforward = "nat"'), [4]);
  assert.deepEqual(families('address = "[2001:db8::10]:80"\nforward = "dr"'), [6]);
  assert.deepEqual(families('address = "192.0.2.10:80"\nforward = "tun"'), [4, 6]);
  assert.deepEqual(families('fwmark = 1\nfwmark_family = "ipv6"\nforward = "nat"'), [6]);
});

test('a run directory that takes no file is told, and the servers come all the same', async (t) => {
  const runDir = runDirectory(t);
  writeFileSync(join(runDir, 'discovery'), '');
  const { desk, hear } = daemon(runDir);
  const file = services(FILE);
  desk.configure(file);
  const [kept, found] = await hear(tens(1));
  assert.match(kept ?? '', /^what was discovered cannot be kept: web: /);
  assert.equal(found, 'web: discovery file found 10.0.0.1:80');
  assert.equal(names(desk.over(file)), '10.0.0.1:80');
  const other = services(FILE.replace('/etc/web.json', '/etc/other.json'));
  desk.configure(other);
  assert.equal(names(desk.over(other)), '10.0.0.1:80');
});
