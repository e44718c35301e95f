/** Names of tracked things: for the program, which watches each once, and for people. */

import { printable } from '../base/printable.ts';
import type { TrackConfig } from './config.ts';

/** One row a kind: what is watched, and how. All of a `TrackConfig` but its weight, which is the router's that tracks it. */
const IDENTITY: { readonly [T in TrackConfig['type']]: Row<Extract<TrackConfig, { type: T }>> } = {
  interface: { what: ['interface', 'address'], how: [] },
  script: { what: ['script', 'user'], how: ['interval', 'timeout', 'rise', 'fall'] },
  file: { what: ['file'], how: [] },
  process: { what: ['process', 'count'], how: ['delay'] },
  service: { what: ['service'], how: [] },
  gateway: { what: ['gateway'], how: ['interval', 'timeout', 'rise', 'fall'] },
};
type Row<T> = {
  readonly what: readonly Exclude<keyof T, 'type' | 'weight'>[];
  readonly how: readonly Exclude<keyof T, 'type' | 'weight'>[];
};

const valuesOf = (track: TrackConfig, names: readonly PropertyKey[]): readonly unknown[] =>
  names.map((name) => (track as Readonly<Record<PropertyKey, unknown>>)[name]);

/** What one watcher serves: the same for routers that track the same thing in the same way, whatever its weight. */
export const trackKey = (track: TrackConfig): string =>
  JSON.stringify([track.type, ...valuesOf(track, [...IDENTITY[track.type].what, ...IDENTITY[track.type].how])]);

/** The thing alone: the same when only how it is watched differs, so that what is known of it still holds. */
export const trackedThing = (track: TrackConfig): string =>
  JSON.stringify([track.type, ...valuesOf(track, IDENTITY[track.type].what)]);

const LONGEST = 80;

/** The beginning of a sentence about it: `interface eth1`, `script /usr/local/bin/check web`, `default gateway`. */
export function describeTrack(track: TrackConfig): string {
  switch (track.type) {
    case 'interface':
      return track.address === null
        ? `interface ${track.interface}`
        : `interface ${track.interface} (${track.address})`;
    case 'script': {
      const command = printable(track.script.join(' ')).trim();
      return `script ${command.length > LONGEST ? `${command.slice(0, LONGEST)}…` : command}`;
    }
    case 'file':
      return `file ${printable(track.file)}`;
    case 'process':
      return `process ${printable(track.process)}`;
    case 'service':
      return `service ${track.service}`;
    case 'gateway':
      return track.gateway === 'default' ? 'default gateway' : `gateway ${track.gateway}`;
  }
}
