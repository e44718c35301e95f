/**
 * Every process of the master is killed, or sleeps for five seconds, alone and with a peer. Whoever starts it again does so
 * at once, as a service manager would. Afterwards one director has the address, every table is as it should be, and a
 * dead server never got a connection.
 *
 * What the outage may be: none where another process goes on within the peer's patience; else what the peer, or the
 * process itself when it comes back, must wait for by the protocol.
 */

import assert from 'node:assert/strict';
import test, { after, before, describe, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Director, director } from './director.ts';
import { addressesOf, directorToml, PRIORITY, servicesToml, skew, vrrpToml } from './pair.ts';
import { longestGap, startProber } from './prober.ts';
import { eventually, killAll, nap, tree } from './process.ts';
import { createTopology, type Server, type Topology, VIP } from './topology.ts';
import { addresses, ipvsadm, ipvsRules } from './witness.ts';

const NAP = 5000;
/** What a machine with one slow processor may take to notice, to start, and to ask again. */
const MARGIN = 2500;
/** A new master is one when the address has been silent for so long (RFC 9568, 6.1), at an interval of one second. */
const MASTER_DOWN = 3000;

type Who = 'vrrp' | 'checker' | 'supervisor' | 'all';
type Case = {
  readonly who: Who;
  readonly how: 'SIGKILL' | 'SIGSTOP';
  /** The longest time without an answer, ms: alone, and with a peer. */
  readonly outage: readonly [alone: number, peer: number];
};

const CASES: readonly Case[] = [
  { who: 'vrrp', how: 'SIGKILL', outage: [0, 0] },
  { who: 'checker', how: 'SIGKILL', outage: [0, 0] },
  // Its children end with it. The next ones resume the role if they are there within three intervals; else they begin anew.
  { who: 'supervisor', how: 'SIGKILL', outage: [MASTER_DOWN + skew(PRIORITY.lb1), MASTER_DOWN + skew(PRIORITY.lb2)] },
  { who: 'all', how: 'SIGKILL', outage: [MASTER_DOWN + skew(PRIORITY.lb1), MASTER_DOWN + skew(PRIORITY.lb2)] },
  // The addresses outlive the last advert by five seconds, and the peer has them before.
  { who: 'vrrp', how: 'SIGSTOP', outage: [NAP, MASTER_DOWN + skew(PRIORITY.lb2)] },
  { who: 'checker', how: 'SIGSTOP', outage: [0, 0] },
  { who: 'supervisor', how: 'SIGSTOP', outage: [0, 0] },
  { who: 'all', how: 'SIGSTOP', outage: [NAP, MASTER_DOWN + skew(PRIORITY.lb2)] },
];

for (const withPeer of [false, true])
  describe(`the master ${withPeer ? 'of a pair' : 'alone'}`, () => {
    let lab: Topology;
    let lb1: Director;
    let rules: readonly string[];
    const toml = (): string => vrrpToml(PRIORITY.lb1) + servicesToml('dr', addressesOf(lab));

    before(async () => {
      lab = await createTopology({ servers: 2 });
      lb1 = await director(lab.lb1, toml());
      if (withPeer) await director(lab.lb2, directorToml(lab, PRIORITY.lb2, ['dr']));
      await (lab.servers[1] as Server).kill();
      await settled();
      rules = await ipvsRules(lab.lb1);
    });
    after(() => lab.close());

    const hosts = () => (withPeer ? [lab.lb1, lab.lb2] : [lab.lb1]);
    const owners = async (): Promise<string[]> => {
      const all = await Promise.all(
        hosts().map(async (host) => ((await addresses(host)).includes(`${VIP.dr}/24`) ? host.name : '')),
      );
      return all.filter(Boolean);
    };
    /** The dead server has weight 0 everywhere, the other one its own. */
    const isRight = async (): Promise<boolean> => {
      for (const host of hosts()) {
        const services = await ipvsadm(host);
        if (services.length !== 2) return false;
        for (const { servers } of services)
          for (const { address, weight } of servers)
            if (weight !== (address.startsWith(lab.servers[0]?.host.address ?? '?') ? 10 : 0)) return false;
      }
      return true;
    };
    const settled = (): Promise<true> =>
      eventually('lb1 to be master, and every table to be right', 30_000, async () =>
        (await owners()).join() === 'lb1' && (await isRight()) ? true : undefined,
      );
    const pidsOf = async (who: Who): Promise<readonly number[]> => {
      const all = tree(lb1.process.pid).map(({ pid }) => pid);
      if (who === 'all') return all;
      return [who === 'supervisor' ? lb1.process.pid : await lb1.pid(who)];
    };

    /** Looks at the table again and again; gives what it had of the dead server with a weight above 0. */
    function watchDead() {
      const found: string[] = [];
      let on = true;
      const looking = (async () => {
        while (on) {
          for (const { servers } of await ipvsadm(lab.lb1))
            for (const { address, weight } of servers)
              if (weight > 0 && !address.startsWith(lab.servers[0]?.host.address ?? '?'))
                found.push(`${address} ${weight}`);
          await sleep(200);
        }
      })();
      return {
        async stop() {
          on = false;
          await looking;
          return found;
        },
      };
    }

    async function strike({ who, how }: Case): Promise<void> {
      const pids = await pidsOf(who);
      if (how === 'SIGKILL') {
        killAll(pids);
        if (who !== 'supervisor' && who !== 'all') return;
        await lb1.process.exited;
        lb1 = await director(lab.lb1, toml());
        return;
      }
      await nap(pids, NAP);
    }

    for (const one of CASES)
      test(`${one.how} of ${one.who}`, async (t: TestContext) => {
        await settled();
        const prober = await startProber(lab.client, { address: VIP.dr, every: 20 });
        const watch = watchDead();
        await strike(one);
        await sleep(withPeer ? 6000 : 1000);
        await settled();
        const asks = await prober.stop();
        assert.deepEqual(await watch.stop(), [], 'the dead server never had a weight');

        assert.deepEqual(await owners(), ['lb1']);
        assert.deepEqual(await ipvsRules(lab.lb1), rules);
        const allowed = (one.outage[withPeer ? 1 : 0] ?? 0) + MARGIN;
        const { length } = longestGap(asks);
        t.diagnostic(`the longest time without an answer: ${length.toFixed(0)} ms`);
        assert.ok(length <= allowed, `${length.toFixed(0)} ms without an answer, allowed are ${allowed.toFixed(0)}`);
      });
  });
