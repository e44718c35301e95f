/**
 * A config on trial: a change that takes the operator's own way in away comes back by itself; one that is confirmed stays;
 * and neither hangs on the life of a process. Witnesses: the kernel's addresses and table, and the file's bytes and mode.
 */

import assert from 'node:assert/strict';
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { type Director, director } from './director.ts';
import { becomes, serversUp, servicesToml, vrrpToml } from './pair.ts';
import { eventually, type Output } from './process.ts';
import { createTopology, type Topology, VIP } from './topology.ts';
import { addresses, ipvsRules } from './witness.ts';

const COMMAND = join(import.meta.dirname, '../../dist/lvskeeper.js');
const SERVERS = ['10.77.0.21', '10.77.0.22'];
/** The address that an operator comes in by goes, and so does a server. */
const OTHER = '10.77.0.199';
const TOML = vrrpToml(150) + servicesToml('nat', SERVERS);
const locked = (text: string): string =>
  text.replaceAll(`${VIP.nat}/24`, `${OTHER}/24`).replaceAll('10.77.0.22', '10.77.0.23');

/** So long, in the guest too, that what is done meanwhile fits in. */
const TRIAL = '20s';
const PATIENCE = 60_000;

describe('a config on trial', () => {
  let lab: Topology;
  let lb1: Director;
  let former: string;
  let rules: readonly string[];
  before(async () => {
    lab = await createTopology({ servers: 2 });
    lb1 = await director(lab.lb1, TOML);
    await becomes(lb1, 'master');
    await serversUp(lb1);
    former = readFileSync(lb1.config, 'utf8');
    rules = await ipvsRules(lab.lb1);
    chmodSync(lb1.config, 0o640);
    chownSync(lb1.config, 1, 2);
  });
  after(() => lab.close());

  const lvskeeper = (...args: readonly string[]): Promise<Output> =>
    lab.lb1.exec(['env', 'SUDO_USER=anna', process.execPath, COMMAND, ...args, '--socket', lb1.socket]);
  async function apply(...args: readonly string[]): Promise<Output> {
    const file = join(lab.lb1.directory, 'next.toml');
    writeFileSync(file, locked(former));
    const answer = await lvskeeper('apply', file, ...args);
    assert.equal(answer.code, 0, answer.stderr);
    return answer;
  }
  const isLocked = (wanted: boolean): Promise<true> =>
    eventually(wanted ? 'the change to be made' : 'what was before to be back', PATIENCE, async () => {
      const there = await addresses(lab.lb1);
      const table = await ipvsRules(lab.lb1);
      const changed = there.includes(`${OTHER}/24`) && !there.includes(`${VIP.nat}/24`);
      const same = there.includes(`${VIP.nat}/24`) && !there.includes(`${OTHER}/24`);
      const tableChanged = table.some((rule) => rule.includes('10.77.0.23'));
      return (wanted ? changed && tableChanged : same && !tableChanged) ? true : undefined;
    });
  const told = async (): Promise<string[]> =>
    (JSON.parse(await lb1.control('/events?kind=trial')) as { what: string; by: string }[]).map(
      ({ what, by }) => `${what} by ${by}`,
    );
  const fileIs = (text: string): void => {
    assert.equal(readFileSync(lb1.config, 'utf8'), text);
    const { mode, uid, gid } = statSync(lb1.config);
    assert.deepEqual([mode & 0o7777, uid, gid], [0o640, 1, 2]);
  };

  test('shows the plan, locks the operator out, and comes back by itself', async () => {
    const { stdout } = await apply('--confirm', TRIAL);
    assert.match(stdout, /^ADDRESSES$/m);
    assert.match(stdout, new RegExp(`^- address ${VIP.nat}/24`, 'm'));
    assert.match(stdout, /is on trial until .*, for 20 s/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 200, line);
    await isLocked(true);
    const until = Date.parse((await lb1.status()).config.trial?.until ?? '');
    await isLocked(false);
    assert.ok(Date.now() >= until, 'not before its time');
    assert.deepEqual(await told(), ['begun by anna', 'rolled-back by anna']);
    assert.equal((await lb1.status()).config.trial, null);
    await serversUp(lb1);
    assert.deepEqual(await ipvsRules(lab.lb1), rules);
    fileIs(former);
  });

  test('refuses a reload, SIGHUP and another one meanwhile, and is taken back by a word', async () => {
    await apply('--confirm', '10m');
    await isLocked(true);
    const reload = await lvskeeper('reload');
    assert.equal(reload.code, 1);
    assert.match(reload.stderr, /on trial by anna until .*lvskeeper confirm/);
    process.kill(lb1.process.pid, 'SIGHUP');
    await eventually('SIGHUP to be refused', PATIENCE, async () => {
      const all = JSON.parse(await lb1.control('/events?kind=reload')) as { outcome: string }[];
      return all.filter(({ outcome }) => outcome === 'refused').length === 2 ? true : undefined;
    });
    const again = await lvskeeper('apply', lb1.config, '--confirm', '10m');
    assert.equal(again.code, 1);
    await isLocked(true);
    assert.equal((await lvskeeper('rollback')).code, 0);
    await isLocked(false);
    fileIs(former);
  });

  test('goes on after every process was killed, and ends at its time', async () => {
    await apply('--confirm', '40s');
    await isLocked(true);
    const { until } = (await lb1.status()).config.trial ?? {};
    await lb1.killAll();
    lb1 = await director(lab.lb1, TOML);
    fileIs(former);
    assert.equal((await lb1.status()).config.trial?.until, until, 'the deadline stays');
    await isLocked(true);
    await isLocked(false);
    assert.ok(Date.now() >= Date.parse(until ?? ''));
    assert.deepEqual(await told(), ['resumed by anna', 'rolled-back by anna']);
  });

  test('a deadline that passes while nothing runs: the start loads what was before', async () => {
    await apply('--confirm', '10s');
    await isLocked(true);
    const until = Date.parse((await lb1.status()).config.trial?.until ?? '');
    await lb1.killAll();
    await eventually('the deadline to pass', PATIENCE, () => (Date.now() > until ? true : undefined));
    lb1 = await director(lab.lb1, TOML);
    await becomes(lb1, 'master');
    await isLocked(false);
    assert.deepEqual(await told(), ['rolled-back by anna']);
  });

  test('is confirmed over a restart: the file has its bytes and keeps mode and owner, and it stays', async () => {
    await apply('--confirm', '10m');
    await isLocked(true);
    assert.equal((await lvskeeper('restart')).code, 0);
    assert.deepEqual(await told(), ['resumed by anna']);
    const confirmed = await lvskeeper('confirm');
    assert.equal(confirmed.code, 0, confirmed.stderr);
    fileIs(locked(former));
    assert.equal((await lb1.status()).config.trial, null);
    assert.match((await lvskeeper('reload')).stdout, /^reload unchanged/);
    await isLocked(true);
  });
});
