/** A service whose servers have several checks, and checks that say more than up and down. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { CheckConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { createVerdictBook, type Restored, verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { Advice, ProbeOutcome, ProbeResult } from '../../../src/health/verdict.ts';
import type { Table } from '../../../src/ipvs/table.ts';
import { defaults } from '../checkers/loopback.ts';

const EMPTY: Table = new Map();
const NOW = instant(0);
const date = (at: Instant): string => `at ${at}`;

/** One server of weight 40, with the checks `tcp` and `http`. */
function service(more = ''): ServiceConfig {
  const { config, issues } = load(
    `[[service]]
     name = "web"
     address = "192.0.2.10:80"
     forward = "nat"
     ${more}
     server = [{ name = "one", address = "10.0.0.21:80", weight = 40, lower_threshold = 5, upper_threshold = 10 }]
     [[service.check]]
     type = "tcp"
     rise = 1
     fall = 1
     [[service.check]]
     type = "http"
     rise = 2
     fall = 2`,
    { hostName: 'lb1' },
  );
  assert.ok(config, issues.map(({ message }) => message).join());
  return config.services[0] as ServiceConfig;
}

const agent = (name: string): CheckConfig => ({ ...defaults('agent', 'port = 7000'), name });
/** The same server, with two checks that can say all that there is to say. */
const withAgents = (): ServiceConfig => ({ ...service(), checks: [agent('tcp'), agent('http')] });

function world(of: ServiceConfig, restored?: Restored, kernel: Table = EMPTY) {
  const happened: Happening[] = [];
  const book = createVerdictBook(() => restored);
  const keeper = createServiceKeeper((happening) => happened.push(happening), undefined, book);
  keeper.configure([of], kernel, NOW);
  const [one] = of.servers;
  return {
    keeper,
    book,
    feed: (check: string, outcome: ProbeOutcome, advice?: Advice, more: Partial<ProbeResult> = {}): boolean =>
      one !== undefined &&
      keeper.take(
        verdictKey(of, one, { name: check }),
        { outcome, reason: `${check} ${outcome}`, took: milliseconds(1), ...(advice && { advice }), ...more },
        NOW,
      ) === of,
    told: () => happened.splice(0).flatMap((h) => (h.kind === 'server' ? [`${h.from} -> ${h.to}: ${h.reason}`] : [])),
    server: () => keeper.status(EMPTY, NOW, date)[0]?.servers[0],
    destination: () => [...keeper.desired(EMPTY, NOW).values()][0]?.destinations[0],
  };
}

test('a server that must pass all its checks is up with the last of them, and down with the first that fails', () => {
  const w = world(service());
  assert.equal(w.feed('tcp', 'up'), false);
  assert.equal(w.server()?.state, 'unknown');
  assert.equal(w.feed('http', 'up'), true);
  assert.equal(w.destination()?.weight, 40);
  assert.equal(w.feed('http', 'down'), false);
  assert.equal(w.feed('http', 'down'), true);
  assert.equal(w.destination()?.weight, 0);
  w.feed('tcp', 'down');
  assert.deepEqual(w.told(), [
    'unknown -> up: http: first probe: http up',
    'up -> down: http: 2 failures in a row: http down',
  ]);
  assert.equal(w.server()?.reason, 'tcp: tcp down; http: http down');
});

test('a server that must pass any of its checks is down with the last that fails', () => {
  const w = world(service('checks_needed = "any"'));
  w.feed('tcp', 'up');
  assert.equal(w.destination()?.weight, 40);
  w.feed('http', 'up');
  w.feed('tcp', 'down');
  assert.equal(w.server()?.state, 'up');
  w.feed('http', 'down');
  w.feed('http', 'down');
  assert.equal(w.destination()?.weight, 0);
});

test('each check shows by itself', () => {
  const w = world(service());
  w.feed('tcp', 'up');
  w.feed('http', 'down');
  const checks = w
    .server()
    ?.checks.map(({ name, type, state, reason, probes }) => ({ name, type, state, reason, probes }));
  assert.deepEqual(checks, [
    { name: 'tcp', type: 'tcp', state: 'up', reason: 'tcp up', probes: 1 },
    { name: 'http', type: 'http', state: 'down', reason: 'http down', probes: 1 },
  ]);
});

test('what a check advises reaches the kernel at once, and is no other verdict', () => {
  const w = world(withAgents());
  w.feed('tcp', 'up');
  w.feed('http', 'up');
  w.told();
  assert.equal(w.feed('http', 'up', { weight: { percent: 50 }, maxConnections: 3 }), true);
  const { weight, upperThreshold, lowerThreshold } = w.destination() ?? {};
  assert.deepEqual({ weight, upperThreshold, lowerThreshold }, { weight: 20, upperThreshold: 3, lowerThreshold: 3 });
  assert.equal(w.server()?.advisedWeight, 20);
  assert.equal(w.feed('http', 'up', { mode: 'drain' }), true);
  assert.equal(w.destination()?.weight, 0);
  assert.equal(w.server()?.state, 'up');
  assert.deepEqual(w.told(), []);
});

test('a server that asks to be out of service is failed, and comes back when it says so', () => {
  const w = world(withAgents());
  w.feed('tcp', 'up');
  w.feed('http', 'up', { mode: 'maint' });
  assert.equal(w.destination()?.weight, 0);
  w.told();
  w.feed('http', 'up', { mode: 'ready' });
  assert.deepEqual(w.told(), ['down -> up: tcp: tcp up; http: http up']);
  assert.equal(w.destination()?.weight, 40);
});

test('a reload with another check keeps the verdict of the one that stays', () => {
  const before = service();
  const w = world(before);
  w.feed('tcp', 'up');
  w.feed('http', 'down');
  const tcpAlone: ServiceConfig = { ...before, checks: before.checks.slice(0, 1) };
  w.keeper.configure([tcpAlone], EMPTY, NOW);
  assert.equal(w.server()?.state, 'up');
  assert.deepEqual(w.told(), [
    'unknown -> down: http: first probe: http down',
    'down -> up: its checks are others now: tcp up',
  ]);
});

test('a reload with one check more changes nothing until that has answered', () => {
  const two = service();
  const tcpAlone: ServiceConfig = { ...two, checks: two.checks.slice(0, 1) };
  const w = world(tcpAlone);
  w.feed('tcp', 'up');
  w.told();
  w.keeper.configure([two], EMPTY, NOW);
  assert.equal(w.server()?.state, 'up');
  assert.equal(w.destination()?.weight, 40);
  w.feed('http', 'down');
  assert.deepEqual(w.told(), ['up -> down: http: first probe: http down']);
});

test('a server that must pass any, and fails the only one that has answered, is out', () => {
  const w = world(service('checks_needed = "any"'));
  w.feed('tcp', 'up');
  w.feed('tcp', 'down');
  assert.equal(w.server()?.state, 'down');
  assert.equal(w.destination()?.weight, 0);
});

test('a server that asks to be out is out in a panic too, and one that asks for less counts in full for a quorum by weight', () => {
  const of = service('panic_threshold = "100%"\nquorum = 40\nquorum_by = "weight"');
  const w = world({ ...of, checks: [agent('tcp'), agent('http')] });
  w.feed('tcp', 'up');
  w.feed('http', 'up', { weight: { percent: 50 } });
  assert.equal(w.keeper.status(EMPTY, NOW, date)[0]?.quorum.held, true);
  assert.equal(w.destination()?.weight, 20);
  w.feed('http', 'up', { mode: 'maint' });
  assert.equal(w.destination()?.weight, 0);
});

test('a restart neither admits a dead server nor drops a live one', () => {
  const of = service();
  const first = world(of);
  first.feed('tcp', 'up');
  first.feed('http', 'down');
  const verdicts = new Map(Object.entries(first.book.toSave()));
  const second = world(of, verdicts);
  assert.equal(second.server()?.state, 'down');
  second.feed('tcp', 'up');
  second.feed('http', 'up');
  assert.equal(second.server()?.state, 'down');
  second.feed('http', 'up');
  assert.equal(second.server()?.state, 'up');
  const third = createServiceKeeper(
    () => undefined,
    undefined,
    createVerdictBook(() => new Map(Object.entries(second.book.toSave()))),
  );
  const kernel = second.keeper.desired(EMPTY, NOW);
  third.configure([of], kernel, NOW);
  assert.deepEqual(third.desired(kernel, NOW), kernel);
});

test('what a server asked for holds over a restart: one in maintenance is not admitted by it', () => {
  const of = withAgents();
  const advices: readonly Advice[] = [
    { mode: 'maint' },
    { mode: 'drain' },
    { weight: { percent: 50 }, maxConnections: 7 },
  ];
  for (const advice of advices) {
    const first = world(of);
    first.feed('tcp', 'up');
    first.feed('http', 'up', advice);
    const restored = new Map(Object.entries(first.book.toSave()));
    const kernel = first.keeper.desired(EMPTY, NOW);
    const second = world(of, restored, kernel);
    assert.deepEqual([...second.keeper.desired(kernel, NOW)], [...kernel]);
  }
});

test('a failed server that was in all the same has not come back by a restart', () => {
  for (const [more, kept] of [
    ['panic_threshold = "60%"', 'down'],
    ['max_ejected = "50%"', 'down'],
    ['checks_needed = "any"', 'up'],
    // Nothing keeps it in: it is the kernel that knows better.
    ['', 'up'],
  ] as const) {
    const of = service(more);
    const first = world(of);
    first.feed('tcp', 'up');
    first.feed('http', 'up');
    const kernel = first.keeper.desired(EMPTY, NOW);
    first.feed('http', 'down');
    first.feed('http', 'down');
    const restored = new Map(Object.entries(first.book.toSave()));
    const { server } = world(of, restored, kernel);
    assert.equal(server()?.state, kept, more);
    assert.equal(server()?.checks[1]?.state, more === '' ? 'up' : 'down', more);
  }
});

test('what is said again is no news, and costs the kernel nothing', () => {
  const w = world(withAgents());
  w.feed('tcp', 'up');
  w.feed('http', 'up');
  const advice = (): Advice => ({ weight: { percent: 50 }, mode: 'ready', maxConnections: null });
  assert.equal(w.feed('http', 'up', advice()), true);
  assert.equal(w.feed('http', 'up', advice()), false);
  assert.equal(w.feed('http', 'up', { weight: { weight: 50 } }), true);
  assert.equal(w.feed('http', 'up', { weight: { weight: 50 } }), false);
  assert.equal(w.feed('http', 'up', { maxConnections: 5 }), true);
});

test('what only the check before could say ends with it', () => {
  const before = withAgents();
  const w = world(before);
  w.feed('tcp', 'up');
  w.feed('http', 'up', { mode: 'maint', weight: { percent: 50 } });
  assert.equal(w.destination()?.weight, 0);
  const [tcp, http] = service().checks as [CheckConfig, CheckConfig];
  w.keeper.configure([{ ...before, checks: [tcp, { ...http, weightHeader: 'x-weight' } as CheckConfig] }], EMPTY, NOW);
  assert.equal(w.server()?.state, 'up');
  assert.equal(w.destination()?.weight, 20);
  w.keeper.configure([{ ...before, checks: [tcp, http] }], EMPTY, NOW);
  assert.equal(w.destination()?.weight, 40);
  // A probe of before that was still under way.
  w.feed('http', 'up', { mode: 'maint' });
  assert.equal(w.server()?.state, 'up');
});

test('a certificate and an output are of the check that saw them', () => {
  const before = service();
  const w = world(before);
  w.feed('http', 'up', undefined, { certificateExpires: 1000, output: 'fine' });
  const shown = () => w.server()?.checks.map(({ certificateExpires, output }) => ({ certificateExpires, output }))[1];
  const [tcp, http] = before.checks as [CheckConfig, CheckConfig];
  w.keeper.configure([{ ...before, checks: [tcp, { ...http, rise: 5 }] }], EMPTY, NOW);
  assert.deepEqual(shown(), { certificateExpires: '1970-01-01T00:00:01.000Z', output: 'fine' });
  w.keeper.configure([{ ...before, checks: [tcp, { ...http, port: 8080 }] }], EMPTY, NOW);
  assert.deepEqual(shown(), { certificateExpires: null, output: null });
});

test('the interval of a probe is that of its verdict as it stands', () => {
  const of: ServiceConfig = {
    ...service(),
    checks: service().checks.map((check) => ({ ...check, downInterval: milliseconds(9000) })),
  };
  const w = world(of);
  const key = verdictKey(of, of.servers[0] as ServiceConfig['servers'][number], { name: 'http' });
  assert.equal(
    w.book.interval(key, () => false),
    2000,
  );
  w.feed('http', 'down');
  assert.equal(
    w.book.interval(key, () => false),
    9000,
  );
  assert.equal(
    w.book.interval('nobody', () => true),
    undefined,
  );
});
