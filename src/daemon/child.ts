/** What both children share: the conversation with the supervisor, and ending with it. */

import type { Happening } from '../control/event.ts';
import { setParentDeathSignal } from '../system/process.ts';
import type {
  Answer,
  Changes,
  CheckerAnswer,
  CheckerTrouble,
  CheckerVerdicts,
  FromChild,
  ToChild,
  Tracked,
  VrrpAnswer,
} from './messages.ts';
import type { RouterRole } from './roles.ts';

export type Work<Orders> = {
  /** Carries out new orders; settles when they are. Never called again before it has settled. */
  readonly configure: (orders: Orders) => Promise<void>;
  readonly status: () => Promise<VrrpAnswer | CheckerAnswer>;
  /** Why it cannot do its work, from memory: asked often. */
  readonly trouble?: () => CheckerTrouble;
  /** What its checks find, from memory too. */
  readonly verdicts?: () => CheckerVerdicts;
  /** What orders say that holds at once, whatever is still being carried out. */
  readonly note?: (orders: Orders) => void;
  /** Takes what the checker process has found of tracked things. */
  readonly tracked?: (tracked: readonly Tracked[]) => void;
  /** Takes which virtual routers are master here. */
  readonly roles?: (roles: readonly RouterRole[]) => void;
  /** What `configure` with these orders would change in the kernel; `undefined` when that cannot be told. */
  readonly plan: (orders: Orders) => Promise<Changes | undefined>;
  /** Ends cleanly. */
  readonly stop: () => Promise<void>;
  /** What there is to say before this process ends and another one goes on in its place. */
  readonly leave?: () => Promise<void>;
};

/** Tells the supervisor. Lost when it is gone, and so is this process then. */
export const report = (happening: Happening): void => tell({ type: 'happening', happening });
/** As `report`, from the checker process: what it has found of tracked things. */
export const tellTracked = (tracked: readonly Tracked[]): void => tell({ type: 'tracked', tracked });

/** Settles when all that was told has left: a pipe holds some hundred messages, and the rest would end with the process. */
let told: Promise<unknown> = Promise.resolve();

function tell(message: FromChild): void {
  if (process.connected) told = new Promise((left) => process.send?.(message, left));
}

/** Serves the supervisor until it says stop, or is gone: then this process ends at once and leaves the kernel as it is. */
export function serve<Orders>(work: Work<Orders>): void {
  // A signal to the whole process group (Ctrl-C, a closed terminal) is the supervisor's to answer.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  process.on('disconnect', () => process.exit(0));
  setParentDeathSignal('SIGKILL');

  let queue: Promise<void> = Promise.resolve();
  let stopping = false;
  process.on('message', (message: ToChild<Orders>) => {
    switch (message.type) {
      case 'configure':
        if (stopping) return;
        work.note?.(message.orders);
        queue = queue.then(() => work.configure(message.orders)).then(() => tell({ type: 'ready' }));
        return;
      case 'tracked':
        return work.tracked?.(message.tracked);
      case 'roles':
        return work.roles?.(message.roles);
      case 'ping':
        return tell({ type: 'pong' });
      case 'request':
        return void answer(message);
      case 'leave':
        stopping = true;
        return void Promise.resolve(work.leave?.())
          .then(() => told)
          .finally(() => process.exit(0));
      case 'stop':
        stopping = true;
        // Not behind a slow `configure`: handing over comes first. And once more behind it, for what it began meanwhile.
        return void work
          .stop()
          .then(() => queue)
          .then(work.stop)
          .then(() => told)
          .finally(() => process.exit(0));
    }
  });

  async function answer(message: Extract<ToChild<Orders>, { type: 'request' }>): Promise<void> {
    tell({ type: 'answer', id: message.id, value: await answerTo(message) });
  }

  async function answerTo({ what, orders }: Extract<ToChild<Orders>, { type: 'request' }>): Promise<Answer> {
    if (what === 'trouble') return work.trouble?.();
    if (what === 'verdicts') return work.verdicts?.();
    return orders === undefined ? work.status() : work.plan(orders);
  }
}
