import assert from 'node:assert/strict';
import test from 'node:test';
import { formatEndpoint } from '../../../src/base/address.ts';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { describe } from '../../../src/control/render.ts';
import { createLeavingServers } from '../../../src/daemon/leaving-servers.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { ProbeOutcome } from '../../../src/health/verdict.ts';
import { plan } from '../../../src/ipvs/plan.ts';
import type { Table } from '../../../src/ipvs/table.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

const EMPTY: Table = new Map();

/** Four servers with weight 100, each judged by its last probe. */
function service(options: string): ServiceConfig {
  const servers = [1, 2, 3, 4].map((n) => `{ name = "s${n}", address = "10.0.0.${n}", weight = 100 }`);
  const { config, issues } = load(
    `[[service]]
    name = "web"
    address = "192.0.2.10:80"
    forward = "nat"
    check = { type = "tcp", rise = 1, fall = 1 }
    server = [${servers.join(', ')}]
    ${options}`,
    { hostName: 'lb' },
  );
  const [only] = config?.services ?? [];
  assert.ok(only, JSON.stringify(issues));
  return only;
}

/** A keeper beside a kernel that does what it is told, and counts the connections that it is given. */
function world(options: string, kernel: Table = EMPTY) {
  const web = service(options);
  const told: string[] = [];
  const commands: string[] = [];
  const keeper = createServiceKeeper(
    (happening) => void told.push(describe(happening)),
    (of, { held }) => void commands.push(`${of.name} ${held ? 'up' : 'down'}`),
  );
  let table = kernel;
  keeper.configure([web], table, instant(0));

  /** Reconciles at that millisecond; `10.0.0.1:80 100, …`. */
  const settle = (at: number): string => {
    table = keeper.desired(table, instant(at));
    return destinations()
      .map(({ address, weight }) => `${formatEndpoint(address)} ${weight}`)
      .join(', ');
  };
  const destinations = () => [...table.values()].flatMap((s) => s.destinations);
  return {
    keeper,
    web,
    settle,
    commands,
    table: () => table,
    /** `+` good, `-` bad, `.` no answer yet, one a server. */
    probe(at: number, outcomes: string) {
      for (const [i, sign] of [...outcomes].entries()) {
        if (sign === '.') continue;
        const outcome: ProbeOutcome = sign === '+' ? 'up' : 'down';
        const server = web.servers[i] as ServiceConfig['servers'][number];
        keeper.take(verdictKey(web, server, TCP), { outcome, reason: outcome, took: milliseconds(1) }, instant(at));
      }
    },
    /** Weights alone, of the servers that are there. */
    weights: (at: number): string => settle(at).replaceAll(/10\.0\.0\.\d+:80 /g, ''),
    /** What was told since, without the verdicts. */
    news: () => told.splice(0).filter((line) => !line.includes(' → ')),
    connect(address: string, active: number) {
      const counts = { active, inactive: 0, persistent: 0 };
      table = new Map(
        [...table].map(([key, s]) => [
          key,
          {
            ...s,
            destinations: s.destinations.map((d) => (formatEndpoint(d.address) === address ? { ...d, counts } : d)),
          },
        ]),
      );
    },
    status: (at: number) => {
      const [only] = keeper.status(table, instant(at), (date: Instant) => `at ${date}`);
      assert.ok(only);
      return only;
    },
  };
}

const SORRY = 'quorum = 2\n sorry_server = "10.0.0.99"';

test('sorry servers take over with the quorum, and leave when their connections have ended', () => {
  const { probe, settle, connect, keeper, table, web } = world(SORRY);
  probe(0, '++++');
  assert.doesNotMatch(settle(0), /\.99/);
  probe(1000, '---+');
  assert.equal(settle(1000), '10.0.0.1:80 0, 10.0.0.2:80 0, 10.0.0.3:80 0, 10.0.0.4:80 0, 10.0.0.99:80 1');
  connect('10.0.0.99:80', 3);
  probe(5000, '+..+');
  assert.equal(settle(5000), '10.0.0.1:80 100, 10.0.0.2:80 0, 10.0.0.3:80 0, 10.0.0.4:80 100, 10.0.0.99:80 0');
  connect('10.0.0.99:80', 3);
  assert.equal(keeper.nextChange(table(), instant(5001), web), 10_000);
  assert.match(settle(10_000), /\.99:80 0$/);
  connect('10.0.0.99:80', 0);
  assert.doesNotMatch(settle(15_000), /\.99/);
  assert.equal(keeper.nextChange(table(), instant(15_001), web), undefined);
});

test('a sorry server is not waited for longer than a minute', () => {
  const { probe, settle, connect } = world(SORRY);
  probe(0, '---+');
  settle(0);
  probe(5000, '++++');
  settle(5000);
  connect('10.0.0.99:80', 3);
  assert.match(settle(64_999), /\.99:80 0$/);
  connect('10.0.0.99:80', 3);
  assert.doesNotMatch(settle(65_000), /\.99/);
});

test('while the sorry servers are in, on_failure = "remove" still takes failed servers out', () => {
  const { probe, settle } = world(`${SORRY}\n on_failure = "remove"`);
  probe(0, '---+');
  assert.equal(settle(0), '10.0.0.4:80 0, 10.0.0.99:80 1');
});

test('a sorry server does not wait for the servers that have left the config', () => {
  const { web, probe, settle, connect, table } = world(SORRY);
  probe(0, '---+');
  settle(0);
  connect('10.0.0.99:80', 3);
  const leaving = createLeavingServers({
    ...{ load: () => ({}), save: () => {}, look: () => {}, now: () => instant(0), later: () => ({ cancel: () => {} }) },
  });
  leaving.configure([web]);
  const actual = table();
  const wanted = new Map([...actual].map(([key, s]) => [key, { ...s, destinations: s.destinations.slice(0, 4) }]));
  assert.deepEqual(leaving.keep(actual, wanted, new Set(actual.keys())), wanted);
});

test('a restart with the sorry servers in writes nothing until the verdicts are there', () => {
  const before = world(SORRY);
  before.probe(0, '---+');
  before.settle(0);
  const again = world(SORRY, before.table());
  again.settle(0);
  assert.deepEqual(plan(before.table(), again.table(), new Set()), []);
  again.probe(10, '...+');
  again.settle(10);
  assert.deepEqual(plan(before.table(), again.table(), new Set()), []);
  assert.deepEqual([again.news(), again.commands], [[], []], 'nor is it told before it is certain');
  again.probe(20, '---.');
  assert.deepEqual(again.news(), ['web: quorum lost: 1 up, 2 needed']);
  again.probe(30, '+...');
  assert.match(again.settle(30), /^10\.0\.0\.1:80 100, .* 10\.0\.0\.99:80 0$/);
});

test('a restart that finds a sorry server ending lets it end', () => {
  const before = world(SORRY);
  before.probe(0, '---+');
  before.settle(0);
  before.probe(0, '+++.');
  before.settle(0);
  const again = world(SORRY, before.table());
  again.connect('10.0.0.99:80', 1);
  assert.match(again.settle(10), /\.99:80 0$/);
});

test('the commands are run when the quorum changes, and at the start only when it is lost', () => {
  const { probe, commands } = world('quorum = 2');
  probe(0, '++++');
  assert.deepEqual(commands, []);
  probe(1, '---.');
  probe(2, '-+..');
  assert.deepEqual(commands, ['web down', 'web up']);
  const lost = world('quorum = 2');
  lost.probe(0, '---');
  assert.deepEqual(lost.commands, ['web down']);
});

test('inside the hysteresis nothing is told', () => {
  const { probe, news } = world('quorum = 2\n quorum_hysteresis = 1');
  probe(0, '++++');
  probe(1, '---.');
  assert.deepEqual(news(), [], 'one is as many as are needed less the hysteresis');
  probe(2, '...-');
  assert.deepEqual(news(), ['web: quorum lost: 0 up, 2 needed']);
  probe(3, '++..');
  assert.deepEqual(news(), []);
  probe(4, '..+.');
  assert.deepEqual(news(), ['web: quorum held: 3 up, 2 needed']);
});

test('a quorum by weight is told in weight', () => {
  const { probe, news, status } = world('quorum = "50%"\n quorum_by = "weight"');
  probe(0, '++++');
  probe(0, '---.');
  assert.deepEqual(news(), ['web: quorum lost: weight 100 up, 200 needed']);
  assert.deepEqual(status(0).quorum, { needed: 200, up: 100, held: false, by: 'weight' });
});

test('a failed server stays in for want of room, which is told, and goes when there is some', () => {
  const { probe, weights, news, status } = world('max_ejected = "25%"');
  probe(0, '++++');
  probe(1000, '-...');
  probe(2000, '.-..');
  assert.equal(weights(2000), '0, 100, 100, 100');
  assert.deepEqual(news(), [
    'web: server s2 (10.0.0.2:80) stays in though it failed: 1 of 4 are out, as many as max_ejected allows',
  ]);
  assert.deepEqual(
    status(2000).servers.map(({ why }) => why),
    ['failed', 'kept', 'up', 'up'],
  );
  probe(2500, '...-');
  assert.deepEqual(news(), [
    'web: server s4 (10.0.0.4:80) stays in though it failed: 1 of 4 are out, as many as max_ejected allows',
  ]);
  probe(2600, '...+');
  probe(3000, '+...');
  assert.equal(weights(3000), '100, 0, 100, 100');
  assert.deepEqual(news(), [
    'web: server s2 (10.0.0.2:80) is taken out after all: there is room for it, with 1 of 4 out',
  ]);
  probe(4000, '.+..');
  assert.deepEqual(news(), []);
});

test('one that stayed in for want of room goes when a new config has room for all, which is told', () => {
  const { keeper, web, table, probe, weights, news } = world('max_ejected = "25%"');
  probe(0, '++++');
  probe(1000, '--..');
  assert.equal(weights(1000), '0, 100, 100, 100');
  assert.equal(news().length, 1);
  keeper.configure([{ ...web, maxEjected: 100 }], table(), instant(2000));
  assert.deepEqual(news(), [
    'web: server s2 (10.0.0.2:80) is taken out after all: there is room for it, with 2 of 4 out',
  ]);
});

test('in a panic all are in, and its beginning and end are told', () => {
  const { probe, weights, news, status } = world('panic_threshold = "50%"');
  probe(0, '++++');
  probe(1, '--..');
  assert.equal(weights(1), '0, 0, 100, 100');
  probe(2, '..-.');
  assert.equal(weights(2), '100, 100, 100, 100');
  assert.deepEqual(news(), ['web: panic: 1 of 4 servers up, fewer than 50%, so those that failed get traffic too']);
  assert.deepEqual([status(2).panic, status(2).servers[0]?.why], [true, 'panic']);
  probe(3, '+...');
  assert.equal(weights(3), '100, 0, 0, 100');
  assert.deepEqual(news(), ['web: the panic is over: 2 of 4 servers up, and those that failed are out']);
});

test('a server that comes back starts slowly, one that is new or there at our start does not', () => {
  const first = world('slow_start = "10s"');
  first.probe(0, '++-+');
  assert.equal(first.weights(0), '100, 100, 0, 100');
  first.probe(500, '..+.');
  assert.equal(first.weights(500), '100, 100, 10, 100');
  assert.equal(first.keeper.nextChange(first.table(), instant(500), first.web), 1500);
  assert.equal(first.weights(5500), '100, 100, 55, 100');
  assert.equal(first.status(5500).servers[2]?.why, 'slow-start');

  const restarted = world('slow_start = "10s"', first.table());
  assert.equal(restarted.weights(0), '100, 100, 100, 100', 'its ramp ends with a restart of ours');
  restarted.probe(1, '++++');
  assert.equal(restarted.weights(1), '100, 100, 100, 100');
  assert.equal(first.weights(10_500), '100, 100, 100, 100');
  assert.equal(first.keeper.nextChange(first.table(), instant(10_500), first.web), undefined);
});

test('a reload keeps the quorum, a ramp under way and what was told', () => {
  const { keeper, web, probe, weights, news, commands, table } = world('slow_start = "10s"\n quorum = 4');
  probe(0, '---+');
  probe(500, '+...');
  news();
  keeper.configure([{ ...web, name: 'web' }], table(), instant(600));
  assert.equal(weights(5500), '55, 0, 0, 100');
  assert.deepEqual([news(), commands], [[], ['web down']]);
  keeper.configure([{ ...web, quorum: 2 }], table(), instant(700));
  assert.deepEqual([news(), commands], [['web: quorum held: 2 up, 2 needed'], ['web down', 'web up']]);
});

test('status has the sorry servers, with what the kernel has of them', () => {
  const { probe, settle, connect, status } = world(SORRY);
  assert.deepEqual(status(0).sorryServers, [{ address: '10.0.0.99:80', weight: null, connections: null }]);
  probe(0, '---+');
  settle(0);
  connect('10.0.0.99:80', 3);
  const connections = { active: 3, inactive: 0, persistent: 0 };
  assert.deepEqual(status(0).sorryServers, [{ address: '10.0.0.99:80', weight: 1, connections }]);
  assert.equal(status(0).servers[3]?.why, 'sorry');
});
