/** A real server dies and comes back, or says that it is unwell: what the kernel does with it, and what a client notices. */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { type Director, director } from './director.ts';
import { CHECK, servicesToml, vrrpToml } from './pair.ts';
import { failures, startProber } from './prober.ts';
import { eventually, now } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm } from './witness.ts';

describe('a real server fails', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let rs2: Server;

  const weights = async (): Promise<Record<string, number>> => {
    const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP.nat}:80`);
    return Object.fromEntries((service?.servers ?? []).map((s) => [s.address.split(':')[0], s.weight]));
  };
  const weightOf = async (server: Server, weight: number | undefined, within: number): Promise<number> =>
    eventually(`${server.host.name} to have weight ${weight}`, within, async () =>
      (await weights())[server.host.address] === weight ? now() : undefined,
    );

  before(async () => {
    lab = await createTopology();
    [rs1, rs2] = lab.servers as [Server, Server];
    // rs3 is in a service of its own, where a failed server is removed.
    const toml =
      vrrpToml(150) +
      servicesToml('nat', [rs1.host.address, rs2.host.address]) +
      servicesToml('tun', ['10.77.0.23'], 'on_failure = "remove"');
    lb1 = await director(lab.lb1, toml);
    await weightOf(rs1, 10, 15_000);
    await weightOf(rs2, 10, 15_000);
    await eventually('lb1 to be master', 10_000, async () =>
      (await lb1.status()).routers[0]?.state === 'master' ? true : undefined,
    );
  });
  after(() => lab.close());

  test('killed, it has weight 0 within fall × interval + timeout, and new connections all succeed', async () => {
    const killed = now();
    await rs1.kill();
    const quiesced = await weightOf(rs1, 0, 15_000);
    const allowed = CHECK.fall * CHECK.interval + CHECK.timeout;
    const took = quiesced - killed;
    // `ipvsadm` itself takes its time to start: what it shows was so before it printed it.
    assert.ok(took <= allowed + 500, `${took} ms, ${allowed} allowed`);

    const prober = await startProber(lab.client, { address: VIP.nat, protocol: 'tcp', every: 50, deadline: 3000 });
    await prober.answered(now() + 2000);
    assert.deepEqual(failures(await prober.stop()), []);
    assert.equal((await weights())[rs2.host.address], 10, 'the other one keeps its weight');
  });

  test('revived, it is back after rise good answers', async () => {
    await rs1.start();
    const revived = now();
    const back = await weightOf(rs1, 10, 15_000);
    assert.ok(back - revived <= CHECK.rise * CHECK.interval + CHECK.timeout + 500, `${back - revived} ms`);
  });

  test('answering 503 it fails, and status says why', async () => {
    await rs2.health(503);
    await weightOf(rs2, 0, 15_000);
    const server = (await lb1.status()).services[0]?.servers.find((s) => s.address === `${rs2.host.address}:80`);
    assert.equal(server?.state, 'down');
    assert.match(server.reason, /HTTP 503/);
    await rs2.health(200);
    await weightOf(rs2, 10, 15_000);
  });

  test('with on_failure = "remove" it leaves the table, and returns', async () => {
    const rs3 = lab.servers[2] as Server;
    const there = async (): Promise<number | undefined> =>
      (await ipvsadm(lab.lb1)).find((s) => s.address === `${VIP.tun}:80`)?.servers.length;
    await rs3.health(500);
    await eventually('rs3 to be removed', 15_000, async () => ((await there()) === 0 ? true : undefined));
    await rs3.health(200);
    await eventually('rs3 to be back', 15_000, async () => ((await there()) === 1 ? true : undefined));
  });

  test('every change is an event, with its reason, in order', async () => {
    const events = JSON.parse(await lb1.control('/events?kind=server')) as {
      service: string;
      address: string;
      to: string;
      reason: string;
    }[];
    const story = events.filter((e) => e.service === 'nat' && e.address === `${rs1.host.address}:80`).map((e) => e.to);
    assert.deepEqual(story, ['up', 'down', 'up']);
    const [, down] = events.filter((e) => e.service === 'nat' && e.address === `${rs1.host.address}:80`);
    assert.match(down?.reason ?? '', /2 failures in a row: connection refused/);
  });
});
