/** Whether enough processes of one name run, and if not, whether for long enough to count. */

import { between, type Instant } from '../../base/time.ts';
import type { ProcessTrack } from '../../config/config.ts';
import { type Clock, down, type Found, unknown, up, type Watcher } from '../watch.ts';
import type { Census } from './census.ts';

export function watchProcess(
  { process: name, count, delay }: ProcessTrack,
  clock: Clock,
  census: Census,
  found: Found,
): Watcher {
  let lackingSince: Instant | undefined;
  return census.watch(name, count, (running) => {
    if (running === undefined) return found(unknown('cannot be looked for: /proc cannot be read'));
    if (running >= count) {
      lackingSince = undefined;
      return found(up(count === 1 ? 'runs' : `runs ${count} times or more`));
    }
    lackingSince ??= clock.now();
    if (between(lackingSince, clock.now()) < delay) return;
    found(down(running === 0 ? 'does not run' : `runs ${running} of ${count} times`));
  });
}
