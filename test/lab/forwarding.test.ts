/**
 * Traffic through a pair of directors in all three forwarding modes at once, as captured at a real server, at the
 * director and at the client.
 */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { capture, type Ip, type Packet } from './capture.ts';
import type { Director } from './director.ts';
import { serversUp, startPair } from './pair.ts';
import { eventually } from './process.ts';
import { createTopology, type Mode, type Server, type Topology, VIP } from './topology.ts';
import { addresses, curl, ipvsadm } from './witness.ts';

const MODES = Object.keys(VIP) as Mode[];
const IPVSADM_NAME = { nat: 'Masq', tun: 'Tunnel', dr: 'Route' } as const;

describe('a pair of directors balances NAT, TUN and DR', () => {
  let lab: Topology;
  let lb1: Director;
  let lb2: Director;
  before(async () => {
    lab = await createTopology();
    ({ lb1, lb2 } = await startPair(lab));
    await serversUp(lb1);
  });
  after(() => lab.close());

  test('ipvsadm shows on both directors what the config says', async () => {
    for (const one of [lb1, lb2]) {
      const table = await eventually('the table to be whole', 15_000, async () => {
        const all = await ipvsadm(one.host);
        return all.every((s) => s.servers.every((server) => server.weight === 10)) ? all : undefined;
      });
      assert.equal(table.length, 6);
      for (const mode of MODES) {
        for (const [protocol, port] of [
          ['TCP', 80],
          ['UDP', 53],
        ] as const) {
          const service = table.find((s) => s.protocol === protocol && s.address === `${VIP[mode]}:${port}`);
          assert.ok(service, `${protocol} ${mode}`);
          assert.equal(service.scheduler, 'rr');
          assert.deepEqual(
            service.servers.map((s) => `${s.address} ${s.forward}`),
            lab.servers.map((s) => `${s.host.address}:${port} ${IPVSADM_NAME[mode]}`),
          );
        }
      }
    }
  });

  test('the virtual addresses are on the master and on nobody else', async () => {
    const wanted = MODES.map((mode) => `${VIP[mode]}/24`);
    assert.deepEqual((await addresses(lab.lb1)).slice(1).sort(), wanted);
    assert.deepEqual(await addresses(lab.lb2), ['10.77.0.12/24']);
  });

  test('probes come from the directors’ own addresses', async () => {
    const [rs1] = lab.servers as [Server];
    const probes = await capture(rs1.host, 'tcp dst port 80 and tcp[tcpflags] & tcp-syn != 0');
    const sources = new Set<string>();
    await eventually('probes of both directors', 10_000, () => {
      for (const { ip } of probes.packets()) if (ip !== null) sources.add(ip.source);
      return sources.size >= 2 ? true : undefined;
    });
    await probes.stop();
    assert.deepEqual([...sources].sort(), ['10.77.0.11', '10.77.0.12']);
  });

  for (const mode of MODES) {
    test(`${mode}: every server is reached, sees the client, and answers as the mode says`, async () => {
      const [rs1] = lab.servers as [Server];
      const atServer = await capture(rs1.host, `(tcp port 80 and host ${lab.client.address}) or ip proto 4`);
      const atClient = await capture(lab.client, 'tcp port 80');
      const names = [];
      for (let i = 0; i < 6; i++) {
        const { status, body } = await curl(lab.client, `http://${VIP[mode]}/`);
        const [name, client] = body.split('\n');
        assert.deepEqual([status, client], [200, lab.client.address]);
        names.push(name);
      }
      assert.deepEqual([...new Set(names)].sort(), ['rs1', 'rs2', 'rs3']);
      await Promise.all([atServer.stop(), atClient.stop()]);

      // Probes come by the same ways.
      const isOfClient = ({ ip }: Packet): boolean => (ip?.inner ?? ip)?.source === lab.client.address;
      const request = atServer.packets().find((p) => p.ethernet.destination === rs1.host.mac && isOfClient(p));
      assert.ok(request?.ip, 'a request arrived at rs1');
      assert.equal(request.ethernet.source, lab.lb1.mac, 'it came by way of the master');
      REQUEST[mode](request.ip, rs1);

      const replies = atClient.packets().filter((p: Packet) => p.ip?.ports?.source === 80);
      assert.ok(replies.length > 0);
      for (const reply of replies) {
        assert.equal(reply.ip?.source, VIP[mode], 'the reply comes from the virtual address');
        const direct = lab.servers.some((s) => s.host.mac === reply.ethernet.source);
        assert.equal(direct, mode !== 'nat', 'the reply crosses the director only in NAT');
        if (mode === 'nat') assert.equal(reply.ethernet.source, lab.lb1.mac);
      }
    });
  }

  /** What the first packet that a client sends looks like when it arrives at the real server. */
  const REQUEST: Record<Mode, (ip: Ip, server: Server) => void> = {
    nat(ip, server) {
      assert.equal(ip.destination, server.host.address);
      assert.equal(ip.ports?.destination, 80);
      assert.equal(ip.source, lab.client.address);
    },
    tun(ip, server) {
      assert.equal(ip.protocol, 4, 'IP in IP');
      assert.equal(ip.destination, server.host.address);
      assert.deepEqual([ip.inner?.source, ip.inner?.destination], [lab.client.address, VIP.tun]);
    },
    dr(ip) {
      assert.equal(ip.protocol, 6);
      assert.deepEqual([ip.source, ip.destination, ip.ports?.destination], [lab.client.address, VIP.dr, 80]);
    },
  };
});
