/**
 * 10,000 bad packets a second, of every kind that is refused and some that are nobody's, at a master and its backup. None
 * of them moves the role or delays an advert, and each is counted for what it is.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { capture } from '../lab/capture.ts';
import { eventually } from '../lab/process.ts';
import { type Member, PATIENCE, PRIORITY, startPair, vrrpToml } from './directors.ts';
import { KINDS } from './flooder.ts';
import { CROSSING } from './scene.ts';

const RATE = 10_000;
const SECONDS = 10;
const FAST = 100;

/** Packets of protocol 112 that the kernel had no room for on a director's sockets (raw(7): the last column). */
const lost = async ({ station }: Member): Promise<number> =>
  (await station.must(['cat', '/proc/net/raw']))
    .split('\n')
    .filter((line) => / [0-9A-F]{8}:0070 /.test(line))
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)), 0);

/** Processor time of a process, in milliseconds: `utime` and `stime` of proc(5), in ticks of 10 ms. */
function cpu(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

describe('a flood of bad packets', () => {
  test('leaves the role and the beat of its adverts alone, and is counted packet by packet', async (t: TestContext) => {
    const key = join('/run', 'flood.key');
    writeFileSync(key, `hex:${'a5'.repeat(32)}\n`, { mode: 0o600 });
    // What is forged is made before the flood, and is to be found forged rather than old until its end.
    const more = `auth = { type = "hmac", window = "60s", keys = [{ id = 1, file = "${key}" }] }`;
    const pair = await startPair('flood', {
      lb1: vrrpToml({ priority: PRIORITY.lb1, interval: FAST, more }),
      lb2: vrrpToml({ priority: PRIORITY.lb2, interval: FAST, more }),
    });
    try {
      const { lb1, lb2, segment } = pair;
      // The tape would have to take it all.
      await pair.tape.stop();
      const filter = `ip proto 112 and (src host ${lb1.source(4)} or src host ${lb2.source(4)})`;
      const wire = await capture(segment.client, filter, 'wire');
      const before = await Promise.all([lb1, lb2].map((one) => one.events('vrrp')));
      const pids = await Promise.all([lb1, lb2].map((one) => one.director.pid('vrrp')));
      const used = pids.map(cpu);
      assert.deepEqual([await lost(lb1), await lost(lb2)], [0, 0]);

      const script = join(import.meta.dirname, 'flooder.ts');
      const flooder = segment.client.node(script, ['wire', '51', String(RATE), String(SECONDS)]);
      await flooder.printed(/flooding/);
      const began = performance.now();
      const [line] = await flooder.printed(/^\{.*\}$/m, PATIENCE + SECONDS * 1000);
      const took = performance.now() - began;
      const sent: Readonly<Record<string, number>> = JSON.parse(line);
      const total = Object.values(sent).reduce((sum, n) => sum + n, 0);
      assert.ok(Object.keys(KINDS).every((kind) => (sent[kind] ?? 0) > 0));
      t.diagnostic(`${total} packets, ${Math.round((1000 * total) / took)} a second`);

      for (const [i, one] of [lb1, lb2].entries()) {
        const name = one === lb1 ? 'lb1' : 'lb2';
        const meant = Object.entries(KINDS).filter(([, { reason }]) => reason !== undefined);
        const toUs = meant.reduce((sum, [kind]) => sum + (sent[kind] ?? 0), 0);
        const counted = async (): Promise<Readonly<Record<string, number>>> => (await one.router()).counters.dropped;
        const sumOf = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((a, b) => a + b, 0);
        // What lies in the socket is still read.
        await eventually(`${name} to have counted what it was sent`, PATIENCE, async () =>
          sumOf(await counted()) + (await lost(one)) >= toUs ? true : undefined,
        );
        const [dropped, overflow] = [await counted(), await lost(one)];
        const { stdout } = await one.lvskeeper('status', '--json');
        assert.deepEqual(JSON.parse(stdout).routers[0].counters.dropped, dropped);
        const missing = toUs - sumOf(dropped);
        assert.ok(
          missing >= 0 && missing <= overflow,
          `${missing} of ${toUs} not counted, ${overflow} lost by the kernel`,
        );
        // Random bytes may be bad in any way.
        const random = sent.random ?? 0;
        for (const [kind, { reason }] of meant) {
          if (typeof reason !== 'string') continue;
          const n = dropped[reason] ?? 0;
          const least = (sent[kind] ?? 0) - overflow;
          assert.ok(n >= least && n <= (sent[kind] ?? 0) + random, `${reason}: ${n} counted, ${sent[kind]} sent`);
        }
        assert.deepEqual((await one.events('vrrp')).length, before[i]?.length, 'no change of state');
        const said = await one.events('trouble');
        assert.ok(said.length <= Object.keys(dropped).length, 'each reason is said once, not each packet');
        const worst = (await one.router()).counters.worstLateness;
        const share = (100 * (cpu(pids[i] ?? 0) - (used[i] ?? 0))) / took;
        t.diagnostic(
          `${name}: ${share.toFixed(1)} % of a CPU, ${overflow} lost by the kernel, worst lateness ${worst.toFixed(1)} ms`,
        );
      }

      await wire.stop();
      const adverts = wire.packets().flatMap(({ at, ip }) => (ip?.vrrp ? [{ at, ip }] : []));
      assert.deepEqual([...new Set(adverts.map(({ ip }) => ip.source))], [lb1.source(4)], 'lb1 alone advertises');
      const gaps = adverts.slice(1).map(({ at }, n) => at - (adverts[n]?.at ?? at));
      const sorted = gaps.toSorted((a, b) => a - b);
      const p99 = sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.POSITIVE_INFINITY;
      t.diagnostic(`${gaps.length} intervals: p99 ${p99.toFixed(1)} ms, longest ${sorted.at(-1)?.toFixed(1)} ms`);
      assert.ok(gaps.length >= (SECONDS * 1000) / FAST - 2);
      assert.ok(p99 <= FAST + CROSSING / 2, `p99 of the intervals is ${p99.toFixed(1)} ms`);
      assert.ok((sorted.at(-1) ?? 0) < 2 * FAST, 'no advert is left out');
    } finally {
      await pair.close();
    }
  });
});
