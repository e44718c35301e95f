import assert from 'node:assert/strict';
import test from 'node:test';
import { instant, seconds } from '../../../src/base/time.ts';
import { createTogether, type GroupMember } from '../../../src/daemon/together.ts';
import type { Router, RouterEvent, RouterSettings } from '../../../src/vrrp/router.ts';
import { initial, step } from '../../../src/vrrp/step.ts';

const SETTINGS: RouterSettings = {
  ...{ routerId: 51, family: 4, version: 3, priority: 100, interval: seconds(1), downCount: 3, addresses: [] },
  ...{ preempt: true, preemptDelay: seconds(0), announceDelay: seconds(5), announceRefresh: seconds(0) },
  ...{ probe: false, grouped: true },
};
const OWN = '192.0.2.1' as Router['source'];

/** Routers of groups, by `name group`, that bring each other together after each of their steps; and what each was told. */
function world(...names: readonly string[]) {
  const told: string[] = [];
  const all: (GroupMember & { rest: boolean })[] = [];
  const together = createTogether(() => all);
  for (const name of names) {
    const [label = '', group = null] = name.split(' ');
    let state = initial(SETTINGS);
    const member = {
      ...{ group, rest: false },
      router: {
        label,
        get state() {
          return state;
        },
        feed(event: RouterEvent) {
          if (event.type === 'group') told.push(`${label} ${event.order}`);
          if (!member.rest) state = step(SETTINGS, state, event, instant(clock)).next;
          together(member);
        },
      },
    };
    all.push(member);
  }
  let clock = 0;
  const feed = (i: number, event: RouterEvent): void => all[i]?.router.feed(event);
  return {
    ...{ all, told, feed },
    start: () => all.forEach((_, i) => void feed(i, { type: 'start', source: OWN, lacks: null, resume: false })),
    /** Its master has been silent too long. */
    hearNothing(i: number) {
      clock = Math.max(clock, all[i]?.router.state.timers.masterDown ?? 0);
      feed(i, { type: 'timer' });
    },
    states: () => all.map(({ router }) => router.state.state).join(' '),
  };
}

test('members are master when the last of them is ready', () => {
  const w = world('a g', 'b g', 'c g');
  w.start();
  w.hearNothing(0);
  w.hearNothing(2);
  assert.equal(w.states(), 'backup backup backup');
  w.hearNothing(1);
  assert.equal(w.states(), 'master master master');
  assert.deepEqual(w.told, ['a master', 'b master', 'c master'], 'each is told once');
});

test('a fault of one is a fault of all, and so is its end', () => {
  const w = world('a g', 'b g');
  w.start();
  w.feed(0, { type: 'able', source: OWN, lacks: 'interface eth0 is down' });
  assert.equal(w.states(), 'fault fault');
  assert.equal(w.all[1]?.router.state.groupLacks, 'a: interface eth0 is down');
  w.feed(0, { type: 'able', source: OWN, lacks: null });
  assert.equal(w.states(), 'backup backup');
});

test('another group, and who is in none, are left alone', () => {
  const w = world('a g', 'b h', 'c', 'd');
  w.start();
  w.hearNothing(0);
  assert.equal(w.states(), 'master backup backup backup');
  w.feed(2, { type: 'able', source: OWN, lacks: 'interface eth0 is down' });
  assert.equal(w.states(), 'master backup fault backup');
  assert.deepEqual(w.told, ['a master']);
});

test('a member that does not do what it is told keeps nobody busy for ever', () => {
  const w = world('a g', 'b g');
  w.start();
  const [, b] = w.all;
  if (b !== undefined) b.rest = true;
  w.feed(0, { type: 'able', source: OWN, lacks: 'interface eth0 is down' });
  assert.deepEqual(w.told, Array(6).fill('b fault'));
  w.feed(0, { type: 'able', source: OWN, lacks: 'interface eth0 is down' });
  assert.equal(w.told.length, 12, 'and is asked again after the next step');
});
