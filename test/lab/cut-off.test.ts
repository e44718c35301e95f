/** A director that has lost its own network takes no server out for it; and what is known of servers outlives the daemon. */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Director, director } from './director.ts';
import { addressesOf, CHECK, servicesToml } from './pair.ts';
import { eventually } from './process.ts';
import { createTopology, type Server, type Topology } from './topology.ts';
import { ipvsadm } from './witness.ts';

/** By which every server would have failed, and more. */
const LONG_ENOUGH = 3 * (CHECK.fall * CHECK.interval + CHECK.timeout);

describe('a director that is cut off', () => {
  let lab: Topology;
  let lb1: Director;

  const weights = async (): Promise<number[]> =>
    (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP')?.servers.map(({ weight }) => weight) ?? [];
  const weightsAre = (...wanted: readonly number[]): Promise<true> =>
    eventually(`weights ${wanted}`, 20_000, async () =>
      String(await weights()) === String(wanted) ? true : undefined,
    );
  const cutOff = (is: RegExp | null): Promise<true> =>
    eventually(`cut off: ${is}`, 20_000, async () => {
      const { cutOff: what } = await lb1.status();
      return (is === null ? what === null : what !== null && is.test(what)) ? true : undefined;
    });

  before(async () => {
    lab = await createTopology();
    lb1 = await director(lab.lb1, servicesToml('nat', addressesOf(lab)));
    await weightsAre(10, 10, 10);
  });
  after(() => lab.close());

  test('without a carrier no failure counts: all weights stay, and events, status and health say why', async () => {
    await lab.lb1.linkDown();
    await cutOff(/^eth0 has no carrier$/);
    await sleep(LONG_ENOUGH);
    assert.deepEqual(await weights(), [10, 10, 10]);
    const { services } = await lb1.status();
    for (const server of services[0]?.servers ?? []) {
      assert.equal(server.state, 'up');
      assert.match(server.reason, /^does not count, as eth0 has no carrier: /);
    }
    assert.match(await lb1.control('/healthz'), /cut off from the servers: eth0 has no carrier/);
    assert.match(await lb1.control('/events'), /failed checks do not count/);
    await lab.lb1.linkUp();
    await cutOff(null);
    assert.deepEqual(await weights(), [10, 10, 10]);
  });

  test('with a carrier, but a gateway that is silent too, neither', async () => {
    await lab.lb1.must(['ip', 'route', 'add', 'default', 'via', lab.client.address]);
    const mend = await Promise.all(
      [lab.client, ...lab.servers.map(({ host }) => host)].map((one) => lab.network.cut(one, lab.lb1)),
    );
    await cutOff(
      new RegExp(`^the gateway ${lab.client.address.replaceAll('.', '\\.')} has not answered 2 ARP requests$`),
    );
    await sleep(LONG_ENOUGH);
    assert.deepEqual(await weights(), [10, 10, 10]);
    for (const undo of mend) await undo();
    await cutOff(null);
  });

  test('with a carrier and a gateway that answers, servers that are all silent have failed', async () => {
    const mend = await Promise.all(lab.servers.map(({ host }) => lab.network.cut(host, lab.lb1)));
    await weightsAre(0, 0, 0);
    assert.equal((await lb1.status()).cutOff, null);
    for (const undo of mend) await undo();
    await weightsAre(10, 10, 10);
  });

  test('a server that was down when every process was killed is down for the next ones, and stays out', async () => {
    const [rs1] = lab.servers as [Server];
    await rs1.health(503);
    await weightsAre(0, 10, 10);
    // What is written down is written a second after it changed.
    await sleep(1500);
    await lb1.killAll();
    lb1 = await director(lab.lb1, servicesToml('nat', addressesOf(lab)));
    const seen = (await lb1.status()).services[0]?.servers[0];
    assert.equal(seen?.state, 'down');
    assert.match(seen.reason, /HTTP 503/);
    assert.deepEqual(await weights(), [0, 10, 10]);
    await rs1.health(200);
    await weightsAre(10, 10, 10);
  });
});
