/**
 * Real servers that answer every plain check, and no client: one of DR without the virtual address, one of TUN whose tunnel is
 * down. Checked through IPVS they are found and named, on the master and on the backup; checked directly they are not.
 */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { ServerStatus } from '../../src/control/status.ts';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { becomes, CHECK, PRIORITY, vrrpToml } from './pair.ts';
import { eventually } from './process.ts';
import { createTopology, type Mode, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm, ipvsadmOfProbes, type VirtualService } from './witness.ts';

/** One service of TCP for each mode, and a check of it. `via`: nothing for the default. */
const servicesToml = (lab: Topology, modes: readonly Mode[], via = ''): string =>
  modes
    .map(
      (mode) => `
[[service]]
name = "${mode}"
address = "${VIP[mode]}:80"
forward = "${mode}"
scheduler = "rr"
[service.check]
type = "http"
path = "/healthz"
interval = "${CHECK.interval}ms"
timeout = "${CHECK.timeout}ms"
rise = ${CHECK.rise}
fall = ${CHECK.fall}
${via && `via = "${via}"`}
${lab.servers.map(({ host }) => `[[service.server]]\naddress = "${host.address}"\n`).join('')}`,
    )
    .join('');

describe('probes through IPVS', () => {
  let lab: Topology;
  let lb1: Director;
  let lb2: Director;
  let rs2: Server;
  let rs3: Server;

  before(async () => {
    lab = await createTopology();
    [, rs2, rs3] = lab.servers as [Server, Server, Server];
    // What is half open keeps its host for so long after its end.
    for (const { host } of lab.servers) await host.sysctl({ 'net.ipv4.tcp_synack_retries': 1 });
    await rs2.host.must(['ip', 'address', 'del', `${VIP.dr}/32`, 'dev', 'lo']);
    await rs3.host.must(['ip', 'link', 'set', 'tunl0', 'down']);
    lb1 = await director(lab.lb1, vrrpToml(PRIORITY.lb1) + servicesToml(lab, ['dr', 'tun']));
    lb2 = await director(lab.lb2, vrrpToml(PRIORITY.lb2) + servicesToml(lab, ['dr', 'tun']));
    await becomes(lb1, 'master');
  });
  after(() => lab.close());

  const serversOf = async (of: Director, service: string): Promise<readonly ServerStatus[]> =>
    (await of.status()).services.find(({ name }) => name === service)?.servers ?? [];
  /** Waits until the servers of a service are in these states. */
  const are = (of: Director, service: string, ...states: readonly string[]): Promise<readonly ServerStatus[]> =>
    eventually(`${service} on ${of.host.name} to be ${states}`, 30_000, async () => {
      const servers = await serversOf(of, service);
      return servers.map(({ state }) => state).join() === states.join() ? servers : undefined;
    }).catch(async (error: Error) => {
      const servers = await serversOf(of, service);
      throw new Error(`${error.message}: ${servers.map(({ state, reason }) => `${state}, ${reason}`).join('; ')}`);
    });
  const marked = (of: Director): Promise<readonly VirtualService[]> => ipvsadmOfProbes(of.host);
  const acceptLocal = async (of: Director): Promise<string> =>
    (await of.host.must(['cat', '/proc/sys/net/ipv4/conf/eth0/accept_local'])).trim();

  test('a server of DR without the virtual address is found and named, on the master and on the backup', async () => {
    for (const one of [lb1, lb2]) {
      const [, broken] = await are(one, 'dr', 'up', 'down', 'up');
      assert.match(
        broken?.reason ?? '',
        /answers directly, but not through IPVS: no answer in 800 ms at 10.77.0.102:80/,
      );
      assert.match(broken?.reason ?? '', /the virtual address is missing on the server/);
    }
  });

  test('a server of TUN whose tunnel is down is found and named, on the master and on the backup', async () => {
    for (const one of [lb1, lb2]) {
      const [, , broken] = await are(one, 'tun', 'up', 'up', 'down');
      assert.match(
        broken?.reason ?? '',
        /answers directly, but not through IPVS: .* at 10.77.0.101:80; its tunnel is down/,
      );
    }
  });

  test('each way to a server has one service of ours, and status knows nothing of it', async () => {
    const services = await marked(lb1);
    assert.deepEqual(
      services.flatMap(({ servers }) => servers.map((s) => `${s.address} ${s.forward}`)).sort(),
      lab.servers.flatMap(({ host }) => [`${host.address}:0 Route`, `${host.address}:0 Tunnel`]).sort(),
    );
    assert.deepEqual(
      (await lb1.status()).services.map(({ name }) => name),
      ['dr', 'tun'],
    );
    assert.equal(await acceptLocal(lb1), '1');
  });

  test('mended they are back', async () => {
    await rs2.host.must(['ip', 'address', 'add', `${VIP.dr}/32`, 'dev', 'lo']);
    await rs3.host.must(['ip', 'link', 'set', 'tunl0', 'up']);
    for (const one of [lb1, lb2]) for (const mode of ['dr', 'tun']) await are(one, mode, 'up', 'up', 'up');
  });

  test('a failover condemns no server', async () => {
    const failures = async (): Promise<number> =>
      (await Promise.all(['dr', 'tun'].map((mode) => serversOf(lb2, mode))))
        .flat()
        .reduce((sum, { checks }) => sum + (checks[0]?.failures ?? 0), 0);
    const before = await failures();
    await lab.lb1.linkDown();
    await becomes(lb2, 'master');
    await new Promise((resolve) => setTimeout(resolve, 5 * CHECK.interval));
    for (const mode of ['dr', 'tun']) await are(lb2, mode, 'up', 'up', 'up');
    assert.ok((await failures()) - before <= 2, 'but for probes that were on their way');
    await lab.lb1.linkUp();
    await becomes(lb1, 'master');
    for (const mode of ['dr', 'tun']) await are(lb1, mode, 'up', 'up', 'up');
  });

  test('with accept_local taken away it is the director that is at fault, which says so and puts it back', async () => {
    await lab.lb1.sysctl({ 'net.ipv4.conf.eth0.accept_local': 0 });
    await eventually('accept_local to be back', 20_000, async () =>
      (await acceptLocal(lb1)) === '1' ? true : undefined,
    );
    const told = JSON.parse(await lb1.control('/events?kind=trouble')) as { detail: string }[];
    assert.ok(told.some(({ detail }) => detail.includes('net.ipv4.conf.eth0.accept_local is 0')));
    for (const mode of ['dr', 'tun']) await are(lb1, mode, 'up', 'up', 'up');
  });

  test('somebody clears the table: no server is condemned, and all of it comes back', async () => {
    const before = await marked(lb1);
    const known = (JSON.parse(await lb1.control('/events?kind=server')) as unknown[]).length;
    await lab.lb1.must(['ipvsadm', '-C']);
    await eventually('the services to be back', 40_000, async () =>
      JSON.stringify((await marked(lb1)).map(shape).sort()) === JSON.stringify(before.map(shape).sort())
        ? true
        : undefined,
    );
    const events = JSON.parse(await lb1.control('/events?kind=server')) as { to: string }[];
    assert.deepEqual(
      events.slice(known).map(({ to }) => to),
      [],
    );
    for (const mode of ['dr', 'tun']) await are(lb1, mode, 'up', 'up', 'up');
  });

  test('kill -9 of everything: the next one finds its marks again', async () => {
    const before = (await marked(lb1)).map(shape).sort();
    await lb1.killAll();
    lb1 = await director(lab.lb1, vrrpToml(PRIORITY.lb1) + servicesToml(lab, ['tun', 'dr']));
    for (const mode of ['dr', 'tun']) await are(lb1, mode, 'up', 'up', 'up');
    assert.deepEqual((await marked(lb1)).map(shape).sort(), before);
  });

  test('checked directly, both are taken for well, and nothing is left of the ways through IPVS', async () => {
    writeDirectorConfig(lab.lb1, vrrpToml(PRIORITY.lb1) + servicesToml(lab, ['dr', 'tun'], 'direct'));
    await lb1.control('/reload', ['-X', 'POST']);
    await eventually('the marks to be gone', 20_000, async () => ((await marked(lb1)).length === 0 ? true : undefined));
    await eventually('accept_local to be as before', 20_000, async () =>
      (await acceptLocal(lb1)) === '0' ? true : undefined,
    );
    await rs2.host.must(['ip', 'address', 'del', `${VIP.dr}/32`, 'dev', 'lo']);
    await rs3.host.must(['ip', 'link', 'set', 'tunl0', 'down']);
    await are(lb2, 'dr', 'up', 'down', 'up');
    await are(lb2, 'tun', 'up', 'up', 'down');
    for (const mode of ['dr', 'tun']) await are(lb1, mode, 'up', 'up', 'up');
  });

  test('a stop that keeps the services keeps none of those, and puts accept_local back', async () => {
    assert.equal((await marked(lb2)).length, 6);
    await lb2.stop();
    assert.deepEqual(await marked(lb2), []);
    assert.equal((await ipvsadm(lab.lb2)).length, 2);
    assert.equal(await acceptLocal(lb2), '0');
  });
});

const shape = ({ address, servers }: VirtualService): string =>
  `${address} ${servers.map((s) => `${s.address} ${s.forward}`).join(' ')}`;
