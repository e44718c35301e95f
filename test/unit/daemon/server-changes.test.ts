/** Servers added and removed at run time: what is in force, what is kept, what the operator is told. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { ok, type Result } from '../../../src/base/result.ts';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { describeServer } from '../../../src/config/service-words.ts';
import type { FileAnswer, ServerChangeResult } from '../../../src/control/director.ts';
import type { Happening } from '../../../src/control/event.ts';
import { describe, severityOf } from '../../../src/control/render.ts';
import type { ServiceStatus } from '../../../src/control/status.ts';
import { loadServerChanges, saveServerChanges } from '../../../src/daemon/run-state.ts';
import { createServerChangeDesk } from '../../../src/daemon/server-change-desk.ts';
import { createServerChanges, namedIn } from '../../../src/daemon/server-changes.ts';
import { marked } from '../../../src/daemon/server-marks.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { unansweredService } from '../../../src/daemon/unanswered.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import { temporaryFolder } from '../control/fake-director.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

const CHECK = '[service.check]\ntype = "tcp"\n';
const serviceToml = (name: string, port: number, lasts: readonly number[], more = '', check = CHECK): string =>
  `[[service]]\nname = "${name}"\naddress = "192.0.2.10:${port}"\nforward = "nat"\n${more}\n${check}` +
  lasts.map((n) => `[[service.server]]\nname = "web${n}"\naddress = "10.0.0.${n}:80"\nweight = 10\n`).join('');

function servicesOf(...tomls: readonly string[]): readonly ServiceConfig[] {
  const { config, issues } = load(tomls.join(''), { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}
const WEB = serviceToml('web', 80, [21, 22]);

const NOW = new Date('2026-03-01T12:00:00.000Z');
const ANNA = { by: 'anna', reason: '' };

/** A book and its desk whose file on disk is `disk`. */
function deskOn(
  disk: { saved: Result<unknown, string> } = { saved: ok(undefined) },
  services = servicesOf(WEB),
  connections = 0,
) {
  const world = { happened: [] as string[], changed: 0, saves: 0 };
  const book = createServerChanges({
    load: () => disk.saved,
    save: (changes) => {
      disk.saved = ok(JSON.parse(JSON.stringify(changes)));
      world.saves++;
    },
    report: (happening: Happening) => world.happened.push(`${severityOf(happening)} ${describe(happening)}`),
  });
  book.configure(services);
  const status = (): ServiceStatus[] =>
    book.services().map((service) => {
      const one = unansweredService(service, NOW, new Map());
      const up = { state: 'up', connections: { active: connections, inactive: 0, persistent: 0 } } as const;
      return { ...one, servers: one.servers.map((server) => ({ ...server, ...up })) };
    });
  const desk = createServerChangeDesk({
    changes: book,
    now: () => NOW,
    ask: async () => (connections < 0 ? undefined : status()),
    changed: () => world.changed++,
  });
  const add = (table: Readonly<Record<string, unknown>>, more: { reason?: string; service?: string } = {}) =>
    desk.addServer(more.service ?? 'web', { table, by: 'anna', reason: more.reason ?? '' });
  const remove = (server: string, by = 'anna', service = 'web') =>
    desk.removeServer(service, { server, by, reason: '' });
  return { book, desk, world, disk, add, remove };
}

const addressesOf = (services: readonly ServiceConfig[], name = 'web'): readonly string[] => {
  const service = services.find((one) => one.name === name);
  return service?.servers.map(({ address }) => describeServer(service, address)) ?? [];
};
function refusal(result: ServerChangeResult) {
  assert.ok(!result.ok, 'it is refused');
  return result.error;
}
function done(result: ServerChangeResult) {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

test('a server is added, with an event and a word to the checker process', async () => {
  const { book, world, add } = deskOn();
  const answer = done(await add({ address: '10.0.0.23', name: 'web23', weight: 5 }, { reason: 'more load' }));
  assert.deepEqual(answer, {
    ...{ service: 'web', server: 'web23', address: '10.0.0.23:80', done: 'added' },
    change: {
      ...{ what: 'added', service: 'web', server: 'web23', address: '10.0.0.23:80' },
      ...{ by: 'anna', reason: 'more load', since: NOW.toISOString() },
    },
    ...{ connections: null, drainTimeout: 300_000, notes: [] },
  });
  assert.deepEqual(addressesOf(book.services()), ['10.0.0.21:80', '10.0.0.22:80', '10.0.0.23:80']);
  assert.deepEqual(world.happened, ['info web: server web23 (10.0.0.23:80) added at run time by anna: more load']);
  assert.equal(world.changed, 1);
});

test('one of the file is removed, and it is told what it has; it comes back by its address alone', async () => {
  const { book, world, remove, add } = deskOn(undefined, undefined, 7);
  const answer = done(await remove('web21'));
  assert.deepEqual([answer.done, answer.address, answer.connections?.active], ['removed', '10.0.0.21:80', 7]);
  assert.deepEqual(addressesOf(book.services()), ['10.0.0.22:80']);
  assert.deepEqual(refusal(await remove('10.0.0.21')), {
    error: 'already-removed',
    what: '10.0.0.21 was removed from web at run time by anna',
    todo: '`lvskeeper add-server web 10.0.0.21:80` has it back.',
  });
  assert.equal(done(await add({ address: '10.0.0.21:80' })).done, 'put-back');
  assert.deepEqual([book.services()[0]?.servers, book.current()], [servicesOf(WEB)[0]?.servers, []]);
  assert.deepEqual(world.happened, [
    'info web: server web21 (10.0.0.21:80) removed at run time by anna',
    'info web: server web21 (10.0.0.21:80) no longer removed at run time, taken back by anna',
  ]);
});

test('a removed server comes back as the file has it, or not at all', async () => {
  const { remove, add } = deskOn();
  done(await remove('web21'));
  const { what, todo } = refusal(await add({ address: '10.0.0.21:80', weight: 3 }));
  assert.equal(what, 'the file has 10.0.0.21:80 in web with weight = 10');
  assert.match(todo, /Give its address alone/);
  assert.match(refusal(await add({ address: '10.0.0.21', forward: 'nat' })).what, /in web without forward$/);
  assert.equal(done(await add({ address: '10.0.0.21:80', weight: 10, forward: null })).done, 'put-back');
});

test('an added server is taken back by removing it, and needs no removal of its own', async () => {
  const { book, world, remove, add } = deskOn();
  done(await add({ address: '10.0.0.23:80' }));
  const answer = done(await remove('10.0.0.23', 'bob'));
  assert.deepEqual([answer.done, answer.change.by], ['taken-back', 'anna']);
  assert.deepEqual(book.current(), []);
  assert.equal(world.happened.at(-1), 'info web: server 10.0.0.23:80 no longer added at run time, taken back by bob');
});

test('what has no place, or is not there, is refused and changes nothing', async () => {
  const { book, world, remove, add } = deskOn();
  assert.deepEqual(refusal(await add({ address: '10.0.0.21' })), {
    error: 'server-exists',
    what: 'web has the server web21 (10.0.0.21:80) already',
    todo: '`lvskeeper weight` gives it another weight; what else it has is changed in the file.',
  });
  const other = deskOn();
  done(await other.add({ address: '10.0.0.23:80' }));
  assert.match(
    refusal(await other.add({ address: '10.0.0.23' })).todo,
    /^`lvskeeper remove-server web 10\.0\.0\.23:80`/,
  );
  assert.match(refusal(await add({ address: '10.0.0.23:80', name: 'web21' })).what, /server of that name already/);
  const unknown = refusal(await add({ address: '10.0.0.23:80' }, { service: 'wbe' }));
  assert.deepEqual([unknown.error, unknown.what], ['no-such-service', 'there is no service wbe, did you mean web?']);
  assert.equal(refusal(await remove('web23')).error, 'no-such-server');
  assert.match(refusal(await remove('web23')).what, /there is no server web23 in web, did you mean web2[12]\?/);
  assert.equal(refusal(await remove('web21', 'anna', 'wbe')).error, 'no-such-service');
  assert.deepEqual([book.current(), world.happened, world.changed, world.saves], [[], [], 0, 0]);
  assert.equal(refusal(await deskOn(undefined, []).add({ address: '10.0.0.23:80' })).error, 'no-services');
});

test('what the file would not allow is refused in its words, all of them', async () => {
  const { remove, add } = deskOn(undefined, servicesOf(serviceToml('web', 80, [21, 22], 'quorum = 2')));
  const { error, what, issues } = refusal(await add({ address: '10.0.0.23:80', weight: 70_000, wieght: 1 }));
  assert.equal(error, 'wrong-server');
  assert.match(what, /^unknown key "wieght" in \[\[service\.server\]\], did you mean "weight"\? \(and 1 more\)$/);
  assert.equal(issues?.length, 2);
  assert.match(refusal(await add({ address: '[2001:db8::23]:80' })).what, /an IPv6 server behind an IPv4 service/);
  assert.match(refusal(await add({ address: '10.0.0.23:80', tunnel: 'gre' })).what, /tunnel has no effect here/);
  assert.match(refusal(await remove('web21')).what, /quorum is 2, expected at most 1/);
});

test('of several servers at one address it is asked which', async () => {
  const two = `${WEB}[[service.server]]\nname = "other"\naddress = "10.0.0.21:81"\n`;
  const { remove } = deskOn(undefined, servicesOf(two));
  const { error, what, todo } = refusal(await remove('10.0.0.21'));
  assert.equal(error, 'several-servers');
  assert.equal(`${what} ${todo}`, '10.0.0.21 is 2 servers of web Say which: 10.0.0.21:80, 10.0.0.21:81.');
  assert.equal(done(await remove('10.0.0.21:81')).server, 'other');
});

test('there is a word for what the operator might not expect', async () => {
  const unchecked = deskOn(undefined, servicesOf(serviceToml('web', 80, [21, 22], '', '')));
  const { notes } = done(await unchecked.add({ address: '10.0.0.23:80' }));
  assert.deepEqual(notes, ['web has no check: it counts as up at once']);
  const weightless = deskOn(undefined, servicesOf(WEB.replace('weight = 10', 'weight = 0')));
  assert.match(done(await weightless.remove('web22')).notes.join(), /every server has weight 0/);
  const silent = deskOn(undefined, undefined, -1);
  assert.match(done(await silent.remove('web21')).notes.join(), /the checker process does not answer/);
  const last = deskOn(undefined, servicesOf(serviceToml('web', 80, [21, 22])));
  assert.deepEqual(done(await last.remove('web21')).notes, []);
});

test('changes outlive the process, and are as they were', async () => {
  const disk = { saved: ok(undefined) as Result<unknown, string> };
  const first = deskOn(disk);
  done(await first.add({ address: '10.0.0.23:80', weight: 5, lower_threshold: 3, upper_threshold: 9 }));
  done(await first.remove('web21'));
  const next = deskOn(disk);
  assert.deepEqual(next.book.current(), first.book.current());
  assert.deepEqual(next.book.services(), first.book.services());
  assert.deepEqual([next.world.happened, next.world.saves], [[], 0]);
});

/** what stands in the file, what is told, how many changes are left */
const GOOD = {
  ...{ what: 'added', service: 'web', server: { address: '10.0.0.23:80' } },
  ...{ ...ANNA, since: NOW.toISOString() },
};
const DAMAGED = [
  [{}, /1 of 1 entries/, 0],
  ['x', /1 of 1 entries/, 0],
  [[GOOD, { ...GOOD, by: 7 }], /1 of 2 entries/, 1],
  [[GOOD, { ...GOOD, service: null }], /1 of 2 entries/, 1],
  [[GOOD, { ...GOOD, what: 'moved' }], /1 of 2 entries/, 1],
  [[GOOD, { ...GOOD, since: 'yesterday' }], /1 of 2 entries/, 1],
  [[GOOD, { ...GOOD, server: { address: '10.0.0.24:80', weight: -1 } }], /1 of 2 entries/, 1],
  [[GOOD, null, 3], /2 of 3 entries/, 1],
  [[GOOD], undefined, 1],
  [[], undefined, 0],
] as const;
for (const [saved, told, left] of DAMAGED)
  test(`a file of changes that holds ${JSON.stringify(saved).slice(0, 60)}: ${told?.source ?? 'nothing is told'}`, () => {
    const { book, world } = deskOn({ saved: ok(saved) });
    assert.equal(book.current().length, left);
    if (told === undefined) return assert.deepEqual(world.happened, []);
    assert.match(world.happened.join(), /^error servers changed at run time are forgotten: /);
    assert.match(world.happened.join(), told);
  });

test('a file that holds no JSON is told; one that is not there is not', (t) => {
  const folder = temporaryFolder(t);
  assert.deepEqual(loadServerChanges(folder), { ok: true, value: undefined });
  saveServerChanges(folder, [{ a: 1 }]);
  assert.deepEqual(loadServerChanges(folder), { ok: true, value: [{ a: 1 }] });
  writeFileSync(join(folder, 'server-changes.json'), '[{');
  const saved = loadServerChanges(folder);
  assert.ok(!saved.ok);
  const { book, world } = deskOn({ saved });
  assert.deepEqual(book.services(), servicesOf(WEB));
  assert.match(world.happened.join(), /forgotten: .*server-changes\.json is damaged: it holds no JSON$/);
});

test('a change that cannot be kept is in force all the same, and that is told', async () => {
  const told: Happening[] = [];
  const book = createServerChanges({
    load: () => ok(undefined),
    save: () => {
      throw new Error('no space left on device');
    },
    report: (happening) => told.push(happening),
  });
  book.configure(servicesOf(WEB));
  const desk = createServerChangeDesk({ changes: book, now: () => NOW, ask: async () => undefined, changed: () => {} });
  done(await desk.addServer('web', { table: { address: '10.0.0.23:80' }, ...ANNA }));
  assert.equal(addressesOf(book.services()).length, 3);
  assert.match(describe(told[0] as Happening), /cannot be kept: no space left on device; a restart .* forgets them$/);
});

const GOOD_ANSWER = { outcome: 'up', reason: 'connected', took: milliseconds(1) } as const;
const READ: FileAnswer = { outcome: 'applied', detail: '', file: 'a.toml', issues: [] };

test('a reload keeps what the file does not say, ends what it does, and says so', async () => {
  const { book, desk, world, add, remove, disk } = deskOn();
  done(await add({ address: '10.0.0.23:80', name: 'web23', weight: 10 }));
  done(await add({ address: '10.0.0.24:80' }));
  done(await remove('web21'));
  world.happened.length = 0;
  book.configure(servicesOf(serviceToml('web', 80, [22, 23])));
  const { serverChanges } = desk.afterReload(READ, { discard: false, by: 'anna' });
  assert.deepEqual(addressesOf(book.services()), ['10.0.0.22:80', '10.0.0.23:80', '10.0.0.24:80']);
  assert.deepEqual(
    serverChanges.kept.map(({ address }) => address),
    ['10.0.0.24:80'],
  );
  assert.deepEqual(
    serverChanges.ceased.map(({ address, why }) => [address, why]),
    [
      ['10.0.0.23:80', 'the file has it now'],
      ['10.0.0.21:80', 'the file no longer has it'],
    ],
  );
  assert.deepEqual(world.happened, [
    'info web: server web23 (10.0.0.23:80) no longer added at run time: the file has it now',
    'info web: server web21 (10.0.0.21:80) no longer removed at run time: the file no longer has it',
  ]);
  assert.equal(((disk.saved as { value: unknown[] }).value ?? []).length, 1);
  book.configure(servicesOf(serviceToml('web', 80, [22, 23])));
  assert.deepEqual(desk.afterReload(READ, { discard: false, by: 'anna' }).serverChanges.ceased, []);
});

test('of a service that has gone the server is named as it was', async () => {
  const { book, world, add } = deskOn(undefined, servicesOf(WEB, serviceToml('shop', 443, [21])));
  done(await add({ address: '10.0.0.23' }, { service: 'shop' }));
  book.configure(servicesOf(WEB));
  const end = 'no longer added at run time: its service is no longer in the config';
  assert.equal(world.happened.at(-1), `info shop: server 10.0.0.23 (10.0.0.23:443) ${end}`);
});

test('--discard drops all of them and says which; a refused file leaves them', async () => {
  const { book, desk, world, add, remove, disk } = deskOn();
  done(await add({ address: '10.0.0.23:80' }));
  done(await remove('web21'));
  const refused = desk.afterReload({ ...READ, outcome: 'refused' }, { discard: true, by: 'bob' });
  assert.deepEqual([refused.serverChanges.kept.length, refused.serverChanges.discarded], [2, []]);
  world.changed = 0;
  const { serverChanges } = desk.afterReload(READ, { discard: true, by: 'bob' });
  assert.deepEqual(
    serverChanges.discarded.map(({ what, address }) => `${what} ${address}`),
    ['added 10.0.0.23:80', 'removed 10.0.0.21:80'],
  );
  assert.deepEqual([serverChanges.kept, book.services(), disk.saved], [[], servicesOf(WEB), ok([])]);
  assert.equal(world.changed, 1);
  assert.deepEqual(world.happened.slice(2), [
    'info web: server 10.0.0.23:80 no longer added at run time, discarded by bob',
    'info web: server web21 (10.0.0.21:80) no longer removed at run time, discarded by bob',
  ]);
  desk.afterReload(READ, { discard: true, by: 'bob' });
  assert.equal(world.changed, 1, 'where there is nothing to discard nobody is told');
});

test('what another file would give has the changes too, and changes nothing', async () => {
  const { book, add, world } = deskOn();
  done(await add({ address: '10.0.0.23:80' }));
  assert.deepEqual(addressesOf(book.over(servicesOf(serviceToml('web', 80, [22])))), ['10.0.0.22:80', '10.0.0.23:80']);
  assert.deepEqual(addressesOf(book.over(servicesOf(serviceToml('web', 80, [22, 23])))), [
    '10.0.0.22:80',
    '10.0.0.23:80',
  ]);
  assert.equal(book.over(book.inFile()), book.services());
  assert.equal(world.happened.length, 1);
});

test('what a config on trial has no room for rests, and is in force again when it is rolled back', async () => {
  const { book, add, remove, world, disk } = deskOn();
  done(await add({ address: '10.0.0.23:80', name: 'web23', weight: 10 }));
  done(await remove('web21'));
  world.happened.length = 0;
  const tried = servicesOf(serviceToml('web', 80, [22, 23]));
  book.configure(tried, true);
  assert.deepEqual([book.services(), book.current(), world.happened], [tried, [], []]);
  const restarted = deskOn(disk);
  assert.equal(restarted.book.current().length, 2);
  book.configure(servicesOf(WEB));
  assert.deepEqual(addressesOf(book.services()), ['10.0.0.22:80', '10.0.0.23:80']);
  assert.deepEqual([book.current().length, world.happened], [2, []]);
  book.configure(tried, true);
  book.configure(tried);
  assert.equal(world.happened.length, 2, 'confirmed, they cease');
  assert.deepEqual(disk.saved, ok([]));
});

test('the status marks them, whether the checker process answers or not', async () => {
  const two = servicesOf(WEB, serviceToml('shop', 443, [21, 22]));
  const { book, add, remove } = deskOn(undefined, two);
  done(await add({ address: '10.0.0.23' }, { reason: 'more load' }));
  done(await remove('web21'));
  const keeper = createServiceKeeper(() => {});
  keeper.configure(book.services(), new Map(), instant(0));
  const unanswered = book.services().map((service) => unansweredService(service, NOW, new Map()));
  for (const services of [keeper.status(new Map(), instant(0), () => NOW.toISOString()), unanswered]) {
    const [web, shop] = marked(services, book.current(), (change) => namedIn(two, change));
    const terms = { by: 'anna', since: NOW.toISOString() };
    assert.deepEqual(
      web?.servers.map(({ address, added }) => [address, added]),
      [
        ['10.0.0.22:80', null],
        ['10.0.0.23:80', { ...terms, reason: 'more load' }],
      ],
    );
    assert.deepEqual(web?.removed, [{ name: 'web21', address: '10.0.0.21:80', reason: '', ...terms }]);
    assert.deepEqual([shop?.removed, shop?.servers.map(({ added }) => added)], [[], [null, null]]);
  }
});

test('an added server is not in until its check is good; a quorum counts what runs', async () => {
  const { book, add, remove } = deskOn(undefined, servicesOf(serviceToml('web', 80, [21, 22], 'quorum = "100%"')));
  done(await add({ address: '10.0.0.23:80' }));
  const keeper = createServiceKeeper(() => {});
  const look = () => {
    keeper.configure(book.services(), new Map(), instant(0));
    return keeper.status(new Map(), instant(0), () => '')[0];
  };
  assert.deepEqual(
    [look()?.quorum.needed, look()?.servers[2]?.state, look()?.servers[2]?.why],
    [3, 'unknown', 'unknown'],
  );
  const inTable = () =>
    [...keeper.desired(new Map(), instant(0)).values()][0]?.destinations.find(
      ({ address }) => address.address === '10.0.0.23',
    );
  assert.ok((inTable()?.weight ?? 0) === 0, 'no new connection before its check');
  const added = book.services()[0]?.servers.at(-1);
  assert.ok(added && book.services()[0]);
  for (const at of [1, 2, 3])
    keeper.take(verdictKey(book.services()[0] as ServiceConfig, added, TCP), GOOD_ANSWER, instant(at));
  assert.equal(inTable()?.weight, 1);
  done(await remove('web21'));
  done(await remove('web22'));
  assert.equal(look()?.quorum.needed, 1);
});
