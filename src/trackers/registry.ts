/** Every kind of tracked thing, and what watches it. A new kind is a folder beside this file and a line here. */

import { unreachable } from '../base/invariant.ts';
import { watchFile } from './file/watch.ts';
import { type GatewayTools, watchGateway } from './gateway/watch.ts';
import { createCensus } from './process/census.ts';
import { watchProcess } from './process/watch.ts';
import { watchScript } from './script/watch.ts';
import type { ServiceBoard } from './service/board.ts';
import type { Clock, Found, Watched, Watcher } from './watch.ts';

export type TrackerTools = {
  readonly clock: Clock;
  readonly gateway: GatewayTools;
  readonly services: ServiceBoard;
};

/** What begins to watch one thing, and tells what is found until the watcher is closed. */
export function createTrackers({ clock, gateway, services }: TrackerTools): (track: Watched, found: Found) => Watcher {
  const census = createCensus(clock);
  return (track, found) => {
    switch (track.type) {
      case 'script':
        return watchScript(track, clock, found);
      case 'file':
        return watchFile(track, clock, found);
      case 'process':
        return watchProcess(track, clock, census, found);
      case 'service':
        return services.watch(track.service, found);
      case 'gateway':
        return watchGateway(track, clock, gateway, found);
      default:
        return unreachable(track);
    }
  };
}
