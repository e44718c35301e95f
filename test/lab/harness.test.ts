/** That the lab can be believed: its hosts, witnesses and clocks, before any daemon of ours runs in it. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import test, { after, before, describe as group } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { capture, type Packet } from './capture.ts';
import { keepalived } from './keepalived.ts';
import { createNetwork, type Host } from './network.ts';
import { failures, firstAnswer, longestGap, served, startProber } from './prober.ts';
import { now } from './process.ts';
import { createTopology, type Mode, type Topology, VIP } from './topology.ts';
import { addresses, curl, ipvsadm, ipvsRules } from './witness.ts';

const FORWARD = { nat: ['-m', 'Masq'], tun: ['-i', 'Tunnel'], dr: ['-g', 'Route'] } as const;
const MODES = Object.keys(VIP) as Mode[];

/** The virtual services of all three modes, TCP 80 and UDP 53, round robin over all servers, by ipvsadm. */
async function balance(host: Host, servers: readonly { readonly host: Host }[]): Promise<void> {
  const rules = MODES.flatMap((mode) =>
    ['-t :80', '-u :53'].flatMap((kind) => {
      const [protocol = '', port = ''] = kind.split(' ');
      const service = `${protocol} ${VIP[mode]}${port}`;
      const real = servers.map((one) => `-a ${service} -r ${one.host.address}${port} ${FORWARD[mode][0]} -w 1`);
      return [`-A ${service} -s rr`, ...real];
    }),
  );
  await host.must(['ipvsadm', '-R'], `${rules.join('\n')}\n`);
}

group('the lab', () => {
  let lab: Topology;
  before(async () => {
    lab = await createTopology();
    await balance(lab.lb1, lab.servers);
    await lab.lb1.must(['ip', '-batch', '-'], MODES.map((mode) => `address add ${VIP[mode]}/32 dev eth0\n`).join(''));
  });
  after(() => lab.close());

  test('shows what is in the kernel', async () => {
    assert.deepEqual(await addresses(lab.lb1), ['10.77.0.11/24', '10.77.0.100/32', '10.77.0.101/32', '10.77.0.102/32']);
    const table = await ipvsadm(lab.lb1);
    assert.equal(table.length, 6);
    const dr = table.find((one) => one.protocol === 'TCP' && one.address === `${VIP.dr}:80`);
    assert.equal(dr?.scheduler, 'rr');
    assert.equal(dr.servers.length, 3);
    assert.deepEqual(dr.servers[0], { address: '10.77.0.21:80', forward: 'Route', weight: 1, active: 0, inactive: 0 });
    assert.equal((await ipvsRules(lab.lb1)).length, 6 + 18);
    assert.deepEqual(await ipvsadm(lab.lb2), []);
  });

  for (const mode of MODES) {
    test(`carries ${mode} by IPVS, and captures it at the server and at the director`, async () => {
      const [rs1] = lab.servers;
      assert(rs1);
      const atServer = await capture(rs1.host, 'tcp port 80 or ip proto 4');
      const atDirector = await capture(lab.lb1, `ip and src host ${VIP[mode]} and dst host ${lab.client.address}`);
      const seen = [];
      for (const _ of lab.servers) {
        const { status, body } = await curl(lab.client, `http://${VIP[mode]}/`);
        const [name, client] = body.split('\n');
        assert.deepEqual([status, client], [200, lab.client.address]);
        seen.push(name);
      }
      assert.deepEqual(seen.sort(), ['rs1', 'rs2', 'rs3']);
      await Promise.all([atServer.stop(), atDirector.stop()]);

      const request = atServer.packets().find((one) => one.ethernet.destination === rs1.host.mac);
      assert(request?.ip);
      assert.equal(request.ethernet.source, lab.lb1.mac);
      const { ip } = request;
      if (mode === 'tun') {
        assert.deepEqual([ip.protocol, ip.destination], [4, rs1.host.address]);
        assert.deepEqual(
          [ip.inner?.source, ip.inner?.destination, ip.inner?.ports?.destination],
          [lab.client.address, VIP.tun, 80],
        );
      } else {
        assert.deepEqual([ip.protocol, ip.source], [6, lab.client.address]);
        assert.equal(ip.destination, mode === 'dr' ? VIP.dr : rs1.host.address);
      }
      const crossed = atDirector.packets().some((one: Packet) => one.ethernet.source === lab.lb1.mac);
      assert.equal(crossed, mode === 'nat', 'only the replies of NAT cross the director');
    });
  }

  test('asks over TCP as over UDP', async () => {
    const prober = await startProber(lab.client, { address: VIP.nat, protocol: 'tcp', every: 100, deadline: 5000 });
    await prober.answered(now());
    const asks = await prober.stop();
    assert.deepEqual(failures(asks), []);
    const names = Object.keys(served(asks));
    assert(names.length > 0 && names.every((name) => /^rs[123]$/.test(name)), String(names));
  });

  test('a dead server refuses, a revived one answers, and its health can be set', async () => {
    const [, rs2] = lab.servers;
    assert(rs2);
    const url = `http://${rs2.host.address}/healthz`;
    await rs2.health(503);
    assert.equal((await curl(lab.lb1, url)).status, 503);
    await rs2.kill();
    assert.deepEqual(await curl(lab.lb1, url), { status: 0, body: '', code: 7 });
    await rs2.start();
    assert.equal((await curl(lab.lb1, url)).status, 200);
  });

  test('measures how long a virtual address was away', async () => {
    await balance(lab.lb2, lab.servers);
    const prober = await startProber(lab.client, { address: VIP.dr });
    await prober.answered(now() + 500);
    const usual = longestGap(await prober.asks()).length;

    const removing = now();
    await lab.lb1.must(['ip', 'address', 'delete', `${VIP.dr}/32`, 'dev', 'eth0']);
    const removed = now();
    await sleep(400);
    const adding = now();
    await lab.lb2.must(['ip', 'address', 'add', `${VIP.dr}/32`, 'dev', 'eth0']);
    await lab.client.must(['ip', 'neighbour', 'flush', 'dev', 'eth0']);
    const added = now();
    await prober.answered(added);
    const asks = await prober.stop();

    const gap = longestGap(asks);
    const what = JSON.stringify({ gap, usual, removing, removed, adding, added });
    assert(gap.from >= removing - usual - 50 && gap.from <= removed + 50, what);
    assert(gap.to >= adding && gap.to <= added + usual + 100, what);
    assert.equal(gap.length, gap.to - gap.from);
    assert(failures(asks).length > 0, 'asks sent into the gap are lost');
    assert(
      failures(asks).every((one) => one.start > removing - 500 && one.start < added + 100),
      what,
    );
    assert((firstAnswer(asks, adding)?.end ?? 0) >= gap.to, what);
  });

  test('speaks to keepalived, and reads its adverts as tcpdump and Wireshark do', async () => {
    const wire = await capture(lab.client, 'vrrp or arp');
    const peer = await keepalived(
      lab.lb2,
      `vrrp_instance edge {
         state BACKUP
         interface eth0
         virtual_router_id 51
         priority 120
         advert_int 0.5
         version 3
         virtual_ipaddress { 10.77.0.110/32 }
       }`,
    );
    const advert = await wire.seen((one) => one.ip?.vrrp !== null && one.ip?.vrrp !== undefined, 10_000);
    assert.deepEqual(advert.ip?.vrrp, {
      version: 3,
      routerId: 51,
      priority: 120,
      interval: 500,
      addresses: ['10.77.0.110'],
    });
    assert(Math.abs(now() - advert.at) < 10_000, 'packets bear the time of the monotonic clock');
    const announced = await wire.seen((one) => one.arp?.gratuitous === true);
    assert.equal(announced.arp?.sender, '10.77.0.110');
    assert.equal(announced.arp.senderMac, lab.lb2.mac);
    await peer.stop();
    await wire.seen((one) => one.ip?.vrrp?.priority === 0);
    await wire.stop();

    const text = (await wire.text()).join('\n');
    assert.match(text, /vrid 51, prio 120/);
    assert.doesNotMatch(text, /bad vrrp cksum/);
    const [first] = await wire.fields(['vrrp.virt_rtr_id', 'vrrp.prio', 'vrrp.checksum.status', 'ip.ttl'], 'vrrp');
    assert.deepEqual(first, {
      'vrrp.virt_rtr_id': ['51'],
      'vrrp.prio': ['120'],
      'vrrp.checksum.status': ['1'],
      'ip.ttl': ['255'],
    });
  });
});

group('the wire', () => {
  const ping = async (from: Host, to: Host): Promise<boolean> =>
    (await from.exec(['ping', '-c', '1', '-W', '1', '-n', '-q', to.address])).code === 0;

  test('can be cut between two hosts, one way or both, and a cable can be pulled', async (t) => {
    const network = await createNetwork();
    t.after(() => network.close());
    const [a, b, c] = [
      await network.host('a', '10.77.0.1'),
      await network.host('b', '10.77.0.2'),
      await network.host('c', '10.77.0.3'),
    ];
    assert(await ping(a, b));
    const heal = await network.partition(a, b);
    assert.equal(await ping(a, b), false);
    assert(await ping(a, c));
    await heal();
    assert(await ping(a, b));

    const arriving = await capture(b, 'icmp');
    const mend = await network.cut(b, a);
    assert.equal(await ping(a, b), false);
    await arriving.seen((one) => one.ip?.source === a.address);
    await mend();

    await a.linkDown();
    assert.equal(await ping(a, c), false);
    await a.linkUp();
    assert(await ping(a, c));
  });

  test('takes everything with it when it closes', async (t) => {
    const network = await createNetwork();
    t.after(() => network.close());
    const host = await network.host('a', '10.77.0.1');
    const running = host.spawn(['sh', '-c', 'sleep 1000 & wait']);
    await network.close();
    assert.deepEqual(running.exit, { code: null, signal: 'SIGKILL' });
    assert.deepEqual(host.processes(), []);
    assert.equal(existsSync('/run/netns/a'), false);
    assert.deepEqual(
      readdirSync('/sys/class/net').filter((name) => name === 'a' || name === 'wire'),
      [],
    );
  });

  test('tells of a process that outlived what started it, and ends it', async (t) => {
    const network = await createNetwork();
    t.after(() => network.close());
    const host = await network.host('a', '10.77.0.1');
    await host.exec(['sh', '-c', 'sleep 1001 >/dev/null 2>&1 &']);
    await assert.rejects(network.close(), /left behind:\n\d+ sleep 1001/);
    assert.deepEqual(host.processes(), []);
  });
});
