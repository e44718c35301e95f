import assert from 'node:assert/strict';
import test from 'node:test';
import { type Duration, instant, milliseconds, seconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { ServerOrderRequest, ServerTarget } from '../../../src/control/director.ts';
import type { Happening } from '../../../src/control/event.ts';
import { describe } from '../../../src/control/render.ts';
import type { ServerOrder, ServiceStatus } from '../../../src/control/status.ts';
import { createServerDesk } from '../../../src/daemon/server-desk.ts';
import { createServerOrders, orderable, serverOrderKey } from '../../../src/daemon/server-orders.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { unansweredService } from '../../../src/daemon/unanswered.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { Table } from '../../../src/ipvs/table.ts';
import { outPlace, type ServerWord } from '../../../src/pool/ordered.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

/** A service with the servers `web1` and `web2` (weight 10), as the config file says more of it. */
const serviceToml = (name: string, port: number, more = '', servers: readonly string[] = ['21', '22']): string => `
[[service]]
name = "${name}"
address = "192.0.2.10:${port}"
forward = "nat"
${more}
[service.check]
type = "tcp"
rise = 2
fall = 2
${servers.map((last, i) => `[[service.server]]\nname = "web${i + 1}"\naddress = "10.0.0.${last}:80"\nweight = 10\n`).join('')}
`;

function servicesOf(...tomls: readonly string[]): readonly ServiceConfig[] {
  const { config, issues } = load(tomls.join(''), { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}

const WEB = serviceToml('web', 80);
const SHOP = serviceToml('shop', 443);
const SIX = serviceToml('six', 81)
  .replaceAll(/10\.0\.0\.(\d+):80/g, '[2001:db8::$1]:80')
  .replace('192.0.2.10', '[2001:db8::10]');

const START = Date.parse('2026-03-01T12:00:00.000Z');
const terms = { lifetime: null, reason: '', by: 'anna' } as const;
const DRAIN = { kind: 'drain', weight: null } as const;
const DISABLE = { kind: 'disable', weight: null } as const;

/** An order book whose clock and timer the test moves, and whose file is `disk`. */
function bookOn(disk: { saved: unknown }, services = servicesOf(WEB, SHOP)) {
  const world = { clock: START, lapses: 0, happened: [] as string[] };
  let due: { at: number; work: () => void } | undefined;
  const book = createServerOrders({
    load: () => disk.saved,
    save: (value) => {
      disk.saved = JSON.parse(JSON.stringify(value));
    },
    now: () => new Date(world.clock),
    later: (after: Duration, work) => {
      due = { at: after, work };
      return { cancel: () => (due = undefined) };
    },
    report: (happening: Happening) => world.happened.push(describe(happening)),
    lapsed: () => world.lapses++,
  });
  book.configure(services);
  return { book, world, fire: () => due?.work() };
}

const all = (services: readonly ServiceConfig[]) =>
  services.flatMap((service) => service.servers.map((server) => orderable(service, server)));
const kindsOf = (orders: ReadonlyMap<string, ServerOrder>) =>
  Object.fromEntries([...orders].map(([key, { kind }]) => [key, kind]));

test('an order is for a server of a service: the same machine in another service is not meant', () => {
  const services = servicesOf(WEB, SHOP);
  const { book, world } = bookOn({ saved: undefined }, services);
  book.give(all(services).slice(0, 1), { ...terms, ...DRAIN, reason: 'new disk' });
  assert.deepEqual(kindsOf(book.current()), { 'web 10.0.0.21:80': 'drain' });
  assert.deepEqual(world.happened, ['web: server web1 (10.0.0.21:80) drained by anna until taken back: new disk']);
});

test('a later order takes the place of an earlier one, and one taken back is gone', () => {
  const services = servicesOf(WEB);
  const { book, world } = bookOn({ saved: undefined }, services);
  const [web1] = all(services);
  assert.ok(web1);
  book.give([web1], { ...terms, ...DRAIN });
  book.give([web1], { ...terms, kind: 'weight', weight: 5, by: 'bob' });
  assert.deepEqual(kindsOf(book.current()), { 'web 10.0.0.21:80': 'weight' });
  book.takeBack([web1], 'carol');
  assert.equal(book.current().size, 0);
  assert.deepEqual(world.happened.slice(1), [
    'web: server web1 (10.0.0.21:80) given weight 5 by bob until taken back',
    'web: server web1 (10.0.0.21:80) no longer given weight 5 by bob: taken back by carol',
  ]);
});

test('an order ends at the time of day that was told, also while nobody runs', () => {
  const disk = { saved: undefined };
  const services = servicesOf(WEB);
  const { book, world, fire } = bookOn(disk, services);
  const [web1, web2] = all(services);
  assert.ok(web1 && web2);
  book.give([web1], { ...terms, ...DRAIN, lifetime: seconds(600) });
  book.give([web2], { ...terms, ...DISABLE, lifetime: seconds(60) });
  world.clock += 60_000;
  fire();
  assert.deepEqual([kindsOf(book.current()), world.lapses], [{ 'web 10.0.0.21:80': 'drain' }, 1]);
  const after = bookOn(disk, services);
  assert.deepEqual([kindsOf(after.book.current()), after.world.happened], [{ 'web 10.0.0.21:80': 'drain' }, []]);
  after.world.clock += 600_000;
  after.fire();
  assert.deepEqual(after.world.happened, [
    'web: server web1 (10.0.0.21:80) no longer drained by anna: its time is over',
  ]);
});

/** web1 is drained, and then a config without it is on trial. */
function onTrial() {
  const disk = { saved: undefined };
  const services = servicesOf(WEB);
  const without = servicesOf(serviceToml('web', 80, '', ['23', '22']));
  const { book, world } = bookOn(disk, services);
  book.give(all(services).slice(0, 1), { ...terms, ...DRAIN });
  book.configure(without, true);
  return { disk, services, without, book, world };
}

test('while a config without the server is on trial, its order rests, also over a restart, and is in force again after it', () => {
  const { disk, services, without, book, world } = onTrial();
  assert.equal(book.current().size, 0);
  book.give(all(without).slice(1), { ...terms, ...DISABLE });
  for (const one of [{ book, world }, bookOn(disk, services)]) {
    one.book.configure(without, true);
    one.book.configure(services);
    assert.deepEqual(kindsOf(one.book.current()), { 'web 10.0.0.21:80': 'drain', 'web 10.0.0.22:80': 'disable' });
  }
  assert.equal(world.happened.length, 2, 'it has not ended, and is not given anew');
});

test('an order that rests ends with a trial that leaves the server out for good', () => {
  const { disk, without, book, world } = onTrial();
  book.configure(without);
  assert.deepEqual([book.current().size, disk.saved], [0, {}]);
  assert.match(world.happened.at(-1) ?? '', /no longer drained by anna: it is no longer in the config$/);
});

test('an order ends when the server leaves the config, under the name that it had', () => {
  const disk = { saved: undefined };
  const services = servicesOf(WEB);
  const { book, world } = bookOn(disk, services);
  book.give(all(services).slice(0, 1), { ...terms, ...DRAIN });
  book.configure(servicesOf(serviceToml('web', 80, '', ['23', '22'])));
  assert.deepEqual([book.current().size, disk.saved], [0, {}]);
  assert.equal(
    world.happened.at(-1),
    'web: server web1 (10.0.0.21:80) no longer drained by anna: it is no longer in the config',
  );
});

test('… or, when it left while nobody ran, under its address', () => {
  const disk = { saved: undefined };
  const services = servicesOf(WEB);
  bookOn(disk, services).book.give(all(services).slice(0, 1), { ...terms, ...DRAIN });
  assert.deepEqual(bookOn(disk, servicesOf(SHOP)).world.happened, [
    'web: server 10.0.0.21:80 no longer drained by anna: it is no longer in the config',
  ]);
});

test('an order outlives another name of the server, and another port of the service', () => {
  const services = servicesOf(WEB);
  const { book, world } = bookOn({ saved: undefined }, services);
  book.give(all(services).slice(0, 1), { ...terms, ...DRAIN });
  book.configure(servicesOf(serviceToml('web', 8080).replace('name = "web1"', 'name = "anna"')));
  assert.deepEqual([book.current().size, world.happened.length], [1, 1]);
});

test('a server without a port of its own keeps its order when the service gets more ports', () => {
  const bare = WEB.replaceAll(/(10\.0\.0\.\d+):80/g, '$1').replace('type = "tcp"', 'type = "tcp"\nport = 80');
  const services = servicesOf(bare);
  const { book } = bookOn({ saved: undefined }, services);
  book.give(all(services).slice(0, 1), { ...terms, ...DRAIN });
  book.configure(servicesOf(bare.replace('192.0.2.10:80', '192.0.2.10:80-81')));
  assert.equal(book.current().size, 1);
});

test('of a damaged file what can be read counts', () => {
  const good = { kind: 'drain', weight: null, by: 'anna', reason: '', since: '2026-03-01T11:00:00.000Z', until: null };
  const bad = [
    null,
    { ...good, kind: 'demote' },
    { ...good, weight: 3 },
    { ...good, by: 1 },
    { ...good, kind: 'weight' },
    { ...good, kind: 'weight', weight: 0 },
    { ...good, kind: 'weight', weight: 65536 },
    { ...good, kind: 'weight', weight: 1.5 },
    { ...good, until: 'x' },
  ];
  for (const order of bad)
    assert.deepEqual(
      kindsOf(bookOn({ saved: { 'web 10.0.0.21:80': order, 'web 10.0.0.22:80': good } }).book.current()),
      { 'web 10.0.0.22:80': 'drain' },
      JSON.stringify(order),
    );
});

// The place in the table.

/** on failure, the order, health, weight in the kernel: the place */
const PLACES = [
  ['quiesce', DRAIN, 'up', 10, 0],
  ['quiesce', DRAIN, 'down', 0, 0],
  ['quiesce', DRAIN, 'unknown', 10, 0],
  ['quiesce', DRAIN, 'unknown', null, 0],
  ['remove', DRAIN, 'up', 10, 0],
  ['remove', DRAIN, 'unknown', 10, 0],
  ['remove', DRAIN, 'down', 0, 'absent'],
  ['quiesce', DISABLE, 'up', 10, 'absent'],
  ['quiesce', DISABLE, 'down', 0, 'absent'],
  ['quiesce', DISABLE, 'unchecked', 10, 'absent'],
] as const;
for (const [onFailure, word, health, present, place] of PLACES)
  test(`${word.kind}: ${health}, ${present ?? 'not'} in the kernel, on failure ${onFailure}: ${place}`, () => {
    assert.equal(outPlace(word, onFailure, { weight: 10, health, present }), place);
  });

// The keeper of the services.

const EMPTY: Table = new Map();
const LATER = instant(1000);
const ordersFor = (service: ServiceConfig, words: readonly (ServerWord | null)[]) =>
  new Map(
    words.flatMap((word, i) => {
      const server = service.servers[i];
      if (word === null || server === undefined) return [];
      const order: ServerOrder = { ...word, by: 'anna', reason: '', since: new Date(START).toISOString(), until: null };
      return [[serverOrderKey(service, server), order] as const];
    }),
  );

/** A keeper of one service whose servers have all answered well. */
function keeperOf(toml: string, words: readonly (ServerWord | null)[]) {
  const happened: Happening[] = [];
  const services = servicesOf(toml);
  const [service] = services;
  assert.ok(service);
  const keeper = createServiceKeeper((happening) => happened.push(happening));
  const order = (next: readonly (ServerWord | null)[]): void =>
    keeper.configure(services, EMPTY, instant(1), ordersFor(service, next));
  order(words);
  const answer = (i: number, outcome: 'up' | 'down', times = 2): void => {
    const server = service.servers[i];
    assert.ok(server);
    for (let n = 0; n < times; n++)
      keeper.take(
        verdictKey(service, server, TCP),
        { outcome, reason: outcome, took: milliseconds(1) },
        instant(2 + n),
      );
  };
  for (const i of service.servers.keys()) answer(i, 'up');
  const places = (): Record<string, number> =>
    Object.fromEntries(
      [...keeper.desired(EMPTY, LATER).values()].flatMap((s) =>
        s.destinations.map((d) => [d.address.address, d.weight]),
      ),
    );
  const quorums = () => happened.flatMap((h) => (h.kind === 'quorum' ? [`${h.held} ${h.up}`] : []));
  return { keeper, order, answer, places, quorums };
}

test('a drained server has weight 0 though it is up, and comes back with the end of the order', () => {
  const { order, places } = keeperOf(WEB, [DRAIN, null]);
  assert.deepEqual(places(), { '10.0.0.21': 0, '10.0.0.22': 10 });
  order([null, null]);
  assert.deepEqual(places(), { '10.0.0.21': 10, '10.0.0.22': 10 });
});

test('a disabled server is not in the table', () => {
  const { order, places } = keeperOf(WEB, [null, null]);
  order([null, DISABLE]);
  assert.deepEqual(places(), { '10.0.0.21': 10 });
});

test('another weight counts while the server is up', () => {
  const { answer, places } = keeperOf(WEB, [{ kind: 'weight', weight: 3 }, null]);
  assert.deepEqual(places(), { '10.0.0.21': 3, '10.0.0.22': 10 });
  answer(0, 'down');
  assert.deepEqual(places(), { '10.0.0.21': 0, '10.0.0.22': 10 });
  answer(0, 'up');
  assert.deepEqual(places(), { '10.0.0.21': 3, '10.0.0.22': 10 });
});

test('a server that an operator has taken out does not count for the quorum, and counts again afterwards', () => {
  for (const out of [DRAIN, DISABLE]) {
    const { keeper, order, quorums } = keeperOf(serviceToml('web', 80, 'quorum = 2'), [null, null]);
    order([out, null]);
    assert.deepEqual(quorums(), ['false 1']);
    assert.equal(keeper.status(EMPTY, LATER, String)[0]?.quorum.up, 1);
    order([null, null]);
    assert.deepEqual(quorums(), ['false 1', 'true 2']);
    order([{ kind: 'weight', weight: 1 }, null]);
    assert.equal(quorums().length, 2);
  }
});

test('a preview of another config has the orders too', () => {
  const { keeper } = keeperOf(WEB, [DISABLE, null]);
  const preview = keeper.desired(EMPTY, LATER, servicesOf(serviceToml('web', 80, 'scheduler = "rr"')));
  assert.deepEqual(
    [...preview.values()].map(({ destinations }) => destinations.map(({ address }) => address.address)),
    [['10.0.0.22']],
  );
});

test('the status shows the order with its server; also where the checker process does not answer', () => {
  const { keeper } = keeperOf(WEB, [DRAIN, null]);
  assert.deepEqual(
    keeper.status(EMPTY, LATER, String)[0]?.servers.map(({ state, order }) => [state, order?.kind]),
    [
      ['up', 'drain'],
      ['up', undefined],
    ],
  );
  const [web] = servicesOf(WEB);
  assert.ok(web);
  const silent = unansweredService(web, new Date(START), ordersFor(web, [null, DISABLE]));
  assert.deepEqual(
    silent.servers.map(({ order }) => order?.kind),
    [undefined, 'disable'],
  );
});

// The desk.

/** A desk in front of these services, whose servers are up with these connections; `null`: nobody knows. */
function deskOf(
  services: readonly ServiceConfig[],
  connections: number | null = 12,
  templatesExpire = false,
  state: 'up' | 'down' = 'up',
) {
  const { book } = bookOn({ saved: undefined }, services);
  const told = { times: 0 };
  const ask = async (): Promise<readonly ServiceStatus[] | undefined> =>
    connections === null
      ? undefined
      : services.map((service) => {
          const { servers, ...status } = unansweredService(service, new Date(START), book.current());
          const up = {
            state,
            weight: 10,
            connections: { active: connections, inactive: 3, persistent: 0 },
          } as const;
          return { ...status, servers: servers.map((server) => ({ ...server, ...up })) };
        });
  const desk = createServerDesk({
    orders: book,
    services: () => services,
    ask,
    templatesExpire: () => templatesExpire,
    changed: () => told.times++,
  });
  const give = (target: ServerTarget, word: ServerWord) =>
    desk.orderServer({ ...terms, ...target, ...word } as ServerOrderRequest);
  return { desk, give, told, book };
}

const web1 = { server: 'web1', service: null } as const;

test('a server is known by its name and its address, with and without port, in every service or in one', async () => {
  const services = servicesOf(WEB, SHOP, SIX);
  for (const [server, service, expected] of [
    ['web1', null, ['web', 'shop', 'six']],
    ['web1', 'shop', ['shop']],
    ['10.0.0.21', null, ['web', 'shop']],
    ['10.0.0.21:80', 'web', ['web']],
    ['2001:db8::21', null, ['six']],
    ['2001:DB8:0::21', null, ['six']],
    ['[2001:db8:0:0::21]:80', null, ['six']],
  ] as const) {
    const { give, told } = deskOf(services);
    const answer = await give({ server, service }, DRAIN);
    assert.ok(answer.ok, server);
    assert.deepEqual(
      answer.value.servers.map((one) => one.service),
      expected,
      server,
    );
    assert.equal(told.times, 1);
  }
});

/** server, service, error, what is said */
const UNKNOWN = [
  [
    'wbe1',
    null,
    'no-such-server',
    /^there is no server wbe1, did you mean web1\? There are: web1 \(10\.0\.0\.21:80\), web2 \(10/,
  ],
  [
    '10.0.0.21:81',
    'web',
    'no-such-server',
    /^there is no server 10\.0\.0\.21:81 in web, did you mean 10\.0\.0\.21:80\?/,
  ],
  ['10.0.0.29', null, 'no-such-server', /^there is no server 10\.0\.0\.29, did you mean 10\.0\.0\.2[12]\?/],
  ['web1', 'shpo', 'no-such-service', /^there is no service shpo, did you mean shop\? There are: web, shop\.$/],
] as const;
for (const [server, service, error, said] of UNKNOWN)
  test(`${server}${service === null ? '' : ` of ${service}`} is unknown, which is said with the nearest`, async () => {
    const { give, desk, told } = deskOf(servicesOf(WEB, SHOP));
    const back = desk.takeBackServer({ server, service, kind: null, by: 'anna' });
    for (const answer of [await give({ server, service }, DRAIN), await back]) {
      assert.ok(!answer.ok);
      assert.equal(answer.error.error, error);
      assert.match(`${answer.error.what} ${answer.error.todo}`, said);
    }
    assert.equal(told.times, 0);
  });

test('without any service that is what is said; of many servers the first are listed', async () => {
  const none = await deskOf([]).give(web1, DRAIN);
  assert.ok(!none.ok);
  assert.equal(none.error.error, 'no-services');
  const many = servicesOf(
    serviceToml(
      'web',
      80,
      '',
      Array.from({ length: 100 }, (_, i) => String(i + 1)),
    ),
  );
  const answer = await deskOf(many).give({ server: 'nobody', service: null }, DRAIN);
  assert.ok(!answer.ok);
  assert.match(answer.error.todo, /^There are: web1 .*, and 80 more\.$/);
});

test('an order is answered with what the kernel had, and with what it took the place of', async () => {
  const { give } = deskOf(servicesOf(WEB));
  await give(web1, DRAIN);
  const answer = await give(web1, DISABLE);
  assert.ok(answer.ok);
  const [one] = answer.value.servers;
  assert.deepEqual(
    [one?.done, one?.order?.kind, one?.replaced?.kind, one?.connections?.active, one?.notes],
    ['given', 'disable', 'drain', 12, []],
  );
});

test('an order is taken also while the checker process does not answer, which is said', async () => {
  const { give, book, told } = deskOf(servicesOf(WEB), null);
  const answer = await give(web1, DRAIN);
  assert.ok(answer.ok);
  assert.deepEqual(
    answer.value.servers.map(({ connections, notes }) => [connections, notes]),
    [[null, ['the checker process does not answer, and is told as soon as it does']]],
  );
  assert.deepEqual([book.current().size, told.times], [1, 1]);
});

/** the service, whether templates expire, what is said of a drained server */
const LASTING = [
  ['', false, []],
  ['protocol = "udp"', false, [/^UDP says no goodbye: .*300 s by default/]],
  ['protocol = "udp"\nops = true', false, []],
  ['persistence = "5m"', false, [/known clients still come back, for up to 5 m .*expire_quiescent_template = true/]],
  ['persistence = "5m"', true, [/known clients go elsewhere with their next connection.* up to 5 m$/]],
] as const;
for (const [toml, expire, said] of LASTING)
  test(`drained with "${toml.replace('\n', ', ')}"${expire ? ', templates that expire' : ''}: what keeps its connections is said`, async () => {
    const { give } = deskOf(servicesOf(serviceToml('web', 80, toml)), 12, expire);
    const answer = await give(web1, DRAIN);
    assert.ok(answer.ok);
    const notes = answer.value.servers.flatMap((one) => one.notes);
    assert.equal(notes.length, said.length, notes.join('\n'));
    for (const [i, pattern] of said.entries()) assert.match(notes[i] ?? '', pattern);
    const out = await give(web1, DISABLE);
    assert.ok(out.ok);
    assert.deepEqual(out.value.servers[0]?.notes, [], 'a disabled server keeps nothing');
  });

test('of a server that is down it is said that it has to be up first, unless it is taken out', async () => {
  const services = servicesOf(WEB);
  const { desk, give } = deskOf(services, 12, false, 'down');
  const weight = await give(web1, { kind: 'weight', weight: 5 });
  const back = await desk.takeBackServer({ ...web1, kind: 'weight', by: 'anna' });
  for (const answer of [weight, back]) {
    assert.ok(answer.ok);
    assert.deepEqual(answer.value.servers[0]?.notes, ['it is down: this counts from when it is up']);
  }
});

test('whoever takes the last server out is told so', async () => {
  const { give } = deskOf(servicesOf(WEB));
  await give({ server: 'web2', service: null }, DISABLE);
  const answer = await give(web1, DRAIN);
  assert.ok(answer.ok);
  assert.deepEqual(answer.value.servers[0]?.notes, ['web has no other server that is up']);
});

test('what is taken back is the order of that kind; of another it is said what takes it back', async () => {
  const { desk, give, told, book } = deskOf(servicesOf(WEB));
  await give(web1, DISABLE);
  const wrong = await desk.takeBackServer({ ...web1, kind: 'drain', by: 'bob' });
  assert.ok(wrong.ok);
  assert.deepEqual(
    wrong.value.servers.map(({ done, detail }) => [done, detail]),
    [['nothing', 'it is disabled by anna, which `lvskeeper enable web1` takes back']],
  );
  assert.deepEqual([book.current().size, told.times], [1, 1]);
  const right = await desk.takeBackServer({ ...web1, kind: 'disable', by: 'bob' });
  assert.ok(right.ok);
  assert.deepEqual(
    right.value.servers.map(({ done, order }) => [done, order?.by]),
    [['taken-back', 'anna']],
  );
  const again = await desk.takeBackServer({ ...web1, kind: null, by: 'bob' });
  assert.ok(again.ok);
  assert.deepEqual(
    again.value.servers.map(({ done, detail }) => [done, detail]),
    [['nothing', 'there is no such order to take back']],
  );
  assert.equal(told.times, 2);
});

test('whatever kind is in force is taken back when none is named', async () => {
  const { desk, give, book } = deskOf(servicesOf(WEB, SHOP));
  await give({ server: 'web1', service: 'web' }, DISABLE);
  await give({ server: 'web1', service: 'shop' }, { kind: 'weight', weight: 3 });
  assert.ok((await desk.takeBackServer({ ...web1, kind: null, by: 'bob' })).ok);
  assert.equal(book.current().size, 0);
});
