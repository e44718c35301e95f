/** Rules of [[vrrp.track]]: that there is what is tracked, and that its weight can matter. */

import { placeOf } from '../base/option.ts';
import type { TrackConfig } from './config.ts';
import { type Draft, type RouterDraft, type Rules, type ServiceDraft, unique } from './rules.ts';
import { sayVrrp } from './say-vrrp.ts';
import { trackName } from './track-name.ts';

type TrackDraft = Draft<TrackConfig>;

export function checkTracks(routers: readonly RouterDraft[], services: readonly ServiceDraft[], rules: Rules): void {
  const names = new Set(services.flatMap(({ name }) => name ?? []));
  for (const router of routers) {
    const { track: tracks = [] } = router;
    unique(tracks, trackName, rules, (track, what, line) => {
      rules.error(placeOf(rules, track), sayVrrp.trackTwice(what, line));
    });
    for (const track of tracks) checkTrack(track, router, names, rules);
    checkWeights(tracks, router.priority, rules);
  }
}

function checkTrack(track: TrackDraft, router: RouterDraft, services: ReadonlySet<string>, rules: Rules): void {
  const at = (name: string) => placeOf(rules, track, name);
  if (track.type === 'interface' && track.interface === router.interface && track.address === null)
    rules.warn(at('interface'), sayVrrp.ownInterface(router.interface ?? ''));
  if (track.type === 'service' && rules.sound && track.service !== undefined && !services.has(track.service))
    rules.error(at('service'), sayVrrp.serviceUnknown(track.service, [...services]));
  if (track.type === 'script' || track.type === 'gateway') {
    const { interval, timeout } = track;
    if (interval !== undefined && timeout !== undefined && timeout > interval)
      rules.warn(at('timeout'), sayVrrp.slowTrack());
  }
}

/** What a tracked thing may add to the priority, at least and at most. */
type Range = readonly [number, number];
/** More than all the other weights of a router together: a file may have any number in it. */
const FAR = 1e9;
function rangeOf({ type, weight }: TrackDraft): Range {
  if (!weight) return [0, 0];
  if (type === 'file') return [-FAR, FAR];
  return weight < 0 ? [weight, 0] : [0, weight];
}

/** The priority stays from 1 to 254 (RFC 9568, 5.2.4), so a weight that only leads out of that never matters. */
function checkWeights(tracks: readonly TrackDraft[], priority: number | undefined, rules: Rules): void {
  if (priority === undefined) return;
  const ranges = tracks.map(rangeOf);
  const least = ranges.reduce((sum, [low]) => sum + low, priority);
  const most = ranges.reduce((sum, [, high]) => sum + high, priority);
  for (const [i, track] of tracks.entries()) {
    const { weight } = track;
    if (weight === undefined || weight === null) continue;
    const at = placeOf(rules, track, 'weight');
    const [low, high] = ranges[i] as Range;
    if (weight === 0) rules.warn(at, sayVrrp.weightNothing());
    else if (priority === 255) rules.warn(at, sayVrrp.weightOfOwner());
    else if ((high === 0 || least >= 254) && (low === 0 || most <= 1))
      rules.warn(at, sayVrrp.weightLost(weight, priority));
  }
}
