/** A service that is several to the kernel, by addresses, ports and marks: one set of servers, each probed once. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { ServerConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { describeListeners, describeServer, probedAt } from '../../../src/config/service-words.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { ProbeOutcome } from '../../../src/health/verdict.ts';
import { desired } from '../../../src/ipvs/desired.ts';
import type { Table } from '../../../src/ipvs/table.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

/** The service of these lines, which need no name and no way of forwarding. */
function service(lines: string): ServiceConfig {
  const { config, issues } = load(`[[service]]\nname = "web"\nforward = "nat"\n${lines}`, { hostName: 'lb1' });
  assert.deepEqual(issues, []);
  return config?.services[0] as ServiceConfig;
}

const GROUP = service(`
  address = ["192.0.2.10:80", "192.0.2.11:8000-8001"]
  fwmark = 7
  check = { type = "tcp", port = 80, rise = 1, fall = 1 }
  server = [{ address = "10.0.0.21", weight = 10 }, { address = "10.0.0.22:8080", weight = 20 }]`);
const EMPTY: Table = new Map();
const date = (at: Instant): string => `at ${at}`;
const serverOf = (of: ServiceConfig, i: number): ServerConfig => of.servers[i] as ServerConfig;

function keeperOf(kernel: Table) {
  const happened: Happening[] = [];
  const keeper = createServiceKeeper((happening) => happened.push(happening));
  keeper.configure([GROUP], kernel, instant(0));
  const probe = (server: number, outcome: ProbeOutcome) =>
    keeper.take(
      verdictKey(GROUP, serverOf(GROUP, server), TCP),
      { outcome, reason: outcome, took: milliseconds(1) },
      instant(1),
    );
  const weights = () =>
    [...keeper.desired(EMPTY, instant(1))].map(([key, { destinations }]) => [
      key,
      ...destinations.map((d) => d.weight),
    ]);
  return { keeper, happened, probe, weights };
}

test('a verdict is formed once for a server, told once, and holds for all that the service is to the kernel', () => {
  const { probe, weights, happened } = keeperOf(EMPTY);
  assert.equal(probe(0, 'up'), GROUP);
  assert.deepEqual(weights(), [
    ['tcp 192.0.2.10:80', 10, 0],
    ['tcp 192.0.2.11:8000', 10, 0],
    ['tcp 192.0.2.11:8001', 10, 0],
    ['fwmark 7', 10, 0],
  ]);
  assert.equal(probe(1, 'up'), GROUP);
  assert.equal(probe(0, 'down'), GROUP);
  assert.deepEqual(
    weights().map(([, ...rest]) => rest),
    Array.from({ length: 4 }, () => [0, 20]),
  );
  const told = happened.flatMap((h) => (h.kind === 'server' ? [`${h.server} ${h.address} ${h.to}`] : []));
  assert.deepEqual(told, ['10.0.0.21 10.0.0.21 up', '10.0.0.22:8080 10.0.0.22:8080 up', '10.0.0.21 10.0.0.21 down']);
});

test('what is shown of a server is its weight, and its connections in all of them', () => {
  let n = 0;
  const counted = [...desired([GROUP], ({ name }, server) => (name === 'web' ? server.weight : 0))].map(
    ([key, one]) =>
      [
        key,
        {
          ...one,
          destinations: one.destinations.map((d) => {
            n++;
            return { ...d, counts: { active: n, inactive: 10 * n, persistent: 100 * n } };
          }),
        },
      ] as const,
  );
  const { keeper } = keeperOf(EMPTY);
  const [shown] = keeper.status(new Map(counted), instant(1), date);
  assert.equal(shown?.address, '192.0.2.10:80 and 2 more');
  assert.deepEqual(
    shown?.servers.map(({ address, weight, connections }) => ({ address, weight, connections })),
    [
      // 1 + 3 + 5 + 7, and 2 + 4 + 6 + 8
      { address: '10.0.0.21', weight: 10, connections: { active: 16, inactive: 160, persistent: 1600 } },
      { address: '10.0.0.22:8080', weight: 20, connections: { active: 20, inactive: 200, persistent: 2000 } },
    ],
  );
});

test('a server that the kernel has in one of them only has the connections of that one', () => {
  const counts = { active: 3, inactive: 0, persistent: 0 };
  const table = desired([GROUP], (_, server) => server.weight);
  const last = [...table].slice(-1).map(([key, one]) => {
    return [key, { ...one, destinations: one.destinations.slice(0, 1).map((d) => ({ ...d, counts })) }] as const;
  });
  const [shown] = keeperOf(EMPTY).keeper.status(new Map(last), instant(1), date);
  assert.deepEqual(
    shown?.servers.map(({ weight, connections }) => [weight, connections]),
    [
      [10, counts],
      [null, null],
    ],
  );
});

test('a server is probed at the port of the check, or its own, or the one that the service has everywhere', () => {
  const probed = (lines: string): number[] => {
    const one = service(lines);
    return one.servers.map((server) => probedAt(one, one.checks[0] ?? { port: null }, server.address).port);
  };
  const servers = 'server = [{ address = "10.0.0.21" }, { address = "10.0.0.22:8080" }]';
  const tcp = 'check = { type = "tcp" }';
  assert.deepEqual(probed(`address = "192.0.2.10:80"\n${tcp}\n${servers}`), [80, 8080]);
  assert.deepEqual(probed(`address = ["192.0.2.10:80", "192.0.2.11:80"]\n${tcp}\n${servers}`), [80, 8080]);
  assert.deepEqual(probed(`fwmark = 7\ncheck = { type = "tcp", port = 81 }\n${servers}`), [81, 81]);
});

test('a service and its servers are written for people', () => {
  const words = (lines: string): string[] => {
    const one = service(`${lines}\ncheck = { type = "tcp", port = 80 }\nserver = [{ address = "10.0.0.21" }]`);
    return [describeListeners(one), describeServer(one, serverOf(one, 0).address)];
  };
  assert.deepEqual(words('address = "192.0.2.10:80"'), ['192.0.2.10:80', '10.0.0.21:80']);
  assert.deepEqual(words('address = "192.0.2.10:80-89"'), ['192.0.2.10:80-89', '10.0.0.21']);
  assert.deepEqual(words('address = ["192.0.2.10:80", "192.0.2.11:81"]'), [
    '192.0.2.10:80, 192.0.2.11:81',
    '10.0.0.21',
  ]);
  assert.deepEqual(words('address = "192.0.2.10:80"\nfwmark = 7'), ['192.0.2.10:80, fwmark 7', '10.0.0.21:80']);
  assert.deepEqual(words('fwmark = [7, 8, 9]'), ['fwmark 7 and 2 more', '10.0.0.21']);
});
