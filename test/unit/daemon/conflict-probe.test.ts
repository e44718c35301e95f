import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { err, ok } from '../../../src/base/result.ts';
import { instant } from '../../../src/base/time.ts';
import type { OnLink } from '../../../src/daemon/announcer.ts';
import {
  type AskingPlace,
  type Conflict,
  type ConflictProbe,
  conflictOf,
  createConflictProbe,
} from '../../../src/daemon/conflict-probe.ts';
import type { Router } from '../../../src/vrrp/router.ts';
import { type MacAddress, mac } from '../../../src/wire/ethernet.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

const OURS = mac('02:00:5e:00:53:01');
const THEIRS = mac('02:00:5e:00:53:99');
const LOCAL = ip('fe80::1');
const on = (address: string, interfaceIndex = 2): OnLink => ({
  address: ip(address),
  interface: `eth${interfaceIndex}`,
  interfaceIndex,
  mac: OURS,
});

/** A place where it asks: what it asked, and a way to answer. */
type Place = AskingPlace & {
  readonly asked: { readonly at: number; readonly address: string }[];
  readonly answer: (address: IpAddress, from: MacAddress, announced?: boolean) => void;
  open: boolean;
};
type World = {
  readonly probe: ConflictProbe;
  readonly clock: FakeClock;
  readonly places: Place[];
  readonly found: Conflict[];
  readonly troubles: string[];
  refuse: 'open' | 'ask' | undefined;
};

function world(): World {
  const clock = createFakeClock();
  const start = clock.now();
  const made: World = {
    probe: createConflictProbe({
      now: clock.now,
      timer: clock.timer,
      open(place, heard) {
        if (made.refuse === 'open') return err(new Error('not permitted'));
        const answer: Place['answer'] = (address, from, announced = false) => heard(address, from, announced);
        const here: Place = { ...place, asked: [], answer, open: true };
        made.places.push(here);
        return ok({
          ask(address) {
            if (made.refuse === 'ask') return err(new Error('no buffer'));
            here.asked.push({ at: clock.now() - start, address });
            return ok(undefined);
          },
          close() {
            here.open = false;
          },
        });
      },
      isOwn: (address) => address === OURS,
      found: (conflict) => made.found.push(conflict),
      trouble: (what, detail) => made.troubles.push(`${what}: ${detail}`),
    }),
    ...{ clock, places: [], found: [], troubles: [], refuse: undefined },
  };
  return made;
}
const VIP = '192.0.2.100';

test('two questions, 100 ms apart, the first in the call; the sockets close a second later', () => {
  const { probe, clock, places } = world();
  probe.probe([on(VIP), on('192.0.2.101')], null);
  const [place] = places;
  assert.equal(places.length, 1, 'one socket for both');
  assert.deepEqual(
    place?.asked.map((a) => a.at),
    [0, 0],
  );
  clock.pass(1099);
  assert.deepEqual(place?.asked, [
    { at: 0, address: VIP },
    { at: 0, address: '192.0.2.101' },
    { at: 100, address: VIP },
    { at: 100, address: '192.0.2.101' },
  ]);
  assert.equal(place?.open, true);
  clock.pass(1);
  assert.equal(place?.open, false);
  clock.pass(10_000);
  assert.equal(place?.asked.length, 4);
});

test('who answers is told once, with the interface', () => {
  const { probe, clock, places, found } = world();
  probe.probe([on(VIP), on('192.0.2.101')], null);
  places[0]?.answer(ip(VIP), THEIRS);
  places[0]?.answer(ip(VIP), THEIRS);
  clock.pass(100);
  places[0]?.answer(ip(VIP), THEIRS);
  assert.deepEqual(found, [{ address: VIP, interface: 'eth2', mac: THEIRS }]);
  places[0]?.answer(ip('192.0.2.101'), THEIRS);
  assert.equal(found.length, 2);
  clock.pass(1000);
  assert.equal(places[0]?.open, false);
});

const noConflict: readonly [string, string, MacAddress][] = [
  ['this machine', VIP, OURS],
  ['a virtual router of IPv4', VIP, mac('00:00:5e:00:01:33')],
  ['a virtual router of IPv6', VIP, mac('00:00:5e:00:02:33')],
  ['somebody with another address', '192.0.2.7', THEIRS],
];
for (const [who, address, from] of noConflict)
  test(`${who} is no conflict`, () => {
    const { probe, places, found } = world();
    probe.probe([on(VIP)], null);
    places[0]?.answer(ip(address), from);
    assert.deepEqual(found, []);
  });

test('an address that looks like a virtual MAC and is none is a conflict', () => {
  const { probe, places, found } = world();
  probe.probe([on(VIP)], null);
  places[0]?.answer(ip(VIP), mac('00:00:5e:00:03:33'));
  assert.equal(found.length, 1);
});

test('an announcement is no answer: a director that becomes master at this moment makes one', () => {
  const { probe, places, found } = world();
  probe.probe([on(VIP)], null);
  places[0]?.answer(ip(VIP), THEIRS, true);
  assert.deepEqual(found, []);
  places[0]?.answer(ip(VIP), THEIRS);
  assert.equal(found.length, 1, 'who answers as well is told all the same');
});

test('an answer after the second is not heard', () => {
  const { probe, clock, places, found } = world();
  probe.probe([on(VIP)], null);
  clock.pass(2000);
  places[0]?.answer(ip(VIP), THEIRS);
  assert.deepEqual(found, []);
});

test('interfaces and families are asked apart; IPv6 needs a link-local source', () => {
  const { probe, places } = world();
  probe.probe([on(VIP, 2), on('192.0.2.101', 3), on('2001:db8::100', 2)], LOCAL);
  assert.deepEqual(
    places.map(({ interface: name, family, linkLocal }) => [name, family, linkLocal]),
    [
      ['eth2', 4, LOCAL],
      ['eth3', 4, LOCAL],
      ['eth2', 6, LOCAL],
    ],
  );
  const other = world();
  other.probe.probe([on('2001:db8::100')], null);
  assert.equal(other.places.length, 0);
});

test('two routers that ask on one interface share its socket, and each has its full time', () => {
  const { probe, clock, places } = world();
  probe.probe([on(VIP)], null);
  clock.pass(600);
  probe.probe([on('192.0.2.101')], null);
  clock.pass(1000);
  assert.equal(places.length, 1);
  assert.equal(places[0]?.open, true);
  clock.pass(100);
  assert.equal(places[0]?.open, false);
  probe.probe([on(VIP)], null);
  assert.equal(places.length, 2, 'opened anew');
});

test('what refuses to open or to ask is told, and ends nothing', () => {
  const here = world();
  here.refuse = 'open';
  here.probe.probe([on(VIP)], null);
  assert.match(here.troubles[0] ?? '', /on eth2: not permitted/);
  here.refuse = 'ask';
  here.probe.probe([on(VIP)], null);
  assert.match(here.troubles[1] ?? '', /on eth2: no buffer/);
  here.clock.pass(2000);
  assert.equal(here.places[0]?.open, false);
});

test('closed, it has no socket and asks nothing', () => {
  const { probe, clock, places } = world();
  probe.probe([on(VIP)], null);
  probe.close();
  assert.equal(places[0]?.open, false);
  probe.probe([on(VIP)], null);
  clock.pass(2000);
  assert.equal(places.length, 1);
  assert.equal(places[0]?.asked.length, 1);
});

test('a conflict is told with the router whose address it is, unless somebody became master while we asked', () => {
  const conflict: Conflict = { address: ip('192.0.2.100'), interface: 'eth0', mac: THEIRS };
  const owner = (master: Router['master']) =>
    ({ config: { name: 'edge' }, state: { master } }) as Parameters<typeof conflictOf>[1];
  const told = { kind: 'conflict', address: '192.0.2.100', interface: 'eth0', mac: THEIRS };
  assert.deepEqual(conflictOf(conflict, owner(null)), { ...told, router: 'edge' });
  assert.deepEqual(conflictOf(conflict, undefined), { ...told, router: '' });
  const master = { source: ip('192.0.2.2'), priority: 50, heard: instant(0) };
  assert.equal(conflictOf(conflict, owner(master)), undefined);
});
