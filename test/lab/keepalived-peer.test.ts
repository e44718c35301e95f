/** Debian's keepalived as the other director: elections both ways, and never two masters once they have heard each other. */

import assert from 'node:assert/strict';
import test, { afterEach, beforeEach, describe } from 'node:test';
import { type Capture, capture } from './capture.ts';
import { director } from './director.ts';
import { type Keepalived, keepalived } from './keepalived.ts';
import { createNetwork, type Host, type Network } from './network.ts';
import { becomes, INTERVAL, skew } from './pair.ts';
import { eventually, now } from './process.ts';
import { addresses } from './witness.ts';

const VIP = '10.77.0.100/24';

const ours = (priority: number): string => `
[[vrrp]]
name = "edge"
interface = "eth0"
router_id = 51
priority = ${priority}
addresses = ["${VIP}"]
`;

const theirs = (priority: number): string => `
vrrp_instance edge {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 1
  version 3
  virtual_ipaddress { ${VIP} }
}
`;

describe('with keepalived as the other director', () => {
  let network: Network;
  let us: Host;
  let them: Host;
  let wire: Capture;
  beforeEach(async () => {
    network = await createNetwork();
    const observer = await network.host('cl', '10.77.0.10');
    us = await network.host('lb1', '10.77.0.11');
    them = await network.host('lb2', '10.77.0.12');
    wire = await capture(observer, 'ip proto 112 or arp');
  });
  afterEach(() => network.close());

  const holds = async (host: Host): Promise<boolean> => (await addresses(host)).includes(VIP);
  const owner = (host: Host, within = 15_000): Promise<number> =>
    eventually(`${host.name} to own ${VIP}`, within, async () => ((await holds(host)) ? now() : undefined));
  const without = (host: Host): Promise<true> =>
    eventually(`${host.name} to be without ${VIP}`, 5000, async () => ((await holds(host)) ? undefined : true));

  /** After this moment, whoever advertises is the one named, but for priority 0. */
  function onlyMaster(host: Host, from: number, to: number): void {
    const senders = wire
      .packets()
      .filter((p) => p.at >= from && p.at <= to && p.ip?.vrrp && p.ip.vrrp.priority > 0)
      .map((p) => p.ip?.source);
    assert.ok(senders.length > 0, 'somebody advertised');
    assert.deepEqual([...new Set(senders)], [host.address]);
  }

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  test('we have the higher priority: we displace it, it takes over when we stop, we displace it again', async () => {
    const peer: Keepalived = await keepalived(them, theirs(100));
    await owner(them);
    const lb1 = await director(us, ours(150));
    await owner(us);
    await without(them);
    const converged = now();
    await pause(3 * INTERVAL);
    onlyMaster(us, converged, now());
    assert.ok((await holds(us)) && !(await holds(them)));

    const stopped = now();
    await lb1.stop();
    await owner(them, skew(100) + 2000);
    assert.ok(!(await holds(us)));
    const resigned = wire.packets().find((p) => p.at >= stopped && p.ip?.vrrp?.priority === 0);
    assert.equal(resigned?.ip?.source, us.address);
    const claimed = wire.packets().find((p) => p.at >= stopped && p.ip?.vrrp?.priority === 100);
    assert.ok(resigned && claimed && claimed.at - resigned.at <= skew(100) + 200, 'it believed our priority 0');

    await director(us, ours(150));
    await owner(us);
    await without(them);
    const again = now();
    await pause(3 * INTERVAL);
    onlyMaster(us, again, now());
    await peer.stop();
  });

  test('it has the higher priority: we wait, take over when it stops and when it is killed, and let go when it is back', async () => {
    const lb1 = await director(us, ours(100));
    await owner(us);
    let peer = await keepalived(them, theirs(150));
    await owner(them);
    await without(us);
    await becomes(lb1, 'backup');
    const converged = now();
    await pause(3 * INTERVAL);
    onlyMaster(them, converged, now());
    assert.equal((await lb1.status()).routers[0]?.master?.address, them.address);

    const stopped = now();
    await peer.stop();
    await owner(us, skew(100) + 2000);
    const resigned = wire.packets().find((p) => p.at >= stopped && p.ip?.vrrp?.priority === 0);
    const claimed = wire.packets().find((p) => p.at >= stopped && p.ip?.vrrp?.priority === 100);
    assert.ok(resigned && claimed && claimed.at - resigned.at <= skew(100) + 200, 'we believed its priority 0');

    peer = await keepalived(them, theirs(150));
    await owner(them);
    await without(us);
    const killed = now();
    await peer.killAll();
    const taken = await wire.seen((p) => p.at > killed && p.ip?.vrrp?.priority === 100, 10_000);
    const last = wire.packets().findLast((p) => p.at <= killed && p.ip?.vrrp?.priority === 150);
    assert.ok(last && taken.at - last.at <= 3 * INTERVAL + skew(100) + 200, 'three of its intervals and our skew');
    const counters = (await lb1.status()).routers[0]?.counters;
    assert.deepEqual(counters?.dropped, {}, 'none of its adverts was refused');
  });

  test('with equal priorities the one that was there first stays master', async () => {
    await director(us, ours(120));
    await owner(us);
    const peer = await keepalived(them, theirs(120));
    await pause(5 * INTERVAL);
    assert.ok((await holds(us)) && !(await holds(them)));
    const converged = now() - 2 * INTERVAL;
    onlyMaster(us, converged, now());
    await peer.stop();
  });

  test('our adverts are right to tcpdump and to Wireshark', async () => {
    await director(us, ours(150));
    await owner(us);
    await pause(2 * INTERVAL);
    await wire.stop();
    const text = (await wire.text()).filter((line) => line.includes('VRRP')).join('\n');
    assert.match(text, /VRRPv3, Advertisement, .*vrid 51, prio 150/);
    assert.doesNotMatch(text, /bad vrrp cksum/);
    const [first] = await wire.fields(
      ['ip.ttl', 'ip.dst', 'ip.dsfield', 'vrrp.version', 'vrrp.prio', 'vrrp.short_adver_int', 'vrrp.checksum.status'],
      'vrrp',
    );
    assert.deepEqual(first, {
      'ip.ttl': ['255'],
      'ip.dst': ['224.0.0.18'],
      'ip.dsfield': ['0xc0'],
      'vrrp.version': ['3'],
      'vrrp.prio': ['150'],
      'vrrp.short_adver_int': ['100'],
      'vrrp.checksum.status': ['1'],
    });
  });
});
