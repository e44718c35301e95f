/**
 * The supervisor's children: which they are, with what flags they run, and what happens when one dies.
 *
 * Three processes, because each must survive the others. A child that dies is started again at once the first time and
 * with growing pauses after that; the others are not told. A child ends by itself when the supervisor is gone.
 *
 * Node needs a few hundred milliseconds to start, several seconds on a machine in trouble, and a master that is silent
 * for three intervals has lost its role. So a second vrrp process stands by, loaded and idle, and takes over from the
 * first within milliseconds of its death.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Duration, formatDuration, milliseconds, seconds } from '../base/time.ts';
import type { Happening } from '../control/event.ts';
import type { ProcessStatus } from '../control/status.ts';
import type { FromChild, Question, ToChild, Tracked } from './messages.ts';

export type ChildName = 'vrrp' | 'checker';

/**
 * Runtime flags, by measurement: with V8's helper threads left at normal priority, a process under SCHED_FIFO waits for
 * its own garbage collector for 140 ms under load; `--single-threaded` and a small young generation bring that to 2 ms.
 * The linear-time regular expression engine keeps a body pattern of a health check from stalling the checker.
 */
const FLAGS: Readonly<Record<ChildName, readonly string[]>> = {
  vrrp: ['--single-threaded', '--max-semi-space-size=1'],
  checker: ['--max-semi-space-size=1', '--enable-experimental-regexp-engine'],
};

/** Which children have another of their kind standing by. It costs some 10 MiB of memory. */
const STANDBY: Readonly<Record<ChildName, boolean>> = { vrrp: true, checker: false };
/** How long after a child is ready its stand-by is started, so that the two do not compete for the processor. */
const STANDBY_AFTER: Duration = seconds(1);

/** A child that ran this long had no trouble starting, so its next death starts the pauses anew. */
const STEADY: Duration = seconds(60);
const LONGEST_PAUSE: Duration = seconds(5);
/** One that stands by and dies is started again after 1 s, 2 s, 4 s, … 1 min. */
const LONGEST_STANDBY_PAUSE: Duration = seconds(60);

/** The pause before the `n`-th start in a row that did not last (0 for the first): none, 100 ms, 200 ms, … 5 s. */
export const restartPause = (n: number): Duration =>
  milliseconds(n === 0 ? 0 : Math.min(LONGEST_PAUSE, 100 * 2 ** Math.min(n - 1, 16)));

/** A child is asked so often whether it is there, and killed when it has not answered so many times in a row. */
const PING_EVERY: Duration = seconds(1);
const MOST_UNANSWERED = 10;

export type Child<Orders, Answers> = {
  readonly name: ChildName;
  /**
   * Starts it when it does not run; tells it what to do either way, now and after every restart, as it is then. `fresh`: to a
   * process that has been told nothing yet.
   */
  configure(orders: (fresh: boolean) => Orders): void;
  /** Says something to the one that runs; one that comes after it has its orders. */
  tell(message: Extract<ToChild<Orders>, { type: 'tracked' | 'roles' }>): void;
  /** Asks and waits; `undefined` when the child is dead or does not answer within `within`. */
  ask<K extends keyof Answers>(what: K, within: Duration, orders?: Orders): Promise<Answers[K] | undefined>;
  /** Lets it end cleanly; kills it when it has not ended within `within`. */
  stop(within: Duration): Promise<void>;
  /** Lets it end and leave the kernel as it is, for its successor; kills it likewise. */
  leave(within: Duration): Promise<void>;
  status(): ProcessStatus | undefined;
};

export function createChild<Orders, Answers extends Partial<Record<Question, unknown>>>(
  name: ChildName,
  report: (happening: Happening) => void,
  tracked: (tracked: readonly Tracked[]) => void = () => {},
  launch: (name: ChildName) => ChildProcess = forkChild,
): Child<Orders, Answers> {
  let orders: ((fresh: boolean) => Orders) | undefined;
  let running: ChildProcess | undefined;
  let standby: ChildProcess | undefined;
  let state: ProcessStatus['state'] = 'dead';
  let started = new Date();
  let restarts = 0;
  let shortLived = 0;
  /** How many that stood by have died since the one that runs was ready. */
  let standbyLost = 0;
  let stopping = false;
  let lastId = 0;
  let pause: NodeJS.Timeout | undefined;
  let standbyLater: NodeJS.Timeout | undefined;
  const waiting = new Map<number, (value: unknown) => void>();
  let pings: NodeJS.Timeout | undefined;
  let unanswered = 0;

  function start(): void {
    pause = undefined;
    state = 'starting';
    started = new Date();
    const stoodBy = standby !== undefined;
    running = standby ?? forkOne();
    standby = undefined;
    if (running === undefined) return startAgain();
    if (orders !== undefined) send({ type: 'configure', orders: orders(true) });
    const how = stoodBy ? ', which stood by' : '';
    report({ kind: 'process', process: name, what: 'started', detail: `pid ${running.pid}${how}` });
  }

  /**
   * A process that hangs is as good as dead, and must make room for one that is not. It is counted by questions rather than
   * by time, so that a machine that stood still as a whole kills nobody.
   */
  function watch(child: ChildProcess): void {
    clearInterval(pings);
    unanswered = 0;
    pings = setInterval(() => {
      if (child !== running || stopping) return clearInterval(pings);
      if (unanswered >= MOST_UNANSWERED) {
        clearInterval(pings);
        const detail = `it has not answered ${unanswered} times in a row, ${formatDuration(PING_EVERY)} apart; it is killed and started again`;
        report({ kind: 'trouble', severity: 'error', what: `the ${name} process hangs`, detail });
        child.kill('SIGKILL');
        return;
      }
      unanswered += 1;
      send({ type: 'ping' });
    }, PING_EVERY);
    pings.unref();
  }

  /** `undefined` where the machine has no process to give; it was reported then. */
  function forkOne(): ChildProcess | undefined {
    const failed = (error: unknown): void => {
      const detail = `it could not be started: ${error instanceof Error ? error.message : String(error)}`;
      report({ kind: 'trouble', severity: 'error', what: `the ${name} process`, detail });
    };
    try {
      const child = launch(name);
      // One that never ran has no pid, tells so by this event, and never exits.
      if (child.pid === undefined) {
        child.once('error', failed);
        return undefined;
      }
      child.on('error', failed);
      child.on('message', (message) => onMessage(child, message as FromChild));
      child.once('exit', (code, signal) => onExit(child, code, signal));
      return child;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  /** After a start that failed altogether. */
  function startAgain(): void {
    state = 'dead';
    shortLived += 1;
    if (!stopping) pause = setTimeout(start, restartPause(shortLived));
  }

  function haveStandby(wait: Duration = STANDBY_AFTER): void {
    if (!STANDBY[name] || stopping) return;
    clearTimeout(standbyLater);
    standbyLater = setTimeout(() => {
      // One that is not ready has its own when it is, and not before: what keeps it from starting would keep that one too.
      if (state === 'ready') standby ??= forkOne();
    }, wait);
  }

  /** The role does not depend on it, yet the next death of the one that runs would cost more: people should know. */
  function lostStandby(code: number | null, signal: NodeJS.Signals | null): void {
    if (stopping) return;
    standbyLost += 1;
    const wait = milliseconds(Math.min(LONGEST_STANDBY_PAUSE, STANDBY_AFTER * 2 ** Math.min(standbyLost - 1, 16)));
    const detail = `it ended (${howEnded(code, signal)}); it is started again in ${formatDuration(wait)}`;
    report({ kind: 'trouble', severity: 'warning', what: `no ${name} process stands by`, detail });
    haveStandby(wait);
  }

  function onMessage(child: ChildProcess, message: FromChild): void {
    if (message.type === 'happening') return report(message.happening);
    // The last words of one that has died may come after its exit, and say nothing of its successor.
    if (child !== running) return;
    if (message.type === 'tracked') return tracked(message.tracked);
    if (message.type === 'pong') {
      unanswered = 0;
      return;
    }
    if (message.type === 'ready') {
      if (state === 'starting') {
        state = 'ready';
        const took = formatDuration(milliseconds(Date.now() - started.getTime()));
        report({ kind: 'process', process: name, what: 'ready', detail: `after ${took}` });
        standbyLost = 0;
        watch(child);
        haveStandby();
      }
      return;
    }
    waiting.get(message.id)?.(message.value);
  }

  function onExit(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (standby === child) {
      standby = undefined;
      return lostStandby(code, signal);
    }
    if (running !== child) return;
    running = undefined;
    state = 'dead';
    for (const settle of waiting.values()) settle(undefined);
    if (stopping) return;
    const lived = milliseconds(Date.now() - started.getTime());
    shortLived = lived > STEADY ? 0 : shortLived;
    const wait = restartPause(shortLived);
    shortLived += 1;
    restarts += 1;
    const how = howEnded(code, signal);
    const again = wait === 0 ? 'at once' : `in ${formatDuration(wait)}`;
    const detail = `${how} after ${formatDuration(lived)}; it is started again ${again}`;
    report({ kind: 'process', process: name, what: 'died', detail });
    if (wait === 0) start();
    else pause = setTimeout(start, wait);
  }

  function send(message: ToChild<Orders>): void {
    // A child that is dying has no channel any more; its exit is told apart from this.
    if (running?.connected) running.send(message, () => {});
  }

  async function end(how: 'stop' | 'leave', within: Duration): Promise<void> {
    stopping = true;
    clearInterval(pings);
    clearTimeout(pause);
    clearTimeout(standbyLater);
    standby?.kill('SIGKILL');
    const child = running;
    if (child === undefined) return;
    state = 'stopping';
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    send({ type: how });
    const deadline = setTimeout(() => child.kill('SIGKILL'), within);
    await exited;
    clearTimeout(deadline);
  }

  return {
    name,
    configure(next) {
      if (stopping) return;
      orders = next;
      if (running === undefined && pause === undefined) start();
      else send({ type: 'configure', orders: next(false) });
    },
    tell: send,
    async ask(what, within, forOrders) {
      if (running === undefined || state !== 'ready') return undefined;
      const id = ++lastId;
      const { promise, resolve } = Promise.withResolvers<unknown>();
      waiting.set(id, resolve);
      const deadline = setTimeout(resolve, within, undefined);
      const more = forOrders === undefined ? {} : { orders: forOrders };
      send({ type: 'request', id, what: what as Question, ...more });
      const answer = await promise;
      clearTimeout(deadline);
      waiting.delete(id);
      return answer as Answers[typeof what] | undefined;
    },
    stop: (within) => end('stop', within),
    leave: (within) => end('leave', within),
    status() {
      if (orders === undefined) return undefined;
      return { name, pid: running?.pid ?? null, state, started: started.toISOString(), restarts };
    },
  };
}

const howEnded = (code: number | null, signal: NodeJS.Signals | null): string => signal ?? `exit code ${code}`;

const forkChild = (name: ChildName): ChildProcess =>
  fork(entryOf(name), [], {
    execArgv: [...FLAGS[name]],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

/** The file a child runs: TypeScript in a checkout, JavaScript in what `npm run build` makes. */
function entryOf(name: ChildName): string {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`./${name}${extension}`, import.meta.url));
}
