/**
 * The virtual router (RFC 9568, section 6.4; RFC 3768, section 6.4), pure: `step(settings, router, event, now)` gives the
 * next router and the orders to carry out. It reads no clock, arms no timer and sends nothing.
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
 *     any      something it needs is missing                fault    send priority 0, release
 *     fault    it has all that it needs                     as init
 *     any      stop                                         init     send priority 0, release     6.4.2, 6.4.3
 *
 * On promotion the advert goes first, then the addresses come, then they are announced: an old master that still lives
 * lets go first. Where this goes beyond the RFC:
 * - a lower advert heard while master is answered with an announcement too, since a master that was cut off has taught
 *   its own MAC to the neighbours; and both are reported as a split brain, unless they merely crossed;
 * - a router that finds its deadline long overdue slept itself, so it listens before it claims, or goes on as master;
 * - a member of a group says that it is ready instead of becoming master (`group.ts`);
 * - the operator may move the role.
 */

import { compareIp, type IpAddress } from '../base/address.ts';
import { invariant, unreachable } from '../base/invariant.ts';
import {
  after,
  between,
  type Duration,
  formatDuration,
  type Instant,
  instant,
  milliseconds,
  times,
} from '../base/time.ts';
import type { Advert } from '../wire/vrrp.ts';
import type { Rival, Router, RouterAction, RouterEvent, RouterSettings, RouterState, Step } from './router.ts';
import { masterDown, skew } from './timing.ts';

/** Once a sleeper wakes, what came in meanwhile is read within this. */
const CATCH_UP: Duration = milliseconds(20);

/** A router that has not started. */
export const initial = (settings: RouterSettings): Router => ({
  state: 'init',
  since: instant(0),
  cause: 'not started',
  source: null,
  lacks: null,
  groupLacks: null,
  master: null,
  masterInterval: settings.interval,
  preemptFrom: instant(0),
  listenedAgain: false,
  ready: null,
  untried: false,
  rival: null,
  sent: instant(Number.NEGATIVE_INFINITY),
  timers: {},
});

export function step(settings: RouterSettings, router: Router, event: RouterEvent, now: Instant): Step {
  // A master that slept must know it before anything else wakes it to speak.
  const slept = event.type !== 'timer' && event.type !== 'advert' && sleptSince(settings, router, now);
  const woken = slept ? catchUp(router, now) : router;
  return react(settings, woken, event, now);
}

function react(settings: RouterSettings, router: Router, event: RouterEvent, now: Instant): Step {
  switch (event.type) {
    case 'start': {
      const known = { ...router, source: event.source, lacks: lack(event) };
      return event.resume && known.lacks === null ? resume(settings, known, now) : start(settings, known, now);
    }
    case 'advert':
      return onAdvert(settings, router, event.advert, event.source, now);
    case 'timer':
      return onTimer(settings, router, now);
    case 'able':
      return onAble(settings, router, event, now);
    case 'reconfigure':
      return onReconfigure(settings, router, now);
    case 'priority':
      return onPriority(settings, router, now);
    case 'group':
      return onGroup(settings, router, event, now);
    case 'order':
      return onOrder(settings, router, event, now);
    case 'stop':
      return stop(router, now);
    default:
      return unreachable(event);
  }
}

function resume(settings: RouterSettings, router: Router, now: Instant): Step {
  const cause = 'the process restarted as master and still holds the addresses';
  const next = { ...router, sent: now, timers: {} };
  const timers = masterTimers(settings, now, { announce: false });
  return enter(next, 'master', cause, now, timers, [sendOwn(settings), { do: 'claim' }]);
}

/** From init, or from a fault that may have ended. */
function start(settings: RouterSettings, router: Router, now: Instant): Step {
  const fault = router.lacks ?? router.groupLacks;
  if (fault !== null) return fail(router, fault, now);
  const owner = settings.priority === 255;
  // Later, when a master has had the time to be heard: what it has is no conflict. Who is master sooner asks then.
  const asking = settings.probe ? { probe: after(now, settings.interval) } : {};
  if (owner && !settings.grouped) return promote(settings, { ...router, timers: asking }, OWNER, now);
  const waiting = { ...router, preemptFrom: after(now, settings.preemptDelay), ready: owner ? OWNER : null };
  const cause = router.state === 'fault' ? `recovered from: ${router.cause}` : 'started';
  const fresh = listen(settings, waiting, settings.interval, cause, now, [{ do: 'release' }]);
  const next = { ...fresh.next, untried: true, timers: { ...fresh.next.timers, ...asking } };
  if (owner) return { next: { ...next, ready: OWNER }, actions: [...fresh.actions, { do: 'ready' }] };
  return { ...fresh, next };
}

const OWNER = 'priority 255 owns the addresses';

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
  const { probe: _no, ...others } = router.timers;
  const known = { ...router, master, timers: others };
  if (advert.priority === 0) {
    const timers = { ...others, masterDown: after(now, skew(settings, router.masterInterval)) };
    return { next: { ...known, listenedAgain: false, timers }, actions: [] };
  }
  const mayPreempt = settings.preempt && now >= router.preemptFrom;
  if (mayPreempt && advert.priority < settings.priority) return { next: known, actions: [] };
  const masterInterval = advert.interval;
  const timers = { ...others, masterDown: after(now, masterDown(settings, masterInterval)) };
  const next = { ...known, masterInterval, listenedAgain: false, ready: null, untried: false, timers };
  return { next, actions: router.ready === null ? [] : [{ do: 'ready' }] };
}

function masterHears(settings: RouterSettings, router: Router, advert: Advert, source: IpAddress, now: Instant): Step {
  if (advert.priority === 0) {
    return onResignation(settings, router.rival?.source === source ? rivalResigns(settings, router, now) : router, now);
  }
  invariant(router.source !== null, 'a master has a source address');
  const higherAddress = compareIp(source, router.source) > 0;
  const yields = advert.priority > settings.priority || (advert.priority === settings.priority && higherAddress);
  if (yields || router.listenedAgain) {
    const rival = `${source} advertised priority ${advert.priority}, ours is ${settings.priority}`;
    const equal = advert.priority === settings.priority ? `${rival}, and its address is higher` : rival;
    const cause = yields ? equal : `this process slept too long, and ${source} has taken over`;
    const gone = rivalGone(router);
    const heard = { ...gone.next, master: { source, priority: advert.priority, heard: now } };
    return listen(settings, heard, advert.interval, cause, now, [{ do: 'release' }, ...gone.actions]);
  }
  const contested = contest(settings, router, advert, source, now);
  // One answer for each tenth of an interval: a flood is not answered with a flood.
  if (between(router.sent, now) < times(settings.interval, 0.1)) return contested;
  return advertise(settings, contested.next, now, [{ do: 'announce', how: 'burst' }, ...contested.actions]);
}

/** It counts as gone when it has kept to that for an interval: one that comes and goes is one split brain. */
const rivalResigns = (settings: RouterSettings, router: Router, now: Instant): Router => ({
  ...router,
  timers: { ...router.timers, rival: after(now, settings.interval) },
});

/**
 * Whoever heard another resign must hear us before its skew is over, which is no shorter than that of an owner. Of more
 * resignations within so little, the last is answered when it has passed: a flood is not answered with a flood.
 */
function onResignation(settings: RouterSettings, router: Router, now: Instant): Step {
  const answered = after(now, skew({ ...settings, priority: 255 }, settings.interval));
  const due = router.timers.advert ?? now;
  if (router.listenedAgain || due <= answered) return { next: router, actions: [] };
  if (between(router.sent, now) >= between(now, answered)) return advertise(settings, router, now, []);
  return { next: { ...router, timers: { ...router.timers, advert: answered } }, actions: [] };
}

/** Notes the other master. Its advert may have crossed with our first; after that it is a split brain. */
function contest(settings: RouterSettings, router: Router, advert: Advert, source: IpAddress, now: Instant): Step {
  const { rival: known } = router;
  const again = announceAgain(settings, router, now);
  // With more than one, the first that was reported stands for all until it is gone: they would take turns otherwise.
  if (known?.told === true && known.source !== source) return { next: { ...router, timers: again }, actions: [] };
  const before = known?.source === source ? known : null;
  const first = before?.first ?? now;
  const crossed = between(router.since, now) < settings.interval && between(first, now) < times(settings.interval, 0.5);
  const told = before?.told === true || !crossed;
  const rival: Rival = { source, priority: advert.priority, first, heard: now, told };
  const gone = after(now, times(advert.interval, settings.downCount));
  const next = { ...router, rival, timers: { ...again, rival: gone } };
  if (!told || before?.told === true) return { next, actions: [] };
  return {
    next,
    actions: [{ do: 'split-brain', what: 'begun', source, priority: advert.priority, lasted: milliseconds(0) }],
  };
}

/** A rival may teach its MAC to the neighbours after our answer; one more follows when it has surely let go. */
const announceAgain = (settings: RouterSettings, { timers }: Router, now: Instant): Router['timers'] => ({
  ...timers,
  announce: instant(Math.min(timers.announce ?? Number.POSITIVE_INFINITY, after(now, settings.interval))),
});

/** The other master gave way, fell silent, or won. */
function rivalGone(router: Router): Step {
  const { rival } = router;
  const { rival: _gone, ...timers } = router.timers;
  const next = { ...router, rival: null, timers };
  if (rival === null || !rival.told) return { next, actions: [] };
  const { source, priority, first, heard } = rival;
  return { next, actions: [{ do: 'split-brain', what: 'ended', source, priority, lasted: between(first, heard) }] };
}

function onTimer(settings: RouterSettings, router: Router, now: Instant): Step {
  const { masterDown: down } = router.timers;
  if (router.state === 'backup' && down !== undefined && now >= down) return masterIsDown(settings, router, down, now);
  let next = router;
  const actions: RouterAction[] = [];
  const due = (name: keyof Router['timers']): boolean => {
    const at = next.timers[name];
    if (at === undefined || now < at) return false;
    const { [name]: _due, ...rest } = next.timers;
    next = { ...next, timers: rest };
    return true;
  };
  const arm = (name: keyof Router['timers'], at: Instant): void => {
    next = { ...next, timers: { ...next.timers, [name]: at } };
  };
  if (due('probe')) actions.push({ do: 'probe' });
  const beat = next.timers.advert;
  if (beat !== undefined && due('advert')) {
    if (sleptSince(settings, router, now)) return { next: catchUp(next, now), actions };
    actions.push(sendOwn(settings));
    next = { ...next, sent: now };
    arm('advert', nextAdvert(settings.interval, beat, now));
    if (router.listenedAgain) actions.push({ do: 'claim' }, { do: 'announce', how: 'burst' });
    next = { ...next, listenedAgain: false };
  }
  if (due('rival')) {
    const gone = rivalGone(next);
    next = gone.next;
    actions.push({ do: 'announce', how: 'burst' }, ...gone.actions);
  }
  if (due('announce')) actions.push({ do: 'announce', how: 'burst' });
  if (due('refresh')) {
    actions.push({ do: 'announce', how: 'refresh' });
    if (settings.announceRefresh > 0) arm('refresh', after(now, settings.announceRefresh));
  }
  return { next, actions };
}

/** Whether a peer can have taken over: an advert is late by all that a peer waits, less the interval that was due. */
export function sleptSince(settings: RouterSettings, { timers, listenedAgain }: Router, now: Instant): boolean {
  const patience = times(settings.interval, Math.max(settings.downCount - 1, 0.5));
  return timers.advert !== undefined && !listenedAgain && between(timers.advert, now) > patience;
}

/** The adverts of a successor lie unread in the socket: they are read before the next of ours. */
const catchUp = (router: Router, now: Instant): Router => ({
  ...router,
  listenedAgain: true,
  timers: { ...router.timers, advert: after(now, CATCH_UP) },
});

function masterIsDown(settings: RouterSettings, router: Router, down: Instant, now: Instant): Step {
  const wait = { ...router.timers, masterDown: after(now, masterDown(settings, router.masterInterval)) };
  // Adverts that came while we slept lie unread in the socket: one more wait lets them be heard first.
  if (between(down, now) > router.masterInterval && !router.listenedAgain)
    return { next: { ...router, listenedAgain: true, timers: wait }, actions: [] };
  const cause = silence(router, now);
  if (!settings.grouped) return promote(settings, router, cause, now);
  return { next: { ...router, ready: cause, timers: wait }, actions: router.ready === null ? [{ do: 'ready' }] : [] };
}

/** Keeps to the beat of the advert before, so that lateness does not add up; a beat missed whole is not caught up. */
function nextAdvert(interval: Duration, due: Instant, now: Instant): Instant {
  const next = after(due, interval);
  return next > now ? next : after(now, interval);
}

type Able = { readonly source: IpAddress | null; readonly lacks: string | null };
const lack = ({ source, lacks }: Able): string | null =>
  lacks ?? (source === null ? 'it has no address to send from' : null);

function onAble(settings: RouterSettings, router: Router, event: Able, now: Instant): Step {
  const lacks = lack(event);
  // A master that lost its source says good-bye from the old one.
  const known = { ...router, source: event.source ?? router.source, lacks };
  if (router.state === 'init') return { next: known, actions: [] };
  if (router.state === 'fault') return recover(settings, known, now);
  return lacks === null ? { next: known, actions: [] } : fail(known, lacks, now);
}

function onGroup(
  settings: RouterSettings,
  router: Router,
  event: { readonly order: 'master' | 'backup' | 'fault' | 'clear'; readonly cause: string },
  now: Instant,
): Step {
  const { order, cause } = event;
  switch (order) {
    case 'master':
      return router.state === 'backup' ? promote(settings, router, cause, now) : { next: router, actions: [] };
    case 'backup':
      return router.state === 'master' ? giveWay(settings, router, cause, now) : { next: router, actions: [] };
    case 'fault': {
      const held = { ...router, groupLacks: cause };
      return router.state === 'fault' || router.state === 'init' ? { next: held, actions: [] } : fail(held, cause, now);
    }
    case 'clear': {
      const free = { ...router, groupLacks: null };
      return router.state === 'fault' ? recover(settings, free, now) : { next: free, actions: [] };
    }
    default:
      return unreachable(order);
  }
}

function onOrder(
  settings: RouterSettings,
  router: Router,
  event: { readonly order: 'promote' | 'demote' | 'none'; readonly cause: string },
  now: Instant,
): Step {
  if (event.order === 'demote' && router.state === 'master') return giveWay(settings, router, event.cause, now);
  if (event.order !== 'promote' || router.state !== 'backup') return onPriority(settings, router, now);
  if (!settings.grouped) return promote(settings, router, event.cause, now);
  return { next: { ...router, ready: event.cause }, actions: [{ do: 'ready' }] };
}

/** A fault that may have another cause now, or none. */
function recover(settings: RouterSettings, router: Router, now: Instant): Step {
  const lacks = router.lacks ?? router.groupLacks;
  if (lacks === null) return start(settings, router, now);
  return { next: { ...router, cause: lacks }, actions: [] };
}

function fail(router: Router, cause: string, now: Instant): Step {
  const gone = rivalGone(router);
  const quiet = { ...gone.next, master: null, ready: null };
  return enter(quiet, 'fault', cause, now, {}, [...resignation(router), { do: 'release' }, ...gone.actions]);
}

function giveWay(settings: RouterSettings, router: Router, cause: string, now: Instant): Step {
  const gone = rivalGone(router);
  const actions: RouterAction[] = [...resignation(router), { do: 'release' }, ...gone.actions];
  return listen(settings, { ...gone.next, master: null }, settings.interval, cause, now, actions);
}

function onReconfigure(settings: RouterSettings, router: Router, now: Instant): Step {
  if (router.state !== 'master') return onPriority(settings, router, now);
  const { refresh: _old, ...others } = router.timers;
  const refresh = settings.announceRefresh > 0 ? { refresh: after(now, settings.announceRefresh) } : {};
  const next = { ...router, timers: { ...others, ...refresh } };
  return advertise(settings, next, now, [{ do: 'claim' }, { do: 'announce', how: 'burst' }]);
}

/** How long a backup waits depends on its priority; what a master has to say of it, it says at once. */
function onPriority(settings: RouterSettings, router: Router, now: Instant): Step {
  if (router.state === 'master') return advertise(settings, router, now, []);
  if (router.state !== 'backup') return { next: router, actions: [] };
  const masterInterval = router.master === null ? settings.interval : router.masterInterval;
  const heard = router.master?.heard ?? router.since;
  const wait = router.master?.priority === 0 ? skew(settings, masterInterval) : masterDown(settings, masterInterval);
  const anew = after(heard, wait);
  // Who is about to displace a lower master counts from before: else a priority that changes all the time never does.
  const displaces = settings.preempt && router.master !== null && router.master.priority < settings.priority;
  const down = displaces ? instant(Math.min(anew, router.timers.masterDown ?? anew)) : anew;
  return { next: { ...router, masterInterval, timers: { ...router.timers, masterDown: down } }, actions: [] };
}

function stop(router: Router, now: Instant): Step {
  const gone = rivalGone(router);
  const still = { ...gone.next, ready: null };
  return enter(still, 'init', 'stopped', now, {}, [...resignation(router), { do: 'release' }, ...gone.actions]);
}

const resignation = (router: Router): RouterAction[] =>
  router.state === 'master' ? [{ do: 'send', priority: 0 }] : [];

function promote(settings: RouterSettings, router: Router, cause: string, now: Instant): Step {
  const timers = masterTimers(settings, now, { announce: true });
  // Learned from the old master; our own interval rules from here on (RFC 9568, 6.4.2).
  const masterInterval = settings.interval;
  const own = { ...router, sent: now, masterInterval, master: null, ready: null, listenedAgain: false };
  const asking: RouterAction[] = router.timers.probe === undefined ? [] : [{ do: 'probe' }];
  const actions: RouterAction[] = [...asking, sendOwn(settings), { do: 'claim' }, { do: 'announce', how: 'burst' }];
  return enter(own, 'master', cause, now, timers, actions);
}

const masterTimers = (
  settings: RouterSettings,
  now: Instant,
  { announce }: { readonly announce: boolean },
): Router['timers'] => ({
  advert: after(now, settings.interval),
  ...(announce && settings.announceDelay > 0 && { announce: after(now, settings.announceDelay) }),
  ...(settings.announceRefresh > 0 && { refresh: after(now, settings.announceRefresh) }),
});

/** To backup, waiting for a master whose interval is `interval`. */
function listen(
  settings: RouterSettings,
  router: Router,
  interval: Duration,
  cause: string,
  now: Instant,
  actions: readonly RouterAction[],
): Step {
  const timers = { masterDown: after(now, masterDown(settings, interval)) };
  const next = { ...router, masterInterval: interval, listenedAgain: false, ready: null, untried: false };
  return enter(next, 'backup', cause, now, timers, actions);
}

function advertise(settings: RouterSettings, router: Router, now: Instant, more: readonly RouterAction[]): Step {
  // One that slept says nothing before it has listened; what there is to claim, it claims then.
  if (router.listenedAgain) return { next: router, actions: [] };
  const timers = { ...router.timers, advert: after(now, settings.interval) };
  return { next: { ...router, sent: now, timers }, actions: [sendOwn(settings), ...more] };
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
