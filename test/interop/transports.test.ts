/**
 * The ways that adverts of ours travel besides multicast in protocol 112: in UDP, signed, to a group or to a peer, and
 * without the right to raw sockets; by unicast. And a pair that comes to sign its adverts, and changes its keys, at work.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Capture, capture } from '../lab/capture.ts';
import { eventually } from '../lab/process.ts';
import {
  begin,
  claims,
  createPair,
  holds,
  type Member,
  masterDown,
  PATIENCE,
  type Pair,
  PRIORITY,
  skew,
  startPair,
  vrrpToml,
} from './directors.ts';
import { assertOneMaster } from './reigns.ts';
import { CROSSING, GRACE } from './scene.ts';
import { VIP4 } from './settings.ts';
import { tapeTime } from './tape.ts';

const PORT = 9112;
/** linux/capability.h */
const CAP_NET_RAW = 13n;

async function told(pair: Pair, story: (pair: Pair) => Promise<void>): Promise<void> {
  try {
    await story(pair);
  } finally {
    await pair.close();
  }
}

function keyFile(name: string, byte: string): string {
  const file = join('/run', `transports-${name}.key`);
  writeFileSync(file, `hex:${byte.repeat(32)}\n`, { mode: 0o600 });
  return file;
}
const key = (id: number, file: string): string => `{ id = ${id}, file = "${file}" }`;
const auth = (keys: readonly string[], more = ''): string =>
  `auth = { type = "hmac", keys = [${keys.join(', ')}]${more} }`;
const peers = (own: number, other: number): string => `source = "10.77.0.${own}"\npeers = ["10.77.0.${other}"]`;

describe('adverts of ours', { concurrency: 6 }, () => {
  /** `node` without the capability, whoever runs it. */
  const WITHOUT_RAW = ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw'];

  for (const { name, ways, prefix } of [
    { name: 'multicast', ways: ['', ''], prefix: [] },
    { name: 'unicast', ways: [peers(11, 12), peers(12, 11)], prefix: [] },
    {
      name: 'unicast, by a process that has no CAP_NET_RAW',
      ways: [peers(11, 12), peers(12, 11)],
      prefix: WITHOUT_RAW,
    },
  ] as const) {
    test(`in UDP, signed, by ${name}: the role is taken, resigned, and taken back`, async () => {
      const udp = `transport = "udp"\n${auth([key(1, keyFile('udp', '11'))])}\nprobe = ${prefix.length === 0}\n`;
      const pair = await createPair(`udp ${name}`, {
        lb1: vrrpToml({ priority: PRIORITY.lb1, more: udp + ways[0] }),
        lb2: vrrpToml({ priority: PRIORITY.lb2, more: udp + ways[1] }),
      });
      await told(pair, async ({ lb1, lb2, segment, tape }) => {
        const wire = await capture(segment.client, `udp port ${PORT}`, 'wire');
        await begin(pair, { prefix: [...prefix] });
        if (prefix.length > 0) {
          const status = readFileSync(`/proc/${await lb1.director.pid('vrrp')}/status`, 'utf8');
          const effective = BigInt(`0x${/^CapEff:\s*(\S+)$/m.exec(status)?.[1]}`);
          assert.equal((effective >> CAP_NET_RAW) & 1n, 0n, 'it has not');
          // Its adverts need nothing more; what does is told of.
          await lb1.told('trouble', ({ what }) => /cannot be announced/.test(what));
        }
        assert.deepEqual(
          [...new Set(adverts(wire, lb1).map(({ to }) => to))],
          [name === 'multicast' ? '224.0.0.18' : lb2.source(4)],
        );
        await sleep(masterDown(PRIORITY.lb2) + GRACE);
        const stopped = now(wire);
        assert.equal(adverts(wire, lb2).filter(({ at }) => at > stopped - masterDown(PRIORITY.lb2)).length, 0);
        await lb1.director.stop();
        await lb2.becomes('master');
        await holds(lb2, [VIP4], true);
        assert.deepEqual(await lb1.held([VIP4]), []);
        const last = adverts(wire, lb1).at(-1);
        const first = adverts(wire, lb2).find(({ at }) => at > (last?.at ?? 0));
        const took = (first?.at ?? Number.POSITIVE_INFINITY) - (last?.at ?? 0);
        assert.ok(took <= skew(PRIORITY.lb2) + GRACE, `lb2 claims ${took.toFixed()} ms after the last of lb1`);
        assert.equal((await lb2.router()).counters.priorityZeroReceived, 1, 'which resigned');
        assert.deepEqual((await lb2.router()).counters.dropped, {});
        await lb1.start({ prefix: [...prefix] });
        await lb1.becomes('master');
        await lb2.becomes('backup');
        await holds(lb2, [VIP4], false);
        await wire.stop();
        assert.deepEqual(tape.adverts(), [], 'none of it is protocol 112');
      });
    });
  }

  test('by unicast: they go to the peer alone, the role is resigned and taken back', async () => {
    const pair = await startPair('unicast', {
      lb1: vrrpToml({ priority: PRIORITY.lb1, more: peers(11, 12) }),
      lb2: vrrpToml({ priority: PRIORITY.lb2, more: peers(12, 11) }),
    });
    await told(pair, async ({ lb1, lb2, tape }) => {
      const stopped = tapeTime();
      await lb1.director.stop();
      const taken = await claims(lb2, stopped);
      const last = lb1.adverts().at(-1);
      assert.equal(last?.priority, 0);
      assert.ok(taken.at - last.at <= skew(PRIORITY.lb2) + GRACE);
      await lb1.start();
      await lb1.becomes('master');
      await lb2.becomes('backup');
      await holds(lb2, [VIP4], false);
      for (const [one, other] of [
        [lb1, lb2],
        [lb2, lb1],
      ] as const)
        assert.deepEqual([...new Set(one.adverts().map(({ destination }) => destination))], [other.source(4)]);
      assertOneMaster(tape.adverts(), CROSSING);
    });
  });

  test('come to be signed, and change their key, by reloads that nobody notices', async () => {
    const [first, second, wrong] = [keyFile('first', '21'), keyFile('second', '22'), keyFile('wrong', '23')];
    const at = (who: 'lb1' | 'lb2', more: string): string => vrrpToml({ priority: PRIORITY[who], more });
    const pair = await startPair('rotation', { lb1: at('lb1', ''), lb2: at('lb2', '') });
    await told(pair, async ({ lb1, lb2, tape }) => {
      const began = tapeTime();
      const quiet = async (): Promise<void> => void (await sleep(masterDown(PRIORITY.lb2) + GRACE));
      const received = async (): Promise<number> => (await lb2.router()).counters.advertsReceived;
      for (const [step, more] of [
        ['receive-only', auth([key(1, first)], ', mode = "receive-only"')],
        ['permissive', auth([key(1, first)], ', mode = "permissive"')],
        ['enforce', auth([key(1, first)], ', mode = "enforce"')],
        ['a second key', auth([key(1, first), key(2, second)])],
        ['the second key in use', auth([key(1, first), key(2, second)], ', active = 2')],
        ['the first key taken away', auth([key(2, second)])],
      ] as const) {
        for (const who of ['lb1', 'lb2'] as const) {
          await pair[who].reload(at(who, more));
          const before = await received();
          await quiet();
          assert.ok((await received()) >= before + 2, `${step} on ${who}: lb2 hears lb1`);
          assert.deepEqual((await lb2.router()).counters.dropped, {}, `${step} on ${who}: lb2 refuses nothing`);
        }
      }
      assert.deepEqual(lb2.adverts({ since: began }), [], 'lb2 never had a reason to claim the role');
      assert.equal((await lb1.router()).counters.becameMaster, 1);
      assert.equal((await lb1.router()).auth, 'hmac');
      assertOneMaster(
        tape.adverts().filter((one) => one.at >= began),
        0,
      );

      // And it was not for nothing: with another key under the same number they do not know each other.
      await lb2.reload(at('lb2', auth([key(2, wrong)])));
      await lb2.becomes('master');
      await eventually('lb2 to refuse what it cannot verify', PATIENCE, async () =>
        ((await lb2.router()).counters.dropped.hmac ?? 0) > 0 ? true : undefined,
      );
      await lb2.reload(at('lb2', auth([key(2, second)])));
      await lb2.becomes('backup');
      await holds(lb2, [VIP4], false);
      assert.equal((await lb1.router()).counters.becameMaster, 1);
    });
  });
});

type Sent = { readonly at: number; readonly to: string };
/** Datagrams of a member, on the clock of the capture. */
const adverts = (wire: Capture, { source }: Member): readonly Sent[] =>
  wire.packets().flatMap(({ at, ip }) => (ip?.source === source(4) ? [{ at, to: ip.destination }] : []));
/** On the clock of the capture. */
const now = (wire: Capture): number => wire.packets().at(-1)?.at ?? 0;
