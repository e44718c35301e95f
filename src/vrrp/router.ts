/**
 * A virtual router as values: what it is told (`RouterSettings`), what it knows (`Router`), what happens to it
 * (`RouterEvent`) and what it orders (`RouterAction`). `step.ts` is the function between them.
 */

import type { Family, IpAddress } from '../base/address.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { Advert } from '../wire/vrrp.ts';

/** The part of a router's config that the protocol itself needs. */
export type RouterSettings = {
  readonly routerId: number;
  readonly family: Family;
  /** 2 (RFC 3768) or 3 (RFC 9568): their timers differ. */
  readonly version: 2 | 3;
  /** The effective one: 1 to 254, or 255 for the owner of the addresses. */
  readonly priority: number;
  readonly interval: Duration;
  /** Adverts that may be missed before the master counts as dead; RFC 9568, 6.1 says 3. */
  readonly downCount: number;
  /** Those that adverts list. */
  readonly addresses: readonly IpAddress[];
  readonly preempt: boolean;
  /** From start, or the end of a fault, until a master of lower priority is displaced. */
  readonly preemptDelay: Duration;
  /** Pause between the two bursts of announcements that follow a promotion; 0: there is no second. */
  readonly announceDelay: Duration;
  /** While master, a refreshing announcement so often; 0: never. */
  readonly announceRefresh: Duration;
  /** Whether to ask, before the first claim, if somebody has the addresses who does not speak VRRP. */
  readonly probe: boolean;
  /** Member of a group: it says that it is ready rather than becoming master by itself (`group.ts`). */
  readonly grouped: boolean;
};

/** INIT, BACKUP and MASTER as in RFC 3768; RFC 9568 says "Active" for MASTER. `fault`: something it needs is missing. */
export type RouterState = 'init' | 'backup' | 'master' | 'fault';

/**
 * `masterDown`: the master has been silent too long. `advert`: the next advert is due. `announce`: the second burst of
 * announcements is due. `refresh`: so is a refreshing one. `probe`: time to ask who has the addresses. `rival`: another
 * master has been silent long enough to count as gone.
 */
export type RouterTimer = 'masterDown' | 'advert' | 'announce' | 'refresh' | 'probe' | 'rival';

/** Another master, heard while we are one. */
export type Rival = {
  readonly source: IpAddress;
  readonly priority: number;
  readonly first: Instant;
  readonly heard: Instant;
  /** Whether it was reported: one advert that crossed with ours is not a split brain. */
  readonly told: boolean;
};

export type Router = {
  readonly state: RouterState;
  readonly since: Instant;
  /** Why it is in this state, in words. */
  readonly cause: string;
  /** Own primary address, the source of adverts; `null` when the interface has none. */
  readonly source: IpAddress | null;
  /** What the router itself lacks (its interface, a tracked thing), in words; `null`: nothing. */
  readonly lacks: string | null;
  /** What another member of its group lacks, in words; `null`: nothing, or no group. */
  readonly groupLacks: string | null;
  /** The last master heard, while in backup. */
  readonly master: { readonly source: IpAddress; readonly priority: number; readonly heard: Instant } | null;
  /** Interval of the master's adverts, learned from them (RFC 9568, 6.1: Active_Adver_Interval). */
  readonly masterInterval: Duration;
  /** Before this a master of lower priority is left alone. */
  readonly preemptFrom: Instant;
  /** It slept past its deadline and has listened once more since the last advert; it does not do so for ever. */
  readonly listenedAgain: boolean;
  /** In a group: why it would be master by now, were it alone; `null`: it would not. */
  readonly ready: string | null;
  /** It has just started and heard no master: nothing speaks against its following a group that is master already. */
  readonly untried: boolean;
  readonly rival: Rival | null;
  /** When it advertised last, as master. */
  readonly sent: Instant;
  /** The deadlines are state: the driver arms one timer at the earliest, `nextDeadline`. */
  readonly timers: Readonly<Partial<Record<RouterTimer, Instant>>>;
};

export type RouterEvent =
  /**
   * The process starts, or the router was added. `resume`: this machine was master less than master-down ago and still
   * holds the addresses, so the role is carried on and no peer has noticed. `lacks`: the cause of a fault, or `null`.
   */
  | {
      readonly type: 'start';
      readonly source: IpAddress | null;
      readonly lacks: string | null;
      readonly resume: boolean;
    }
  /** A valid advert of this VRID from another machine. `now` of the step is when the kernel received it. */
  | { readonly type: 'advert'; readonly advert: Advert; readonly source: IpAddress }
  /** A deadline has passed. */
  | { readonly type: 'timer' }
  /** What it needs has changed: its interface, its first own address, a tracked thing whose failure is a fault. */
  | { readonly type: 'able'; readonly source: IpAddress | null; readonly lacks: string | null }
  /** The settings given with this step differ from those before. */
  | { readonly type: 'reconfigure' }
  /** The effective priority given with this step differs from the one before, and nothing else does. */
  | { readonly type: 'priority' }
  /**
   * From the group: all are ready, so be master; or another member is no longer master, so do not be; or another lacks
   * something (`fault`), or lacks it no more (`clear`). `cause` in words, naming the member.
   */
  | { readonly type: 'group'; readonly order: 'master' | 'backup' | 'fault' | 'clear'; readonly cause: string }
  /**
   * The operator's: `promote`, take the role now; `demote`, give it away now and take it back only if nobody else has
   * it; `none`, the order before has ended. The settings of this step have the priority that goes with it.
   */
  | { readonly type: 'order'; readonly order: 'promote' | 'demote' | 'none'; readonly cause: string }
  | { readonly type: 'stop' };

/** Orders, to be carried out in the order given. A failed one comes back to the operator, never into the core. */
export type RouterAction =
  /** Send one advert with this priority; 0 resigns. */
  | { readonly do: 'send'; readonly priority: number }
  /** Have the addresses, routes and rules; those that are there stay untouched. */
  | { readonly do: 'claim' }
  /** Have none of them. */
  | { readonly do: 'release' }
  /** Announce every address (gratuitous ARP, unsolicited neighbour advertisements). `refresh`: once rather than a burst. */
  | { readonly do: 'announce'; readonly how: 'burst' | 'refresh' }
  /** Ask who has the addresses. */
  | { readonly do: 'probe' }
  /** The state changed, for the journal. */
  | { readonly do: 'report'; readonly from: RouterState; readonly to: RouterState; readonly cause: string }
  /** In a group: `ready` changed, for `group.ts`. */
  | { readonly do: 'ready' }
  /** Two masters at once, or no longer. `lasted`: from the first advert of the other to the last. */
  | {
      readonly do: 'split-brain';
      readonly what: 'begun' | 'ended';
      readonly source: IpAddress;
      readonly priority: number;
      readonly lasted: Duration;
    };

export type Step = { readonly next: Router; readonly actions: readonly RouterAction[] };

/** The earliest deadline; `undefined` when none is set. */
export function nextDeadline(router: Router): Instant | undefined {
  const due = Object.values(router.timers);
  return due.length === 0 ? undefined : (Math.min(...due) as Instant);
}
