/** Real servers added and removed at run time, under traffic: what the kernel has, and what outlives what. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { ServiceStatus } from '../../src/control/status.ts';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { becomes, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Output, type Running } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const VISITOR = join(import.meta.dirname, 'visitor.ts');

describe('an operator changes the servers at run time', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let rs2: Server;
  let rs3: Server;
  /** The file with these servers. */
  const config = (...servers: readonly Server[]): string =>
    vrrpToml(150) +
    servicesToml(
      'nat',
      servers.map(({ host }) => host.address),
    );

  const words = (args: readonly string[]): string[] => [process.execPath, COMMAND, ...args, '--socket', lb1.socket];
  const lvskeeper = (...args: readonly string[]): Promise<Output> => lab.lb1.exec(words(args));
  /** As `lvskeeper`, for what has to succeed; gives what it says. */
  const does = (...args: readonly string[]): Promise<string> => lab.lb1.must(words(args));

  /** The weight of each server of the service `nat`, by ipvsadm. */
  async function weights(): Promise<Record<string, number>> {
    const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP.nat}:80`);
    return Object.fromEntries(service?.servers.map(({ address, weight }) => [address, weight]) ?? []);
  }
  const hasWeights = (wanted: Record<string, number>, within = 15_000): Promise<true> =>
    eventually(`the weights ${JSON.stringify(wanted)}`, within, async () => {
      const found = Object.entries(await weights()).sort();
      return JSON.stringify(found) === JSON.stringify(Object.entries(wanted).sort()) ? true : undefined;
    });
  const nat = async (): Promise<ServiceStatus> => {
    const service = (await lb1.status()).services.find(({ name }) => name === 'nat');
    assert.ok(service);
    return service;
  };
  /** Those that are marked in the status as added, and as removed. */
  async function marks(): Promise<readonly string[]> {
    const { servers, removed } = await nat();
    const added = servers.filter((server) => server.added !== null);
    return [...added.map(({ address }) => `+${address}`), ...removed.map(({ address }) => `-${address}`)];
  }
  const probed = (address: string): Promise<true> =>
    eventually(`${address} to be probed`, 15_000, async () => {
      const server = (await nat()).servers.find((one) => one.address === address);
      return server?.state === 'up' && (server.checks[0]?.probes ?? 0) > 0 ? true : undefined;
    });

  before(async () => {
    lab = await createTopology({ servers: 3 });
    [rs1, rs2, rs3] = lab.servers as [Server, Server, Server];
    lb1 = await director(lab.lb1, config(rs1, rs2));
    await becomes(lb1, 'master');
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10 });
  });
  after(() => lab.close());

  test('what the file would not allow is refused in its words, and nothing is written', async () => {
    const writes = await ipvsWrites(lab.lb1);
    const { code, stderr } = await lvskeeper('add-server', 'nat', '[2001:db8::23]:80');
    assert.equal(code, 1);
    assert.match(stderr, /an IPv6 server behind an IPv4 service/);
    assert.match((await lvskeeper('add-server', 'nta', '10.77.0.23:80')).stderr, /did you mean nat\?/);
    assert.deepEqual([await writes.stop(), await marks()], [[], []]);
  });

  test('an added server is in when its check is good, not before', async () => {
    await rs3.health(503);
    const said = await does('add-server', 'nat', '10.77.0.23:80', '--weight', '7', '--reason', 'more load');
    assert.match(said, /^nat: 10\.77\.0\.23:80 added at run time by \S+: more load\n/);
    await eventually('it to be found down', 15_000, async () =>
      (await nat()).servers.some(({ state }) => state === 'down') ? true : undefined,
    );
    assert.equal((await weights())['10.77.0.23:80'] ?? 0, 0);
    await rs3.health(200);
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10, '10.77.0.23:80': 7 });
    assert.deepEqual(await marks(), ['+10.77.0.23:80']);
    assert.match(
      (await lvskeeper('status')).stdout,
      /^ {2}10\.77\.0\.23:80 added at run time by \S+, .* ago: more load$/m,
    );
  });

  test('it takes an order as any other does, and plan has nothing to do', async () => {
    await does('drain', '10.77.0.23:80');
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10, '10.77.0.23:80': 0 });
    await does('undrain', '10.77.0.23:80');
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10, '10.77.0.23:80': 7 });
    assert.equal(await does('plan'), 'nothing would change\n');
  });

  test('it outlives `lvskeeper restart`, the death of every process and a reload, and nothing is written', async () => {
    const writes = await ipvsWrites(lab.lb1);
    const { started } = await lb1.status();
    await does('restart');
    await eventually('another run', 30_000, async () => {
      const status = await lb1.status().catch(() => undefined);
      return status !== undefined && status.started !== started ? true : undefined;
    });
    await probed('10.77.0.23:80');
    await lb1.killAll();
    const offline = await lvskeeper('plan', lb1.config);
    assert.match(offline.stderr, /^no daemon runs/);
    assert.doesNotMatch(offline.stdout, /10\.77\.0\.23:80 deleted/);
    lb1 = await director(lab.lb1, config(rs1, rs2));
    await probed('10.77.0.23:80');
    assert.match(await does('reload'), /^reload unchanged\n1 added server at run time stays so;\n/);
    assert.deepEqual(await marks(), ['+10.77.0.23:80']);
    assert.deepEqual(await writes.stop(), []);
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10, '10.77.0.23:80': 7 });
  });

  test('a server of the file that is removed drains, and its connection lives', async () => {
    const visitors: Running[] = lab.servers.map(() => lab.client.node(VISITOR, [VIP.nat, '80']));
    const names = await Promise.all(visitors.map(async (one) => (await one.printed(/^(rs\d)$/m))[1]));
    const visitor = visitors[names.indexOf('rs1')];
    assert.ok(visitor, `one connection on rs1: ${names}`);
    assert.match(await does('remove-server', 'nat', '10.77.0.21'), /removed at run time .* it has 1 active, /);
    await hasWeights({ '10.77.0.21:80': 0, '10.77.0.22:80': 10, '10.77.0.23:80': 7 });
    const answers = visitor.output().split('\n').length;
    await eventually('more answers on the same connection', 5000, () =>
      visitor.output().split('\n').length >= answers + 5 ? true : undefined,
    );
    assert.doesNotMatch(visitor.output(), /closed/);
    const { removed, leaving } = await nat();
    assert.deepEqual([removed[0]?.address, leaving[0]?.address], ['10.77.0.21:80', '10.77.0.21:80']);
    for (const one of visitors) await one.stop();
    // The kernel forgets a connection 10 s after its reset.
    await hasWeights({ '10.77.0.22:80': 10, '10.77.0.23:80': 7 }, 30_000);
  });

  test('reload --discard puts back what the file says', async () => {
    assert.match(await does('reload'), /1 added and 1 removed servers at run time stay so/);
    const said = await does('reload', '--discard');
    assert.match(said, /10\.77\.0\.23:80 no longer added at run time: discarded\n/);
    assert.match(said, /10\.77\.0\.21:80 no longer removed at run time: discarded\n/);
    await hasWeights({ '10.77.0.21:80': 10, '10.77.0.22:80': 10 });
    assert.deepEqual(await marks(), []);
  });

  test('written into the file and reloaded, the marks are gone and nothing is written to the kernel', async () => {
    await does('remove-server', 'nat', '10.77.0.21:80');
    await does('add-server', 'nat', '10.77.0.23:80', '--weight', '10');
    await hasWeights({ '10.77.0.22:80': 10, '10.77.0.23:80': 10 });
    writeDirectorConfig(lab.lb1, config(rs2, rs3).replace('10.77.0.23:53', '10.77.0.21:53'));
    const writes = await ipvsWrites(lab.lb1);
    const said = await does('reload');
    assert.match(said, /10\.77\.0\.23:80 no longer added at run time: the file has it now\n/);
    assert.match(said, /10\.77\.0\.21:80 no longer removed at run time: the file no longer has it\n/);
    assert.doesNotMatch(said, /stays? so/);
    await probed('10.77.0.23:80');
    assert.deepEqual([await writes.stop(), await marks()], [[], []]);
    const events = JSON.parse(await lb1.control('/events?kind=server-change&limit=2')) as { what: string }[];
    assert.deepEqual(
      events.map(({ what }) => what),
      ['ceased', 'ceased'],
    );
  });
});
