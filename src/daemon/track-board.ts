/**
 * What the supervisor knows of tracked things: which of them the checker process is to watch, and the last that it said of
 * each. It stands between the two processes, so that either may be started anew without the other noticing.
 */

import type { TrackConfig, VrrpConfig } from '../config/config.ts';
import { describeTrack, trackedThing, trackKey } from '../config/track-key.ts';
import type { Happening } from '../control/event.ts';
import type { Tracked } from './messages.ts';

export type TrackBoard = {
  /** Takes the routers of a config. What is known of things that are still tracked stays known. */
  configure(routers: readonly Pick<VrrpConfig, 'track'>[]): void;
  /** What the checker process is to watch, each thing once. Interfaces are not among it: the vrrp process sees them itself. */
  wanted(): readonly TrackConfig[];
  /** The last that is known. */
  current(): readonly Tracked[];
  /** Takes what the checker process says; the part of it that somebody tracks. A thing that went up or down is reported. */
  take(tracked: readonly Tracked[]): readonly Tracked[];
};

export function createTrackBoard(report: (happening: Happening) => void): TrackBoard {
  let wanted: ReadonlyMap<string, TrackConfig> = new Map();
  let known: ReadonlyMap<string, Tracked> = new Map();

  /** What is known of the thing, perhaps from when it was watched in another way. */
  function knownOf(key: string, track: TrackConfig): Tracked | undefined {
    const same = known.get(key);
    if (same !== undefined) return same;
    const thing = trackedThing(track);
    const [before] = [...wanted].find(([other, its]) => known.has(other) && trackedThing(its) === thing) ?? [];
    return before === undefined ? undefined : known.get(before);
  }

  return {
    configure(routers) {
      const tracks = routers.flatMap(({ track }) => track).filter(({ type }) => type !== 'interface');
      const next = new Map(tracks.map((track) => [trackKey(track), track]));
      const entries = [...next].flatMap(([key, track]) => {
        const before = knownOf(key, track);
        return before === undefined ? [] : [[key, { ...before, key }] as const];
      });
      wanted = next;
      known = new Map(entries);
    },
    wanted: () => [...wanted.values()],
    current: () => [...known.values()],
    take(tracked) {
      // A message may have been on its way when the config changed.
      const ours = tracked.filter(({ key }) => wanted.has(key));
      for (const now of ours) {
        const track = wanted.get(now.key);
        // A thing that was never looked at counts as up.
        const before = known.get(now.key)?.up ?? true;
        known = new Map([...known, [now.key, now]]);
        if (track !== undefined && now.up !== before)
          report({ kind: 'track', what: describeTrack(track), up: now.up, reason: now.reason });
      }
      return ours;
    },
  };
}
