import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip, type Prefix, parsePrefix } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { instant } from '../../../src/base/time.ts';
import type { AdvertPath, Arrival, TransportHandlers, TransportOptions } from '../../../src/daemon/advert-transport.ts';
import { createSegment, type Seat, type Segment } from '../../../src/daemon/segment.ts';
import type { Link } from '../../../src/system/rtnetlink.ts';
import type { InterfaceAddress } from '../../../src/wire/netlink-address.ts';

const INDEX = 2;
const GROUP = ip('224.0.0.18');
const OWN = ip('192.0.2.1');
const PEER = ip('192.0.2.2');
const NOBODY: ReadonlySet<string> = new Set();

const link = (more: Partial<Link> = {}): Link => ({
  ...{ index: INDEX, name: 'eth0', mac: '02:00:5e:00:53:01', up: true, running: true, lowerUp: true },
  ...{ loopback: false, multicast: true, mtu: 1500 },
  ...more,
});
const own = (text: string, flags = 0): InterfaceAddress => ({
  index: INDEX,
  prefix: parsePrefix(text) as Prefix,
  scope: 0,
  flags,
});
const path = (more: Partial<AdvertPath> = {}): AdvertPath => ({
  ...{ family: 4, routerId: 51, transport: 'ip', port: 0, group: GROUP, peers: [], wanted: null },
  ...more,
});

/** A transport in memory: what it listens to and has sent, and a way to make packets arrive. */
type FakeTransport = TransportOptions &
  TransportHandlers & {
    readonly heard: IpAddress[];
    readonly sent: { readonly bytes: Uint8Array; readonly source: string; readonly destination: string }[];
    open: boolean;
  };

type World = {
  readonly segment: Segment;
  readonly transports: FakeTransport[];
  readonly troubles: string[];
  /** What refuses from now on: to open, or to listen to an address. */
  refuse: string | undefined;
  /** Those that are open, as `device family transport port: addresses`. */
  listening(): string[];
};

function world({ up = true }: { up?: boolean } = {}): World {
  const transports: FakeTransport[] = [];
  const troubles: string[] = [];
  const segment = createSegment('eth0', {
    trouble: (what, detail) => troubles.push(`${what}: ${detail}`),
    openTransport(options, handlers) {
      if (made.refuse === 'open') return err(new Error('not permitted'));
      const transport: FakeTransport = { ...options, ...handlers, heard: [], sent: [], open: true };
      transports.push(transport);
      return ok({
        listen(destination) {
          if (made.refuse === destination) return err(new Error('in use'));
          transport.heard.push(destination);
          return ok(undefined);
        },
        unlisten: (destination) => void transport.heard.splice(transport.heard.indexOf(destination), 1),
        send: (bytes, way) => void transport.sent.push({ bytes, ...way }),
        close() {
          assert.ok(transport.open, 'it is closed once');
          transport.open = false;
        },
      });
    },
  });
  const made: World = {
    ...{ segment, transports, troubles, refuse: undefined },
    listening: () =>
      transports
        .filter((t) => t.open)
        .map(
          (t) =>
            `${t.device.name}/${t.device.index} ${t.family} ${t.transport} ${t.port}: ${[...t.heard].sort().join(' ')}`,
        ),
  };
  if (up) {
    segment.setLink(link());
    segment.setAddresses([own('192.0.2.1/24'), own('fe80::1/64')]);
  }
  return made;
}

/** What a router has received: the last byte of each packet. */
function joined({ segment }: World, where: AdvertPath): { seat: Seat; got: number[] } {
  const got: number[] = [];
  const seat = segment.join(where, (bytes) => got.push(bytes.at(-1) as number));
  return { seat, got };
}
const packet = (routerId: number, n: number): Uint8Array => Uint8Array.of(0x31, routerId, 100, n);
const arrival = (more: Partial<Arrival> = {}): Arrival => ({
  ...{ source: PEER, destination: GROUP, ttl: 255, interfaceIndex: INDEX, receivedAt: instant(0) },
  ...more,
});

const faults: readonly [string, (segment: Segment) => void][] = [
  ['interface eth0 does not exist', () => {}],
  ['interface eth0 does not exist', (s) => [link(), undefined].forEach(s.setLink)],
  ['interface eth0 is down', (s) => s.setLink(link({ up: false, running: false }))],
  ['interface eth0 has no carrier', (s) => s.setLink(link({ running: false }))],
  ['interface eth0 has no address of its own', (s) => s.setLink(link())],
];
for (const [lacks, prepare] of faults)
  test(`a router is told that ${lacks}, and no socket is opened`, () => {
    const here = world({ up: false });
    prepare(here.segment);
    const { seat } = joined(here, path());
    assert.deepEqual(seat.usable(NOBODY), { source: null, lacks });
    assert.equal(here.transports.length, 0);
  });

test('a router of each family hears its group, and is told its source', () => {
  const here = world();
  const four = joined(here, path());
  const six = joined(here, path({ family: 6, group: ip('ff02::12') }));
  assert.deepEqual(four.seat.usable(NOBODY), { source: OWN, lacks: null });
  assert.deepEqual(six.seat.usable(NOBODY), { source: 'fe80::1', lacks: null });
  assert.deepEqual(here.listening(), ['eth0/2 4 ip 0: 192.0.2.1 224.0.0.18', 'eth0/2 6 ip 0: fe80::1 ff02::12']);
});

test('what is asked again and has not changed opens nothing', () => {
  const here = world();
  const { seat } = joined(here, path());
  for (let n = 0; n < 3; n++) seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['eth0/2 4 ip 0: 192.0.2.1 224.0.0.18']);
});

test('routers whose adverts take one way share the socket, which closes after the last', () => {
  const here = world();
  const [a, b] = [joined(here, path()), joined(here, path({ routerId: 52, group: ip('224.0.0.99') }))];
  a.seat.usable(NOBODY);
  b.seat.usable(NOBODY);
  assert.equal(here.transports.length, 1);
  a.seat.leave();
  assert.deepEqual(here.listening(), ['eth0/2 4 ip 0: 192.0.2.1 224.0.0.99']);
  b.seat.leave();
  assert.deepEqual(here.listening(), []);
  assert.equal(here.segment.size, 0);
});

test('UDP and protocol 112, and ports of UDP, are different ways', () => {
  const here = world();
  for (const more of [
    {},
    { transport: 'udp', port: 1 },
    { transport: 'udp', port: 2 },
    { transport: 'udp', port: 2 },
  ] as const)
    joined(here, path(more)).seat.usable(NOBODY);
  assert.deepEqual(here.listening(), [
    'eth0/2 4 ip 0: 192.0.2.1 224.0.0.18',
    'eth0/2 4 udp 1: 192.0.2.1 224.0.0.18',
    'eth0/2 4 udp 2: 192.0.2.1 192.0.2.1 224.0.0.18 224.0.0.18',
  ]);
});

test('unicast hears its own address and no group; it follows when the address changes', () => {
  const here = world();
  const { seat } = joined(here, path({ transport: 'udp', port: 9, group: null, peers: [PEER] }));
  seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['eth0/2 4 udp 9: 192.0.2.1']);
  here.segment.noteAddress({ kind: 'address', address: own('192.0.2.7/24'), gone: false });
  here.segment.noteAddress({ kind: 'address', address: own('192.0.2.1/24'), gone: true });
  assert.equal(seat.usable(NOBODY).source, '192.0.2.7');
  assert.deepEqual(here.listening(), ['eth0/2 4 udp 9: 192.0.2.7']);
  assert.equal(here.transports.length, 1);
});

test('a packet goes to the router of its VRID and family alone', () => {
  const here = world();
  const a = joined(here, path());
  const b = joined(here, path({ routerId: 52 }));
  const six = joined(here, path({ family: 6, group: ip('ff02::12') }));
  for (const { seat } of [a, b, six]) seat.usable(NOBODY);
  const [four, other] = here.transports;
  four?.packet(packet(51, 1), arrival());
  four?.packet(packet(52, 2), arrival());
  other?.packet(packet(51, 3), arrival({ source: ip('fe80::2'), destination: ip('ff02::12') }));
  assert.deepEqual([a.got, b.got, six.got], [[1], [2], [3]]);
  assert.equal(here.segment.unclaimed, 0);
  four?.packet(packet(53, 4), arrival());
  four?.packet(Uint8Array.of(0x31), arrival());
  assert.equal(here.segment.unclaimed, 2);
});

test('a router gets what the kernel tells of the packet', () => {
  const here = world();
  const got: unknown[] = [];
  const seat = here.segment.join(path(), (_, { source, destination, ttl }, at) =>
    got.push(source, destination, ttl, at),
  );
  seat.usable(NOBODY);
  here.transports[0]?.packet(packet(51, 1), arrival({ ttl: 254, receivedAt: instant(77) }));
  assert.deepEqual(got, [PEER, GROUP, 254, 77]);
});

test('of UDP and protocol 112 with one VRID, each router gets its own', () => {
  const here = world();
  const a = joined(here, path());
  const b = joined(here, path({ transport: 'udp', port: 9 }));
  for (const { seat } of [a, b]) seat.usable(NOBODY);
  here.transports[0]?.packet(packet(51, 1), arrival());
  here.transports[1]?.packet(packet(51, 2), arrival());
  assert.deepEqual([a.got, b.got], [[1], [2]]);
  const other = joined(here, path({ transport: 'udp', port: 10 }));
  other.seat.usable(NOBODY);
  here.transports[2]?.packet(packet(51, 3), arrival());
  assert.deepEqual([a.got, b.got, other.got], [[1], [2], [3]]);
});

test('two routers of one VRID are told apart by group and peers; what is for neither is for both to refuse', () => {
  const here = world();
  const group = joined(here, path());
  const other = joined(here, path({ group: ip('224.0.0.99') }));
  const unicast = joined(here, path({ group: null, peers: [PEER] }));
  for (const { seat } of [group, other, unicast]) seat.usable(NOBODY);
  const [transport] = here.transports;
  const stranger = ip('192.0.2.3');
  transport?.packet(packet(51, 1), arrival({ source: stranger }));
  transport?.packet(packet(51, 2), arrival({ source: stranger, destination: ip('224.0.0.99') }));
  transport?.packet(packet(51, 3), arrival({ destination: OWN }));
  transport?.packet(packet(51, 4), arrival({ source: stranger, destination: OWN }));
  assert.deepEqual(
    [group.got, other.got, unicast.got],
    [
      [1, 4],
      [2, 4],
      [3, 4],
    ],
  );
});

test('adverts leave by the router’s socket, and a refusal is told unless the link is down', () => {
  const here = world();
  const { seat } = joined(here, path());
  seat.send(packet(51, 0), { source: OWN, destination: GROUP });
  assert.equal(here.transports.length, 0, 'before it can serve nothing is sent');
  seat.usable(NOBODY);
  seat.send(packet(51, 1), { source: OWN, destination: GROUP });
  assert.deepEqual(here.transports[0]?.sent, [{ bytes: packet(51, 1), source: OWN, destination: GROUP }]);
  here.transports[0]?.refused(new Error('no buffer'));
  assert.deepEqual(here.troubles, ['an advert could not be sent on eth0: no buffer']);
  here.segment.setLink(link({ running: false }));
  here.transports[0]?.refused(new Error('network is down'));
  assert.equal(here.troubles.length, 1);
});

test('a link that goes down keeps its sockets; one that comes back as another gets new ones', () => {
  const here = world();
  const { seat } = joined(here, path());
  seat.usable(NOBODY);
  here.segment.setLink(link({ up: false, running: false }));
  here.segment.setLink(link());
  seat.usable(NOBODY);
  assert.equal(here.transports.length, 1);
  here.segment.setLink(undefined);
  assert.equal(here.segment.index, undefined);
  assert.equal(here.segment.lastIndex, INDEX);
  assert.deepEqual(here.listening(), []);
  assert.equal(seat.usable(NOBODY).lacks, 'interface eth0 does not exist');
  here.segment.setLink(link({ index: 7 }));
  assert.equal(seat.usable(NOBODY).lacks, 'interface eth0 has no address of its own', 'the old addresses went along');
  here.segment.setAddresses([own('192.0.2.1/24')]);
  assert.equal(seat.usable(NOBODY).source, OWN);
  assert.deepEqual(here.listening(), ['eth0/7 4 ip 0: 192.0.2.1 224.0.0.18']);
  here.segment.setLink(link({ index: 8 }));
  seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['eth0/8 4 ip 0: 192.0.2.1 224.0.0.18']);
});

test('without the right to open sockets a router says so, and others that need none serve', () => {
  const here = world();
  const ipRouter = joined(here, path());
  here.refuse = 'open';
  assert.equal(ipRouter.seat.usable(NOBODY).lacks, 'no socket for adverts on eth0');
  assert.deepEqual(here.troubles, ['no adverts on eth0: not permitted']);
  here.refuse = undefined;
  assert.equal(ipRouter.seat.usable(NOBODY).lacks, null, 'tried again with the next change');
});

test('an address that cannot be listened to leaves no socket behind, and the old ones in place', () => {
  const here = world();
  const { seat } = joined(here, path({ transport: 'udp', port: 9 }));
  here.refuse = GROUP;
  assert.equal(seat.usable(NOBODY).lacks, 'no socket for adverts on eth0');
  assert.deepEqual(here.listening(), []);
  here.refuse = undefined;
  seat.usable(NOBODY);
  here.segment.setAddresses([own('192.0.2.7/24')]);
  here.refuse = '192.0.2.7';
  assert.equal(seat.usable(NOBODY).source, null);
  assert.deepEqual(here.listening(), ['eth0/2 4 udp 9: 192.0.2.1 224.0.0.18']);
});

test('with a macvlan multicast leaves by it and is heard on both, each packet once', () => {
  const here = world();
  const { seat, got } = joined(here, path({ transport: 'udp', port: 9 }));
  seat.through({ name: 'vrrp.51', index: 5 });
  seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['vrrp.51/5 4 udp 9: 192.0.2.1 224.0.0.18', 'eth0/2 4 udp 9: 224.0.0.18']);
  const [above, below] = here.transports;
  seat.send(packet(51, 1), { source: OWN, destination: GROUP });
  assert.equal(above?.sent.length, 1);
  below?.packet(packet(51, 2), arrival());
  above?.packet(packet(51, 2), arrival({ interfaceIndex: 5 }));
  above?.packet(packet(51, 3), arrival({ interfaceIndex: 5 }));
  assert.deepEqual(got, [2, 3]);
  seat.through(null);
  seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['eth0/2 4 udp 9: 192.0.2.1 224.0.0.18']);
});

test('unicast does not take the macvlan, whose routes lead nowhere', () => {
  const here = world();
  const { seat } = joined(here, path({ group: null, peers: [PEER] }));
  seat.through({ name: 'vrrp.51', index: 5 });
  seat.usable(NOBODY);
  assert.deepEqual(here.listening(), ['eth0/2 4 ip 0: 192.0.2.1']);
});

test('what comes in by the macvlan of one router is not for another', () => {
  const here = world();
  const a = joined(here, path());
  const b = joined(here, path({ routerId: 52 }));
  a.seat.through({ name: 'vrrp.51', index: 5 });
  for (const { seat } of [a, b]) seat.usable(NOBODY);
  here.transports[0]?.packet(packet(52, 1), arrival({ interfaceIndex: 5, source: OWN }));
  assert.deepEqual(b.got, []);
});

test('a changed path joins before the old one leaves, and no packet is lost or doubled', () => {
  const here = world();
  const old = joined(here, path({ peers: [] }));
  old.seat.usable(NOBODY);
  const next = joined(here, path({ wanted: OWN }));
  next.seat.usable(NOBODY);
  old.seat.leave();
  assert.equal(here.transports.length, 1);
  here.transports[0]?.packet(packet(51, 1), arrival());
  assert.deepEqual([old.got, next.got], [[], [1]]);
});

test('addresses keep their order when they are told of again, and take their new flags', () => {
  const TENTATIVE = 0x40;
  const here = world();
  const { seat } = joined(here, path({ family: 6, group: ip('ff02::12') }));
  here.segment.setAddresses([own('fe80::1/64', TENTATIVE)]);
  assert.equal(seat.usable(NOBODY).lacks, 'interface eth0 waits for duplicate address detection of fe80::1');
  assert.equal(here.segment.linkLocal(NOBODY), null);
  here.segment.noteAddress({ kind: 'address', address: own('fe80::2/64'), gone: false });
  here.segment.noteAddress({ kind: 'address', address: own('fe80::1/64'), gone: false });
  assert.equal(seat.usable(NOBODY).source, 'fe80::1');
  assert.equal(here.segment.linkLocal(new Set(['fe80::1'])), 'fe80::2');
  assert.equal(here.segment.has(ip('fe80::2')), true);
  here.segment.noteAddress({ kind: 'address', address: own('fe80::2/64'), gone: true });
  assert.equal(here.segment.has(ip('fe80::2')), false);
});

test('it tells the hardware address of its link, where there is one', () => {
  const { segment } = world();
  assert.equal(segment.mac, '02:00:5e:00:53:01');
  segment.setLink(link({ mac: '' }));
  assert.equal(segment.mac, undefined);
});

test('closed, it has no socket', () => {
  const here = world();
  joined(here, path()).seat.usable(NOBODY);
  here.segment.close();
  assert.deepEqual(here.listening(), []);
});
