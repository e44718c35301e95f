/** What `status` tells of a virtual router. */

import { type Family, formatPrefix, type IpAddress } from '../base/address.ts';
import type { Instant } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf } from '../config/families.ts';
import type { RouterCounters, RouterOrder, RouterStatus, TrackStatus } from '../control/status.ts';
import type { DropReason } from '../vrrp/receive.ts';
import type { Router } from '../vrrp/router.ts';
import type { Effective, TrackState } from '../vrrp/tracking.ts';

/** What is not the router's own business and only passes through to `status`. */
export type Surroundings = Pick<RouterStatus, 'destinations'> & {
  /** The interface that an address is on, unless it names another: the router's, or that of its virtual MAC. */
  readonly device: string;
};

/** A tracked thing as the router sees it. */
export type Tracking = TrackState & Pick<TrackStatus, 'since'> & { readonly known: boolean };

/** The last packet that was refused. `explain` makes the sentence. */
export type Refused = {
  readonly source: IpAddress;
  readonly reason: DropReason;
  readonly at: Instant;
  readonly explain: () => string;
};

export type Seen = Surroundings & {
  readonly config: VrrpConfig;
  readonly family: Family;
  readonly router: Router;
  readonly sum: Effective;
  readonly tracks: readonly Tracking[];
  readonly order: RouterOrder | null;
  readonly refused: Refused | undefined;
  readonly present: ReadonlySet<IpAddress>;
  readonly counters: RouterCounters;
  readonly now: Instant;
  readonly date: (at: Instant) => string;
};

/** A refused packet counts as recent for so many intervals, and so many seconds at least. */
const RECENT = 3;

export function statusOf(seen: Seen): RouterStatus {
  const { config, family, router, sum, order, date, counters } = seen;
  const { name, routerId, version, interval, transport, syncGroup } = config;
  return {
    ...{ name, family, interface: config.interface, routerId, version },
    ...{ state: router.state, since: date(router.since) },
    cause: router.ready === null ? router.cause : `ready to be master (${router.ready}), waits for its group`,
    ...{ priority: sum.priority, priorityParts: sum.parts },
    ...{ interval, masterInterval: router.masterInterval, master: masterOf(seen) },
    ...{ source: router.source, transport, destinations: seen.destinations },
    ...{ auth: config.auth?.type ?? 'none', syncGroup },
    addresses: addressesOf(config, family).map((a) => ({
      address: formatPrefix(a.address),
      interface: a.interface ?? seen.device,
      present: seen.present.has(a.address.address),
      advertised: a.advertise,
    })),
    tracks: seen.tracks.map(({ what, up, reason, since, weight, known }) => ({
      ...{ what, up: known ? up : null, reason, since, weight },
    })),
    order,
    ...{ rival: rivalOf(seen), refused: refusedOf(seen) },
    counters: { ...counters, dropped: { ...counters.dropped } },
  };
}

function masterOf({ router, sum }: Seen): RouterStatus['master'] {
  if (router.state === 'master') return { address: router.source ?? '', priority: sum.priority };
  return router.master && { address: router.master.source, priority: router.master.priority };
}

function rivalOf({ router: { rival }, date }: Seen): RouterStatus['rival'] {
  if (rival === null) return null;
  return { address: rival.source, priority: rival.priority, since: date(rival.first), last: date(rival.heard) };
}

function refusedOf({ refused, config, now, date }: Seen): RouterStatus['refused'] {
  if (refused === undefined) return null;
  const { source, reason, at, explain } = refused;
  const recent = now - at < RECENT * Math.max(config.interval, 1000);
  return { address: source, reason, detail: explain(), last: date(at), recent };
}
