/**
 * Servers from a DNS server that is not ours: dnsmasq, on another kernel. `us` asks, `peer` answers.
 *
 *   npm run lab -- test/interop/discovery.test.ts
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { eventually, type Running } from '../lab/process.ts';
import type { Told, Wish } from './finder.ts';
import { createSegment, type Segment } from './segment.ts';

const FINDER = join(import.meta.dirname, 'finder.ts');
const MANY = Array.from({ length: 60 }, (_, i) => `10.1.0.${i + 1}`);

const ZONE = `
no-resolv
no-hosts
user=root
local=/example.net/
host-record=a.example.net,10.0.0.1,2001:db8::1,120
host-record=b.example.net,10.0.0.2,60
cname=w.example.net,a.example.net,30
srv-host=_http._tcp.example.net,a.example.net,8080,10,5
srv-host=_http._tcp.example.net,b.example.net,8081,10,7
srv-host=_http._tcp.example.net,c.example.net,8082,20,9
srv-host=_none._tcp.example.net
${MANY.map((address) => `host-record=many.example.net,${address}`).join('\n')}
`;

describe('discovery by DNS', () => {
  let segment: Segment;
  let dnsmasq: Running;

  const find = async (...wishes: readonly Wish[]): Promise<readonly Told[]> =>
    JSON.parse(await segment.us.must([process.execPath, FINDER, JSON.stringify(wishes)]));
  const wish = (query: string, families: Wish['families'] = [4]): Wish => ({
    options: `query = "${query}"\nresolvers = ["10.77.0.12"]\nttl_min = "1s"`,
    families,
  });

  before(async () => {
    segment = await createSegment('discovery');
    const config = join(segment.peer.directory, 'dnsmasq.conf');
    writeFileSync(config, ZONE);
    dnsmasq = segment.peer.spawn(['dnsmasq', '--no-daemon', `--conf-file=${config}`]);
    await eventually('dnsmasq to answer', 15_000, async () => {
      const [told] = await find(wish('b.example.net'));
      return Array.isArray(told?.found) ? true : undefined;
    });
  });
  after(async () => {
    await dnsmasq.stop();
    await segment.close();
  });

  test('addresses of both families, by an alias, for as long as the shortest TTL', async () => {
    const told = await find(wish('w.example.net', [4, 6]), wish('w.example.net'), wish('b.example.net'));
    assert.deepEqual(told, [
      { found: ['10.0.0.1', '2001:db8::1'], again: 30_000 },
      { found: ['10.0.0.1'], again: 30_000 },
      { found: ['10.0.0.2'], again: 60_000 },
    ]);
  });

  test('SRV records with ports and weights, of the lowest priority', async () => {
    const [told] = await find(wish('_http._tcp.example.net'));
    assert.deepEqual(told?.found, ['10.0.0.1:8080*5', '10.0.0.2:8081*7']);
  });

  test('more addresses than a datagram of 512 bytes holds', async () => {
    const [told] = await find(wish('many.example.net'));
    assert.deepEqual(told?.found, [...MANY].sort());
  });

  test('names that are not there, in words', async () => {
    const told = await find(
      wish('nobody.example.net'),
      wish('b.example.net', [6]),
      wish('_none._tcp.example.net'),
      wish('example.org'),
    );
    assert.deepEqual(
      told.map(({ found }) => found),
      [
        'there is no name nobody.example.net (NXDOMAIN)',
        'b.example.net has no AAAA record',
        '_none._tcp.example.net says that there is no such service (target ".")',
        'A example.org: 10.77.0.12:53 answers REFUSED',
      ],
    );
  });

  test('nobody answers once it is gone, and that is told at once', async () => {
    await dnsmasq.stop();
    const [told] = await find(wish('b.example.net'));
    assert.equal(told?.found, 'A b.example.net: 10.77.0.12:53: nobody listens there (connection refused)');
  });
});
