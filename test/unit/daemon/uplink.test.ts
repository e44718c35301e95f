import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { uplinkTrouble } from '../../../src/daemon/uplink.ts';
import type { DefaultRoute } from '../../../src/system/default-route.ts';
import type { Link, Route } from '../../../src/system/rtnetlink.ts';
import { mac } from '../../../src/wire/ethernet.ts';
import { fakeClock } from '../trackers/fake-clock.ts';

const link = (index: number, name: string, changes: Partial<Link> = {}): Link =>
  ({ index, name, mac: `02:00:00:00:01:0${index}`, up: true, running: true, lowerUp: true, ...changes }) as Link;
const by = (interfaceIndex: number, gateway?: string): Route => ({
  interfaceIndex,
  source: undefined,
  gateway: gateway === undefined ? undefined : ip(gateway),
});

/** A machine with eth0 (2) and eth1 (3), on each of which a gateway answers or not. */
function world(routes: Readonly<Record<string, Route>>, links: readonly Link[] = [link(2, 'eth0'), link(3, 'eth1')]) {
  const answers = new Set<string>();
  const asked: string[] = [];
  let byDefault: DefaultRoute | null = null;
  let sockets = 0;
  const clock = fakeClock();
  const all = { ...routes, '10.1.0.1': by(2), '10.2.0.1': by(3) };
  const route = (to: IpAddress) => {
    const found = (all as Readonly<Record<string, Route>>)[to];
    return found === undefined ? err({ errno: 101, code: 'ENETUNREACH', message: 'no route' }) : ok(found);
  };
  return {
    answers,
    asked,
    sockets: () => sockets,
    byDefault: (next: DefaultRoute) => {
      byDefault = next;
    },
    async look(...to: readonly string[]): Promise<string | null> {
      const looked = uplinkTrouble(to.map(ip), clock, {
        rtnetlink: {
          routesTo: async (many) => many.map(route),
          route: async (one) => route(one),
          links: async () => ok(links),
          addresses: async () => ok([]),
        },
        defaultRoute: async () => ok(byDefault),
        isVirtual: () => false,
        openAsker: (_family, _index, heard) => {
          sockets++;
          return ok({
            ask(hop) {
              asked.push(`${hop.interface} ${hop.address}`);
              if (answers.has(hop.address)) queueMicrotask(() => heard(hop.address, mac('02:00:00:00:00:01'), false));
              return ok(undefined);
            },
            close: () => void sockets--,
          });
        },
      });
      let found: string | null | undefined;
      void looked.then((what) => {
        found = what;
      });
      for (let i = 0; i < 20 && found === undefined; i++) await clock.run(clock.now() + 100);
      assert.notEqual(found, undefined, 'it came to an end');
      return looked;
    },
  };
}

const ON_LINK = { '10.1.0.21': by(2), '10.1.0.22': by(2), '10.2.0.21': by(3) };

test('a link that is down, or has no carrier, is the fault of this director', async () => {
  for (const [state, words] of [
    [{ up: false, lowerUp: false }, 'eth0 is down'],
    [{ lowerUp: false }, 'eth0 has no carrier'],
  ] as const) {
    const w = world(ON_LINK, [link(2, 'eth0', state), link(3, 'eth1')]);
    assert.equal(await w.look('10.1.0.21', '10.1.0.22', '10.2.0.21'), words);
    assert.deepEqual(w.asked, []);
  }
});

test('it is looked at the link that most of the packets leave by', async () => {
  const w = world(ON_LINK, [link(2, 'eth0'), link(3, 'eth1', { up: false })]);
  assert.equal(await w.look('10.1.0.21', '10.1.0.22', '10.2.0.21'), null);
});

test('a gateway to the servers that does not answer is told, one that does is well', async () => {
  const w = world({ '10.9.0.21': by(2, '10.1.0.1'), '10.9.0.22': by(2, '10.1.0.1') });
  assert.equal(await w.look('10.9.0.21', '10.9.0.22'), 'the gateway 10.1.0.1 has not answered 2 ARP requests');
  assert.equal(w.sockets(), 0);
  w.answers.add('10.1.0.1');
  assert.equal(await w.look('10.9.0.21', '10.9.0.22'), null);
  assert.equal(w.sockets(), 0);
});

test('of servers on the link the default gateway is asked, when it is on the same link', async () => {
  const w = world(ON_LINK);
  assert.equal(await w.look('10.1.0.21'), null);
  w.byDefault({ gateway: ip('10.2.0.1'), interface: 'eth1' });
  assert.equal(await w.look('10.1.0.21'), null);
  assert.deepEqual(w.asked, []);
  w.byDefault({ gateway: ip('10.1.0.1'), interface: 'eth0' });
  assert.match((await w.look('10.1.0.21')) ?? '', /^the gateway 10\.1\.0\.1 has not answered/);
});

test('a router on the link that is silent is no reason while a server on the link answers', async () => {
  const w = world({ ...ON_LINK, '10.9.0.21': by(2, '10.1.0.1') });
  w.byDefault({ gateway: ip('10.1.0.1'), interface: 'eth0' });
  w.answers.add('10.1.0.22');
  assert.equal(await w.look('10.1.0.21', '10.1.0.22'), null);
  assert.match((await w.look('10.1.0.21')) ?? '', /^the gateway 10\.1\.0\.1 has not answered/);
  assert.equal(w.sockets(), 0);
  // For those behind it, it is.
  assert.match((await w.look('10.9.0.21', '10.1.0.22')) ?? '', /^the gateway 10\.1\.0\.1 has not answered/);
});

test('without a route, or over loopback, there is nothing to look at', async () => {
  const w = world({ '127.0.0.1': by(1) }, [link(1, 'lo', { loopback: true, lowerUp: false })]);
  assert.equal(await w.look('127.0.0.1'), null);
  assert.equal(await w.look('192.0.2.99'), null);
});
