/**
 * Sees to it that no role is left lying: what a vrrp process that is dead, or that ends, neither gave up nor can leave to a
 * successor in time is handed over in its place (`handover.ts`).
 */

import { after, type Instant, milliseconds, seconds } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import type { Happening } from '../control/event.ts';
import { now } from '../system/clock.ts';
import { ALL, type Due, handOver, handoverDue, overdue, tooLate } from './handover.ts';
import { RESTART_TAKES } from './restart-takes.ts';

export type RoleMinder = {
  /** The vrrp process has died: router by router, what is not resumed when its time comes is handed over. */
  died(): void;
  /** This is the start. What was left as master may be resumed to the last moment, so nobody is hurried. */
  begin(): void;
  /** No process comes any more. */
  giveUp(): Promise<void>;
  /** Another supervisor comes in a moment. */
  leave(): Promise<void>;
  close(): void;
};

export type RoleMinderPorts = {
  readonly runDir: () => string;
  readonly routers: () => readonly VrrpConfig[];
  /** Whether the vrrp process is in service. */
  readonly ready: () => boolean;
  readonly report: (happening: Happening) => void;
};

/** Members of a group became master at once, so they are due nearly at once, and are handed over at once. */
const TOGETHER = milliseconds(50);
/** How long a first vrrp process may take to be ready before its role is handed over in its place. */
const START_WITHIN = seconds(5);

export function createRoleMinder({ runDir, routers, ready, report }: RoleMinderPorts): RoleMinder {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const give = (due: Due | typeof ALL): Promise<void> => handOver(runDir(), routers(), due, report);

  /** One that is coming back may have resumed the first of many already, and one with a long interval has longer. */
  function mind(since?: Instant): void {
    clearTimeout(timer);
    const due = handoverDue(runDir(), routers(), since);
    if (due === undefined || closed) return;
    timer = setTimeout(
      async () => {
        if (ready()) return;
        const at = after(now(), TOGETHER);
        await give(overdue(at));
        // What could not be written down is not handed over again and again.
        mind(at);
      },
      Math.max(0, due - now()),
    );
  }

  return {
    died: () => mind(),
    begin() {
      timer = setTimeout(mind, START_WITHIN);
    },
    giveUp: () => give(ALL),
    leave: () => give(tooLate(after(now(), RESTART_TAKES))),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
