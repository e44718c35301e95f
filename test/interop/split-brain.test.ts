/** The wire carries one way only: both are master. It is said, counted, and mended as soon as the wire is. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../lab/process.ts';
import { claims, holds, masterDown, PRIORITY, startPair, vrrpToml } from './directors.ts';
import { CROSSING, GRACE } from './scene.ts';
import { INTERVAL, VIP4 } from './settings.ts';
import { tapeTime } from './tape.ts';

const VIP = '10.77.0.100';

describe('a split brain', () => {
  test('lb2 hears lb1 no more, lb1 hears lb2: lb1 says so, and has the address alone when the wire is whole', async () => {
    const alerts = join('/run', 'split-brain-alerts');
    const alert = `[[alert]]\ntype = "exec"\ncommand = ["/bin/sh", "-c", "cat >>${alerts}; echo >>${alerts}"]\n`;
    const pair = await startPair('split brain', {
      lb1: `${vrrpToml({ priority: PRIORITY.lb1 })}${alert}`,
      lb2: vrrpToml({ priority: PRIORITY.lb2 }),
    });
    try {
      const { lb1, lb2, segment } = pair;
      const { client } = segment;
      const neighbour = async (): Promise<string> => client.must(['ip', 'neighbour', 'show', VIP]);
      await client.must(['ping', '-n', '-c', '1', '-W', '2', VIP]);

      const cut = tapeTime();
      await client.must(
        ['nft', '-f', '-'],
        `table bridge cut {
           chain forward { type filter hook forward priority 0; policy accept; iifname "us0" oifname "peer0" drop; }
         }`,
      );
      const taken = await claims(lb2, cut);
      const last = lb1.adverts().findLast(({ at }) => at <= cut);
      assert.ok(taken.at - (last?.at ?? 0) <= masterDown(PRIORITY.lb2) + GRACE + CROSSING, 'as if lb1 had died');
      const begun = await lb1.told('split-brain', ({ what }) => what === 'begun');
      assert.deepEqual([begun.peer, begun.priority, begun.family], [lb2.source(4), PRIORITY.lb2, 4]);
      const late = Date.parse(begun.time) - taken.at;
      assert.ok(late <= INTERVAL + GRACE, `said ${late.toFixed()} ms after the first advert of the other`);
      assert.equal((await lb1.router()).state, 'master');
      assert.equal((await lb1.router()).rival?.address, lb2.source(4));
      assert.deepEqual(await lb2.events('split-brain'), [], 'lb2 cannot know');
      await sleep(3 * INTERVAL);
      assert.deepEqual([(await lb1.held([VIP4])).length, (await lb2.held([VIP4])).length], [1, 1], 'two have it');

      const healed = tapeTime();
      await client.must(['nft', 'delete', 'table', 'bridge', 'cut']);
      await lb2.becomes('backup');
      await holds(lb2, [VIP4], false);
      const after = lb2.adverts({ since: healed }).at(-1);
      assert.ok((after?.at ?? healed) - healed <= INTERVAL + GRACE, 'lb2 gives way to the next advert of lb1');
      const ended = await lb1.told('split-brain', ({ what }) => what === 'ended');
      assert.equal(ended.peer, lb2.source(4));
      assert.ok(
        ended.lasted >= 2 * INTERVAL && ended.lasted <= Date.parse(ended.time) - Date.parse(begun.time) + GRACE,
      );
      const router = await lb1.router();
      assert.deepEqual([router.rival, router.counters.splitBrains, router.counters.becameMaster], [null, 1, 1]);

      // lb2 may have announced itself last: lb1 does once more, when it has let go.
      const lastOfLb2 = after?.at ?? healed;
      await eventually('lb1 to announce the address again', 5000, () =>
        pair.tape
          .claims()
          .find(
            ({ at, address, mac, gratuitous }) =>
              at > lastOfLb2 && gratuitous && address === VIP && mac === lb1.station.mac,
          ),
      );
      await eventually('the client to know it there', 2000, async () =>
        (await neighbour()).includes(lb1.station.mac) ? true : undefined,
      );

      const alerted = await eventually('two alerts', 10_000, () => {
        const all = readFileSync(alerts, 'utf8')
          .split('\n')
          .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { kind: string; what?: string }]))
          .filter(({ kind }) => kind === 'split-brain');
        return all.length >= 2 ? all : undefined;
      });
      assert.deepEqual(
        alerted.map(({ what }) => what),
        ['begun', 'ended'],
      );
      const metrics = await lb1.station.must(['curl', '-sS', 'http://127.0.0.1:9790/metrics']);
      assert.match(metrics, /lvskeeper_vrrp_split_brains_total\{router="edge",family="ipv4"\} 1/);
    } finally {
      await pair.close();
    }
  });
});
