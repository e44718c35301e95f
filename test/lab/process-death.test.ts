/** One process of the master is killed. The others never notice, and neither does the network. */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { capture } from './capture.ts';
import type { Director } from './director.ts';
import { serversUp, startPair } from './pair.ts';
import { failures, longestGap, startProber } from './prober.ts';
import { eventually, now } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { addresses, ipvsRules } from './witness.ts';

describe('a process of the master is killed', () => {
  let lab: Topology;
  let lb1: Director;
  let lb2: Director;
  before(async () => {
    lab = await createTopology({ servers: 2 });
    ({ lb1, lb2 } = await startPair(lab, ['dr']));
    await serversUp(lb1);
  });
  after(() => lab.close());

  /** Kills it, waits until another has taken its place, and gives both pids and when it was ready. */
  async function killAndWait(name: 'vrrp' | 'checker'): Promise<void> {
    const before = await lb1.pid(name);
    process.kill(before, 'SIGKILL');
    await eventually(`another ${name} process to be ready`, 20_000, async () => {
      const now = (await lb1.status()).processes.find((p) => p.name === name);
      return now?.state === 'ready' && now.pid !== before ? true : undefined;
    });
  }

  test('the vrrp process: the address never leaves the interface and the peer never takes over', async () => {
    const wire = await capture(lab.client, 'ip proto 112 or arp');
    // `ip monitor` tells of every address that comes or goes, however briefly.
    const monitor = lab.lb1.spawn(['ip', '-o', 'monitor', 'address']);
    const prober = await startProber(lab.client, { address: VIP.dr });
    await prober.answered(now() + 500);
    const killed = now();
    await killAndWait('vrrp');
    const resumed = await wire.seen((p) => p.at > killed && p.ip?.vrrp !== null && p.ip?.vrrp !== undefined, 10_000);
    await prober.answered(now() + 4000);
    const asks = await prober.stop();
    await Promise.all([wire.stop(), monitor.stop()]);

    assert.deepEqual(
      monitor
        .output()
        .split('\n')
        .filter((line) => line.includes('Deleted')),
      [],
    );
    const senders = new Set(wire.packets().flatMap(({ ip }) => (ip?.vrrp ? [ip.source] : [])));
    assert.deepEqual([...senders], ['10.77.0.11'], 'only lb1 ever advertised');
    assert.ok(resumed.at - killed < 3000, `the next advert came ${resumed.at - killed} ms after the kill`);
    assert.ok(longestGap(asks).length < 500, `the client went ${longestGap(asks).length} ms without an answer`);
    assert.deepEqual(await addresses(lab.lb2), ['10.77.0.12/24']);
    const router = (await lb1.status()).routers[0];
    assert.equal(router?.state, 'master');
    assert.match(router.cause, /restarted as master/);
    assert.equal((await lb2.status()).routers[0]?.counters.becameMaster, 0);
  });

  test('the checker process: the table and the traffic are unharmed', async () => {
    const before = await ipvsRules(lab.lb1);
    const prober = await startProber(lab.client, { address: VIP.dr, protocol: 'tcp', every: 50, deadline: 3000 });
    await prober.answered(now() + 500);
    await killAndWait('checker');
    await prober.answered(now() + 2000);
    assert.deepEqual(failures(await prober.stop()), []);
    assert.deepEqual(await ipvsRules(lab.lb1), before);
    const status = await lb1.status();
    assert.ok(status.services.every((s) => s.servers.every((server) => server.state === 'up')));
    assert.equal(status.routers[0]?.state, 'master');
  });

  test('both deaths are events that say how, and both processes count their restart', async () => {
    const events = JSON.parse(await lb1.control('/events?kind=process')) as {
      what: string;
      process: string;
      detail: string;
    }[];
    const deaths = events.filter((e) => e.what === 'died');
    assert.deepEqual(
      deaths.map((e) => e.process),
      ['vrrp', 'checker'],
    );
    for (const { detail } of deaths) assert.match(detail, /^SIGKILL after .*; it is started again at once$/);
    assert.deepEqual(
      (await lb1.status()).processes.map((p) => p.restarts),
      [0, 1, 1],
    );
  });
});
