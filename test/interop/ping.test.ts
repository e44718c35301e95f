/**
 * The `ping` check on a wire: another kernel answers, or does not, or says why not. `us` probes, `peer` is probed.
 *
 *   npm run lab -- test/interop/ping.test.ts
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { Told, Wish } from './pinger.ts';
import { createSegment, type Segment } from './segment.ts';

const PINGER = join(import.meta.dirname, 'pinger.ts');
const PEER = '10.77.0.12';
const PEER6 = 'fd77::12';
/** Longer than the kernel asks for a neighbour that does not answer: three times, a second each. */
const UNTIL_UNREACHABLE = 6000;

describe('ping', () => {
  let segment: Segment;

  before(async () => {
    segment = await createSegment('ping');
  });
  after(() => segment.close());

  async function ping(wishes: readonly Wish[], around: readonly string[] = []): Promise<readonly Told[]> {
    const argv = [...around, process.execPath, PINGER, JSON.stringify(wishes)];
    return JSON.parse(await segment.us.must(argv));
  }

  const reasons = ({ results }: Told): readonly string[] =>
    results.map(({ outcome, reason }) => `${outcome}: ${reason}`);

  test('another kernel answers, over IPv4 and IPv6, whatever the size and the way', async () => {
    const device = { device: 'eth0' };
    const mark = { mark: 0x10000 };
    const told = await ping([
      { address: PEER },
      { address: PEER6 },
      { address: PEER, check: { size: 0 } },
      { address: PEER, check: { size: 9000 } },
      { address: PEER6, check: { size: 9000 } },
      { address: PEER, target: { source: '10.77.0.11' as never, ...device, ...mark } },
      { address: PEER6, target: { source: 'fd77::11' as never, ...device, ...mark } },
      { address: 'fe80::12', target: device },
    ]);
    for (const one of told) for (const reason of reasons(one)) assert.match(reason, /^up: answered in [\d.]+ ms$/);
    assert.equal(told.length, 8);
  });

  test('several requests, and their round trip on average', async () => {
    const [told] = await ping([{ address: PEER, check: { count: 4, spacing: 20 as never } }]);
    for (const { reason, took } of told?.results ?? []) {
      assert.match(reason, /^4 of 4 answered, [\d.]+ ms on average$/);
      assert.ok(took > 0 && took < 60, `${took} ms`);
    }
  });

  test('thousands of probers share one descriptor, and leave none', async () => {
    const [four, six] = await ping([
      { address: PEER, probers: 2000, check: { timeout: 10_000 as never } },
      { address: PEER6, probers: 2000, check: { timeout: 10_000 as never } },
    ]);
    for (const told of [four, six]) {
      assert.equal(told?.results.filter(({ outcome }) => outcome === 'up').length, 4000);
      assert.equal(told?.during, 1);
      assert.equal(told?.after, 0);
    }
  });

  test('a host that answers no echo is silent', async () => {
    await segment.peer.sysctl({ 'net.ipv4.icmp_echo_ignore_all': 1 });
    const [told] = await ping([{ address: PEER, check: { timeout: 200 as never } }]);
    await segment.peer.sysctl({ 'net.ipv4.icmp_echo_ignore_all': 0 });
    assert.deepEqual(reasons(told as Told), Array(2).fill('down: no answer in 200 ms'));
  });

  test('nobody has the address, and a router has no route: each is told as it is', async () => {
    await segment.peer.sysctl({ 'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1 });
    await segment.us.must(['ip', 'route', 'add', '198.51.100.0/24', 'via', PEER]);
    await segment.us.must(['ip', 'route', 'add', '2001:db8:9::/48', 'via', PEER6]);
    const check = { timeout: UNTIL_UNREACHABLE as never };
    const told = await ping([
      { address: '10.77.0.99', check },
      { address: 'fd77::99', check },
      { address: '198.51.100.1', check },
      { address: '2001:db8:9::1', check },
      { address: '203.0.113.1', check },
    ]);
    assert.deepEqual(
      told.map((one) => reasons(one)[0]),
      [
        'down: host unreachable',
        'down: host unreachable',
        'down: network unreachable',
        'down: network unreachable',
        'local-error: cannot probe: no route to the server',
      ],
    );
  });

  test('a stranger as the source, and a device that is not there, are our own fault', async () => {
    const told = await ping([
      { address: PEER, target: { source: '192.0.2.77' as never } },
      { address: PEER, target: { device: 'none-such' } },
    ]);
    for (const one of told) for (const { outcome } of one.results) assert.equal(outcome, 'local-error');
  });

  test('without CAP_NET_RAW it is said so', async () => {
    const [told] = await ping([{ address: PEER }], ['setpriv', '--bounding-set=-net_raw', '--inh-caps=-net_raw']);
    const reason = 'local-error: cannot probe: this process may not send ICMP (CAP_NET_RAW)';
    assert.deepEqual(reasons(told as Told), [reason, reason]);
  });
});
