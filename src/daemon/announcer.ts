/**
 * Tells the links where our addresses are now: gratuitous ARP (RFC 5227, 2.3) and unsolicited neighbour advertisements
 * (RFC 4861, 7.2.6). The first of each address leaves in the call, as clients wait for it; the others are for those who
 * missed it, and are paced over all routers of the process, so that hosts and switches can follow (`announce_rate`).
 */

import type { IpAddress } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import { after, type Duration, type Instant, instant, milliseconds } from '../base/time.ts';
import type { SystemError } from '../system/native.ts';
import type { MacAddress } from '../wire/ethernet.ts';

/** An address, the interface it is on (the macvlan, with a virtual MAC), and the hardware address to be told of it. */
export type OnLink = {
  readonly address: IpAddress;
  readonly interface: string;
  readonly interfaceIndex: number;
  readonly mac: MacAddress;
};

export type AnnouncerPorts = {
  readonly now: () => Instant;
  readonly timer: (due: (lateness: Duration) => void) => { arm(at: Instant): void; disarm(): void; close(): void };
  /** Sends one announcement (`AnnouncementSockets`). */
  readonly send: (at: OnLink) => Result<void, SystemError>;
  readonly trouble: (what: string, detail: string) => void;
};

export type Announcer = {
  /** The first of each address leaves in this call; `rounds` - 1 follow, `rate` a second. What was pending for it is replaced. */
  burst(addresses: readonly OnLink[], pace: { readonly rounds: number; readonly rate: number }): void;
  /** One of each address, paced from the first on: nobody waits for it. */
  refresh(addresses: readonly OnLink[], pace: { readonly rate: number }): void;
  /** What is pending for these addresses is not sent any more. */
  cancel(addresses: readonly IpAddress[]): void;
  /** Addresses of which announcements are still to be sent. */
  readonly pending: number;
  close(): void;
};

type Pending = { readonly at: OnLink; readonly left: number; readonly gap: Duration };

/** Addresses that announcements can be pending for; a burst of more leaves the rest with their first. */
export const MOST_PENDING = 65_536;
/** How far a late timer may catch up: beyond that, what was missed would leave in one burst. */
const CATCH_UP = milliseconds(20);
/** The link is down or gone: nothing can leave, and the router's fault says so already. */
const LINK_GONE: readonly string[] = ['ENETDOWN', 'ENXIO', 'ENODEV'];

export function createAnnouncer({ now, timer, send, trouble }: AnnouncerPorts): Announcer {
  /** In the order in which they are due: one that has rounds left goes to the end. */
  const queue = new Map<string, Pending>();
  /** Stands at the head. A new one would walk over all that was deleted before it. */
  let head = queue.values();
  /** Nothing paced leaves before this. */
  let next: Instant = instant(Number.NEGATIVE_INFINITY);
  let closed = false;
  const clock = timer(due);

  function tell(at: OnLink): void {
    const sent = send(at);
    if (sent.ok || LINK_GONE.includes(sent.error.code)) return;
    trouble(`addresses cannot be announced on ${at.interface}`, `${sent.error.message} (${at.address})`);
  }

  function first(): Pending | undefined {
    const { value } = head.next();
    if (value !== undefined) return value;
    head = queue.values();
    return head.next().value;
  }

  function put(pending: Pending): void {
    const key = keyOf(pending.at);
    queue.delete(key);
    if (pending.left > 0 && queue.size < MOST_PENDING) queue.set(key, pending);
  }

  function arm(): void {
    if (queue.size > 0) clock.arm(next);
    else clock.disarm();
  }

  function due(): void {
    const at = now();
    next = instant(Math.max(next, at - CATCH_UP));
    // An interval that is not a whole number of binary fractions: the sum may be a hair above the moment it stands for.
    while (next <= at + HAIR) {
      const pending = first();
      if (pending === undefined) break;
      tell(pending.at);
      put({ ...pending, left: pending.left - 1 });
      next = after(next, pending.gap);
    }
    arm();
  }

  return {
    burst(addresses, { rounds, rate }) {
      if (closed) return;
      const gap = gapOf(rate);
      for (const at of addresses) tell(at);
      for (const at of addresses) put({ at, left: rounds - 1, gap });
      // Where others are pending already, they keep their turn.
      if (next <= now()) next = after(now(), gap);
      arm();
    },
    refresh(addresses, { rate }) {
      if (closed) return;
      const gap = gapOf(rate);
      // Where a burst is still pending, it tells more than this.
      for (const at of addresses) if (!queue.has(keyOf(at))) put({ at, left: 1, gap });
      next = instant(Math.max(next, now()));
      arm();
    },
    cancel(addresses) {
      const unwanted = new Set(addresses);
      for (const [key, { at }] of queue) if (unwanted.has(at.address)) queue.delete(key);
      arm();
    },
    get pending() {
      return queue.size;
    },
    close() {
      closed = true;
      queue.clear();
      clock.close();
    },
  };
}

const HAIR = 1e-6;

const keyOf = ({ interfaceIndex, address }: OnLink): string => `${interfaceIndex} ${address}`;

const gapOf = (rate: number): Duration => milliseconds(1000 / rate);
