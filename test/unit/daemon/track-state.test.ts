import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds } from '../../../src/base/time.ts';
import type { FileTrack, InterfaceTrack, ProcessTrack, TrackConfig } from '../../../src/config/config.ts';
import { trackKey } from '../../../src/config/track-key.ts';
import type { Happening } from '../../../src/control/event.ts';
import type { Tracked } from '../../../src/daemon/messages.ts';
import { createTrackStates } from '../../../src/daemon/track-state.ts';

const eth1: InterfaceTrack = { type: 'interface', interface: 'eth1', address: null, weight: -60 };
const named: ProcessTrack = { type: 'process', process: 'named', count: 1, delay: milliseconds(0), weight: null };
const load: FileTrack = { type: 'file', file: '/run/load', weight: 2 } as FileTrack;

/** `links`: by name. `tick` moves the date on. */
function world() {
  const links = new Map<string, { up: boolean; running: boolean }>([['eth1', { up: true, running: true }]]);
  const addresses = new Set<string>();
  const happened: Happening[] = [];
  let second = 0;
  const states = createTrackStates({
    link: (name) => links.get(name),
    has: (name, address) => addresses.has(`${name} ${address}`),
    date: () => `second ${second}`,
    report: (happening) => happened.push(happening),
  });
  const of = (...track: readonly TrackConfig[]) => states.of({ track });
  return {
    ...{ states, links, addresses, of },
    tick() {
      second += 1;
    },
    /** What was told since it was last asked. */
    told: () => happened.splice(0).map((one) => (one.kind === 'track' ? `${one.what} ${one.up} ${one.reason}` : one)),
  };
}

test('an interface is well when it has a carrier, and since when it is as it is stays known', () => {
  const w = world();
  const first = w.of(eth1);
  assert.deepEqual(first, [
    { what: 'interface eth1', weight: -60, factor: null, up: true, reason: '', since: 'second 0', known: true },
  ]);
  w.tick();
  assert.deepEqual(w.of(eth1), first);
  for (const [link, reason] of [
    [{ up: true, running: false }, 'has no carrier'],
    [{ up: false, running: false }, 'is down'],
    [undefined, 'does not exist'],
  ] as const) {
    if (link === undefined) w.links.delete('eth1');
    else w.links.set('eth1', link);
    w.tick();
    const [now] = w.of(eth1);
    assert.deepEqual([now?.up, now?.reason], [false, reason]);
  }
  assert.equal(w.of(eth1)[0]?.since, 'second 4');
});

test('where an address is tracked, the interface is well while it has that', () => {
  const w = world();
  const track: InterfaceTrack = { ...eth1, address: ip('192.0.2.7') };
  w.addresses.add('eth0 192.0.2.7');
  assert.deepEqual(
    w.of(track, eth1).map(({ what, up, reason }) => [what, up, reason]),
    [
      ['interface eth1 (192.0.2.7)', false, 'has no address 192.0.2.7'],
      ['interface eth1', true, ''],
    ],
  );
  w.addresses.add('eth1 192.0.2.7');
  assert.equal(w.of(track)[0]?.up, true);
  w.links.set('eth1', { up: true, running: false });
  assert.equal(w.of(track)[0]?.reason, 'has no carrier');
});

test('that an interface fails and is back is told once, whoever tracks it; that it is well at first is not', () => {
  const w = world();
  w.of(eth1);
  assert.deepEqual(w.told(), []);
  w.links.set('eth1', { up: false, running: false });
  w.of(eth1);
  w.of({ ...eth1, weight: null });
  assert.deepEqual(w.told(), ['interface eth1 false is down']);
  w.links.set('eth1', { up: true, running: true });
  w.of({ ...eth1, weight: null });
  w.of(eth1);
  assert.deepEqual(w.told(), ['interface eth1 true ']);
  // One that fails from the start is told of.
  w.of({ ...eth1, interface: 'eth9' });
  assert.deepEqual(w.told(), ['interface eth9 false does not exist']);
});

const found = (track: TrackConfig, more: Partial<Tracked>): Tracked => ({
  ...{ key: trackKey(track), up: true, factor: null, reason: 'runs', since: 'then' },
  ...more,
});

test('what nobody has looked at yet counts as up, and a file as 0', () => {
  const w = world();
  assert.deepEqual(
    w.of(named, load).map(({ up, factor, since, known }) => [up, factor, since, known]),
    [
      [true, null, null, false],
      [true, 0, null, false],
    ],
  );
});

test('the rest is as the checker process says: one by one, or all anew', () => {
  const w = world();
  const state = () => w.of(named, load).map(({ up, factor, reason, known }) => [up, factor, reason, known]);
  w.states.take([found(named, { up: false, reason: 'does not run' })]);
  w.states.take([found(load, { factor: -30, reason: 'holds -30' })]);
  assert.deepEqual(state(), [
    [false, null, 'does not run', true],
    [true, -30, 'holds -30', true],
  ]);
  w.states.take([found(named, {})]);
  assert.deepEqual(state()[0], [true, null, '', true], 'what is well needs no reason');
  w.states.replace([found(load, { factor: 1, reason: 'holds 1' })]);
  assert.deepEqual(state(), [
    [true, null, '', false],
    [true, 1, 'holds 1', true],
  ]);
  assert.deepEqual(w.told(), [], 'the supervisor tells of these');
});
