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
