/** What a reload writes: no more than what differs, from the text of the config to a kernel in memory. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ok } from '../../../src/base/result.ts';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import type { Happening } from '../../../src/control/event.ts';
import { createLeavingServers } from '../../../src/daemon/leaving-servers.ts';
import { createReconciler } from '../../../src/daemon/reconciler.ts';
import { createServiceKeeper } from '../../../src/daemon/service-keeper.ts';
import { verdictKey } from '../../../src/daemon/verdict-book.ts';
import { idsOf } from '../../../src/ipvs/desired.ts';
import type { Operation } from '../../../src/ipvs/table.ts';
import { fakeIpvs } from '../../contract/fake-ipvs.ts';

/** The check of every service here, by its default name. */
const TCP = { name: 'tcp' };

const later = () => ({ cancel: () => {} });
const COUNT = 40;

/** Services of three servers each. `changed`: server lines of the service in the middle. */
function services(changed?: string): readonly ServiceConfig[] {
  const one = (i: number): string => {
    const lines = [1, 2, 3].map((n) => `{ address = "10.0.${i}.${n}:80", weight = 5 }`).join(', ');
    return `[[service]]
name = "s${i}"
address = "192.0.2.${i}:80"
forward = "nat"
check = { type = "tcp" }
server = [${i === COUNT >> 1 && changed !== undefined ? changed : lines}]
`;
  };
  const { config, issues } = load(Array.from({ length: COUNT }, (_, i) => one(i + 1)).join('\n'), { hostName: 'lb1' });
  assert.ok(config !== null, JSON.stringify(issues));
  return config.services;
}
const MIDDLE = COUNT >> 1;
const server = (n: number, weight = 5): string => `{ address = "10.0.${MIDDLE}.${n}:80", weight = ${weight} }`;

/** A checker without its process: keeper, leaving servers and reconciler over a kernel in memory. */
async function running() {
  const kernel = fakeIpvs();
  const happened: Happening[] = [];
  const report = (happening: Happening): void => void happened.push(happening);
  const keeper = createServiceKeeper(report);
  const [now, asked] = [() => instant(0), [] as Operation[]];
  const leaving = createLeavingServers({ ...{ load: () => undefined, save: () => {}, look: () => {} }, now, later });
  const apply = kernel.apply;
  kernel.apply = (operations) => {
    asked.push(...operations);
    return apply(operations);
  };
  const reconciler = createReconciler<ServiceConfig>({
    open: async () => ok(kernel),
    desired: (actual, owned, parts) => leaving.keep(actual, keeper.desired(actual, now(), parts), owned, parts),
    idsOf,
    owned: { load: () => new Set(), save: () => {} },
    ...{ report, later },
  });
  const reload = (next: readonly ServiceConfig[]): Promise<void> => {
    leaving.configure(next);
    return reconciler.request((table) => keeper.configure(next, table, now()));
  };
  await reload(services());
  const good = { outcome: 'up', reason: 'connected', took: milliseconds(1) } as const;
  for (const service of keeper.services())
    for (const one of service.servers)
      for (let i = 0; i < 5; i++) keeper.take(verdictKey(service, one, TCP), good, now());
  await reconciler.request();
  const writesOf = async (next: readonly ServiceConfig[]): Promise<readonly string[]> => {
    const before = kernel.sent.writes;
    asked.splice(0);
    await reload(next);
    assert.equal(kernel.sent.writes - before, asked.length);
    return asked.map(({ op }) => op);
  };
  return { kernel, writesOf, happened };
}

test('a reload that changes nothing sends no write', async () => {
  const { kernel, writesOf } = await running();
  assert.equal(kernel.table.size, COUNT);
  assert.deepEqual(await writesOf(services()), []);
});

test('a reload that changes one server sends one write', async () => {
  const { kernel, writesOf } = await running();
  const weights = () => kernel.table.get(`tcp 192.0.2.${MIDDLE}:80`)?.destinations.map(({ weight }) => weight);
  assert.deepEqual(weights(), [5, 5, 5]);
  assert.deepEqual(await writesOf(services([server(1), server(2, 7), server(3)].join(', '))), ['set-destination']);
  assert.deepEqual(weights(), [5, 7, 5]);
  assert.deepEqual(await writesOf(services([server(1), server(3)].join(', '))), ['delete-destination']);
  assert.deepEqual(weights(), [5, 5]);
  assert.deepEqual(await writesOf(services([server(1), server(3), server(4)].join(', '))), ['add-destination']);
});
