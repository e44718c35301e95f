/**
 * Drives one virtual router: feeds `vrrp/step.ts` with packets, link news and the one timer, and carries out its orders.
 *
 * Adverts leave at once, inside the call that ordered them. What the kernel must acknowledge (addresses) or what must
 * follow it (announcements) goes through one queue a router, so that a claim and the release after it can never overtake
 * each other.
 */

import { type Family, formatPrefix, type IpAddress } from '../base/address.ts';
import { after, type Duration, type Instant, milliseconds, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf, advertisedOf, familiesOf } from '../config/families.ts';
import type { Happening } from '../control/event.ts';
import type { RouterCounters, RouterOrder, RouterStatus } from '../control/status.ts';
import type { DropReason, Received } from '../vrrp/receive.ts';
import {
  nextDeadline,
  type Router,
  type RouterAction,
  type RouterEvent,
  type RouterSettings,
  type RouterState,
} from '../vrrp/router.ts';
import { initial, sleptSince, step } from '../vrrp/step.ts';
import { lease } from '../vrrp/timing.ts';
import { type Effective, effective } from '../vrrp/tracking.ts';
import type { Advert } from '../wire/vrrp.ts';
import { groupKeyOf } from './carries-on.ts';
import { type Complain, createComplaints } from './complaints.ts';
import { ADDRESS_LISTS_DIFFER, differences } from './peer-differences.ts';
import { type Refused, type Surroundings, statusOf, type Tracking } from './router-status.ts';
import type { Usable } from './segment.ts';

/** What a router needs of the outside. All of it can be faked. */
export type RouterPorts = {
  readonly now: () => Instant;
  /** RFC 3339 for an instant of the monotonic clock. */
  readonly date: (at: Instant) => string;
  /** One-shot: calls back at or after the instant it was last armed for, and says how late. */
  readonly timer: (due: (lateness: Duration) => void) => OneTimer;
  /** Hands one advert to the network; a refusal is reported by whoever sends, and counts as a lost packet. */
  readonly send: (advert: Advert, source: IpAddress) => void;
  /** Adds what is missing, addresses for so long (`null`: for good). Rejects when the kernel refuses something. */
  readonly claim: (lease: Duration | null) => Promise<void>;
  /** Lets the kernel keep the addresses for so long from now. */
  readonly renew: (lease: Duration) => Promise<void>;
  /** Takes away what is ours, and tells in words what was there. */
  readonly release: () => Promise<readonly string[]>;
  /** Announces every address: a burst, or once to refresh. */
  readonly announce: (how: 'burst' | 'refresh') => void;
  /** What is still to be announced is not. */
  readonly hush: () => void;
  /** Asks who has the addresses. */
  readonly probe: () => void;
  /** Keeps for the next process of this router that it is master, or that it is not. */
  readonly remember: (role: 'master' | 'not-master') => void;
  /** Keeps the time of the last advert sent as master. */
  readonly beat: (at: Instant) => void;
  readonly report: (happening: Happening) => void;
  /** Something happened that the router's group may have to follow. */
  readonly stepped: () => void;
};

export type OneTimer = { arm(at: Instant): void; disarm(): void; close(): void };

export type VirtualRouter = {
  /** `edge`; `edge IPv4` where the [[vrrp]] has both families. */
  readonly label: string;
  readonly config: VrrpConfig;
  readonly family: Family;
  /** As it is now. */
  readonly state: Router;
  /** What it advertises when it is master. */
  readonly advert: Advert;
  start(usable: Usable, resume: boolean): void;
  /** What the link allows has changed. */
  link(usable: Usable): void;
  /** The tracked things as they are now, in the order of the config. */
  track(tracks: readonly Tracking[]): void;
  /** The operator's order; `null`: none. */
  order(order: RouterOrder | null): void;
  /** An event for the state machine; `at` is when it happened, by default now. */
  feed(event: RouterEvent, at?: Instant): void;
  /** A valid advert of this VRID. */
  hear(received: Received, source: IpAddress, receivedAt: Instant): void;
  /** A packet of this VRID that was refused. `explain`: what is wrong with it and what to do, in a sentence. */
  refuse(reason: DropReason, source: IpAddress, explain: () => string): void;
  /** An address is gone from an interface or is there again, as the kernel says. */
  noteAddress(address: IpAddress, device: string, present: boolean): void;
  /** A route or a rule of ours has gone, in words. */
  noteLoss(what: string): void;
  /** Something that it holds may have gone without a word: asks for everything again, and leaves what is there. */
  claimAnew(): void;
  /** Takes new settings over, except those that make another router. `before`: goes first, in its turn. */
  reconfigure(config: VrrpConfig, before: () => Promise<void>): void;
  status(surroundings: Surroundings): RouterStatus;
  /** Resigns, gives the addresses up, and settles when the kernel has them no more. */
  stop(): Promise<void>;
  /** Ends without resigning, for its successor: the peers' patience begins anew with one more advert. */
  leave(): void;
};

/** How soon addresses are asked for again that the kernel refused, or that somebody has taken away twice. */
const CLAIM_AGAIN: Duration = milliseconds(1000);

/** `edge`, or `edge IPv4` where the [[vrrp]] is two routers. */
export const labelOf = (config: VrrpConfig, family: Family): string =>
  familiesOf(config).length > 1 ? `${config.name} IPv${family}` : config.name;

export function createVirtualRouter(first: VrrpConfig, family: Family, ports: RouterPorts): VirtualRouter {
  let config = first;
  let tracks: readonly Tracking[] = [];
  let order: RouterOrder | null = null;
  let sum: Effective = effective(config.priority, [], null);
  let settings = settingsOf(config, family, sum, null);
  let router: Router = initial(settings);
  let usable: Usable = { source: null, lacks: 'not started' };
  let queue: Promise<void> = Promise.resolve();
  let stopped = false;
  /** When the kernel was last told how long to keep the addresses. */
  let renewed: Instant = ports.now();
  /** Some address is not there as it should be: when to ask for it again. */
  let owing: Instant | undefined;
  /** Something went while everything was being asked for. */
  let lostMeanwhile = false;
  /** When an address that had gone was last put back. */
  let putBack: Instant | undefined;
  /** When it was last told that something of ours had gone. */
  const drifted = new Map<string, Instant>();
  let refused: Refused | undefined;
  const present = new Set<IpAddress>();
  const complaints = createComplaints(ports.now, ports.report);
  const complain: Complain = (what, ...more) => complaints(`${labelOf(config, family)}: ${what}`, ...more);
  const counters = {
    advertsSent: 0,
    advertsReceived: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    becameMaster: 0,
    splitBrains: 0,
    addressListErrors: 0,
    dropped: {} as Record<string, number>,
    worstLateness: 0,
  } satisfies RouterCounters;

  const timer = ports.timer((lateness) => {
    counters.worstLateness = Math.max(counters.worstLateness, lateness);
    feed({ type: 'timer' });
  });

  function feed(event: RouterEvent, at: Instant = ports.now()): void {
    if (stopped) return;
    const { next, actions } = step(settings, router, event, at);
    const before = router;
    router = next;
    for (const action of actions) carryOut(action, before);
    const due = nextDeadline(router);
    if (due === undefined) timer.disarm();
    else timer.arm(due);
    if (settings.grouped) ports.stepped();
  }

  function carryOut(action: RouterAction, before: Router): void {
    switch (action.do) {
      case 'send':
        return send(action.priority, before.source);
      case 'claim':
        return enqueue(async () => {
          renewed = ports.now();
          owing = after(renewed, CLAIM_AGAIN);
          lostMeanwhile = false;
          await ports.claim(leaseOf(config));
          if (!lostMeanwhile) owing = undefined;
          for (const { address } of addressesOf(config, family)) present.add(address.address);
        });
      case 'release':
        ports.hush();
        return enqueue(async () => {
          owing = undefined;
          await ports.release();
          present.clear();
        });
      case 'announce':
        return enqueue(async () => {
          if (router.state === 'master') ports.announce(action.how);
        });
      case 'probe':
        return ports.probe();
      case 'ready':
        return;
      case 'split-brain':
        return splitBrain(action);
      case 'report': {
        if (action.to === 'master') counters.becameMaster += 1;
        const happening = transition(action.from, action.to, action.cause);
        // A master's addresses and their announcement come first: telling people, and the next process, can wait those
        // milliseconds, clients cannot. That it is master no more must be known before it lets go.
        if (action.to !== 'master') ports.remember('not-master');
        return enqueue(async () => {
          if (action.to === 'master' && router.state === 'master') ports.remember('master');
          ports.report(happening);
        });
      }
    }
  }

  function transition(from: RouterState, to: RouterState, cause: string): Happening {
    const addresses = addressesOf(config, family).map((a) => formatPrefix(a.address));
    return { kind: 'vrrp', router: config.name, family, from, to, cause, priority: settings.priority, addresses };
  }

  function splitBrain({ what, source, priority, lasted }: Extract<RouterAction, { do: 'split-brain' }>): void {
    if (what === 'begun') counters.splitBrains += 1;
    const { name } = config;
    enqueue(async () =>
      ports.report({ kind: 'split-brain', router: name, family, what, peer: source, priority, lasted }),
    );
  }

  function send(priority: number, lastSource: IpAddress | null): void {
    const source = router.source ?? lastSource;
    if (source === null) return;
    ports.send(advertOf(priority), source);
    counters.advertsSent += 1;
    if (priority === 0) counters.priorityZeroSent += 1;
    else {
      ports.beat(ports.now());
      renewIfDue();
      claimIfOwing();
    }
  }

  function advertOf(priority: number): Advert {
    const { routerId, interval, version } = config;
    return { version, routerId, priority, interval, addresses: settings.addresses };
  }

  /** A refused claim is made again: a master that advertises an address which nobody holds serves nobody. */
  function claimIfOwing(): void {
    if (owing === undefined || router.state !== 'master' || ports.now() < owing) return;
    owing = after(ports.now(), CLAIM_AGAIN);
    claimAgain();
  }

  function claimAgain(): void {
    carryOut({ do: 'claim' }, router);
    carryOut({ do: 'announce', how: 'burst' }, router);
  }

  /** With every few adverts the kernel is told to keep the addresses a while longer; when we are gone, nobody does. */
  function renewIfDue(): void {
    const length = leaseOf(config);
    if (length === null || present.size === 0 || ports.now() < after(renewed, times(length, 1 / 3))) return;
    renewed = ports.now();
    enqueue(async () => {
      if (router.state === 'master') await ports.renew(length);
    });
  }

  function enqueue(work: () => Promise<void>): void {
    queue = queue.then(work).catch((error: unknown) => {
      complain('addresses are refused', () => (error instanceof Error ? error.message : String(error)), 'error');
    });
  }

  function hear(received: Received, source: IpAddress, receivedAt: Instant): void {
    const { advert } = received;
    if (source === router.source) {
      const where = `adverts of router ${config.routerId} come in on ${config.interface}`;
      return complain(
        'duplicate address',
        () => `${where} from our own address ${source}: another machine has it too, or a switch sends our own back`,
      );
    }
    counters.advertsReceived += 1;
    if (advert.priority === 0) counters.priorityZeroReceived += 1;
    for (const { what, detail } of differences(received, source, config, settings.addresses)) {
      if (what === ADDRESS_LISTS_DIFFER) counters.addressListErrors += 1;
      complain(what, detail);
    }
    feed({ type: 'advert', advert, source }, receivedAt);
  }

  function refuse(reason: DropReason, source: IpAddress, explain: () => string): void {
    counters.dropped[reason] = (counters.dropped[reason] ?? 0) + 1;
    if (source === router.source) return;
    refused = { source, reason, at: ports.now(), explain };
    complain(`an advert was refused (${reason})`, () => {
      const where = `from ${source} on ${config.interface}, router ${config.routerId}`;
      return `${where}: ${explain()}; two directors that refuse each other both become master`;
    });
  }

  function noteAddress(address: IpAddress, device: string, isThere: boolean): void {
    const ours = addressesOf(config, family).find((a) => a.address.address === address);
    if (ours === undefined || stopped) return;
    const object = `${formatPrefix(ours.address)} on ${device}`;
    if (isThere) {
      present.add(address);
      if (router.state !== 'master') enqueue(() => takeAway(address, object));
    } else if (present.delete(address) && router.state === 'master') lost(object, 'the address');
  }

  function lost(object: string, what: string): void {
    const at = ports.now();
    const soonAfter = (last: Instant | undefined): last is Instant =>
      last !== undefined && at < after(last, CLAIM_AGAIN);
    if (!soonAfter(drifted.get(object))) {
      drifted.set(object, at);
      ports.report({ kind: 'drift', object, detail: `${what} went while we are master; it is put back` });
    }
    // Whoever takes it away each time it comes is not answered as fast as the kernel can tell.
    if (soonAfter(putBack)) {
      owing ??= after(putBack, CLAIM_AGAIN);
      lostMeanwhile = true;
      return;
    }
    putBack = at;
    claimAgain();
  }

  /** Somebody put our address there while we are not master. Nothing happens if the news was only late. */
  async function takeAway(address: IpAddress, object: string): Promise<void> {
    if (router.state === 'master' || router.state === 'init') return;
    const removed = await ports.release();
    present.delete(address);
    const detail = 'the address was put there while we are not master; it is taken away';
    if (removed.length > 0) ports.report({ kind: 'drift', object, detail });
  }

  /** Sums the priority anew. Returns whether it has changed, and with it the settings. */
  function weigh(): boolean {
    sum = effective(config.priority, tracks, order);
    const changed = settings.priority !== sum.priority;
    settings = settingsOf(config, family, sum, order);
    return changed;
  }

  const able = (): { source: IpAddress | null; lacks: string | null } => ({
    source: usable.source,
    lacks: usable.lacks ?? sum.fault,
  });

  function track(next: readonly Tracking[]): void {
    const fault = sum.fault;
    tracks = next;
    const changed = weigh();
    if (router.state === 'init') return;
    if (changed) feed({ type: 'priority' });
    if (sum.fault !== fault) feed({ type: 'able', ...able() });
  }

  function setOrder(next: RouterOrder | null): void {
    const same = next === order || (next?.kind === order?.kind && next?.since === order?.since);
    order = next;
    if (same) return;
    weigh();
    if (router.state === 'init') return;
    const why = next === null || next.reason === '' ? '' : `: ${next.reason}`;
    const cause = next === null ? "the operator's order has ended" : `${next.kind}d by ${next.by}${why}`;
    feed({ type: 'order', order: next?.kind ?? 'none', cause });
  }

  function reconfigure(next: VrrpConfig, before: () => Promise<void>): void {
    enqueue(before);
    config = next;
    sum = effective(config.priority, tracks, order);
    settings = settingsOf(config, family, sum, order);
    const wanted = new Set(addressesOf(config, family).map((a) => a.address.address));
    for (const address of present) if (!wanted.has(address)) present.delete(address);
    feed({ type: 'reconfigure' });
  }

  async function stop(): Promise<void> {
    feed({ type: 'stop' });
    stopped = true;
    timer.close();
    await queue;
  }

  function leave(): void {
    // One that slept does not know whether it is master still, and so has nothing to leave.
    const awake = !router.listenedAgain && !sleptSince(settings, router, ports.now());
    if (!stopped && router.state === 'master' && awake) send(settings.priority, router.source);
    stopped = true;
    timer.close();
  }

  return {
    get label() {
      return labelOf(config, family);
    },
    get config() {
      return config;
    },
    family,
    get state() {
      return router;
    },
    get advert() {
      return advertOf(settings.priority);
    },
    start(now, resume) {
      usable = now;
      feed({ type: 'start', ...able(), resume });
    },
    link(now) {
      usable = now;
      feed({ type: 'able', ...able() });
    },
    track,
    order: setOrder,
    feed,
    hear,
    refuse,
    noteAddress,
    noteLoss: (what) => {
      if (!stopped && router.state === 'master') lost(what, 'it');
    },
    claimAnew: () => {
      if (!stopped && router.state === 'master') carryOut({ do: 'claim' }, router);
    },
    reconfigure,
    status: (surroundings) =>
      statusOf({
        ...{ ...surroundings, config, family, router, sum, tracks, order, refused, present, counters },
        ...{ now: ports.now(), date: ports.date },
      }),
    stop,
    leave,
  };
}

const settingsOf = (
  config: VrrpConfig,
  family: Family,
  { priority }: Effective,
  order: RouterOrder | null,
): RouterSettings => ({
  routerId: config.routerId,
  family,
  version: config.version,
  priority,
  interval: config.interval,
  downCount: config.downCount,
  addresses: advertisedOf(config, family),
  // Who is told to be master preempts, also when he comes back from a restart or a fault.
  preempt: config.preempt || order?.kind === 'promote',
  preemptDelay: order?.kind === 'promote' ? milliseconds(0) : config.preemptDelay,
  announceDelay: config.announceDelay,
  announceRefresh: config.announceRefresh,
  probe: config.probe,
  grouped: groupKeyOf(config) !== null,
});

/** An owner's addresses may be the machine's own, which must never run out. */
const leaseOf = ({ linger, priority, interval, downCount }: VrrpConfig): Duration | null =>
  linger || priority === 255 ? null : lease(interval, downCount);
