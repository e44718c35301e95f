import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { GatewayTrack } from '../../../src/config/config.ts';
import type { DefaultRoute } from '../../../src/system/default-route.ts';
import type { SystemError } from '../../../src/system/native.ts';
import type { InterfaceAddress, Link, NetlinkError, Route } from '../../../src/system/rtnetlink.ts';
import type { Heard } from '../../../src/trackers/gateway/ask.ts';
import { watchGateway } from '../../../src/trackers/gateway/watch.ts';
import { mac } from '../../../src/wire/ethernet.ts';
import { fakeClock, inWords, settle } from './fake-clock.ts';

const GATEWAY = ip('192.0.2.1');
const OWN = ip('192.0.2.2');
const VIRTUAL = ip('192.0.2.100');
const AT = mac('02:00:00:00:00:01');
const ELSEWHERE = mac('02:00:00:00:00:99');

const link = (index: number, name: string, changes: Partial<Link> = {}): Link =>
  ({ index, name, mac: `02:00:00:00:01:0${index}`, up: true, running: true, loopback: false, ...changes }) as Link;
const own = (index: number, address: string, length: number): InterfaceAddress => ({
  ...({ scope: 0, flags: 0 } as InterfaceAddress),
  index,
  prefix: { address: ip(address), length },
});
const refusal = (code: string): { ok: false; error: NetlinkError } =>
  err({ errno: 1, code, message: `refused (${code})` });
const systemError = (code: string): SystemError =>
  Object.assign(new Error(`sendmsg ${code}`), { code, errno: -1, syscall: 'sendmsg' });

/** A machine with a gateway, which can be changed at any time. */
function world(t: TestContext, changes: Partial<GatewayTrack> = {}) {
  const machine = {
    routes: new Map<string, Result<Route, NetlinkError>>([
      [GATEWAY, ok({ interfaceIndex: 2, source: OWN, gateway: undefined })],
    ]),
    links: [link(1, 'lo', { loopback: true, mac: '00:00:00:00:00:00' }), link(2, 'eth0'), link(3, 'eth1')],
    addresses: [own(2, VIRTUAL, 24), own(2, '203.0.113.2', 24), own(2, OWN, 24)],
    defaultRoute: ok(null) as Result<DefaultRoute | null, string>,
    virtual: [VIRTUAL],
    /** Where the gateway is; `null`: nowhere. */
    at: AT as typeof AT | null,
    refused: undefined as string | undefined,
  };
  const asked: string[] = [];
  const found: string[] = [];
  const open = new Set<object>();
  let heard: Heard = () => {};
  const clock = fakeClock();
  const track: GatewayTrack = {
    ...{ type: 'gateway', gateway: GATEWAY, interval: seconds(1), timeout: milliseconds(400) },
    ...{ rise: 1, fall: 3, weight: null, ...changes },
  };
  const watcher = watchGateway(
    track,
    clock,
    {
      rtnetlink: {
        route: async (to) => machine.routes.get(to) ?? refusal('ENETUNREACH'),
        links: async () => ok(machine.links),
        addresses: async (index) => ok(machine.addresses.filter((a) => a.index === index)),
      },
      defaultRoute: async () => machine.defaultRoute,
      isVirtual: (address) => machine.virtual.includes(address),
      openAsker(family, interfaceIndex, listener) {
        if (machine.refused === 'EMFILE') return err(systemError('EMFILE'));
        const socket = {};
        open.add(socket);
        heard = listener;
        return ok({
          ask(hop, at) {
            if (machine.refused !== undefined) return err(systemError(machine.refused));
            asked.push(
              `${clock.now()} ${family} ${hop.interface} ${hop.source} asks ${at ?? 'all'} for ${hop.address}`,
            );
            assert.equal(hop.interfaceIndex, interfaceIndex);
            const { at: there } = machine;
            if (there !== null && (at === null || at === there))
              queueMicrotask(() => listener(hop.address, there, false));
            return ok(undefined);
          },
          close: () => void open.delete(socket),
        });
      },
    },
    (finding) => found.push(`${clock.now()} ${finding.trouble ? '! ' : ''}${inWords(finding)}`),
  );
  t.after(() => watcher.close());
  return {
    ...{ machine, asked, found, open, clock, watcher },
    hear: (address: IpAddress) => heard(address, AT, true),
    async run(to: number): Promise<string[]> {
      found.length = 0;
      await clock.run(to);
      return [...found];
    },
  };
}

test('a gateway that answers is well; it is asked of all once, and then alone', async (t) => {
  const { run, asked } = world(t);
  assert.deepEqual(await run(2000), ['0 up: answers', '1000 up: answers', '2000 up: answers']);
  assert.deepEqual(asked, [
    '0 4 eth0 192.0.2.2 asks all for 192.0.2.1',
    '1000 4 eth0 192.0.2.2 asks 02:00:00:00:00:01 for 192.0.2.1',
    '2000 4 eth0 192.0.2.2 asks 02:00:00:00:00:01 for 192.0.2.1',
  ]);
});

test('one that falls silent is asked alone, then of all; and its silence is counted', async (t) => {
  const { machine, run, asked } = world(t);
  await run(0);
  machine.at = null;
  assert.deepEqual(await run(3000), [
    '1400 down: has not answered 2 ARP requests',
    '2400 down: has not answered 3 ARP requests',
  ]);
  assert.deepEqual(asked.slice(1), [
    '1000 4 eth0 192.0.2.2 asks 02:00:00:00:00:01 for 192.0.2.1',
    '1200 4 eth0 192.0.2.2 asks all for 192.0.2.1',
    '2000 4 eth0 192.0.2.2 asks all for 192.0.2.1',
    '3000 4 eth0 192.0.2.2 asks all for 192.0.2.1',
  ]);
  machine.at = AT;
  assert.deepEqual(await run(4000), ['3400 down: has not answered 4 ARP requests', '4000 up: answers']);
  machine.at = null;
  assert.deepEqual(await run(5500), ['5400 down: has not answered 2 ARP requests']);
});

test('one that moved to other hardware is found within the timeout', async (t) => {
  const { machine, run, asked } = world(t);
  await run(0);
  machine.at = ELSEWHERE;
  assert.deepEqual(await run(2000), ['1200 up: answers', '2000 up: answers']);
  assert.match(asked.at(-1) ?? '', /asks 02:00:00:00:00:99/);
});

test('a timeout as long as the interval costs no question', async (t) => {
  const { machine, run } = world(t, { timeout: seconds(1) });
  machine.at = null;
  assert.deepEqual(await run(3500), [
    '1000 down: has not answered 1 ARP request',
    '2000 down: has not answered 2 ARP requests',
    '3000 down: has not answered 3 ARP requests',
  ]);
});

test('only the gateway’s own word counts, and only to a question', async (t) => {
  const { machine, run, hear, clock, found } = world(t);
  machine.at = null;
  await clock.run(100);
  hear(ip('192.0.2.77'));
  await settle();
  assert.deepEqual(found, []);
  hear(GATEWAY);
  await settle();
  assert.deepEqual(found, ['100 up: answers']);
  hear(GATEWAY);
  await settle();
  assert.deepEqual(await run(1400), ['1400 down: has not answered 2 ARP requests']);
});

test('a standstill of our own process is not the gateway’s silence', async (t) => {
  const { machine, clock, found } = world(t);
  machine.at = null;
  await clock.run(100);
  await clock.jump(900);
  assert.deepEqual(found, ['900 ! local-error: cannot be judged: this process was held up for 500 ms']);
});

test('an answer that waited out the standstill is read first', async (t) => {
  const { machine, clock, found, hear } = world(t);
  machine.at = null;
  await clock.run(399);
  setImmediate(() => hear(GATEWAY));
  await clock.jump(900);
  assert.deepEqual(found, ['900 up: answers']);
});

test('it is never asked from a virtual address: the gateway would learn that it is here', async (t) => {
  const { machine, run, asked } = world(t);
  machine.routes.set(GATEWAY, ok({ interfaceIndex: 2, source: VIRTUAL, gateway: undefined }));
  await run(0);
  assert.match(asked[0] ?? '', /eth0 192\.0\.2\.2 asks/, 'but from one of the same network');
  machine.addresses = [own(2, VIRTUAL, 24), own(2, '203.0.113.2', 24)];
  await run(1000);
  assert.match(asked[1] ?? '', /eth0 203\.0\.113\.2 asks/, 'or another of the link');
  machine.addresses = [own(2, VIRTUAL, 24), own(2, '2001:db8::2', 64)];
  await run(2000);
  assert.match(asked[2] ?? '', /eth0 null asks/, 'or from none');
});

const UNASKED: readonly (readonly [string, Partial<ReturnType<typeof world>['machine']>, string])[] = [
  ['no route', { routes: new Map() }, 'down: is out of reach: there is no route to it'],
  [
    'a route by another gateway',
    { routes: new Map([[GATEWAY, ok({ interfaceIndex: 2, source: OWN, gateway: ip('192.0.2.254') })]]) },
    'down: is on no link of this machine: packets to it go by way of 192.0.2.254',
  ],
  ['an interface that is down', { refused: 'ENETDOWN' }, 'down: cannot be asked: interface eth0 is down'],
  ['an interface that has gone', { links: [] }, 'down: is out of reach: its interface is gone'],
  ['an address of this machine', { links: [link(2, 'lo', { loopback: true })] }, 'up: is this machine itself'],
  [
    'a link without hardware addresses',
    { links: [link(2, 'wg0', { mac: '' })] },
    '! local-error: cannot be asked: wg0 has no hardware addresses',
  ],
  [
    'a kernel that will not say',
    { routes: new Map([[GATEWAY, refusal('ENOBUFS')]]) },
    '! local-error: cannot be told: refused (ENOBUFS)',
  ],
  ['no descriptor', { refused: 'EMFILE' }, '! local-error: cannot be asked: sendmsg EMFILE'],
  ['no buffer', { refused: 'ENOBUFS' }, '! local-error: cannot be asked: sendmsg ENOBUFS'],
];
for (const [name, changes, expected] of UNASKED)
  test(`${name}: ${expected}`, async (t) => {
    const { machine, run } = world(t);
    await run(0);
    Object.assign(machine, changes);
    machine.at = null;
    await run(1999);
    assert.deepEqual(await run(2000), [`2000 ${expected}`]);
  });

test('questions are counted from when it could be asked last', async (t) => {
  const { machine, run } = world(t);
  machine.at = null;
  assert.deepEqual((await run(1999)).at(-1), '1400 down: has not answered 2 ARP requests');
  const { routes } = machine;
  machine.routes = new Map();
  await run(2500);
  machine.routes = routes;
  assert.deepEqual(await run(3999), ['3400 down: has not answered 1 ARP request']);
});

test('a socket that refused a question is replaced', async (t) => {
  const { machine, run, open } = world(t);
  machine.refused = 'ENXIO';
  assert.deepEqual(await run(0), ['0 down: cannot be asked: interface eth0 is down']);
  assert.equal(open.size, 0);
  machine.refused = undefined;
  assert.deepEqual(await run(1000), ['1000 up: answers']);
});

test('a route that is forced onto the link leads to it', async (t) => {
  const { machine, run } = world(t);
  machine.routes.set(GATEWAY, ok({ interfaceIndex: 2, source: OWN, gateway: GATEWAY }));
  assert.deepEqual(await run(0), ['0 up: answers']);
});

test('the default gateway is looked up before each question, and named', async (t) => {
  const { machine, run, asked } = world(t, { gateway: 'default' });
  const other = ip('198.51.100.1');
  machine.routes.set(other, ok({ interfaceIndex: 3, source: ip('198.51.100.2'), gateway: undefined }));
  assert.deepEqual(await run(0), ['0 down: is missing: there is no default route']);
  machine.defaultRoute = ok({ gateway: GATEWAY, interface: 'eth0' });
  assert.deepEqual(await run(1000), ['1000 up: (192.0.2.1) answers']);
  machine.at = null;
  assert.deepEqual(await run(2500), ['2400 down: (192.0.2.1) has not answered 2 ARP requests']);
  machine.defaultRoute = ok({ gateway: other, interface: 'eth1' });
  assert.deepEqual(await run(3500), ['3400 down: (198.51.100.1) has not answered 1 ARP request']);
  assert.equal(asked.at(-1), '3000 4 eth1 198.51.100.2 asks all for 198.51.100.1');
  machine.defaultRoute = ok({ gateway: null, interface: 'ppp0' });
  assert.deepEqual(await run(4000), ['4000 ! local-error: cannot be asked: ppp0 has none']);
  machine.defaultRoute = err('EMFILE');
  assert.deepEqual(await run(5000), ['5000 ! local-error: cannot be told: the routes cannot be read (EMFILE)']);
});

test('without a default route of IPv4 it is that of IPv6, on the link of its route', async (t) => {
  const { machine, run, asked } = world(t, { gateway: 'default' });
  const route = { interfaceIndex: 2, gateway: ip('fe80::1'), source: ip('fe80::2') };
  machine.routes.set('::', ok(route));
  assert.deepEqual(await run(0), ['0 up: (fe80::1) answers']);
  assert.deepEqual(asked, ['0 6 eth0 fe80::2 asks all for fe80::1']);
  machine.at = null;
  assert.deepEqual(await run(1500), ['1400 down: (fe80::1) has not answered 2 neighbour solicitations']);
  machine.routes.set('::', ok({ ...route, source: undefined }));
  assert.deepEqual(await run(2000), ['2000 ! local-error: cannot be asked: eth0 has no IPv6 address of its own']);
});

test('one socket at a time, a new one for another link, and none after the end', async (t) => {
  const { machine, run, open, watcher, clock } = world(t);
  await run(2000);
  assert.equal(open.size, 1);
  const [first] = open;
  machine.routes.set(GATEWAY, ok({ interfaceIndex: 3, source: OWN, gateway: undefined }));
  await run(3000);
  assert.equal(open.size, 1);
  assert.notEqual([...open][0], first);
  machine.at = null;
  await run(4100);
  watcher.close();
  assert.equal(open.size, 0);
  assert.deepEqual(await run(9000), []);
  assert.equal(clock.armed(), 0);
});
