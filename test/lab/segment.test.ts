/**
 * The vrrp process against a kernel that changes under it: the owner of the addresses, a changed mask, a link that leaves
 * a bridge, is renamed, or goes and comes back, a config that moves to another interface.
 */

import assert from 'node:assert/strict';
import test, { afterEach, beforeEach, describe } from 'node:test';
import { type Director, director } from './director.ts';
import { createNetwork, type Host, type Network } from './network.ts';
import { becomes } from './pair.ts';
import { eventually } from './process.ts';
import { addresses } from './witness.ts';

const VIP = '10.77.0.100/24';
const vrrp = (more: string): string => `
[[vrrp]]
name = "edge"
router_id = 51
addresses = ["${VIP}"]
interval = "100ms"
${more}
`;

describe('a virtual router whose interface changes under it', () => {
  let network: Network;
  let host: Host;
  beforeEach(async () => {
    network = await createNetwork();
    host = await network.host('lb1', '10.77.0.11');
  });
  afterEach(() => network.close());

  const on = async (device: string, within = 5000): Promise<true> =>
    eventually(`${VIP} on ${device}`, within, async () =>
      (await addresses(host, device)).includes(VIP) ? true : undefined,
    );
  const router = async (one: Director) => (await one.status()).routers[0];

  test('the owner advertises from an address that is virtual too, and keeps it when it stops', async () => {
    await host.must(['ip', 'address', 'add', VIP, 'dev', 'eth0']);
    await host.must(['ip', 'address', 'delete', '10.77.0.11/24', 'dev', 'eth0']);
    await host.must(['ip', 'address', 'replace', VIP, 'dev', 'eth0']);
    const one = await director(host, vrrp('interface = "eth0"\npriority = 255'));
    await becomes(one, 'master');
    assert.equal((await router(one))?.master?.address, '10.77.0.100');
    await one.stop();
    assert.ok((await addresses(host)).includes(VIP), 'it is the machine’s own');
  });

  test('a mask that is changed in the usual way, new one first, is no fault', async () => {
    const one = await director(host, vrrp('interface = "eth0"'));
    await becomes(one, 'master');
    await host.must(['ip', 'address', 'add', '10.77.0.11/16', 'dev', 'eth0']);
    await host.must(['ip', 'address', 'delete', '10.77.0.11/24', 'dev', 'eth0']);
    await on('eth0');
    assert.equal((await router(one))?.counters.becameMaster, 1);
    assert.equal((await router(one))?.state, 'master');
  });

  test('a port that leaves a bridge is still an interface', async () => {
    await host.must(['ip', 'link', 'add', 'b0', 'type', 'bridge']);
    await host.must(['ip', 'link', 'set', 'eth0', 'master', 'b0']);
    const one = await director(host, vrrp('interface = "eth0"'));
    await becomes(one, 'master');
    await host.must(['ip', 'link', 'set', 'eth0', 'nomaster']);
    await host.must(['ip', 'address', 'add', '10.77.1.1/24', 'dev', 'eth0']);
    await on('eth0');
    assert.equal((await router(one))?.state, 'master');
  });

  test('an interface that comes late is waited for, one that is renamed takes no address along', async () => {
    const one = await director(host, vrrp('interface = "late0"'));
    assert.match((await router(one))?.cause ?? '', /interface late0 does not exist/);
    await host.must(['ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1']);
    await host.must(['ip', 'address', 'add', '10.77.0.11/24', 'dev', 'late0']);
    await host.must(['ip', 'link', 'set', 'late1', 'up']);
    await host.must(['ip', 'link', 'set', 'late0', 'up']);
    await becomes(one, 'master');
    await on('late0');
    await host.must(['ip', 'link', 'set', 'late0', 'down']);
    await becomes(one, 'fault');
    await host.must(['ip', 'link', 'set', 'late0', 'up']);
    await becomes(one, 'master');
    await on('late0');
    // This kernel renames only what is down; to the director it is gone then.
    await host.must(['sh', '-c', 'ip link set late0 down && ip link set late0 name other0']);
    await becomes(one, 'fault');
    await eventually('the address to leave other0', 5000, async () =>
      (await addresses(host, 'other0')).includes(VIP) ? undefined : true,
    );
  });

  for (const { kind, device, make } of [
    { kind: 'VLAN', device: 'eth0.7', make: 'ip link add link eth0 name eth0.7 type vlan id 7' },
    {
      kind: 'bond',
      device: 'bond0',
      make: 'ip link add bond0 type bond mode active-backup miimon 100 && ip link add p0 type veth peer name p1 && ip link set p0 master bond0 && ip link set p1 up',
    },
  ])
    test(`a ${kind} that comes late is waited for, and again when it is taken away and made anew`, async () => {
      const one = await director(host, vrrp(`interface = "${device}"`));
      assert.match((await router(one))?.cause ?? '', /does not exist/);
      for (let n = 0; n < 2; n++) {
        await host.must(['sh', '-c', make]);
        await host.must(['ip', 'link', 'set', device, 'up']);
        await host.must(['ip', 'address', 'add', '10.77.7.11/24', 'dev', device]);
        await becomes(one, 'master');
        await on(device);
        await host.must(['ip', 'link', 'delete', device]);
        await becomes(one, 'fault');
        await host.exec(['ip', 'link', 'delete', 'p0']);
      }
    });

  // The clock of a machine that others use too is left alone.
  const guest = process.env.LAB_KERNEL === 'guest';
  test('the wall clock is set an hour ahead and back: nothing moves', {
    skip: !guest && 'not in a guest',
  }, async () => {
    const one = await director(host, vrrp('interface = "eth0"'));
    await becomes(one, 'master');
    const before = await router(one);
    const step = (seconds: number): Promise<string> =>
      host.must(['sh', '-c', `date -s @$(( $(date +%s) + ${seconds} ))`]);
    try {
      for (const hour of [3600, -7200]) {
        await step(hour);
        await new Promise((resolve) => setTimeout(resolve, 1500));
        const after = await router(one);
        assert.deepEqual([after?.state, after?.counters.becameMaster], ['master', 1]);
        assert.ok(
          (after?.counters.advertsSent ?? 0) >= (before?.counters.advertsSent ?? 0) + 10,
          'it goes on at its beat',
        );
        await on('eth0');
      }
    } finally {
      await step(3600);
    }
  });

  test('killed, and started with another interface in its file, it leaves nothing on the first', async () => {
    await host.must(['ip', 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1']);
    await host.must(['ip', 'address', 'add', '10.77.9.1/24', 'dev', 'd0']);
    await host.must(['ip', 'link', 'set', 'd1', 'up']);
    await host.must(['ip', 'link', 'set', 'd0', 'up']);
    const one = await director(host, vrrp('interface = "eth0"\nlinger = true'));
    await becomes(one, 'master');
    await on('eth0');
    await one.killAll();
    const again = await director(host, vrrp('interface = "d0"\nlinger = true'));
    await becomes(again, 'master');
    await on('d0');
    assert.deepEqual(await addresses(host, 'eth0'), ['10.77.0.11/24']);
  });
});
