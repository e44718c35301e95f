/** Servers that left the config: how long they are kept, who is told, and what a restart knows of them. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { type Duration, type Instant, instant, seconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { createLeavingServers } from '../../../src/daemon/leaving-servers.ts';
import { leavingStatus } from '../../../src/daemon/leaving-status.ts';
import { type Destination, type Table, tableOf } from '../../../src/ipvs/table.ts';

const KEYS = ['tcp 192.0.2.10:80', 'tcp 192.0.2.10:81'];
const OURS = new Set(KEYS);

function services(more = ''): readonly ServiceConfig[] {
  const text = `[[service]]\nname = "web"\naddress = ["192.0.2.10:80-81"]\nforward = "nat"\n${more}
[[service.server]]\naddress = "10.0.0.21:80"\n`;
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config !== null, JSON.stringify(issues));
  return config.services;
}

const server = (last: number, weight: number, active: number): Destination => ({
  address: { address: ip(`10.0.0.${last}`), port: 80 },
  ...{ forward: 'nat', weight, upperThreshold: 0, lowerThreshold: 0, tunnel: null },
  counts: { active, inactive: 0, persistent: 0 },
});
const table = (...destinations: readonly Destination[]): Table =>
  tableOf(
    [80, 81].map((port) => ({
      id: { protocol: 'tcp', address: { address: ip('192.0.2.10'), port } } as const,
      ...{ scheduler: 'wlc', persistence: null, granularity: 32, engine: null, flags: 0 },
      destinations,
    })),
  );
const WANTED = table(server(21, 1, 0));

function world(saved: unknown = undefined) {
  const w = {
    now: instant(0),
    looks: 0,
    saved,
    later: [] as Duration[],
    armed: 0,
    ring: undefined as (() => void) | undefined,
  };
  const leaving = createLeavingServers({
    load: () => w.saved,
    save: (all) => {
      w.saved = all;
    },
    now: () => w.now,
    later: (after, work) => {
      w.later.push(after);
      w.armed += 1;
      w.ring = work;
      return { cancel: () => void w.later.pop() };
    },
    look: () => {
      w.looks += 1;
    },
  });
  leaving.configure(services());
  return { w, leaving };
}
const kept = (of: Table): number => of.get(KEYS[0] ?? '')?.destinations.length ?? 0;

test('one that has left is looked at again until it has gone, and then no more', () => {
  const { w, leaving } = world();
  assert.equal(kept(leaving.keep(table(server(21, 1, 9), server(22, 1, 2)), WANTED, OURS)), 2);
  assert.equal(w.later.length, 1);
  assert.equal(kept(leaving.keep(table(server(21, 1, 9), server(22, 0, 1)), WANTED, OURS)), 2);
  assert.equal(w.later.length, 1, 'never more than one');
  assert.equal(kept(leaving.keep(table(server(21, 1, 9), server(22, 0, 0)), WANTED, OURS)), 1);
  assert.equal(w.later.length, 0);
});

test('looks at other services, as often as they may be, do not put off the look at one that leaves', () => {
  const { w, leaving } = world();
  leaving.keep(table(server(22, 1, 2)), WANTED, OURS);
  w.armed = 0;
  for (let i = 0; i < 3; i++) leaving.keep(new Map(), new Map(), OURS, []);
  assert.equal(w.armed, 0);
  assert.equal(w.later.length, 1);
  w.ring?.();
  assert.equal(w.looks, 1);
  leaving.keep(table(server(22, 0, 2)), WANTED, OURS);
  assert.equal(w.armed, 1);
});

test('a restart does not give them their time anew', () => {
  const first = world();
  first.leaving.keep(table(server(22, 1, 2)), WANTED, OURS);
  const { w, leaving } = world(JSON.parse(JSON.stringify(first.w.saved)));
  w.now = instant(299_999);
  assert.equal(kept(leaving.keep(table(server(22, 0, 2)), WANTED, OURS)), 2);
  w.now = instant(300_000);
  assert.equal(kept(leaving.keep(table(server(22, 0, 2)), WANTED, OURS)), 1);
});

test('a file that is damaged is as good as none', () => {
  for (const saved of [null, 7, 'x', { a: 'b' }, []]) {
    const { leaving } = world(saved);
    assert.equal(kept(leaving.keep(table(server(22, 1, 2)), WANTED, OURS)), 2);
  }
});

test('drain_timeout says how long, and 0 that it goes at once', () => {
  const { leaving } = world();
  leaving.configure(services('drain_timeout = "0s"'));
  assert.equal(kept(leaving.keep(table(server(22, 1, 2)), WANTED, OURS)), 1);
});

test('a question what would be changes nothing', () => {
  const { w, leaving } = world();
  assert.equal(kept(leaving.preview(services(), table(server(22, 1, 2)), WANTED, OURS)), 2);
  assert.deepEqual([w.later.length, w.saved, leaving.until(KEYS[0] ?? '', '10.0.0.22:80')], [0, undefined, undefined]);
});

test('status has them once, with the connections of all that the service is in the kernel', () => {
  const { leaving } = world();
  const kernel = table(server(21, 1, 9), server(22, 0, 2));
  leaving.keep(kernel, WANTED, OURS);
  const [web] = services();
  assert.ok(web !== undefined);
  const date = (at: Instant): string => `at ${at}`;
  assert.deepEqual(leavingStatus(kernel, web, leaving.until, date), [
    { address: '10.0.0.22:80', connections: { active: 4, inactive: 0, persistent: 0 }, until: `at ${seconds(300)}` },
  ]);
});

test('a look at some services leaves those of others as they are', () => {
  const { w, leaving } = world();
  leaving.keep(table(server(22, 1, 2)), WANTED, OURS);
  const [web] = services();
  const other = { ...web, addresses: [{ address: ip('192.0.2.11'), port: 80, lastPort: 80 }] } as ServiceConfig;
  leaving.keep(new Map(), new Map(), OURS, [other]);
  assert.deepEqual(
    Object.keys(w.saved as object),
    KEYS.map((key) => `${key} 10.0.0.22:80`),
  );
  assert.equal(w.later.length, 1);
  leaving.keep(table(server(22, 0, 0)), WANTED, OURS, services());
  assert.deepEqual(w.saved, {});
  assert.equal(w.later.length, 0);
});
