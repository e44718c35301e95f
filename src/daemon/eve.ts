/**
 * Notices that a take-over is near: some master has been silent for so long that its time runs out in a few
 * milliseconds. They are used to rehearse, so that the processor has in its caches what is needed then.
 */

import { after, type Duration, type Instant, instant, milliseconds } from '../base/time.ts';

export type EvePorts = {
  readonly now: () => Instant;
  readonly timer: (due: () => void) => { arm(at: Instant): void; disarm(): void; close(): void };
  /** When the next backup becomes master unless it hears something; `undefined`: there is no backup. */
  readonly next: () => Instant | undefined;
  /** Rehearses until then. */
  readonly rehearse: (until: Instant) => Promise<void>;
};

export type Eve = {
  /** There is a backup that was none, or its take-over is nearer than it was. */
  look(): void;
  close(): void;
};

/** Cold, one rehearsal takes up to ten milliseconds on a busy machine, and less than one when it is repeated. */
export const LEAD: Duration = milliseconds(20);
/** Then the real one must find the process idle. */
export const REST: Duration = milliseconds(1);

/** What was rehearsed, or has been done, so lately needs no rehearsal. */
export const FRESH: Duration = milliseconds(200);

/** A master that is heard moves the take-over away again, and is not told of here: the timer looks when it is due. */
export function createEve({ now, timer, next, rehearse }: EvePorts): Eve {
  let busy = false;
  let fresh = instant(Number.NEGATIVE_INFINITY);
  let closed = false;
  const clock = timer(() => void due());

  function look(): void {
    const at = next();
    if (closed || busy) return;
    if (at === undefined) clock.disarm();
    else clock.arm(instant(Math.max(at - LEAD, fresh)));
  }

  async function due(): Promise<void> {
    const at = next();
    if (closed || busy || at === undefined || at > now() + LEAD) return look();
    busy = true;
    await rehearse(instant(at - REST));
    busy = false;
    // Not at once: it would be the same take-over again.
    fresh = after(now(), FRESH);
    look();
  }

  return {
    look,
    close() {
      closed = true;
      clock.close();
    },
  };
}
