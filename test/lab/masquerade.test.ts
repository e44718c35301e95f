/**
 * Masquerading, the half of IPVS: the settings that it asks for make of a NAT connection an entry in netfilter's connection
 * tracking by which the rules of nftables know it. The other half, what the rules do with such entries, is in
 * test/interop/masquerade.test.ts: the guest has IPVS and no nftables, the machine may have it the other way round. Where
 * one kernel has both, the connection is masqueraded here too.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { becomes, servicesToml, vrrpToml } from './pair.ts';
import { eventually } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { curl } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const SERVER = '10.77.0.21';

describe('masquerading, the half of IPVS', () => {
  let lab: Topology;
  let lb1: Director;
  /** Whether this kernel's nftables can do it. */
  let able = false;
  before(async () => {
    lab = await createTopology({ servers: 1 });
    able = (await lab.lb1.exec(['nft', 'add', 'chain', 'inet', 'probe', 'c'])).code === 0;
    // IPVS by itself has connections tracked only for FTP (ip_vs_register_conntrack); with nftables the table does it.
    await lab.lb1.must(['ipvsadm', '-A', '-t', '10.77.0.99:21']);
    await lab.lb1.must(['ipvsadm', '-a', '-t', '10.77.0.99:21', '-r', `${SERVER}:21`, '-m']);
  });
  after(() => lab.close());

  const config = (more = ''): string => `${vrrpToml(150)}${more}${servicesToml('nat', [SERVER], 'masquerade = true')}`;
  const conntrack = async (): Promise<string> =>
    (await lab.lb1.must(['cat', '/proc/sys/net/ipv4/vs/conntrack'])).trim();
  const entries = async (): Promise<string[]> =>
    (await lab.lb1.must(['cat', '/proc/net/nf_conntrack'])).split('\n').filter((line) => line.includes(VIP.nat));

  test('a plan lists what it makes, and what it asks for', async () => {
    const file = writeDirectorConfig(lab.lb1, config());
    const { stdout, stderr, code } = await lab.lb1.exec([process.execPath, COMMAND, 'plan', file]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /~ net\.ipv4\.vs\.conntrack 0 → 1/);
    assert.match(stdout, /\+ source of tcp 10\.77\.0\.100:80: the address of the interface/);
    assert.match(stdout, /\+ source of udp 10\.77\.0\.100:53: the address of the interface/);
    assert.match(stdout, /\+ source NAT towards server 10\.77\.0\.21/);
  });

  test('a connection is tracked by what the client asked for, and answered by the server', async () => {
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    assert.equal(await conntrack(), '1');
    await eventually('the service to answer', 20_000, async () =>
      (await curl(lab.client, `http://${VIP.nat}/`)).status === 200 ? true : undefined,
    );
    const tcp = (await entries()).filter((line) => / tcp /.test(line));
    assert.ok(tcp.length > 0);
    const seen = able ? lab.lb1.address : lab.client.address;
    for (const line of tcp) {
      const [asked = '', answer = ''] = line.split(/(?<=dport=\d+) /);
      assert.match(asked, new RegExp(`src=${lab.client.address} dst=${VIP.nat} sport=\\d+ dport=80$`));
      assert.match(answer, new RegExp(`src=${SERVER} dst=${seen} sport=80 dport=\\d+`));
    }
  });

  test('nftables that cannot do it are told by name, and all else goes on', async () => {
    const { services, ipvsTrouble } = await lb1.status();
    assert.equal(ipvsTrouble, null);
    const [web] = services;
    assert.equal(web?.masquerade?.address, null);
    const events = await lb1.control('/events?kind=trouble');
    if (able) assert.equal(web?.masquerade?.trouble, null);
    else assert.match(web?.masquerade?.trouble ?? '', /^this kernel's nftables cannot do it/);
    assert.equal(/"masquerading"/.test(events), !able, events);
    assert.equal(web?.servers[0]?.weight, 10);
  });

  test('a service that stays when the daemon is stopped keeps its connection tracking', async () => {
    await lb1.stop();
    assert.equal(await conntrack(), '1');
    lb1 = await director(lab.lb1, config('[ipvs]\non_stop = "remove"\n'));
    await lb1.stop();
    assert.equal(await conntrack(), '0');
  });
});
