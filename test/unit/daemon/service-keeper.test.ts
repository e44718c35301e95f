import assert from 'node:assert/strict';
import test from 'node:test';
import { type Endpoint, parseEndpoint } from '../../../src/base/address.ts';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createServiceKeeper, type ServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { ProbeOutcome } from '../../../src/health/verdict.ts';
import { idsOf } from '../../../src/ipvs/desired.ts';
import { type Table, tableOf } from '../../../src/ipvs/table.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

const endpoint = (text: string): Endpoint => parseEndpoint(text) as Endpoint;
/** What a server has that says no more of itself. */
const PLAIN = { forward: null, tunnel: null, upperThreshold: 0, lowerThreshold: 0 } as const;
const EMPTY: Table = new Map();
const NOW = instant(0);

/** Of two servers with weights 10 and 20, as it is by default but for its check. */
const WEB = `
  [[service]]
  name = "web"
  address = "192.0.2.10:80"
  forward = "nat"
  check = { type = "tcp", interval = "1s", timeout = "1s", rise = 2, fall = 3 }
  server = [
    { name = "one", address = "10.0.0.21:80", weight = 10 },
    { name = "two", address = "10.0.0.22:80", weight = 20 },
  ]`;

function service(more: Partial<ServiceConfig> = {}): ServiceConfig {
  return { ...(load(WEB, { hostName: 'lb1' }).config?.services[0] as ServiceConfig), ...more };
}

/** The kernel's table with these weights, in the order of the servers of `of`. */
function kernel(of: ServiceConfig, ...weights: readonly number[]): Table {
  const { scheduler } = of;
  const [id] = idsOf(of);
  const destinations = weights.map((weight, i) => ({
    address: of.servers[i]?.address as Endpoint,
    forward: of.forward,
    weight,
    upperThreshold: 0,
    lowerThreshold: 0,
    tunnel: null,
  }));
  const plain = { persistence: null, granularity: 32, engine: null, flags: 0 };
  return tableOf(id === undefined ? [] : [{ id, scheduler, ...plain, destinations }]);
}

function keeperOf(config: ServiceConfig, table: Table) {
  const happened: Happening[] = [];
  const keeper = createServiceKeeper((h) => happened.push(h));
  keeper.configure([config], table, instant(0));
  return { keeper, happened };
}

const result = (outcome: ProbeOutcome, reason = outcome) => ({ outcome, reason, took: milliseconds(1) });

function feed(
  keeper: ServiceKeeper,
  of: ServiceConfig,
  server: number,
  ...outcomes: readonly ProbeOutcome[]
): boolean[] {
  const key = verdictKey(of, of.servers[server] as ServiceConfig['servers'][number], TCP);
  return outcomes.map((outcome, i) => keeper.take(key, result(outcome), instant(i)) === of);
}

const weights = (table: Table): number[] => [...table.values()].flatMap((s) => s.destinations.map((d) => d.weight));
const date = (at: Instant): string => `at ${at}`;

test('a new server gets no traffic before its first probe, and its weight with the first good one', () => {
  const web = service();
  const { keeper } = keeperOf(web, EMPTY);
  assert.deepEqual(weights(keeper.desired(EMPTY, NOW)), [0, 0]);
  assert.deepEqual(feed(keeper, web, 0, 'up'), [true]);
  assert.deepEqual(weights(keeper.desired(EMPTY, NOW)), [10, 0]);
});

test('what the kernel has when we start is what we want, until a probe says otherwise', () => {
  const web = service();
  const table = kernel(web, 10, 0);
  const { keeper } = keeperOf(web, table);
  assert.deepEqual(weights(keeper.desired(table, NOW)), [10, 0]);
  assert.deepEqual(feed(keeper, web, 0, 'down', 'down', 'down'), [false, false, true]);
  assert.deepEqual(weights(keeper.desired(table, NOW)), [0, 0]);
});

test('a server that fails is quiesced, or removed where the service says so', () => {
  for (const [onFailure, left] of [
    ['quiesce', [0, 20]],
    ['remove', [20]],
  ] as const) {
    const web = service({ onFailure });
    const { keeper } = keeperOf(web, EMPTY);
    feed(keeper, web, 0, 'up', 'down', 'down', 'down');
    feed(keeper, web, 1, 'up');
    assert.deepEqual(weights(keeper.desired(EMPTY, NOW)), left);
  }
});

test('a service without a check has its servers as configured', () => {
  const web = service({ checks: [] });
  const { keeper } = keeperOf(web, EMPTY);
  assert.deepEqual(weights(keeper.desired(EMPTY, NOW)), [10, 20]);
  assert.equal(keeper.status(EMPTY, NOW, date)[0]?.servers[0]?.state, 'up');
});

test('a verdict and the quorum that goes with it are reported, once each', () => {
  const web = service({ quorum: 2 });
  const { keeper, happened } = keeperOf(web, EMPTY);
  feed(keeper, web, 0, 'up');
  feed(keeper, web, 1, 'up', 'down', 'down', 'down', 'down', 'up', 'up');
  const told = happened.map((h) =>
    h.kind === 'server'
      ? `${h.server} ${h.from} → ${h.to}`
      : h.kind === 'quorum'
        ? `quorum ${h.held} ${h.up}/${h.needed}`
        : '',
  );
  assert.deepEqual(told, [
    'one unknown → up',
    'two unknown → up',
    'two up → down',
    'quorum false 1/2',
    'two down → up',
    'quorum true 2/2',
  ]);
});

test('a reload keeps the verdict of a server that stays, and begins anew for one that came', () => {
  const web = service();
  const { keeper } = keeperOf(web, EMPTY);
  feed(keeper, web, 0, 'up');
  const three = { name: 'three', address: endpoint('10.0.0.23:80'), weight: 30, ...PLAIN };
  const first = web.servers[0] as ServiceConfig['servers'][number];
  const next = service({ servers: [{ ...first, weight: 15 }, three] });
  keeper.configure([next], EMPTY, instant(5));
  assert.deepEqual(weights(keeper.desired(EMPTY, NOW)), [15, 0]);
});

test('a probe of a server that left is ignored', () => {
  const web = service();
  const { keeper, happened } = keeperOf(web, EMPTY);
  keeper.configure([], EMPTY, instant(1));
  assert.deepEqual(feed(keeper, web, 0, 'up'), [false]);
  assert.deepEqual(happened, []);
});

test('status tells configured and present weight apart, and when nothing is known', () => {
  const web = service();
  const { keeper } = keeperOf(web, EMPTY);
  feed(keeper, web, 0, 'up', 'local-error');
  const [one, two] = keeper.status(kernel(web, 7), NOW, date)[0]?.servers ?? [];
  assert.deepEqual([one?.configuredWeight, one?.weight, two?.weight], [10, 7, null]);
  assert.deepEqual([one?.state, two?.state, two?.checks[0]?.last], ['up', 'unknown', null]);
  assert.deepEqual([one?.checks[0]?.probes, one?.checks[0]?.localErrors], [2, 1]);
});

test('a service of 5,000 servers is looked through once, not once a server', () => {
  const servers = Array.from({ length: 5000 }, (_, i) => ({
    name: `s${i}`,
    address: endpoint(`10.${1 + Math.floor(i / 250)}.0.${1 + (i % 250)}:80`),
    weight: 1,
    ...PLAIN,
  }));
  const big = service({ servers });
  const table = kernel(big, ...servers.map(() => 1));
  let reads = 0;
  const [only] = [...table.values()];
  const counted = new Proxy(only?.destinations ?? [], {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  const watched: Table = new Map([...table].map(([key, s]) => [key, { ...s, destinations: counted }]));
  const { keeper } = keeperOf(big, watched);
  keeper.desired(watched, NOW);
  keeper.status(watched, NOW, date);
  assert.ok(reads <= 2 * servers.length, `${reads} reads`);
});
