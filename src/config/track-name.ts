/** What a tracked thing is called. */

import { unreachable } from '../base/invariant.ts';
import type { TrackConfig } from './config.ts';

/** A tracked thing of which some values may be missing. */
type TrackDraft = TrackConfig extends infer T
  ? T extends unknown
    ? { readonly [K in keyof T]?: T[K] }
    : never
  : never;

/** What is tracked, in words: `interface eth1`; no two of a router have the same. `undefined`: it could not be read. */
export function trackName(track: TrackDraft): string | undefined {
  switch (track.type) {
    case 'interface':
      return track.interface && `interface ${track.interface}${track.address ? ` with ${track.address}` : ''}`;
    case 'script':
      return track.script && `script ${track.script.join(' ')}`;
    case 'file':
      return track.file && `file ${track.file}`;
    case 'process':
      return track.process && `process ${track.process}`;
    case 'service':
      return track.service && `service ${track.service}`;
    case 'gateway':
      return track.gateway && `gateway ${track.gateway}`;
    case undefined:
      return undefined;
    default:
      return unreachable(track);
  }
}
