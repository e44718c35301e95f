/**
 * Drives one virtual router: feeds `vrrp/step.ts` with packets, link news and the one timer, and carries out its orders.
 *
 * Adverts leave at once, inside the call that ordered them. What the kernel must acknowledge (addresses) or what must
 * follow it (ARP) goes through one queue a router, so that a claim and the release after it can never overtake each other.
 */

import { formatPrefix, type IpAddress, type Prefix } from '../base/address.ts';
import { after, type Duration, type Instant, milliseconds, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import type { Happening } from '../control/event.ts';
import type { RouterCounters, RouterStatus } from '../control/status.ts';
import {
  nextDeadline,
  type Router,
  type RouterAction,
  type RouterEvent,
  type RouterSettings,
  type RouterState,
} from '../vrrp/router.ts';
import { initial, step } from '../vrrp/step.ts';
import { lease } from '../vrrp/timing.ts';
import { type Advert, type Decoded, DROP_REASONS, type DropReason, encode, GROUP } from '../wire/vrrp.ts';

/** What a router needs of the outside. All of it can be faked. */
export type RouterPorts = {
  readonly now: () => Instant;
  /** RFC 3339 for an instant of the monotonic clock. */
  readonly date: (at: Instant) => string;
  /** One-shot: calls back at or after the instant it was last armed for, and says how late. */
  readonly timer: (due: (lateness: Duration) => void) => OneTimer;
  /** Hands one advert to the network; a refusal is reported by whoever sends, and counts as a lost packet. */
  readonly send: (bytes: Uint8Array, source: IpAddress) => void;
  /** Adds what is missing, for so long (`null`: for good), and tells what it added. Rejects when the kernel refuses one. */
  readonly claim: (addresses: readonly Prefix[], lease: Duration | null) => Promise<readonly Prefix[]>;
  /** Lets the kernel keep the addresses for so long from now. */
  readonly renew: (addresses: readonly Prefix[], lease: Duration) => Promise<void>;
  /** Removes what is there. */
  readonly release: (addresses: readonly Prefix[]) => Promise<readonly Prefix[]>;
  /** One gratuitous ARP for each address. */
  readonly announce: (addresses: readonly IpAddress[]) => void;
  /** Keeps for the next process of this router that it is master, or that it is not. */
  readonly remember: (role: 'master' | 'not-master', addresses: readonly Prefix[]) => void;
  /** Keeps the time of the last advert sent as master. */
  readonly beat: (at: Instant) => void;
  readonly report: (happening: Happening) => void;
};

export type OneTimer = { arm(at: Instant): void; disarm(): void; close(): void };

export type VirtualRouter = {
  readonly config: VrrpConfig;
  /** An event for the state machine; `at` is when it happened, by default now. */
  feed(event: RouterEvent, at?: Instant): void;
  /** A valid advert of this VRID. */
  hear(decoded: Decoded, source: IpAddress, receivedAt: Instant): void;
  /** A packet of this VRID that was refused. */
  refuse(reason: DropReason, source: IpAddress): void;
  /** An address of ours is gone or back, as the kernel says. */
  noteAddress(address: IpAddress, present: boolean): void;
  /** Takes new settings over, except `interface`, `routerId` and `source`, which make another router. */
  reconfigure(config: VrrpConfig): void;
  status(): RouterStatus;
  /** Resigns, gives the addresses up, and settles when the kernel has them no more. */
  stop(): Promise<void>;
};

/** How often the same complaint is repeated. Complaints are told apart by what they are about, never by what a peer sent. */
const REPEAT_AFTER: Duration = milliseconds(60_000);
/** How soon addresses are asked for again that the kernel refused, or that somebody has taken away twice. */
const CLAIM_AGAIN: Duration = milliseconds(1000);

export function createVirtualRouter(first: VrrpConfig, ports: RouterPorts): VirtualRouter {
  let config = first;
  let settings = settingsOf(first);
  let router: Router = initial(settings);
  let queue: Promise<void> = Promise.resolve();
  let stopped = false;
  /** When the kernel was last told how long to keep the addresses. */
  let renewed: Instant = ports.now();
  /** Some address is not there as it should be: when to ask for it again. */
  let owing: Instant | undefined;
  /** When an address that had gone was last put back. */
  let putBack: Instant | undefined;
  const present = new Set<IpAddress>();
  const complaints = new Map<string, Instant>();
  const counters = {
    advertsSent: 0,
    advertsReceived: 0,
    priorityZeroSent: 0,
    priorityZeroReceived: 0,
    becameMaster: 0,
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
  }

  function carryOut(action: RouterAction, before: Router): void {
    const addresses = config.addresses;
    switch (action.do) {
      case 'send':
        return send(action.priority, before.source);
      case 'claim':
        return enqueue(async () => {
          renewed = ports.now();
          owing = after(renewed, CLAIM_AGAIN);
          await ports.claim(addresses, leaseOf(config));
          owing = undefined;
          for (const { address } of addresses) present.add(address);
        });
      case 'release':
        return enqueue(async () => {
          owing = undefined;
          await ports.release(addresses);
          present.clear();
        });
      case 'announce':
        return enqueue(async () => {
          const own = addresses.map((a) => a.address);
          for (let round = 0; round < config.announceCount; round++) ports.announce(own);
        });
      case 'report':
        ports.remember(action.to === 'master' ? 'master' : 'not-master', addresses);
        if (action.to === 'master') counters.becameMaster += 1;
        // Behind the addresses and the ARP in the queue: telling people can wait those milliseconds, clients cannot.
        return enqueue(async () => ports.report(transition(action.from, action.to, action.cause, addresses)));
    }
  }

  function transition(from: RouterState, to: RouterState, cause: string, addresses: readonly Prefix[]): Happening {
    const { name, priority } = config;
    return { kind: 'vrrp', router: name, from, to, cause, priority, addresses: addresses.map(formatPrefix) };
  }

  function send(priority: number, lastSource: IpAddress | null): void {
    const source = router.source ?? lastSource;
    if (source === null) return;
    const { routerId, interval } = config;
    const advert: Advert = { version: 3, routerId, priority, interval, addresses: settings.addresses };
    ports.send(encode(advert, { source, destination: GROUP[4] }, config.checksum), source);
    counters.advertsSent += 1;
    if (priority === 0) counters.priorityZeroSent += 1;
    else {
      ports.beat(ports.now());
      renewIfDue();
      claimIfOwing();
    }
  }

  /** A refused claim is made again: a master that advertises an address which nobody holds serves nobody. */
  function claimIfOwing(): void {
    if (owing === undefined || router.state !== 'master' || ports.now() < owing) return;
    owing = after(ports.now(), CLAIM_AGAIN);
    carryOut({ do: 'claim' }, router);
    carryOut({ do: 'announce' }, router);
  }

  /** With every few adverts the kernel is told to keep the addresses a while longer; when we are gone, nobody does. */
  function renewIfDue(): void {
    const length = leaseOf(config);
    if (length === null || present.size === 0 || ports.now() < after(renewed, times(length, 1 / 3))) return;
    renewed = ports.now();
    const addresses = config.addresses;
    enqueue(async () => {
      if (router.state === 'master') await ports.renew(addresses, length);
    });
  }

  function enqueue(work: () => Promise<void>): void {
    queue = queue.then(work).catch((error: unknown) => {
      complain('addresses are refused', error instanceof Error ? error.message : String(error), 'error');
    });
  }

  function hear({ advert, checksum }: Decoded, source: IpAddress, receivedAt: Instant): void {
    if (source === router.source) {
      const detail = `adverts of router ${config.routerId} come in on ${config.interface} from our own address ${source}: another machine has it too, or a switch sends our own back`;
      return complain('duplicate address', detail);
    }
    counters.advertsReceived += 1;
    if (advert.priority === 0) counters.priorityZeroReceived += 1;
    if (!sameSet(advert.addresses, settings.addresses)) {
      const detail = `${source} advertises ${advert.addresses.join(', ') || 'no address'}, we have ${settings.addresses.join(', ')}; make the two configs agree (the advert is accepted)`;
      complain('address lists differ', detail);
    }
    if (checksum !== config.checksum) {
      const detail = `${source} sends the checksum form "${checksum}", we send "${config.checksum}"; we accept both, but a peer may not: set checksum = "${checksum}" if it refuses ours`;
      complain('checksum forms differ', detail);
    }
    feed({ type: 'advert', advert, source }, receivedAt);
  }

  function refuse(reason: DropReason, source: IpAddress): void {
    counters.dropped[reason] = (counters.dropped[reason] ?? 0) + 1;
    const detail = `from ${source} on ${config.interface}, router ${config.routerId}: ${DROP_REASONS[reason]}; two directors that refuse each other both become master`;
    complain(`an advert was refused (${reason})`, detail);
  }

  /** Says it, and not again for a while. `what` is one of a few texts. */
  function complain(what: string, detail: string, severity: 'warning' | 'error' = 'warning'): void {
    const now = ports.now();
    const last = complaints.get(what);
    if (last !== undefined && now - last < REPEAT_AFTER) return;
    complaints.set(what, now);
    ports.report({ kind: 'trouble', severity, what: `${config.name}: ${what}`, detail });
  }

  function noteAddress(address: IpAddress, isThere: boolean): void {
    const ours = config.addresses.find((a) => a.address === address);
    if (ours === undefined || stopped) return;
    const object = `${formatPrefix(ours)} on ${config.interface}`;
    if (isThere) {
      present.add(address);
      if (router.state !== 'master') enqueue(() => takeAway(ours, object));
    } else if (present.delete(address) && router.state === 'master') {
      // Whoever takes it away each time it comes is not answered as fast as the kernel can tell.
      if (putBack !== undefined && ports.now() < after(putBack, CLAIM_AGAIN)) {
        owing ??= after(putBack, CLAIM_AGAIN);
        return;
      }
      putBack = ports.now();
      ports.report({
        kind: 'drift',
        object,
        detail: 'the address went while we are master; it is put back',
      });
      carryOut({ do: 'claim' }, router);
      carryOut({ do: 'announce' }, router);
    }
  }

  /** Somebody put our address there while we are not master. Nothing happens if the news was only late. */
  async function takeAway(ours: Prefix, object: string): Promise<void> {
    if (router.state === 'master' || router.state === 'init') return;
    const removed = await ports.release([ours]);
    present.delete(ours.address);
    const detail = 'the address was put there while we are not master; it is taken away';
    if (removed.length > 0) ports.report({ kind: 'drift', object, detail });
  }

  function reconfigure(next: VrrpConfig): void {
    const gone = config.addresses.filter((a) => !next.addresses.some((b) => formatPrefix(a) === formatPrefix(b)));
    config = next;
    settings = settingsOf(next);
    for (const { address } of gone) present.delete(address);
    if (gone.length > 0) enqueue(async () => void (await ports.release(gone)));
    if (router.state === 'master') ports.remember('master', next.addresses);
    feed({ type: 'reconfigure' });
  }

  function status(): RouterStatus {
    const { master } = router;
    return {
      name: config.name,
      interface: config.interface,
      routerId: config.routerId,
      version: 3,
      state: router.state,
      since: ports.date(router.since),
      cause: router.cause,
      priority: config.priority,
      interval: config.interval,
      masterInterval: router.masterInterval,
      master:
        router.state === 'master'
          ? { address: router.source ?? '', priority: config.priority }
          : master && { address: master.source, priority: master.priority },
      addresses: config.addresses.map((a) => ({ address: formatPrefix(a), present: present.has(a.address) })),
      counters: { ...counters, dropped: { ...counters.dropped } },
    };
  }

  async function stop(): Promise<void> {
    feed({ type: 'stop' });
    stopped = true;
    timer.close();
    await queue;
  }

  return {
    get config() {
      return config;
    },
    feed,
    hear,
    refuse,
    noteAddress,
    reconfigure,
    status,
    stop,
  };
}

const settingsOf = (config: VrrpConfig): RouterSettings => ({
  routerId: config.routerId,
  priority: config.priority,
  interval: config.interval,
  addresses: config.addresses.map((a) => a.address),
  preempt: config.preempt,
  preemptDelay: config.preemptDelay,
  announceDelay: config.announceDelay,
});

/** An owner's addresses may be the machine's own, which must never run out. */
const leaseOf = ({ linger, priority, interval }: VrrpConfig): Duration | null =>
  linger || priority === 255 ? null : lease(interval);

const sameSet = (a: readonly IpAddress[], b: readonly IpAddress[]): boolean =>
  a.length === b.length && a.every((address) => b.includes(address));
