/**
 * What an operator does with a running director, by the command line and with witnesses: check, plan, reload, restart,
 * and what is never touched meanwhile.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { ipvsWrites } from './netlink-monitor.ts';
import { becomes, serversUp, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Output } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { addresses, ipvsRules } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const SERVERS = ['10.77.0.21', '10.77.0.22'];
const config = (more = ''): string => vrrpToml(150) + servicesToml('nat', SERVERS) + more;

describe('an operator', () => {
  let lab: Topology;
  let lb1: Director;
  before(async () => {
    lab = await createTopology({ servers: 2 });
    // Somebody else's service, which nothing below may touch.
    await lab.lb1.must(['ipvsadm', '-A', '-t', '10.77.0.11:8080', '-s', 'rr']);
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    await serversUp(lb1);
  });
  after(() => lab.close());

  const FOREIGN = '-A -t 10.77.0.11:8080 -s rr';
  const lvskeeper = (...args: readonly string[]): Promise<Output> => lab.lb1.exec([process.execPath, COMMAND, ...args]);
  const socket = (): string[] => ['--socket', lb1.socket];

  test('restarts it with the same config: nothing is written to the IPVS table', async () => {
    const rules = await ipvsRules(lab.lb1);
    const writes = await ipvsWrites(lab.lb1);
    await lb1.stop();
    assert.deepEqual(await ipvsRules(lab.lb1), rules, 'the table outlives the daemon');
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    await serversUp(lb1);
    assert.deepEqual(await writes.stop(), []);
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
  });

  test('… and that witness does see a write', async () => {
    const writes = await ipvsWrites(lab.lb1);
    await lab.lb1.must(['ipvsadm', '-A', '-u', '10.77.0.11:9', '-s', 'rr']);
    await lab.lb1.must(['ipvsadm', '-D', '-u', '10.77.0.11:9']);
    assert.deepEqual(await writes.stop(), ['NEW_SERVICE', 'DEL_SERVICE']);
  });

  test('sees the three-o’clock page fit 80 columns', async () => {
    const { stdout, code } = await lvskeeper('status', ...socket());
    assert.equal(code, 0);
    assert.match(stdout, /edge +MASTER/);
    assert.ok(
      stdout.split('\n').every((line) => line.length <= 80),
      stdout,
    );
    const json = JSON.parse((await lvskeeper('status', '--json', ...socket())).stdout);
    assert.equal(json.routers[0].state, 'master');
  });

  test('is told every mistake of a file at once, with its place', async () => {
    const file = writeDirectorConfig(lab.lb1, config().replace('router_id = 51', 'router_id = 999\nprioritty = 1'));
    const { stderr, code } = await lvskeeper('check', file);
    assert.equal(code, 1);
    assert.match(stderr, /lvskeeper\.toml:\d+:\d+: .*router_id/);
    assert.match(stderr, /lvskeeper\.toml:\d+:\d+: .*prioritty.*did you mean.*priority/);
  });

  test('reloads a bad file: it is refused, with the reason, and nothing changes', async () => {
    const rules = await ipvsRules(lab.lb1);
    const { stderr, stdout, code } = await lvskeeper('reload', ...socket());
    assert.equal(code, 1);
    assert.match(stdout + stderr, /prioritty/);
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
    assert.match((await lb1.status()).config.refused ?? '', /router_id|prioritty/);
    assert.equal((await lb1.status()).routers[0]?.state, 'master');
  });

  test('plans a change, sees it as a diff, and nothing has changed', async () => {
    const file = writeDirectorConfig(lab.lb1, config().replaceAll('10.77.0.22', '10.77.0.23'));
    const rules = await ipvsRules(lab.lb1);
    const { stdout, code } = await lvskeeper('plan', file, ...socket());
    assert.equal(code, 0);
    assert.match(stdout, /\+ .*10\.77\.0\.23:80/);
    assert.match(stdout, /- .*10\.77\.0\.22:80/);
    assert.doesNotMatch(stdout, /8080/, 'the foreign service is no part of it');
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
  });

  test('reloads by SIGHUP: only what changed is written, the address stays where it is', async () => {
    writeDirectorConfig(lab.lb1, config().replaceAll('weight = 10', 'weight = 20'));
    const monitor = lab.lb1.spawn(['ip', '-o', 'monitor', 'address']);
    const writes = await ipvsWrites(lab.lb1);
    process.kill(lb1.process.pid, 'SIGHUP');
    await eventually('the new weights', 10_000, async () =>
      (await ipvsRules(lab.lb1)).filter((rule) => rule.endsWith('-w 20')).length === 4 ? true : undefined,
    );
    assert.deepEqual(await writes.stop(), ['SET_DEST', 'SET_DEST', 'SET_DEST', 'SET_DEST']);
    await monitor.stop();
    assert.doesNotMatch(monitor.output(), /Deleted/);
    assert.equal((await lb1.status()).routers[0]?.counters.becameMaster, 1);
  });

  test('takes a service out of the file: it goes, and the foreign one stays', async () => {
    const only = config().split('[[service]]').slice(0, 2).join('[[service]]');
    writeDirectorConfig(lab.lb1, only);
    const { code, stdout, stderr } = await lvskeeper('reload', ...socket());
    assert.equal(code, 0, stdout + stderr);
    await eventually('the udp service to go', 10_000, async () =>
      (await ipvsRules(lab.lb1)).some((rule) => rule.includes(`-u ${VIP.nat}:53`)) ? undefined : true,
    );
    assert.ok((await ipvsRules(lab.lb1)).includes(FOREIGN));
  });

  test('has somebody delete the table and the address: both come back, and events say so', async () => {
    const rules = await ipvsRules(lab.lb1);
    await lab.lb1.must(['ip', 'address', 'delete', `${VIP.nat}/24`, 'dev', 'eth0']);
    await eventually('the address to be back', 5000, async () =>
      (await addresses(lab.lb1)).includes(`${VIP.nat}/24`) ? true : undefined,
    );
    await lab.lb1.must(['ipvsadm', '-D', '-t', `${VIP.nat}:80`]);
    await eventually('the service to be back', 40_000, async () =>
      JSON.stringify(await ipvsRules(lab.lb1)) === JSON.stringify(rules) ? true : undefined,
    );
    const events = JSON.parse(await lb1.control('/events?kind=drift')) as { object: string; detail: string }[];
    assert.ok(events.some((e) => e.object === `${VIP.nat}/24 on eth0`));
    assert.ok(events.some((e) => e.detail.includes(`${VIP.nat}:80`)));
  });

  test('reads metrics and health on loopback', async () => {
    const metrics = await lab.lb1.must(['curl', '-sS', 'http://127.0.0.1:9790/metrics']);
    assert.match(metrics, /lvskeeper_vrrp_master\{router="edge",family="ipv4"\} 1/);
    assert.equal(await lab.lb1.must(['curl', '-sS', 'http://127.0.0.1:9790/healthz']), 'ok\n');
  });

  test('finds one JSON object a line in the log', () => {
    const lines = readFileSync(lb1.process.log, 'utf8').trim().split('\n');
    assert.ok(lines.length > 5);
    for (const line of lines) assert.equal(typeof JSON.parse(line).message, 'string', line);
  });
});
