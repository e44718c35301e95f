/**
 * Keeps the kernel's IPVS table as it should be: read it, plan, apply, as often as somebody asks and once in a while.
 *
 * One round runs at a time; requests that come meanwhile are answered by one more round. Which services are ours is
 * written down before the kernel has them, so that no crash leaves one that nobody knows to be ours.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Result } from '../base/result.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import { breaks, describe, plan, SIGN } from '../ipvs/plan.ts';
import type { Operation, Table } from '../ipvs/table.ts';
import type { Ipvs } from '../system/ipvs.ts';

export type ReconcilerPorts = {
  readonly open: () => Promise<Result<Ipvs, { readonly message: string }>>;
  /** What the table should be, given what it is, and which of its services are ours. */
  readonly desired: (actual: Table, owned: ReadonlySet<string>) => Table;
  readonly owned: { load(): ReadonlySet<string>; save(owned: ReadonlySet<string>): void };
  readonly report: (happening: Happening) => void;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
};

export type Reconciler = {
  /**
   * Settles when a round that began after this call has ended, well or not. `before` is given the table as that round
   * has read it (empty when it could not be read), before it asks what is desired.
   */
  request(before?: (actual: Table) => void): Promise<void>;
  /** Reads the kernel's table; on failure the one read before stays. */
  read(): Promise<void>;
  /** Why the kernel's table could not be read the last time; `null` when it could. */
  trouble(): string | null;
  /** The table as it was read last; empty before the first time. */
  table(): Table;
  /** What `desired` would change now; `undefined` when the kernel cannot be read. Changes nothing. */
  preview(desired: ReconcilerPorts['desired']): Promise<readonly PlannedChange[] | undefined>;
  close(): void;
};

/** How often the table is compared though nothing of ours has changed. */
const EVERY: Duration = seconds(30);
/** How soon a round is tried again when the kernel could not be read or refused something. */
const RETRY_AFTER: Duration = seconds(5);
/** How often the same refusal is reported. */
const REPEAT_AFTER = seconds(60);

export function createReconciler(ports: ReconcilerPorts): Reconciler {
  let ipvs: Ipvs | undefined;
  let actual: Table = new Map();
  /** What the last good round made of the table; what differs from it now was changed by somebody else. */
  let settled: Table | undefined;
  let owned: ReadonlySet<string> | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let timer: { cancel(): void } | undefined;
  let closed = false;
  const complaints = new Map<string, number>();
  let unsaved = false;
  let trouble: string | null = null;
  let waiting: ((actual: Table) => void)[] = [];

  async function round(): Promise<void> {
    timer?.cancel();
    const good = await attempt();
    if (!closed) timer = ports.later(good ? EVERY : RETRY_AFTER, () => void request());
  }

  async function attempt(): Promise<boolean> {
    const told = waiting;
    waiting = [];
    const kernel = await kernelTable();
    for (const before of told) before(actual);
    if (kernel === undefined) return false;
    const wanted = ports.desired(actual, ours());
    const mine = new Set([...ours(), ...wanted.keys()]);
    own(mine);
    const operations = plan(actual, wanted, mine);
    if (operations.length === 0) {
      own(new Set(wanted.keys()));
      settled = wanted;
      return true;
    }
    const drifted = settled !== undefined && isDeepStrictEqual(settled, wanted);
    const answers = await kernel.apply(operations);
    const refused = operations.filter((operation, i) => {
      const answer = answers[i];
      if (answer?.ok !== false) return false;
      complain(describe(operation), answer.error.message);
      return true;
    });
    if (drifted) for (const operation of operations) ports.report(driftOf(operation));
    if (refused.length > 0) return false;
    // Every change was acknowledged, so the kernel has what was wanted; the next round reads it again.
    actual = new Map([...actual, ...wanted]);
    own(new Set(wanted.keys()));
    settled = wanted;
    return true;
  }

  async function kernelTable(): Promise<Ipvs | undefined> {
    if (ipvs === undefined) {
      const opened = await ports.open();
      if (!opened.ok) {
        trouble = opened.error.message;
        complain('IPVS', trouble);
        return undefined;
      }
      ipvs = opened.value;
    }
    const kernel = ipvs;
    const read = await kernel.read();
    if (!read.ok) {
      trouble = read.error.message;
      complain('the IPVS table', trouble);
      // The module may have been loaded anew, and then answers to another number.
      if (ipvs === kernel) {
        kernel.close();
        ipvs = undefined;
      }
      return undefined;
    }
    actual = read.value;
    trouble = null;
    return kernel;
  }

  const ours = (): ReadonlySet<string> => {
    owned ??= ports.owned.load();
    return owned;
  };

  function own(next: ReadonlySet<string>): void {
    const before = ours();
    if (!unsaved && next.size === before.size && [...next].every((key) => before.has(key))) return;
    owned = next;
    try {
      ports.owned.save(next);
      unsaved = false;
    } catch (error) {
      unsaved = true;
      complain('which IPVS services are ours is not written down', String(error));
    }
  }

  function complain(what: string, detail: string): void {
    const now = performance.now();
    const last = complaints.get(what + detail);
    if (last !== undefined && now - last < REPEAT_AFTER) return;
    complaints.set(what + detail, now);
    const again = `${detail}; tried again every ${formatDuration(RETRY_AFTER)}`;
    ports.report({ kind: 'trouble', severity: 'error', what, detail: again });
  }

  function request(before?: (actual: Table) => void): Promise<void> {
    if (closed) return Promise.resolve();
    if (before !== undefined) waiting.push(before);
    if (running === undefined) {
      running = round().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running.then(() => {
      next = undefined;
      return request();
    });
    return next;
  }

  return {
    request,
    read: async () => void (await kernelTable()),
    trouble: () => trouble,
    table: () => actual,
    async preview(desired) {
      if ((await kernelTable()) === undefined) return undefined;
      const wanted = desired(actual, ours());
      return plan(actual, wanted, new Set([...ours(), ...wanted.keys()])).map(changeOf);
    },
    close() {
      closed = true;
      timer?.cancel();
      // It may be called again, behind what was under way the first time.
      ipvs?.close();
      ipvs = undefined;
    },
  };
}

export const changeOf = (operation: Operation): PlannedChange => ({
  sign: SIGN[operation.op],
  what: describe(operation),
  breaks: breaks(operation),
});

const driftOf = (operation: Operation): Happening => ({
  kind: 'drift',
  object: 'the IPVS table',
  detail: describe(operation),
});
