/**
 * Every process of the director is killed, and what it left in the kernel is no longer what the file says or what the
 * servers are: what the next start makes of it, and that no client notices.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, beforeEach, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { becomes, CHECK, servicesToml, vrrpToml } from './pair.ts';
import { failures, served, startProber } from './prober.ts';
import { eventually, now, type Running } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm, ipvsRules } from './witness.ts';

const VISITOR = join(import.meta.dirname, 'visitor.ts');
/** Made by somebody else: nothing here may touch it. */
const FOREIGN = ['-A -t 10.77.0.11:8080 -s rr', '-a -t 10.77.0.11:8080 -r 10.77.0.21:80 -m -w 3'];
/** Time for the bad answers that make a server fail, for the last of them to come, and for a round more. */
const SEVERAL_CHECKS = (CHECK.fall + 1) * CHECK.interval + CHECK.timeout;

describe('what a killed director left', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let rs2: Server;
  let rs3: Server;
  before(async () => {
    lab = await createTopology({ servers: 3 });
    [rs1, rs2, rs3] = lab.servers as [Server, Server, Server];
    await lab.lb1.must(['ipvsadm', '-R'], `${FOREIGN.join('\n')}\n`);
    await start();
  });
  after(() => lab.close());
  beforeEach(async () => {
    writeDirectorConfig(lab.lb1, config());
    process.kill(lb1.process.pid, 'SIGHUP');
    await weigh('nat', { 21: 10, 22: 10, 23: 10 });
    await weigh('tun', { 21: 10, 22: 10, 23: 10 });
  });

  /** Of the service `tun` a failed server leaves the table. */
  const config = (
    servers: readonly Server[] = lab.servers,
    modes: readonly ('nat' | 'tun')[] = ['nat', 'tun'],
  ): string => {
    const addresses = servers.map((one) => one.host.address);
    const more = { nat: '', tun: 'on_failure = "remove"' };
    return vrrpToml(150) + modes.map((mode) => servicesToml(mode, addresses, more[mode])).join('');
  };
  async function start(toml = config()): Promise<void> {
    lb1 = await director(lab.lb1, toml);
    await becomes(lb1, 'master');
  }
  /** Weights by the last part of the server's address. */
  async function weigh(
    mode: 'nat' | 'tun',
    expected: Readonly<Record<string, number>>,
    within = 20_000,
  ): Promise<void> {
    let last = '';
    await eventually(`${mode} to have the weights ${JSON.stringify(expected)}`, within, async () => {
      const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP[mode]}:80`);
      const weights = service?.servers.map(({ address, weight }) => [/(\d+):/.exec(address)?.[1], weight]) ?? [];
      last = JSON.stringify(Object.fromEntries(weights));
      return last === JSON.stringify(expected) ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}, but they are ${last}`);
    });
  }
  /** Who answers new connections for a while; all of them are answered. */
  async function answering(): Promise<string[]> {
    const prober = await startProber(lab.client, { address: VIP.nat, protocol: 'tcp', every: 50, deadline: 3000 });
    await prober.answered(now() + 2000);
    const asks = await prober.stop();
    assert.deepEqual(failures(asks), []);
    return Object.keys(served(asks)).sort();
  }
  /** A client whose connection is to this server. */
  async function visitorOf(name: string): Promise<Running> {
    for (const _ of lab.servers) {
      const visitor = lab.client.node(VISITOR, [VIP.nat, '80']);
      const [, server] = await visitor.printed(/^(rs\d)$/m);
      if (server === name) return visitor;
      await visitor.stop();
    }
    throw new Error(`no connection went to ${name}`);
  }
  const answers = (visitor: Running): number => visitor.output().split('\n').length;

  test('a server that left the file meanwhile gets no new connection, keeps those it has, and goes with the last', async () => {
    const visitor = await visitorOf('rs3');
    const rules = await ipvsRules(lab.lb1);
    await lb1.killAll();
    assert.deepEqual(await ipvsRules(lab.lb1), rules, 'the kernel goes on by itself');

    await start(config([rs1, rs2]));
    await weigh('nat', { 21: 10, 22: 10, 23: 0 });
    // Nothing keeps it where it has no connections.
    await weigh('tun', { 21: 10, 22: 10 });
    assert.deepEqual(await answering(), ['rs1', 'rs2']);
    const had = answers(visitor);
    await eventually('more answers on the same connection', 10_000, () =>
      answers(visitor) >= had + 5 ? true : undefined,
    );
    assert.doesNotMatch(visitor.output(), /closed/);
    await visitor.stop();
    // The kernel forgets a connection 10 s after its reset.
    await weigh('nat', { 21: 10, 22: 10 }, 30_000);
  });

  test('a service that left the file meanwhile goes, and one that somebody else made stays', async () => {
    await lb1.killAll();
    await start(config(lab.servers, ['nat']));
    await eventually('the services to go', 10_000, async () =>
      (await ipvsRules(lab.lb1)).some((rule) => rule.includes(VIP.tun)) ? undefined : true,
    );
    const foreign = (await ipvsRules(lab.lb1)).filter((rule) => rule.includes(':8080'));
    assert.deepEqual(foreign, FOREIGN);
  });

  test('a server that was known dead stays out: the start writes nothing, and neither do the checks after it', async () => {
    await rs3.kill();
    await weigh('nat', { 21: 10, 22: 10, 23: 0 });
    await weigh('tun', { 21: 10, 22: 10 });
    const writes = await ipvsWrites(lab.lb1);
    await lb1.killAll();
    await start();
    await sleep(SEVERAL_CHECKS);
    assert.deepEqual(await writes.stop(), []);
    assert.deepEqual(await answering(), ['rs1', 'rs2']);
    await rs3.start();
  });

  test('a server that was known dead and came back while nobody looked gets its weight again', async () => {
    await rs3.kill();
    await weigh('nat', { 21: 10, 22: 10, 23: 0 });
    await weigh('tun', { 21: 10, 22: 10 });
    await lb1.killAll();
    await rs3.start();
    await start();
    await weigh('nat', { 21: 10, 22: 10, 23: 10 });
    await weigh('tun', { 21: 10, 22: 10, 23: 10 });
    assert.deepEqual(await answering(), ['rs1', 'rs2', 'rs3']);
  });

  test('the checker process killed alone: dead, a server stays out, and well again it gets its weight', async () => {
    await rs3.kill();
    await weigh('nat', { 21: 10, 22: 10, 23: 0 });
    await weigh('tun', { 21: 10, 22: 10 });
    const writes = await ipvsWrites(lab.lb1);
    const killed = await lb1.pid('checker');
    process.kill(killed, 'SIGKILL');
    await eventually('another checker process', 20_000, async () => {
      const next = (await lb1.status()).processes.find(({ name }) => name === 'checker');
      return next?.state === 'ready' && next.pid !== killed ? true : undefined;
    });
    await sleep(SEVERAL_CHECKS);
    assert.deepEqual(await writes.stop(), []);
    await rs3.start();
    await weigh('nat', { 21: 10, 22: 10, 23: 10 });
    await weigh('tun', { 21: 10, 22: 10, 23: 10 });
  });
});
