/** Servers that a file lists, under traffic: what the kernel has of them, and what a bad list does not do to it. */

import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { DiscoveryStatus, ServiceStatus } from '../../src/control/status.ts';
import { type Director, director } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { becomes, vrrpToml } from './pair.ts';
import { eventually, type Running } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const VISITOR = join(import.meta.dirname, 'visitor.ts');

describe('servers that a file lists', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let list: string;

  const config = (): string => `${vrrpToml(150)}
[[service]]
name      = "nat"
address   = "${VIP.nat}:80"
forward   = "nat"
scheduler = "rr"
[service.check]
type     = "http"
path     = "/healthz"
interval = "500ms"
timeout  = "400ms"
rise     = 1
fall     = 2
[service.discovery]
type          = "file"
file          = "${list}"
interval      = "1h"
max_removed   = 1
confirm_after = 0
`;
  const does = (...args: readonly string[]): Promise<string> =>
    lab.lb1.must([process.execPath, COMMAND, ...args, '--socket', lb1.socket]);

  /** Puts another list in its place, as whoever writes one should. */
  function write(text: string): void {
    writeFileSync(`${list}.new`, text);
    renameSync(`${list}.new`, list);
  }
  const servers = (weights: Readonly<Record<string, number>>): string =>
    JSON.stringify(
      Object.entries(weights).map(([target, weight]) => ({ targets: [target], labels: { weight: `${weight}` } })),
    );

  async function weights(): Promise<string> {
    const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP.nat}:80`);
    return (service?.servers.map(({ address, weight }) => `${address}*${weight}`) ?? []).sort().join(' ');
  }
  const hasWeights = (wanted: string, within = 15_000): Promise<true> =>
    eventually(`the weights ${wanted}`, within, async () => ((await weights()) === wanted ? true : undefined));
  async function nat(): Promise<ServiceStatus> {
    const service = (await lb1.status()).services.find(({ name }) => name === 'nat');
    assert.ok(service);
    return service;
  }
  const discovery = async (): Promise<DiscoveryStatus> => (await nat()).discovery[0] as DiscoveryStatus;
  const questions = async (count: number): Promise<true> =>
    eventually(`${count} questions`, 15_000, async () => ((await discovery()).questions >= count ? true : undefined));
  const isProbed = (count: number): Promise<true> =>
    eventually(`${count} servers to be probed`, 15_000, async () =>
      (await nat()).servers.filter(({ state }) => state === 'up').length === count ? true : undefined,
    );

  before(async () => {
    lab = await createTopology({ servers: 3 });
    [rs1] = lab.servers as [Server];
    list = join(lab.lb1.directory, 'web.json');
  });
  after(() => lab.close());

  test('without a list the service is there, without servers, and the start waits for nobody', async () => {
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    assert.equal(await weights(), '');
    assert.match((await discovery()).error ?? '', /it is not there \(ENOENT\)$/);
  });

  test('a server that is listed is in when its check is good, with the weight that the list has', async () => {
    await rs1.health(503);
    write(servers({ '10.77.0.21:80': 3, '10.77.0.22:80': 5 }));
    await eventually('it to be found down', 15_000, async () =>
      (await nat()).servers.some(({ state }) => state === 'down') ? true : undefined,
    );
    await hasWeights('10.77.0.21:80*0 10.77.0.22:80*5');
    await rs1.health(200);
    await hasWeights('10.77.0.21:80*3 10.77.0.22:80*5');
    write(servers({ '10.77.0.21:80': 3, '10.77.0.22:80': 5, '10.77.0.23:80': 7 }));
    await hasWeights('10.77.0.21:80*3 10.77.0.22:80*5 10.77.0.23:80*7');
    assert.deepEqual(
      (await nat()).servers.map(({ discovered }) => discovered),
      ['file', 'file', 'file'],
    );
    assert.equal(await does('plan'), 'nothing would change\n');
  });

  test('an empty list, a broken one and none write nothing to the kernel', async () => {
    const writes = await ipvsWrites(lab.lb1);
    for (const text of ['[]', '[{"targets": ["10.77.0.21:80"', '', servers({ 'web1:80': 1 })]) {
      const { questions: asked } = await discovery();
      write(text);
      await questions(asked + 1);
    }
    assert.notEqual((await discovery()).error, null);
    assert.deepEqual(await writes.stop(), []);
  });

  test('so do a restart and the death of every process, while there is no good list', async () => {
    const writes = await ipvsWrites(lab.lb1);
    const { started } = await lb1.status();
    await does('restart');
    await eventually('another run', 30_000, async () => {
      const status = await lb1.status().catch(() => undefined);
      return status !== undefined && status.started !== started ? true : undefined;
    });
    await isProbed(3);
    await lb1.killAll();
    lb1 = await director(lab.lb1, config());
    await isProbed(3);
    assert.deepEqual(await writes.stop(), []);
    assert.equal(await weights(), '10.77.0.21:80*3 10.77.0.22:80*5 10.77.0.23:80*7');
  });

  test('a list that would take out too many waits for an operator, and what goes drains', async () => {
    const visitors: Running[] = lab.servers.map(() => lab.client.node(VISITOR, [VIP.nat, '80']));
    const names = await Promise.all(visitors.map(async (one) => (await one.printed(/^(rs\d)$/m))[1]));
    const visitor = visitors[names.indexOf('rs1')];
    assert.ok(visitor, `one connection on rs1: ${names}`);
    write(servers({ '10.77.0.23:80': 9 }));
    await hasWeights('10.77.0.21:80*3 10.77.0.22:80*5 10.77.0.23:80*9');
    assert.equal((await discovery()).held?.removes, 2);
    assert.match(await does('accept-servers', 'nat'), /out and drained: 10\.77\.0\.21:80, 10\.77\.0\.22:80\n$/);
    await hasWeights('10.77.0.21:80*0 10.77.0.22:80*0 10.77.0.23:80*9');
    const answers = visitor.output().split('\n').length;
    await eventually('more answers on the same connection', 5000, () =>
      visitor.output().split('\n').length >= answers + 5 ? true : undefined,
    );
    assert.doesNotMatch(visitor.output(), /closed/);
    for (const one of visitors) await one.stop();
    // The kernel forgets a connection 10 s after its reset.
    await hasWeights('10.77.0.23:80*9', 30_000);
  });
});
