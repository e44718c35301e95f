/** How many programs may run at once: each who wants to start one takes a place, and waits for it in turn. */

import type { Duration } from '../../base/time.ts';

export type Places = {
  /** A place, and what gives it back, to be called once; `undefined`: none in `time`, or the signal was aborted. */
  take(time: Duration, signal: AbortSignal): Promise<(() => void) | undefined>;
};

export function createPlaces(most: number): Places {
  const waiting = new Set<() => void>();
  let taken = 0;

  function leave(): void {
    const [next] = waiting;
    if (next === undefined) taken -= 1;
    else next();
  }

  function wait(time: Duration, signal: AbortSignal): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      const end = (place: (() => void) | undefined): void => {
        waiting.delete(enter);
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        resolve(place);
      };
      const enter = (): void => end(leave);
      const giveUp = (): void => end(undefined);
      const timer = setTimeout(giveUp, time);
      signal.addEventListener('abort', giveUp);
      waiting.add(enter);
    });
  }

  return {
    async take(time, signal) {
      if (signal.aborted) return undefined;
      if (taken >= most) return wait(time, signal);
      taken += 1;
      return leave;
    },
  };
}
