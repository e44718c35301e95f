/**
 * A director dies, or is stopped, under a client that asks every 10 ms. Bounds are the protocol's own: three intervals
 * and the skew after a death, the skew after a resignation, and 200 ms for everything else.
 */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { type Capture, capture } from './capture.ts';
import { type Director, director } from './director.ts';
import { becomes, directorToml, GRACE, INTERVAL, PRIORITY, serversUp, skew, startPair } from './pair.ts';
import { firstAnswer, longestGap, startProber } from './prober.ts';
import { eventually, now } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { addresses } from './witness.ts';

const OWN = { lb1: '10.77.0.11/24', lb2: '10.77.0.12/24' } as const;

describe('a director fails', () => {
  let lab: Topology;
  let lb1: Director;
  let lb2: Director;
  before(async () => {
    lab = await createTopology({ servers: 2 });
    ({ lb1, lb2 } = await startPair(lab, ['dr']));
    for (const one of [lb1, lb2]) await serversUp(one);
  });
  after(() => lab.close());

  const holds = async (one: Director): Promise<boolean> => (await addresses(one.host)).length > 1;

  /** Gratuitous ARP for the address that the client asks, from this host. */
  const announced = (wire: Capture, from: Director): boolean =>
    wire.packets().some(({ arp }) => arp?.gratuitous && arp.sender === VIP.dr && arp.senderMac === from.host.mac);

  test('stopped, it resigns: the address answers again within the skew', async () => {
    const wire = await capture(lab.client, 'arp or ip proto 112');
    const prober = await startProber(lab.client, { address: VIP.dr });
    await prober.answered(now() + 500);
    const stopped = now();
    await lb1.stop();
    await prober.answered(stopped + 1000);
    const asks = await prober.stop();
    await wire.stop();

    const gap = longestGap(asks);
    const allowed = skew(PRIORITY.lb2) + GRACE;
    assert.ok(gap.to - stopped <= allowed, `answered ${gap.to - stopped} ms after the stop, ${allowed} allowed`);
    assert.deepEqual(await addresses(lab.lb1), [OWN.lb1]);
    assert.equal((await addresses(lab.lb2)).length, 4);
    assert.ok(
      wire.packets().some(({ ip }) => ip?.vrrp?.priority === 0 && ip.source === '10.77.0.11'),
      'priority 0 was sent',
    );
    assert.ok(announced(wire, lb2), 'lb2 announced itself');
  });

  test('back again, it takes over, and the other one lets go', async () => {
    lb1 = await director(lab.lb1, directorToml(lab, PRIORITY.lb1, ['dr']));
    await becomes(lb1, 'master');
    await becomes(lb2, 'backup');
    await eventually('lb2 to have let go', 2000, async () => ((await holds(lb2)) ? undefined : true));
    assert.ok(await holds(lb1));
  });

  test('killed with all its processes, the address answers again within three intervals and the skew', async () => {
    const wire = await capture(lab.client, 'arp or ip proto 112');
    const prober = await startProber(lab.client, { address: VIP.dr });
    await prober.answered(now() + 500);
    const killed = now();
    await lb1.killAll();
    // The kernel of the dead director still answers for the address; what counts is who the client reaches for good.
    const master = await wire.seen(({ ip }) => ip?.vrrp?.priority === PRIORITY.lb2, 10_000);
    await prober.answered(master.at + 1000);
    const asks = await prober.stop();
    await wire.stop();

    const allowed = 3 * INTERVAL + skew(PRIORITY.lb2) + GRACE;
    const answered = firstAnswer(asks, master.at);
    assert.ok(answered !== undefined && answered.end - killed <= allowed, `${answered?.end} ${killed} ${allowed}`);
    assert.ok(announced(wire, lb2), 'lb2 announced itself');
    const gap = longestGap(asks);
    assert.ok(gap.length <= allowed, `the client went ${gap.length} ms without an answer`);
  });

  test('… and before long nobody but the new master owns the addresses: those of the dead one run out', async () => {
    await eventually('lb1 to have lost the addresses', 10_000, async () => ((await holds(lb1)) ? undefined : true));
    assert.ok(await holds(lb2));
  });

  test('lost with its link, as if by a power cut, the address answers again within three intervals and the skew', async () => {
    lb1 = await director(lab.lb1, directorToml(lab, PRIORITY.lb1, ['dr']));
    await becomes(lb1, 'master');
    await becomes(lb2, 'backup');
    const prober = await startProber(lab.client, { address: VIP.dr });
    await prober.answered(now() + 500);
    const lost = now();
    await Promise.all([lb1.killAll(), lab.lb1.linkDown()]);
    await becomes(lb2, 'master');
    await prober.answered(lost + 1000);
    const gap = longestGap(await prober.stop());
    const allowed = 3 * INTERVAL + skew(PRIORITY.lb2) + GRACE;
    assert.ok(gap.to - lost <= allowed, `answered ${gap.to - lost} ms after, ${allowed} allowed`);
    await eventually('the addresses to run out on lb1', 10_000, async () => ((await holds(lb1)) ? undefined : true));
    await lab.lb1.linkUp();
    assert.ok(await holds(lb2));
  });

  test('a director that loses its link is a fault, and the other one takes over', async () => {
    lb1 = await director(lab.lb1, directorToml(lab, PRIORITY.lb1, ['dr']));
    await becomes(lb1, 'master');
    await becomes(lb2, 'backup');
    const wire = await capture(lab.client, 'ip proto 112');
    await wire.seen(({ ip }) => ip?.vrrp?.priority === PRIORITY.lb1);
    const pulled = now();
    await lab.lb1.linkDown();
    const taken = await wire.seen(({ at, ip }) => at > pulled && ip?.vrrp?.priority === PRIORITY.lb2, 10_000);
    await wire.stop();
    const last = wire.packets().findLast(({ ip }) => ip?.vrrp?.priority === PRIORITY.lb1);
    assert.ok(last && taken.at - last.at <= 3 * INTERVAL + skew(PRIORITY.lb2) + GRACE, 'counted from its last advert');
    await becomes(lb1, 'fault');
    assert.match((await lb1.status()).routers[0]?.cause ?? '', /eth0 (has no carrier|is down)/);
    assert.ok(!(await holds(lb1)), 'the addresses do not wait on a dead link');
    await lab.lb1.linkUp();
    await becomes(lb1, 'master');
    await becomes(lb2, 'backup');
  });
});
