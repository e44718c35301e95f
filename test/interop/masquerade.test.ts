/**
 * Masquerading, the half of nftables: the table that the daemon makes, and what servers and clients see of it. A DNAT rule
 * of the test stands in for IPVS, which this kernel need not have: an entry of connection tracking that IPVS has made
 * looks the same (test/lab/masquerade.test.ts). Client and servers are on one segment, where an answer without
 * masquerading would not even pass the director.
 */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from '../lab/director.ts';
import { createNetwork, type Host, type Network } from '../lab/network.ts';
import { eventually, type Running } from '../lab/process.ts';

const CLIENT = '10.77.0.10';
const DIRECTOR = '10.77.0.11';
const DIRECTOR6 = 'fd77::11';
/** Of the director too, to be seen instead. */
const OTHER = '10.77.0.111';
const OTHER6 = 'fd77::111';

const STAND_IN = `
table inet stand-in {
  chain marks {
    type filter hook prerouting priority mangle;
    ip daddr 10.77.0.100 tcp dport 7000-7001 meta mark set 7
  }
  chain asked {
    type nat hook prerouting priority dstnat;
    ip daddr 10.77.0.100 tcp dport 80 dnat ip to 10.77.0.21:8080
    ip daddr 10.77.0.100 udp dport 8000-8011 dnat ip to 10.77.0.22
    ip daddr 10.77.0.100 tcp dport 7000 dnat ip to 10.77.0.22:8080
    ip daddr 10.77.0.101 dnat ip to 10.77.0.22
    ip daddr 10.77.0.100 udp dport 9090 dnat ip to 10.77.0.21:8081
    ip6 daddr fd77::100 tcp dport 80 dnat ip6 to [fd77::21]:8080
    ip6 daddr fd77::100 udp dport 53 dnat ip6 to [fd77::21]:8081
  }
}
`;

const service = (name: string, lines: string, server: string): string =>
  `[[service]]\nname = "${name}"\nforward = "nat"\n${lines}\n[[service.server]]\naddress = "${server}"\n`;

/** `every-port`: all of an address but one port; `plain` and the port above the range keep the client. */
const SERVICES = [
  service('web', 'address = "10.77.0.100:80"\nmasquerade = true', '10.77.0.21:8080'),
  service('range', `address = "10.77.0.100:8000-8010"\nprotocol = "udp"\nmasquerade = "${OTHER}"`, '10.77.0.22'),
  service('marked', 'fwmark = 7\nmasquerade = true', '10.77.0.22:8080'),
  service(
    'every-port',
    'address = "10.77.0.101:0"\nprotocol = "udp"\npersistence = "1m"\nmasquerade = true',
    '10.77.0.22',
  ),
  service('but-one', 'address = "10.77.0.101:8005"\nprotocol = "udp"', '10.77.0.22'),
  service('plain', 'address = "10.77.0.100:9090"\nprotocol = "udp"', '10.77.0.21:8081'),
  service('six', 'address = "[fd77::100]:80"\nmasquerade = true', '[fd77::21]:8080'),
  service('six-udp', `address = "[fd77::100]:53"\nprotocol = "udp"\nmasquerade = "${OTHER6}"`, '[fd77::21]:8081'),
].join('\n');
const UNMASKED = SERVICES.replaceAll(/^masquerade = .*\n/gm, '');

describe('masquerading, the half of nftables', () => {
  let network: Network;
  let client: Host;
  let lb: Host;
  let us: Director;
  let told: Running;
  let told2: Running;
  before(async () => {
    network = await createNetwork();
    client = await network.host('cl', CLIENT);
    lb = await network.host('lb1', DIRECTOR);
    const rs1 = await network.host('rs1', '10.77.0.21');
    const rs2 = await network.host('rs2', '10.77.0.22');
    for (const [host, address] of [
      [client, 'fd77::10'],
      [lb, DIRECTOR6],
      [rs1, 'fd77::21'],
    ] as const)
      await host.must(['ip', 'address', 'add', `${address}/64`, 'dev', 'eth0', 'nodad']);
    // None of these is ever chosen as a source by itself.
    const others = ['10.77.0.100/32', '10.77.0.101/32', `${OTHER}/32`];
    for (const address of others) await lb.must(['ip', 'address', 'add', address, 'dev', 'eth0']);
    for (const address of ['fd77::100', OTHER6])
      await lb.must(['ip', 'address', 'add', `${address}/128`, 'dev', 'eth0', 'nodad', 'preferred_lft', '0']);
    await lb.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    await lb.must(['nft', '-f', '-'], STAND_IN);
    told = rs1.node(`${import.meta.dirname}/source-teller.ts`, ['8080', '8081']);
    told2 = rs2.node(`${import.meta.dirname}/source-teller.ts`, ['8080', '8000', '8005', '8010', '8011']);
    for (const one of [told, told2]) await one.printed(/listening/);
    us = await director(lb, SERVICES);
  });
  after(() => network.close());

  /** What a server answers; the source that it has seen stands at the end. */
  const ask = async (protocol: 'tcp' | 'udp', address: string, port: number): Promise<string> => {
    const words = `exec 3<>/dev/${protocol}/${address}/${port} && echo hello >&3 && head -n 1 <&3`;
    const { stdout } = await client.exec(['timeout', '5', 'bash', '-c', words]);
    return stdout.trim();
  };
  /** Sends one datagram, whose answer would not come back. */
  const tell = (address: string, port: number): Promise<string> =>
    client.must(['bash', '-c', `echo hello >/dev/udp/${address}/${port}`]);
  /** With the handles, which are new for whatever is made anew. */
  const table = async (name = 'lvskeeper'): Promise<string> =>
    (await lb.exec(['nft', '-a', 'list', 'table', 'inet', name])).stdout;
  const tableIs = (there: boolean): Promise<true> =>
    eventually(`the table to be ${there ? 'there' : 'gone'}`, 45_000, async () =>
      ((await table()) !== '') === there ? true : undefined,
    );
  const reload = async (toml: string): Promise<void> => {
    writeDirectorConfig(lb, toml);
    await us.control('/reload', ['-X', 'POST']);
  };
  const drifts = async (): Promise<string> => us.control('/events?kind=drift');

  test('servers see the address of the interface, or the one that is given', async () => {
    assert.equal(await ask('tcp', '10.77.0.100', 80), `tcp 8080 ${DIRECTOR}`);
    for (const port of [8000, 8005, 8010]) assert.equal(await ask('udp', '10.77.0.100', port), `udp ${port} ${OTHER}`);
    assert.equal(await ask('tcp', '10.77.0.100', 7000), `tcp 8080 ${DIRECTOR}`, 'by its mark');
    assert.equal(await ask('udp', '10.77.0.101', 8010), `udp 8010 ${DIRECTOR}`, 'of every port');
    assert.equal(await ask('tcp', 'fd77::100', 80), `tcp 8080 ${DIRECTOR6}`);
    assert.equal(await ask('udp', 'fd77::100', 53), `udp 8081 ${OTHER6}`);
  });

  test('of what is no masqueraded service they see the client', async () => {
    const plain = told.printed(/udp 8081 10\.77\.0\.10$/m);
    await tell('10.77.0.100', 9090);
    await plain;
    const above = told2.printed(/udp 8011 10\.77\.0\.10$/m);
    await tell('10.77.0.100', 8011);
    await above;
    const butOne = told2.printed(/udp 8005 10\.77\.0\.10$/m);
    await tell('10.77.0.101', 8005);
    await butOne;
    assert.equal(await ask('tcp', '10.77.0.21', 8080), `tcp 8080 ${CLIENT}`, 'the server itself');
  });

  test('the table can be saved and loaded as text, as it is', async () => {
    const saved = await lb.must(['nft', '-s', 'list', 'table', 'inet', 'lvskeeper']);
    await lb.must(['unshare', '--net', 'sh', '-e', '-c', 'nft -f - && nft -s list table inet lvskeeper'], saved);
  });

  test('the status of a service says it', async () => {
    const { services } = await us.status();
    const of = (name: string) => services.find((one) => one.name === name)?.masquerade;
    assert.deepEqual(of('web'), { address: null, trouble: null });
    assert.deepEqual(of('range'), { address: OTHER, trouble: null });
    assert.equal(of('plain'), null);
  });

  test('nothing is written by a reload or a new process that want the same', async () => {
    const before = await table();
    assert.notEqual(before, '');
    await reload(`${SERVICES}\n[log]\nlevel = "debug"\n`);
    process.kill(await us.pid('checker'), 'SIGKILL');
    await eventually('the checker process to be there again', 20_000, async () => {
      const { processes } = await us.status();
      return processes.every(({ state }) => state === 'ready') && processes.some(({ restarts }) => restarts > 0)
        ? true
        : undefined;
    });
    assert.equal(await table(), before);
  });

  test('what somebody changes is put right within half a minute, and told', async () => {
    const foreign = await table('stand-in');
    await lb.must(['nft', 'flush', 'chain', 'inet', 'lvskeeper', 'ipv4']);
    assert.notEqual(await ask('tcp', '10.77.0.100', 80), `tcp 8080 ${DIRECTOR}`);
    await eventually('the drift to be told', 45_000, async () =>
      /"masquerading"/.test(await drifts()) ? true : undefined,
    );
    assert.equal(await ask('tcp', '10.77.0.100', 80), `tcp 8080 ${DIRECTOR}`);
    assert.equal(await table('stand-in'), foreign);
  });

  test('it goes with the last service that wants it, and comes back', async () => {
    await reload(UNMASKED);
    await tableIs(false);
    await reload(SERVICES);
    await tableIs(true);
  });

  test('what a killed daemon has left is adopted, and what a stopped one leaves with its services', async () => {
    const before = await table();
    await us.killAll();
    assert.equal(await table(), before);
    us = await director(lb, SERVICES);
    await us.stop();
    assert.equal(await table(), before);
  });

  test('on_stop = "remove" takes it away, and no other table', async () => {
    const foreign = await table('stand-in');
    us = await director(lb, `[ipvs]\non_stop = "remove"\n${SERVICES}`);
    await tableIs(true);
    await us.stop();
    assert.equal(await table(), '');
    assert.equal(await table('stand-in'), foreign);
  });
});
