/**
 * Every check against what a network does: packets that are dropped or refused, by a firewall or a router, or that have no
 * way to go. `us` probes; `peer` is the server, and the router to what is beyond it.
 *
 *   npm run lab -- test/interop/checks-on-a-wire.test.ts
 */

import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ProbeResult } from '../../src/checkers/probe.ts';
import { judge } from '../checkers/row.ts';
import { BEYOND, GUARDED, PEER, WIRE } from '../checkers/table/wire.ts';
import { createSegment, type Segment } from './segment.ts';

const FIREWALL = `table inet guard {
  chain input {
    type filter hook input priority 0;
    meta l4proto { tcp, udp } th dport ${GUARDED.drop} drop
    meta l4proto { tcp, udp } th dport ${GUARDED.portUnreachable} reject with icmpx type port-unreachable
    meta l4proto { tcp, udp } th dport ${GUARDED.prohibited} reject with icmpx type admin-prohibited
    tcp dport ${GUARDED.reset} reject with tcp reset
  }
  chain forward {
    type filter hook forward priority 0;
    ip daddr ${BEYOND.dropped} drop
    ip daddr ${BEYOND.unreachable} reject with icmp type host-unreachable
    ip daddr ${BEYOND.prohibited} reject with icmp type admin-prohibited
    ip daddr ${BEYOND.noRoute} reject with icmp type net-unreachable
  }
}`;

describe('checks on a wire', () => {
  let segment: Segment;
  let results: readonly ProbeResult[] = [];

  before(async () => {
    segment = await createSegment('checks');
    const { us, peer } = segment;
    // Each check hears of it, and not only the first of a second.
    await peer.sysctl({
      'net.ipv4.ip_forward': 1,
      'net.ipv4.icmp_ratelimit': 0,
      'net.ipv4.icmp_msgs_per_sec': 100_000,
    });
    await peer.must(['nft', '-f', '-'], FIREWALL);
    // The way out of it; it ends in the chain above.
    await peer.must(['ip', 'route', 'add', BEYOND.network, 'dev', 'lo']);
    await us.must(['ip', 'route', 'add', BEYOND.network, 'via', PEER]);
    const argv = [process.execPath, '--enable-experimental-regexp-engine', join(import.meta.dirname, 'wire-prober.ts')];
    results = JSON.parse(await us.must(argv));
  });
  after(() => segment.close());

  for (const [i, row] of WIRE.entries()) test(row.what, () => judge(row, row.place, results[i] as ProbeResult));
});
