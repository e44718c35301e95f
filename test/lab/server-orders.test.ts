/** An operator's orders for real servers, under traffic: what the kernel has, what clients notice, what outlives what. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { ServerStatus } from '../../src/control/status.ts';
import { type Director, director } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { addressesOf, becomes, serversUp, servicesToml, vrrpToml } from './pair.ts';
import { failures, served, startProber } from './prober.ts';
import { eventually, now, type Output, type Running } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { curl, ipvsadm, type RealServer } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const VISITOR = join(import.meta.dirname, 'visitor.ts');

describe('an operator takes a real server out', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let rs2: Server;
  const config = (): string =>
    vrrpToml(150) +
    servicesToml('nat', addressesOf(lab)) +
    servicesToml('tun', addressesOf(lab), 'persistence = "60s"');

  const words = (args: readonly string[]): string[] => [process.execPath, COMMAND, ...args, '--socket', lb1.socket];
  const lvskeeper = (...args: readonly string[]): Promise<Output> => lab.lb1.exec(words(args));
  /** As `lvskeeper`, for what has to succeed; gives what it says. */
  const order = (...args: readonly string[]): Promise<string> => lab.lb1.must(words(args));

  /** A server of the service `nat`, by ipvsadm; `null`: it is not in the table. */
  const inKernel = async (server: Server): Promise<RealServer | null> => {
    const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP.nat}:80`);
    return service?.servers.find((s) => s.address === `${server.host.address}:80`) ?? null;
  };
  const hasWeight = (server: Server, weight: number | null, within = 5000): Promise<true> =>
    eventually(`${server.host.name} to have weight ${weight}`, within, async () =>
      ((await inKernel(server))?.weight ?? null) === weight ? true : undefined,
    );
  const statusOf = async (server: Server): Promise<ServerStatus | undefined> =>
    (await lb1.status()).services
      .find(({ name }) => name === 'nat')
      ?.servers.find(({ address }) => address === `${server.host.address}:80`);

  /** Clients that stay with the server that they were given, one for each server. */
  async function visitors(): Promise<Map<string, Running>> {
    const found = new Map<string, Running>();
    for (const _ of lab.servers) {
      const visitor = lab.client.node(VISITOR, [VIP.nat, '80']);
      const [, name = ''] = await visitor.printed(/^(rs\d)$/m);
      found.set(name, visitor);
    }
    return found;
  }
  const answers = (visitor: Running): number => visitor.output().split('\n').length;
  const goesOn = async (visitor: Running): Promise<void> => {
    const before = answers(visitor);
    await eventually('more answers on the same connection', 5000, () =>
      answers(visitor) >= before + 5 ? true : undefined,
    );
    assert.doesNotMatch(visitor.output(), /closed/);
  };
  /** Who answers new connections for a while; all of them are answered. */
  async function answering(): Promise<Record<string, number>> {
    const prober = await startProber(lab.client, { address: VIP.nat, protocol: 'tcp', every: 50, deadline: 3000 });
    await prober.answered(now() + 1000);
    const asks = await prober.stop();
    assert.deepEqual(failures(asks), []);
    return served(asks);
  }

  before(async () => {
    lab = await createTopology({ servers: 2 });
    [rs1, rs2] = lab.servers as [Server, Server];
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    await serversUp(lb1);
  });
  after(() => lab.close());

  test('drained, it keeps its connections and gets no new one; --wait tells when the last has ended', async () => {
    const clients = await visitors();
    const [first, second] = [clients.get('rs1'), clients.get('rs2')];
    assert.ok(first && second, 'one connection on each server');
    const wait = lab.lb1.spawn(
      words(['drain', rs1.host.address, '--service', 'nat', '--reason', 'new disk', '--wait']),
    );
    await wait.printed(/nat: 10\.77\.0\.21:80: drained by .*: new disk; it has 1 active, 0 inactive\n/);
    await hasWeight(rs1, 0);
    assert.deepEqual(Object.keys(await answering()), ['rs2']);
    await goesOn(first);
    assert.deepEqual(await inKernel(rs1), {
      ...{ address: '10.77.0.21:80', forward: 'Masq', weight: 0, active: 1, inactive: 0 },
    });
    const status = await statusOf(rs1);
    assert.deepEqual([status?.state, status?.order?.kind, status?.connections?.active], ['up', 'drain', 1]);
    assert.match((await lvskeeper('status')).stdout, /10\.77\.0\.21:80 \(1 active, 0 inactive\) drained by /);
    assert.equal(wait.exit, null, 'it waits');

    await first.stop();
    // The kernel forgets a connection 10 s after its reset.
    const exit = await eventually('nothing to be left', 30_000, () => wait.exit ?? undefined);
    assert.equal(exit.code, 0, wait.output());
    assert.match(
      wait.output(),
      /10\.77\.0\.21: 1 active, 0 inactive\n(.*\n)*10\.77\.0\.21: no connections left, after /,
    );
    await goesOn(second);
    await second.stop();
  });

  test('undrained, it gets connections again', async () => {
    assert.match(await order('undrain', rs1.host.address), /nat: 10\.77\.0\.21:80: no longer drained by /);
    await hasWeight(rs1, 10);
    assert.deepEqual(Object.keys(await answering()).sort(), ['rs1', 'rs2']);
  });

  test('disabled, it is gone at once, and it is said how many connections that broke', async () => {
    const clients = await visitors();
    const [first, second] = [clients.get('rs1'), clients.get('rs2')];
    assert.ok(first && second);
    const { active = 0, inactive = 0 } = (await statusOf(rs2))?.connections ?? {};
    assert.equal(active, 1);
    const said = await order('disable', rs2.host.address, '--service', 'nat');
    const broken = Number(/that broke (\d+) connections?/.exec(said)?.[1]);
    // Those that have ended are counted until the kernel has forgotten them, which it may have meanwhile.
    assert.ok(broken >= 1 && broken <= active + inactive, said);
    await hasWeight(rs2, null);
    const after = answers(second);
    assert.deepEqual(Object.keys(await answering()), ['rs1']);
    assert.ok(answers(second) <= after + 1, 'its connection is dead');
    await goesOn(first);
    await order('enable', rs2.host.address);
    await hasWeight(rs2, 10);
    await Promise.all([first.stop(), second.exit === null ? second.stop() : undefined]);
  });

  test('another weight is for a time, and ends by itself', async () => {
    const given = now();
    await order('weight', rs1.host.address, '3', '--service', 'nat', '--for', '4s');
    await hasWeight(rs1, 3, 3000);
    await hasWeight(rs1, 10, 10_000);
    assert.ok(now() - given >= 4000, 'not before its time');
    const events = JSON.parse(await lb1.control('/events?kind=server-order&limit=2')) as { reason: string }[];
    assert.equal(events.at(-1)?.reason, 'its time is over');
  });

  test('a failed server stays out under an order for another weight', async () => {
    await order('weight', rs1.host.address, '3', '--service', 'nat');
    await rs1.health(503);
    await hasWeight(rs1, 0, 15_000);
    await rs1.health(200);
    await hasWeight(rs1, 3, 15_000);
    await order('weight', rs1.host.address, '--cancel');
    await hasWeight(rs1, 10);
  });

  test('an order outlives the checker process, every process, and writes nothing when they are back', async () => {
    await order('drain', rs1.host.address, '--reason', 'new disk');
    await hasWeight(rs1, 0);
    const writes = await ipvsWrites(lab.lb1);
    const checker = await lb1.pid('checker');
    process.kill(checker, 'SIGKILL');
    await eventually('another checker process', 20_000, async () => {
      const one = (await lb1.status()).processes.find((p) => p.name === 'checker');
      return one?.state === 'ready' && one.pid !== checker ? true : undefined;
    });
    await lb1.killAll();
    await hasWeight(rs1, 0);
    lb1 = await director(lab.lb1, config());
    await eventually('the drained server to be probed again', 15_000, async () =>
      (await statusOf(rs1))?.state === 'up' ? true : undefined,
    );
    const status = await statusOf(rs1);
    assert.deepEqual([status?.weight, status?.order?.kind, status?.order?.reason], [0, 'drain', 'new disk']);
    assert.deepEqual(await writes.stop(), []);
    await order('undrain', rs1.host.address);
    await hasWeight(rs1, 10);
  });

  test('a known client comes back to a drained server of a persistent service, unless the sysctl says otherwise', async () => {
    const asks = async (): Promise<string> => (await curl(lab.client, `http://${VIP.tun}/`)).body.split('\n')[0] ?? '';
    const known = await asks();
    const server = lab.servers.find(({ host }) => host.name === known);
    assert.ok(server, known);
    const setting = (value: number): Promise<void> =>
      lab.lb1.sysctl({ 'net.ipv4.vs.expire_quiescent_template': value });
    await setting(0);
    const said = await order('drain', server.host.address, '--service', 'tun');
    assert.match(said, /1 persistent\n/);
    assert.match(said, /known clients still come back, for up to 60 s /);
    await eventually('weight 0', 5000, async () => {
      const service = (await ipvsadm(lab.lb1)).find((s) => s.address === `${VIP.tun}:80` && s.protocol === 'TCP');
      return service?.servers.find((s) => s.address.startsWith(server.host.address))?.weight === 0 ? true : undefined;
    });
    assert.equal(await asks(), known);
    await setting(1);
    assert.match(await order('drain', server.host.address, '--service', 'tun'), /known clients go elsewhere/);
    const next = await asks();
    assert.ok(next !== known && next !== '', next);
  });

  test('an unknown server is refused, and the nearest is named', async () => {
    const { code, stderr } = await lvskeeper('drain', '10.77.0.29');
    assert.equal(code, 1);
    assert.match(stderr, /there is no server 10\.77\.0\.29, did you mean 10\.77\.0\.2[12]\?/);
  });
});
