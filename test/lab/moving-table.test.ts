/** The table changes under traffic: by reloads and restarts, by servers that leave or fail, and by a stop. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director, writeDirectorConfig } from './director.ts';
import { addressesOf, becomes, serversUp, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Output, type Running } from './process.ts';
import { createTopology, type Mode, type Server, type Topology, VIP } from './topology.ts';
import { ipvsadm, ipvsRules } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const VISITOR = join(import.meta.dirname, 'visitor.ts');
const MODES: readonly Mode[] = ['nat', 'tun', 'dr'];

describe('the table moves', () => {
  let lab: Topology;
  let lb1: Director;
  let rs1: Server;
  let rs2: Server;
  const config = (more = '', servers = addressesOf(lab), head = ''): string =>
    head + vrrpToml(150) + MODES.map((mode) => servicesToml(mode, servers, more)).join('');
  const lvskeeper = (...args: readonly string[]): Promise<Output> =>
    lab.lb1.exec([process.execPath, COMMAND, ...args, '--socket', lb1.socket]);
  async function reload(toml: string): Promise<void> {
    writeDirectorConfig(lab.lb1, toml);
    const { code, stderr } = await lvskeeper('reload');
    assert.equal(code, 0, stderr);
  }
  const visit = async (mode: Mode): Promise<Running> => {
    const visitor = lab.client.node(VISITOR, [VIP[mode], '80']);
    await visitor.printed(/^rs\d$/m);
    return visitor;
  };
  const answers = (visitor: Running): number => visitor.output().split('\n').length;
  async function goesOn(visitor: Running): Promise<void> {
    const had = answers(visitor);
    await eventually('more answers on the same connection', 5000, () =>
      answers(visitor) >= had + 5 ? true : undefined,
    );
    assert.doesNotMatch(visitor.output(), /closed/);
  }
  /** Weights of the servers of a service, by ipvsadm, in the order of their addresses; the last part of each address. */
  const weightsOf = async (mode: Mode): Promise<Record<string, number>> => {
    const service = (await ipvsadm(lab.lb1)).find((s) => s.protocol === 'TCP' && s.address === `${VIP[mode]}:80`);
    return Object.fromEntries(
      (service?.servers ?? []).map(({ address, weight }) => [
        address.replace('10.77.0.', '').replace(':80', ''),
        weight,
      ]),
    );
  };
  const weighs = (mode: Mode, expected: Readonly<Record<string, number>>, within = 10_000): Promise<true> => {
    let last = '';
    return eventually(`the weights ${JSON.stringify(expected)}`, within, async () => {
      last = JSON.stringify(await weightsOf(mode));
      return last === JSON.stringify(expected) ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}, but they are ${last}`);
    });
  };

  /** As `weighs`, of the servers of `nat` that get new connections. */
  const inUse = (expected: Readonly<Record<string, number>>): Promise<true> =>
    eventually(`new connections to go to ${Object.keys(expected)}`, 10_000, async () => {
      const used = Object.entries(await weightsOf('nat')).filter(([, weight]) => weight > 0);
      return JSON.stringify(Object.fromEntries(used)) === JSON.stringify(expected) ? true : undefined;
    });

  before(async () => {
    lab = await createTopology({ servers: 2 });
    [rs1, rs2] = lab.servers as [Server, Server];
    lb1 = await director(lab.lb1, config());
    await becomes(lb1, 'master');
    await serversUp(lb1);
  });
  after(() => lab.close());

  test('connections through every forwarding mode go on over 20 reloads and 3 restarts', async () => {
    const visitors = await Promise.all(MODES.map(visit));
    for (let n = 1; n <= 20; n++) {
      await reload(
        config()
          .replaceAll('weight = 10', `weight = ${10 + n}`)
          .replaceAll('scheduler = "rr"', n % 2 === 0 ? 'scheduler = "rr"' : 'scheduler = "wrr"'),
      );
      await weighs('nat', { 21: 10 + n, 22: 10 + n });
    }
    for (let n = 1; n <= 3; n++) {
      const { code, stdout, stderr } = await lvskeeper('restart');
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^restarted in /);
      await becomes(lb1, 'master');
    }
    for (const visitor of visitors) await goesOn(visitor);
    await Promise.all(visitors.map((visitor) => visitor.stop()));
    await reload(config());
    await serversUp(lb1);
  });

  test('a server that is taken out of the file keeps its connections, gets no new one, and goes when the last has ended', async () => {
    const visitors = [await visit('nat'), await visit('nat')];
    const [on1, on2] = ['rs1', 'rs2'].map((name) => visitors.find((one) => one.output().startsWith(name)));
    assert.ok(on1 && on2, 'one connection on each server');
    await reload(config('', [rs2.host.address]));
    await weighs('nat', { 21: 0, 22: 10 });
    // Nothing keeps it where it has no connections.
    await weighs('tun', { 22: 10 });
    await goesOn(on1);
    const shown = (await lvskeeper('status')).stdout;
    assert.match(shown, /10\.77\.0\.21:80 +leaving +- +0 +1 +0 +out of the config, gone\s+within/);
    await on1.stop();
    // The kernel forgets a connection 10 s after its reset.
    await weighs('nat', { 22: 10 }, 30_000);
    await goesOn(on2);
    await on2.stop();
    await reload(config());
    await serversUp(lb1);
    await weighs('nat', { 21: 10, 22: 10 });
  });

  test('with drain_timeout = "0s" it goes at once, with its connections', async () => {
    const visitors = [await visit('nat'), await visit('nat')];
    await reload(config('drain_timeout = "0s"', [rs2.host.address]));
    await weighs('nat', { 22: 10 });
    await Promise.all(visitors.map((visitor) => visitor.kill('SIGKILL')));
    await reload(config());
    await serversUp(lb1);
  });

  test('while the quorum is lost the sorry server has the new connections; back again, a server starts slowly', async () => {
    const more = `sorry_server = "${rs2.host.address}"\nslow_start = "5s"`;
    await reload(config(more, [rs1.host.address]).replaceAll('weight = 10', 'weight = 100'));
    await inUse({ 21: 100 });
    await rs1.kill();
    await inUse({ 22: 1 });
    const visitor = await visit('nat');
    assert.match(visitor.output(), /^rs2/);
    await visitor.stop();
    await rs1.start();
    const seen = new Set<number>();
    await eventually('the full weight again', 20_000, async () => {
      const weight = (await weightsOf('nat'))[21] ?? 0;
      seen.add(weight);
      return weight === 100 ? true : undefined;
    });
    const ramp = [...seen].filter((weight) => weight > 0);
    assert.ok(ramp.length >= 3, `it went over ${ramp}`);
    assert.deepEqual(
      ramp,
      ramp.toSorted((a, b) => a - b),
    );
    // The sorry server goes when its connections have ended.
    await inUse({ 21: 100 });
  });

  test('a clean stop leaves the table, or nothing of ours, as the file says', async () => {
    await lab.lb1.must(['ipvsadm', '-A', '-t', '10.77.0.11:8080', '-s', 'rr']);
    await reload(config());
    await serversUp(lb1);
    await weighs('dr', { 21: 10, 22: 10 });
    const rules = await ipvsRules(lab.lb1);
    await lb1.stop();
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
    lb1 = await director(lab.lb1, config('', addressesOf(lab), '[ipvs]\non_stop = "remove"\n'));
    await becomes(lb1, 'master');
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
    const { code, stderr } = await lvskeeper('restart');
    assert.equal(code, 0, stderr);
    assert.deepEqual(await ipvsRules(lab.lb1), rules, 'a restart takes nothing out');
    await lb1.stop();
    assert.deepEqual(await ipvsRules(lab.lb1), ['-A -t 10.77.0.11:8080 -s rr']);
  });
});
