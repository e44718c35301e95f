/**
 * Owns the watchers of tracked things: each thing has one, however many routers track it, and one that stays the same is
 * not disturbed by a reload. Forms verdicts of what they find, and tells each that is new.
 */

import { type Instant, milliseconds } from '../base/time.ts';
import type { TrackConfig } from '../config/config.ts';
import { describeTrack, trackedThing, trackKey } from '../config/track-key.ts';
import type { Happening } from '../control/event.ts';
import { begin, type Settings, step, type Verdict } from '../health/verdict.ts';
import type { Finding, Found, Watched, Watcher } from '../trackers/watch.ts';
import type { Tracked } from './messages.ts';

/** What the keeper needs of the outside. All of it can be faked. */
export type TrackPorts = {
  readonly now: () => Instant;
  /** RFC 3339 for an instant of the monotonic clock. */
  readonly date: (at: Instant) => string;
  readonly watch: (track: Watched, found: Found) => Watcher;
  /** Things that became something else, or are known for the first time. A reason that alone changed is not told. */
  readonly changed: (tracked: readonly Tracked[]) => void;
  readonly report: (happening: Happening) => void;
};

export type TrackKeeper = {
  /**
   * What is to be watched from now on, whole. Interfaces among it are left out. `known`: what a process before this one
   * found; a thing that was up then has its failures counted, rather than being judged by its first.
   */
  configure(tracks: readonly TrackConfig[], known: readonly Tracked[]): void;
  close(): void;
};

type Entry = {
  readonly key: string;
  readonly track: Watched;
  verdict: Verdict;
  /** What was told last; `undefined`: nothing yet. */
  told: Tracked | undefined;
  /** Whether an operator has been told that it cannot be tracked as it is. */
  complained: boolean;
  watcher: Watcher | undefined;
};

export function createTrackKeeper(ports: TrackPorts): TrackKeeper {
  let entries: ReadonlyMap<string, Entry> = new Map();

  function configure(tracks: readonly TrackConfig[], known: readonly Tracked[]): void {
    const before = entries;
    const found = new Map(known.map((tracked) => [tracked.key, tracked]));
    const things = new Map([...before.values()].map((entry) => [trackedThing(entry.track), entry]));
    const after = new Map<string, Entry>();
    for (const track of tracks) {
      const key = trackKey(track);
      if (track.type !== 'interface' && !after.has(key))
        after.set(key, before.get(key) ?? fresh(key, track, things.get(trackedThing(track)), found.get(key)));
    }
    for (const [key, entry] of before) if (!after.has(key)) entry.watcher?.close();
    entries = after;
    const begun = [...after.values()].filter(({ key }) => !before.has(key));
    const carried = begun.flatMap(({ told }) => told ?? []);
    if (carried.length > 0) ports.changed(carried);
    for (const entry of begun) entry.watcher = ports.watch(entry.track, (finding) => take(entry, finding));
  }

  /** `same`: the same thing, watched in another way up to now. What is known of it holds until more is known. */
  function fresh(key: string, track: Watched, same: Entry | undefined, found: Tracked | undefined): Entry {
    // As a server that the kernel has with a weight.
    const verdict = same?.verdict ?? begin(found?.up === true ? 1 : null, ports.now());
    const told = same?.told === undefined ? found : { ...same.told, key };
    return { key, track, verdict, told, complained: false, watcher: undefined };
  }

  function take(entry: Entry, finding: Finding): void {
    if (entries.get(entry.key) !== entry) return;
    complain(entry, finding);
    const now = ports.now();
    const result = { outcome: finding.outcome, reason: finding.reason, took: milliseconds(0) };
    const { next, change } = step(settingsOf(entry.track), entry.verdict, result, now);
    entry.verdict = next;
    const other = finding.outcome !== 'local-error' && finding.factor !== (entry.told?.factor ?? null);
    if (change === undefined && !other) return;
    entry.told = {
      ...{ key: entry.key, up: next.state === 'up', factor: finding.factor },
      ...{ reason: finding.reason, since: ports.date(now) },
    };
    ports.changed([entry.told]);
  }

  /** Once, until it can be tracked again. */
  function complain(entry: Entry, { trouble, reason }: Finding): void {
    if (trouble && !entry.complained)
      ports.report({
        ...{ kind: 'trouble', severity: 'warning', what: 'tracking' },
        detail: `${describeTrack(entry.track)} ${reason}`,
      });
    entry.complained = trouble;
  }

  return {
    configure,
    close() {
      for (const { watcher } of entries.values()) watcher?.close();
      entries = new Map();
    },
  };
}

/** A thing whose changes are seen, rather than asked for, has no answers to count. */
const settingsOf = (track: Watched): Settings => ({
  ...('rise' in track ? track : { rise: 1, fall: 1 }),
  flapWindow: milliseconds(0),
  latencyTarget: null,
});
