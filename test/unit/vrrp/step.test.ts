/** What the state machine does beyond the RFCs, where a story would be too long to read. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { after, type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import { nextDeadline, type Router, type RouterAction } from '../../../src/vrrp/router.ts';
import { initial, step } from '../../../src/vrrp/step.ts';
import { skew } from '../../../src/vrrp/timing.ts';
import type { Advert } from '../../../src/wire/vrrp.ts';
import { World } from '../../sim/world.ts';

const { settings } = new World().add('any', '10.0.0.1', { priority: 150 });

function masterAt(now: Instant): Router {
  const start = { type: 'start', source: ip('10.0.0.1'), lacks: null, resume: true } as const;
  return step(settings, initial(settings), start, now).next;
}
const resigned: Advert = { version: 3, routerId: 51, priority: 0, interval: settings.interval, addresses: [] };

/** What a master does that hears so many resignations, this far apart, and then lets its timers run. */
function afterResignations(count: number, apart: number): { readonly at: number; readonly what: RouterAction }[] {
  let [router, now] = [masterAt(instant(1000)), instant(1500)];
  const done: { at: number; what: RouterAction }[] = [];
  const take = (event: Parameters<typeof step>[2]): void => {
    const { next, actions } = step(settings, router, event, now);
    router = next;
    done.push(...actions.map((what) => ({ at: now - 1500, what })));
  };
  for (let n = 0; n < count; n++) {
    const due = nextDeadline(router);
    if (due !== undefined && due <= now) take({ type: 'timer' });
    take({ type: 'advert', advert: resigned, source: ip('10.0.0.2') });
    now = after(now, milliseconds(apart));
  }
  now = instant(Math.max(now, nextDeadline(router) ?? now));
  take({ type: 'timer' });
  return done;
}

test('a resignation is answered at once', () => {
  const [first] = afterResignations(1, 1);
  assert.deepEqual(first, { at: 0, what: { do: 'send', priority: 150 } });
});

test('a flood of resignations is not answered with a flood, and the last is answered before anybody takes over', () => {
  const answers = afterResignations(1000, 0.01);
  assert.ok(answers.length >= 2 && answers.length <= 5, `${answers.length} answers within 10 ms`);
  const last = answers.at(-1);
  assert.ok(last !== undefined && last.at >= 9.99, `the last at ${last?.at} ms`);
  assert.ok(last.at < 9.99 + skew({ ...settings, priority: 254 }, settings.interval));
  assert.ok(answers.every(({ what }) => what.do === 'send' && what.priority === 150));
});

const advertOf = (priority: number): Advert => ({ ...resigned, priority });
/** Runs the timers that are due on the way to each event. */
function driven(from: Router, start: number, of = settings) {
  let router = from;
  const done: { readonly at: number; readonly what: RouterAction }[] = [];
  const take = (event: Parameters<typeof step>[2], at: number): void => {
    const { next, actions } = step(of, router, event, instant(at));
    router = next;
    done.push(...actions.map((what) => ({ at: at - start, what })));
  };
  return {
    done,
    get router() {
      return router;
    },
    take(event: Parameters<typeof step>[2], at: number): void {
      for (let due = nextDeadline(router); due !== undefined && due <= at; due = nextDeadline(router))
        take({ type: 'timer' }, due);
      take(event, at);
    },
  };
}

test('adverts of lower priority and of priority 0 in turn are answered once a tenth of an interval, and are one split brain', () => {
  const one = driven(masterAt(instant(0)), 1500);
  for (let n = 0; n < 1000; n++)
    one.take({ type: 'advert', advert: advertOf(n % 2 === 0 ? 50 : 0), source: ip('10.0.0.2') }, 1500 + n);
  const adverts = one.done.filter(({ what, at }) => what.do === 'send' && at >= 0).length;
  const bursts = one.done.filter(({ what, at }) => what.do === 'announce' && at >= 0).length;
  const told = one.done.filter(({ what }) => what.do === 'split-brain');
  // A resignation must be answered within an owner's skew, 1/256 of an interval.
  assert.ok(adverts <= 260, `${adverts} adverts in a second`);
  assert.ok(bursts <= 12, `${bursts} announcements in a second`);
  assert.equal(told.length, 1);
});

test('a split brain with one who resigned is over when it has kept to that for an interval', () => {
  const one = driven(masterAt(instant(0)), 0);
  one.take({ type: 'advert', advert: advertOf(50), source: ip('10.0.0.2') }, 3000);
  one.take({ type: 'advert', advert: advertOf(0), source: ip('10.0.0.2') }, 3100);
  one.take({ type: 'timer' }, 5000);
  const told = one.done.flatMap(({ at, what }) => (what.do === 'split-brain' ? `${at} ${what.what}` : []));
  assert.deepEqual(told, ['3000 begun', '4100 ended']);
});

test('a priority that changes all the time does not keep a router from displacing a lower master', () => {
  const [low, high] = [settings, { ...settings, priority: 151 }];
  let router = step(
    low,
    initial(low),
    { type: 'start', source: ip('10.0.0.1'), lacks: null, resume: false },
    instant(0),
  ).next;
  let at = 0;
  for (let n = 0; n < 20 && router.state !== 'master'; n++) {
    at += 1000;
    const of = n % 2 === 0 ? high : low;
    router = step(of, router, { type: 'advert', advert: advertOf(100), source: ip('10.0.0.2') }, instant(at - 10)).next;
    router = step(of, router, { type: 'priority' }, instant(at)).next;
    if ((nextDeadline(router) ?? at) <= at) router = step(of, router, { type: 'timer' }, instant(at)).next;
  }
  assert.equal(router.state, 'master');
  assert.ok(at <= 5000, `after ${at} ms`);
});

/** When it asks who has the addresses, and when it claims them. */
function asksAndClaims(
  events: readonly (readonly [at: number, event: Parameters<typeof step>[2]])[],
  of: typeof settings,
) {
  const one = driven(initial(of), 0, of);
  for (const [at, event] of events) one.take(event, at);
  one.take({ type: 'timer' }, 10_000);
  return one.done.flatMap(({ at, what }) => (what.do === 'probe' || what.do === 'claim' ? `${at} ${what.do}` : []));
}
const start = (lacks: string | null) => ({ type: 'start', source: ip('10.0.0.1'), lacks, resume: false }) as const;
const able = { type: 'able', source: ip('10.0.0.1'), lacks: null } as const;
const asking = { ...settings, probe: true };
const owner = { ...asking, priority: 255 };

for (const { name, events, of, expected } of [
  { name: 'started', events: [[0, start(null)]], of: asking, expected: ['1000 probe', '3414.0625 claim'] },
  {
    name: 'recovered from a fault at the start',
    events: [
      [0, start('no link')],
      [500, able],
    ],
    of: asking,
    expected: ['1500 probe', '3914.0625 claim'],
  },
  {
    name: 'promoted within the first interval',
    events: [
      [0, start(null)],
      [300, { type: 'order', order: 'promote', cause: 'x' }],
    ],
    of: asking,
    expected: ['300 probe', '300 claim'],
  },
  { name: 'the owner', events: [[0, start(null)]], of: owner, expected: ['0 probe', '0 claim'] },
  {
    name: 'the owner, recovered from a fault at the start',
    events: [
      [0, start('no link')],
      [500, able],
    ],
    of: owner,
    expected: ['500 probe', '500 claim'],
  },
  {
    name: 'one who heard a master',
    events: [
      [0, start(null)],
      [500, { type: 'advert', advert: advertOf(200), source: ip('10.0.0.2') }],
    ],
    of: asking,
    expected: ['3914.0625 claim'],
  },
] as const)
  test(`who has the addresses is asked before the first claim: ${name}`, () => {
    assert.deepEqual(asksAndClaims(events, of), expected);
  });
