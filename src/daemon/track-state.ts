/**
 * Tracked things as the vrrp process knows them: interfaces, which it sees for itself, and everything else, which the
 * checker process watches and tells of.
 */

import type { IpAddress } from '../base/address.ts';
import type { InterfaceTrack, TrackConfig, VrrpConfig } from '../config/config.ts';
import { describeTrack, trackKey } from '../config/track-key.ts';
import type { Happening } from '../control/event.ts';
import type { Link } from '../system/rtnetlink.ts';
import type { Tracked } from './messages.ts';
import type { Tracking } from './router-status.ts';

export type TrackStatePorts = {
  /** The interface of that name; `undefined`: there is none. */
  readonly link: (name: string) => Pick<Link, 'up' | 'running'> | undefined;
  readonly has: (name: string, address: IpAddress) => boolean;
  /** The time of day, RFC 3339. */
  readonly date: () => string;
  readonly report: (happening: Happening) => void;
};

export type TrackStates = {
  /** Takes all that the checker process has ever found, in the place of what it was. */
  replace(all: readonly Tracked[]): void;
  /** Takes what the checker process has found just now. */
  take(news: readonly Tracked[]): void;
  /** As they are now, in the order of the config. That an interface has failed or is back is told once, whoever tracks it. */
  of(config: Pick<VrrpConfig, 'track'>): readonly Tracking[];
};

type InterfaceState = { readonly reason: string; readonly since: string };

export function createTrackStates({ link, has, date, report }: TrackStatePorts): TrackStates {
  let found: ReadonlyMap<string, Tracked> = new Map();
  /** By `trackKey`. */
  const interfaces = new Map<string, InterfaceState>();

  function trackingOf(track: TrackConfig): Tracking {
    const { weight } = track;
    const what = describeTrack(track);
    if (track.type === 'interface') {
      const { reason, since } = interfaceState(track);
      return { what, weight, factor: null, up: reason === '', reason, since, known: true };
    }
    const known = found.get(trackKey(track));
    // What has not been looked at yet counts as up: a start is no failure.
    if (known === undefined)
      return {
        what,
        weight,
        up: true,
        factor: track.type === 'file' ? 0 : null,
        reason: '',
        since: null,
        known: false,
      };
    const { up, factor, reason, since } = known;
    return { what, weight, factor, up, reason: up && factor === null ? '' : reason, since, known: true };
  }

  function interfaceState(track: InterfaceTrack): InterfaceState {
    const key = trackKey(track);
    const reason = interfaceTrouble(track);
    const before = interfaces.get(key);
    if (before?.reason === reason) return before;
    const state = { reason, since: date() };
    interfaces.set(key, state);
    if ((before?.reason ?? '') !== reason)
      report({ kind: 'track', what: describeTrack(track), up: reason === '', reason });
    return state;
  }

  function interfaceTrouble({ interface: name, address }: InterfaceTrack): string {
    const now = link(name);
    if (now === undefined) return 'does not exist';
    if (!now.up) return 'is down';
    if (!now.running) return 'has no carrier';
    return address === null || has(name, address) ? '' : `has no address ${address}`;
  }

  return {
    replace(all) {
      found = byKey(all);
    },
    take(news) {
      found = new Map([...found, ...byKey(news)]);
    },
    of: ({ track }) => track.map(trackingOf),
  };
}

const byKey = (all: readonly Tracked[]): ReadonlyMap<string, Tracked> =>
  new Map(all.map((each) => [each.key, each] as const));
