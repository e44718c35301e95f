/**
 * A virtual router as values: what it is told (`RouterSettings`), what it knows (`Router`), what happens to it
 * (`RouterEvent`) and what it orders (`RouterAction`). `step.ts` is the function between them.
 */

import type { IpAddress } from '../base/address.ts';
import type { Duration, Instant } from '../base/time.ts';
import type { Advert } from '../wire/vrrp.ts';

/** The part of a router's config that the protocol itself needs. */
export type RouterSettings = {
  readonly routerId: number;
  /** 1 to 254, or 255 for the owner of the addresses. */
  readonly priority: number;
  readonly interval: Duration;
  readonly addresses: readonly IpAddress[];
  readonly preempt: boolean;
  /** From start, or the end of a fault, until a master of lower priority is displaced. */
  readonly preemptDelay: Duration;
  /** Pause between the two bursts of gratuitous ARP that follow a promotion. */
  readonly announceDelay: Duration;
};

/** INIT, BACKUP and MASTER as in RFC 3768; RFC 9568 says "Active" for MASTER. `fault`: the interface cannot serve. */
export type RouterState = 'init' | 'backup' | 'master' | 'fault';

/**
 * `masterDown`: the master has been silent too long. `advert`: the next advert is due. `announce`: the second burst of
 * gratuitous ARP is due.
 */
export type RouterTimer = 'masterDown' | 'advert' | 'announce';

export type Router = {
  readonly state: RouterState;
  readonly since: Instant;
  /** Why it is in this state, in words. */
  readonly cause: string;
  /** Own primary address, the source of adverts; `null` when the interface has none. */
  readonly source: IpAddress | null;
  /** The last master heard, while in backup. */
  readonly master: { readonly source: IpAddress; readonly priority: number; readonly heard: Instant } | null;
  /** Interval of the master's adverts, learned from them (RFC 9568, 6.1: Active_Adver_Interval). */
  readonly masterInterval: Duration;
  /** Before this a master of lower priority is left alone. */
  readonly preemptFrom: Instant;
  /** It slept past its deadline and has listened once more since the last advert; it does not do so for ever. */
  readonly listenedAgain: boolean;
  /** The deadlines are state: the driver arms one timer at the earliest, `nextDeadline`. */
  readonly timers: Readonly<Partial<Record<RouterTimer, Instant>>>;
};

export type RouterEvent =
  /**
   * The process starts, or the router was added. `resume`: this machine was master less than master-down ago and still
   * holds the addresses, so the role is carried on and no peer has noticed.
   */
  | {
      readonly type: 'start';
      readonly up: boolean;
      readonly source: IpAddress | null;
      /** What the link allows, in words: the cause of a fault. */
      readonly what: string;
      readonly resume: boolean;
    }
  /** A valid advert of this VRID from another machine. `now` of the step is when the kernel received it. */
  | { readonly type: 'advert'; readonly advert: Advert; readonly source: IpAddress }
  /** A deadline has passed. */
  | { readonly type: 'timer' }
  /** The interface went up or down, or its first own address changed. */
  | { readonly type: 'interface'; readonly up: boolean; readonly source: IpAddress | null; readonly what: string }
  /** The settings given with this step differ from those before. */
  | { readonly type: 'reconfigure' }
  | { readonly type: 'stop' };

/** Orders, to be carried out in the order given. A failed one comes back to the operator, never into the core. */
export type RouterAction =
  /** Send one advert with this priority; 0 resigns. */
  | { readonly do: 'send'; readonly priority: number }
  /** Have the addresses on the interface; those that are there stay untouched. */
  | { readonly do: 'claim' }
  /** Have none of the addresses on the interface. */
  | { readonly do: 'release' }
  /** One burst of gratuitous ARP for every address. */
  | { readonly do: 'announce' }
  /** The state changed, for the journal. */
  | { readonly do: 'report'; readonly from: RouterState; readonly to: RouterState; readonly cause: string };

export type Step = { readonly next: Router; readonly actions: readonly RouterAction[] };

/** The earliest deadline; `undefined` when none is set. */
export function nextDeadline(router: Router): Instant | undefined {
  const due = Object.values(router.timers);
  return due.length === 0 ? undefined : (Math.min(...due) as Instant);
}
