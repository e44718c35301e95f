/**
 * The virtual router (RFC 9568, section 6.4), pure: `step(settings, router, event, now)` gives the next router and the
 * orders to carry out. It reads no clock, arms no timer and sends nothing.
 *
 *     state    event                                        next     orders
 *     init     start, priority 255                          master   send claim announce          6.4.1
 *     init     start                                        backup   release                      6.4.1
 *     backup   master-down timer                            master   send claim announce          6.4.2
 *     backup   advert: priority 0                           backup   (wait the skew only)         6.4.2
 *     backup   advert: not lower, or no preemption (yet)    backup   (wait master-down again)     6.4.2
 *     backup   advert: lower                                backup   (discard; the timer runs on) 6.4.2
 *     master   advert timer                                 master   send                         6.4.3
 *     master   advert: priority 0                           master   send                         6.4.3
 *     master   advert: higher, or equal from higher address backup   release                      6.4.3
 *     master   advert: any other                            master   send announce                6.4.3
 *     any      interface down, or without address           fault    release
 *     fault    interface usable                             as init
 *     any      stop                                         init     send priority 0, release     6.4.2, 6.4.3
 *
 * On promotion the advert goes first, then the addresses come, then ARP: an old master that still lives lets go first.
 * Where this goes beyond the RFC: a lower advert heard while master is answered with ARP too, since a master that was
 * cut off has taught its own MAC to the neighbours; and a router that finds its master-down timer long overdue slept
 * itself, so it listens before it claims.
 */

import { compareIp, type IpAddress } from '../base/address.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import { after, between, type Duration, formatDuration, type Instant, instant } from '../base/time.ts';
import type { Advert } from '../wire/vrrp.ts';
import type { Router, RouterAction, RouterEvent, RouterSettings, RouterState, Step } from './router.ts';
import { masterDown, skew } from './timing.ts';

/** A router that has not started. */
export const initial = (settings: RouterSettings): Router => ({
  state: 'init',
  since: instant(0),
  cause: 'not started',
  source: null,
  master: null,
  masterInterval: settings.interval,
  preemptFrom: instant(0),
  listenedAgain: false,
  timers: {},
});

export function step(settings: RouterSettings, router: Router, event: RouterEvent, now: Instant): Step {
  switch (event.type) {
    case 'start':
      return start(settings, { ...router, source: event.source }, event, now);
    case 'advert':
      return onAdvert(settings, router, event.advert, event.source, now);
    case 'timer':
      return onTimer(settings, router, now);
    case 'interface':
      return onInterface(settings, router, event, now);
    case 'reconfigure':
      return onReconfigure(settings, router, now);
    case 'stop':
      return stop(router, now);
    default:
      return unreachable(event);
  }
}

function start(
  settings: RouterSettings,
  router: Router,
  how: { readonly up: boolean; readonly what: string; readonly resume: boolean },
  now: Instant,
): Step {
  if (!how.up || router.source === null) {
    return enter(router, 'fault', how.what, now, {}, [{ do: 'release' }]);
  }
  if (how.resume) {
    const timers = { advert: after(now, settings.interval) };
    const cause = 'the process restarted as master and still holds the addresses';
    return enter(router, 'master', cause, now, timers, [sendOwn(settings), { do: 'claim' }]);
  }
  if (settings.priority === 255) return promote(settings, router, 'priority 255 owns the addresses', now);
  const waiting = { ...router, preemptFrom: after(now, settings.preemptDelay) };
  const cause = router.state === 'fault' ? 'the interface can serve again' : 'started';
  return listen(settings, waiting, settings.interval, cause, now, [{ do: 'release' }]);
}

function onAdvert(settings: RouterSettings, router: Router, advert: Advert, source: IpAddress, now: Instant): Step {
  switch (router.state) {
    case 'backup':
      return backupHears(settings, router, advert, source, now);
    case 'master':
      return masterHears(settings, router, advert, source, now);
    case 'init':
    case 'fault':
      return { next: router, actions: [] };
    default:
      return unreachable(router.state);
  }
}

function backupHears(settings: RouterSettings, router: Router, advert: Advert, source: IpAddress, now: Instant): Step {
  const master = { source, priority: advert.priority, heard: now };
  if (advert.priority === 0) {
    const timers = { masterDown: after(now, skew(settings.priority, router.masterInterval)) };
    return { next: { ...router, master, listenedAgain: false, timers }, actions: [] };
  }
  const mayPreempt = settings.preempt && now >= router.preemptFrom;
  if (mayPreempt && advert.priority < settings.priority) return { next: { ...router, master }, actions: [] };
  const masterInterval = advert.interval;
  const timers = { masterDown: after(now, masterDown(settings.priority, masterInterval)) };
  return { next: { ...router, master, masterInterval, listenedAgain: false, timers }, actions: [] };
}

function masterHears(settings: RouterSettings, router: Router, advert: Advert, source: IpAddress, now: Instant): Step {
  if (advert.priority === 0) return advertise(settings, router, now, []);
  invariant(router.source !== null, 'a master has a source address');
  const higherAddress = compareIp(source, router.source) > 0;
  const yields = advert.priority > settings.priority || (advert.priority === settings.priority && higherAddress);
  if (!yields) {
    // The rival may teach its MAC to the neighbours after this burst; one more follows when it has surely let go.
    const again = Math.min(
      router.timers.announce ?? Number.POSITIVE_INFINITY,
      after(now, settings.interval),
    ) as Instant;
    const wary = { ...router, timers: { ...router.timers, announce: again } };
    return advertise(settings, wary, now, [{ do: 'announce' }]);
  }
  const rival = `${source} advertised priority ${advert.priority}, ours is ${settings.priority}`;
  const cause = advert.priority === settings.priority ? `${rival}, and its address is higher` : rival;
  const heard = { ...router, master: { source, priority: advert.priority, heard: now } };
  return listen(settings, heard, advert.interval, cause, now, [{ do: 'release' }]);
}

function onTimer(settings: RouterSettings, router: Router, now: Instant): Step {
  const { masterDown: down, advert, announce } = router.timers;
  if (down !== undefined && now >= down) {
    const late = between(down, now);
    // Adverts that came while we slept lie unread in the socket: one more wait lets them be heard first.
    if (late > router.masterInterval && !router.listenedAgain) {
      const again = after(now, masterDown(settings.priority, router.masterInterval));
      return { next: { ...router, listenedAgain: true, timers: { masterDown: again } }, actions: [] };
    }
    return promote(settings, router, silence(router, now), now);
  }
  const actions: RouterAction[] = [];
  let timers = router.timers;
  if (advert !== undefined && now >= advert) {
    actions.push(sendOwn(settings));
    timers = { ...timers, advert: nextAdvert(settings.interval, advert, now) };
  }
  if (announce !== undefined && now >= announce) {
    actions.push({ do: 'announce' });
    const { announce: _done, ...rest } = timers;
    timers = rest;
  }
  return { next: { ...router, timers }, actions };
}

/** Keeps to the beat of the advert before, so that lateness does not add up; a beat missed whole is not caught up. */
function nextAdvert(interval: Duration, due: Instant, now: Instant): Instant {
  const next = after(due, interval);
  return next > now ? next : after(now, interval);
}

function onInterface(
  settings: RouterSettings,
  router: Router,
  event: { readonly up: boolean; readonly source: IpAddress | null; readonly what: string },
  now: Instant,
): Step {
  const known = { ...router, source: event.source };
  if (router.state === 'init') return { next: known, actions: [] };
  const usable = event.up && event.source !== null;
  if (router.state === 'fault')
    return usable
      ? start(settings, known, { up: true, what: event.what, resume: false }, now)
      : { next: known, actions: [] };
  if (usable) return { next: known, actions: [] };
  return enter(known, 'fault', event.what, now, {}, [{ do: 'release' }]);
}

function onReconfigure(settings: RouterSettings, router: Router, now: Instant): Step {
  if (router.state === 'master') return advertise(settings, router, now, [{ do: 'claim' }, { do: 'announce' }]);
  if (router.state !== 'backup') return { next: router, actions: [] };
  const masterInterval = router.master === null ? settings.interval : router.masterInterval;
  const heard = router.master?.heard ?? router.since;
  const timers = { masterDown: after(heard, masterDown(settings.priority, masterInterval)) };
  return { next: { ...router, masterInterval, timers }, actions: [] };
}

function stop(router: Router, now: Instant): Step {
  const resign: RouterAction[] = router.state === 'master' ? [{ do: 'send', priority: 0 }] : [];
  return enter(router, 'init', 'stopped', now, {}, [...resign, { do: 'release' }]);
}

function promote(settings: RouterSettings, router: Router, cause: string, now: Instant): Step {
  const timers = { advert: after(now, settings.interval), announce: after(now, settings.announceDelay) };
  // Learned from the old master; our own interval rules from here on (RFC 9568, 6.4.2).
  const own = { ...router, masterInterval: settings.interval, master: null };
  return enter(own, 'master', cause, now, timers, [sendOwn(settings), { do: 'claim' }, { do: 'announce' }]);
}

/** To backup, waiting for a master whose interval is `interval`. */
function listen(
  settings: RouterSettings,
  router: Router,
  interval: Duration,
  cause: string,
  now: Instant,
  actions: readonly RouterAction[],
): Step {
  const timers = { masterDown: after(now, masterDown(settings.priority, interval)) };
  return enter({ ...router, masterInterval: interval, listenedAgain: false }, 'backup', cause, now, timers, actions);
}

function advertise(settings: RouterSettings, router: Router, now: Instant, more: readonly RouterAction[]): Step {
  const timers = { ...router.timers, advert: after(now, settings.interval) };
  return { next: { ...router, timers }, actions: [sendOwn(settings), ...more] };
}

function enter(
  router: Router,
  state: RouterState,
  cause: string,
  now: Instant,
  timers: Router['timers'],
  actions: readonly RouterAction[],
): Step {
  const report: RouterAction = { do: 'report', from: router.state, to: state, cause };
  return { next: { ...router, state, since: now, cause, timers }, actions: [...actions, report] };
}

const sendOwn = (settings: RouterSettings): RouterAction => ({ do: 'send', priority: settings.priority });

function silence(router: Router, now: Instant): string {
  const { master, since } = router;
  if (master === null) return `no advert from anyone for ${formatDuration(between(since, now))}`;
  if (master.priority === 0) return `${master.source} resigned`;
  const last = `last priority ${master.priority}`;
  // A backup that preempts discards the adverts of a lower master: it is being heard, and displaced all the same.
  if (router.masterInterval > between(master.heard, now)) return `${master.source} has a lower priority: ${last}`;
  return `no advert from ${master.source} for ${formatDuration(between(master.heard, now))}, ${last}`;
}
