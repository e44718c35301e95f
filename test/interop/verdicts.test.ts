/** The directors of a pair probe the same servers, and each says what the other one finds otherwise. */

import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { Status } from '../../src/control/status.ts';
import { eventually, type Running } from '../lab/process.ts';
import { createPair, type Member, PATIENCE, type Pair, PRIORITY, reigning, vrrpToml } from './directors.ts';

const PORT = 8080;
const METRICS = 9790;
/** Two servers of one machine, by two of its addresses. */
const SERVERS = ['10.77.0.21', '10.77.0.22'] as const;
const [, WEB2] = SERVERS;
/** A change is noticed within half a second, and told at most 5 s later. */
const SERVICE = `
[[service]]
name = "web"
address = "10.77.0.99:80"
forward = "nat"
check = { type = "tcp", interval = "200ms", timeout = "200ms", rise = 1, fall = 1 }
${SERVERS.map((address, i) => `[[service.server]]\nname = "web${i + 1}"\naddress = "${address}:${PORT}"\n`).join('')}
`;
const WAY = ['route', 'add', 'unreachable', `${WEB2}/32`] as const;
const OWN = { lb1: `10.77.0.11:${METRICS}`, lb2: `10.77.0.12:${METRICS}` } as const;

describe('one of a pair cannot reach a server', () => {
  let pair: Pair;
  let lb1: Member;
  let lb2: Member;
  let servers: Running;

  /** What it begins with stands in `[director]`. */
  const toml = (own: 'lb1' | 'lb2', other: 'lb1' | 'lb2'): string =>
    `peers = ["${OWN[other]}"]\n[metrics]\nlisten = "${OWN[own]}"\n${vrrpToml({ priority: PRIORITY[own] })}${SERVICE}`;

  const disagreements = ({ services }: Status): readonly (string | null)[] =>
    services.flatMap((service) => service.servers.map(({ disagreement }) => disagreement));

  /** Waits until this director says this of web1 and web2. */
  async function says(who: Member, words: readonly (string | null)[]): Promise<void> {
    let last: unknown;
    await eventually(`${who.station.name} to say ${JSON.stringify(words)}`, PATIENCE, async () => {
      last = disagreements(await who.director.status());
      return JSON.stringify(last) === JSON.stringify(words) ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it says ${JSON.stringify(last)}`);
    });
  }

  before(async () => {
    pair = await createPair('verdicts', { lb1: toml('lb1', 'lb2'), lb2: toml('lb2', 'lb1') });
    ({ lb1, lb2 } = pair);
    for (const address of SERVERS)
      await pair.segment.client.must(['ip', 'address', 'add', `${address}/32`, 'dev', 'wire']);
    const program = `require('node:net').createServer((socket) => socket.on('error', () => {}).end()).listen(${PORT})`;
    servers = pair.segment.client.spawn([process.execPath, '-e', program]);
    await Promise.all([lb1.start(), lb2.start()]);
    await reigning(pair);
    for (const one of [lb1, lb2])
      await eventually(`both servers up for ${one.station.name}`, PATIENCE, async () => {
        const { services, peers } = await one.director.status();
        const up = services.flatMap((service) => service.servers).filter(({ state }) => state === 'up');
        return up.length === SERVERS.length && peers[0]?.director != null ? true : undefined;
      });
  });
  after(() => pair.close());

  test('while both reach both, nothing is said', async () => {
    for (const one of [lb1, lb2]) {
      const status = await one.director.status();
      assert.deepEqual(disagreements(status), [null, null]);
      assert.equal(status.peers[0]?.trouble, null);
    }
  });

  test('both say which of them it is', async () => {
    await lb2.station.must(['ip', ...WAY]);
    const { director } = await lb2.director.status();
    await says(lb1, [null, `only ${director} cannot reach web2: host unreachable`]);
    await says(lb2, [null, 'only this director cannot reach web2']);
    const page = await lb1.lvskeeper('status');
    assert.ok(page.stdout.includes(`! web: only ${director} cannot reach web2: host unreachable\n`), page.stdout);
    const metrics = await lb2.station.must(['curl', '-sS', `http://${OWN.lb1}/metrics`]);
    assert.match(metrics, /^lvskeeper_server_disagreement\{service="web",server="web2",address="[0-9.:]+"\} 1$/m);
    assert.match(metrics, new RegExp(`^lvskeeper_peer_verdicts_age_seconds\\{peer="${OWN.lb2}"\\} [0-9.]+$`, 'm'));
  });

  test('neither says anything when the way is there again', async () => {
    await lb2.station.must(['ip', 'route', 'delete', ...WAY.slice(2)]);
    for (const one of [lb1, lb2]) await says(one, [null, null]);
  });

  test('nor when the server itself fails, which both see', async () => {
    await servers.stop();
    await eventually('both servers down for both', PATIENCE, async () => {
      const all = await Promise.all([lb1, lb2].map((one) => one.director.status()));
      const down = all.flatMap(({ services }) => services[0]?.servers.filter(({ state }) => state === 'down') ?? []);
      return down.length === 2 * SERVERS.length ? true : undefined;
    });
    // Longer than from one question to the next.
    const until = Date.now() + 7_000;
    while (Date.now() < until)
      for (const one of [lb1, lb2]) assert.deepEqual(disagreements(await one.director.status()), [null, null]);
  });

  test('a director that is gone is told of after 15 s, and the other goes on', async () => {
    await lb2.director.stop();
    const told = await eventually('lb1 to miss lb2', 20_000 + PATIENCE, async () => {
      const [peer] = (await lb1.director.status()).peers;
      return peer?.trouble == null ? undefined : peer;
    });
    assert.ok((told.age ?? 0) > 15_000);
    assert.equal(told.trouble, 'connection refused');
    const page = await lb1.lvskeeper('status');
    assert.match(page.stdout, /connection refused; servers are not compared with what it finds/);
  });
});
