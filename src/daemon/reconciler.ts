/**
 * Keeps the kernel's IPVS table as it should be: read it, plan, apply, as often as somebody asks and once in a while.
 *
 * A round is about all of the table, or about some services alone, where it is known that only they have changed: one
 * verdict costs what its service costs, not what the table does. One round runs at a time; requests that come meanwhile
 * are answered by one more round. Which services are ours is written down before the kernel has them, so that no crash
 * leaves one that nobody knows to be ours.
 */

import type { Result } from '../base/result.ts';
import { type Duration, formatDuration, seconds } from '../base/time.ts';
import type { PlannedChange } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import { bareServices, breaks, describe, drains, plan, SIGN, serviceOf, takesAway } from '../ipvs/plan.ts';
import { destinationKey, type Operation, type Service, type ServiceId, serviceKey, type Table } from '../ipvs/table.ts';
import type { Ipvs } from '../system/ipvs.ts';

/** `Part`: what can be looked at alone, a configured service. */
export type ReconcilerPorts<Part> = {
  readonly open: () => Promise<Result<Ipvs, { readonly message: string }>>;
  /**
   * What the table should be, given what it is, and which of its services are ours. `parts`: it is asked for these
   * alone, and `actual` has no others; `undefined`: for all of it.
   */
  readonly desired: (actual: Table, owned: ReadonlySet<string>, parts: readonly Part[] | undefined) => Table;
  /** The services of the kernel that a part is made of. */
  readonly idsOf: (part: Part) => readonly ServiceId[];
  /** Whether nothing at all is wanted any more, so that which services there are is all that need be read. */
  readonly ending?: () => boolean;
  /**
   * Services that nobody has asked for, each of one server: of what becomes of them little is said, and as long as they are
   * there their servers are not read again. By default there are none.
   */
  readonly isHidden?: (id: ServiceId) => boolean;
  readonly owned: { load(): ReadonlySet<string>; save(owned: ReadonlySet<string>): void };
  readonly report: (happening: Happening) => void;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
};

export type Reconciler<Part> = {
  /**
   * Settles when a round that began after this call has ended, well or not. `before` is given the table as that round
   * has read it (empty when it could not be read), before it asks what is desired.
   */
  request(before?: (actual: Table) => void): Promise<void>;
  /** As `request`, where nothing but these parts can have changed: no other is read or compared. */
  look(parts: readonly Part[]): Promise<void>;
  /** As `request`, when there is a sign that a hidden service is not as it was left. */
  suspect(): Promise<void>;
  /** Reads the kernel's table; on failure the one read before stays. */
  read(): Promise<void>;
  /** Why the kernel's table could not be read the last time; `null` when it could. */
  trouble(): string | null;
  /** The table as it was read last; empty before the first time. */
  table(): Table;
  /** What `desired` would change now; `undefined` when the kernel cannot be read. Changes nothing. */
  preview(desired: (actual: Table, owned: ReadonlySet<string>) => Table): Promise<readonly PlannedChange[] | undefined>;
  close(): void;
};

/** How often the table is compared though nothing of ours has changed. */
const EVERY: Duration = seconds(30);
/** How soon a round is tried again when the kernel could not be read or refused something. */
const RETRY_AFTER: Duration = seconds(5);
/** When what was changed is read back, to see whether the kernel has made of it what was asked. */
const READ_BACK_AFTER: Duration = seconds(1);
/** How often the same refusal is reported. */
const REPEAT_AFTER = seconds(60);

/** What a round is about, by `serviceKey`; `undefined`: all of the table. */
type Scope<Part> = { readonly parts: readonly Part[]; readonly ids: ReadonlyMap<string, ServiceId> } | undefined;

export function createReconciler<Part>(ports: ReconcilerPorts<Part>): Reconciler<Part> {
  let ipvs: Ipvs | undefined;
  let actual: Map<string, Service> = new Map();
  /** What the last good rounds made of the table; what differs from it now was changed by somebody else. */
  let settled: Map<string, Service> | undefined;
  let owned: ReadonlySet<string> | undefined;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let timer: { cancel(): void } | undefined;
  /** Hidden services that are there are taken to be as they were left. */
  let trusting = true;
  /** The timer is for a round after one that failed. */
  let retrying = false;
  let closed = false;
  const complaints = new Map<string, number>();
  let unsaved = false;
  let trouble: string | null = null;
  /** What the next round is about, and who is told of the table that it reads. */
  let parts = new Set<Part>();
  let whole = false;
  let waiting: ((actual: Table) => void)[] = [];
  /** What is to be read back; a change that this leads to is not read back again, lest the two never end. */
  let changed: { readonly parts: Set<Part>; whole: boolean; readonly timer: { cancel(): void } } | undefined;
  let readingBack = false;

  async function round(): Promise<void> {
    const scope = whole || settled === undefined ? undefined : scopeOf([...parts]);
    const told = waiting;
    [parts, whole, waiting] = [new Set(), false, []];
    const again = readingBack;
    readingBack = false;
    if (told.length > 0) forgetChanged();
    if (scope === undefined) timer?.cancel();
    const good = await attempt(scope, told, again ? () => {} : () => readBackLater(scope));
    // Rounds about a part, as often as they may be, do not put off the one about all.
    if (closed || (scope !== undefined && (good || retrying))) return;
    retrying = !good;
    timer?.cancel();
    timer = ports.later(good ? EVERY : RETRY_AFTER, () => void request());
  }

  const scopeOf = (some: readonly Part[]): Scope<Part> => ({
    parts: some,
    ids: new Map(some.flatMap((part) => ports.idsOf(part).map((id) => [serviceKey(id), id]))),
  });

  function readBackLater(scope: Scope<Part>): void {
    if (closed) return;
    changed ??= { parts: new Set(), whole: false, timer: ports.later(READ_BACK_AFTER, readBack) };
    changed.whole ||= scope === undefined;
    for (const part of scope?.parts ?? []) changed.parts.add(part);
  }

  function readBack(): void {
    if (changed === undefined) return;
    readingBack = true;
    if (changed.whole) whole = true;
    for (const part of changed.parts) parts.add(part);
    changed = undefined;
    void nextRound();
  }

  /** Parts of the config before are not to be looked at any more. */
  function forgetChanged(): void {
    changed?.timer.cancel();
    changed = undefined;
  }

  /** `made`: is called when something was changed. */
  async function attempt(
    scope: Scope<Part>,
    told: readonly ((actual: Table) => void)[],
    made: () => void,
  ): Promise<boolean> {
    const read = await readKernel(scope);
    for (const before of told) before(actual);
    // Parts that were named while it was read are what the config was made of before.
    if (told.length > 0 && parts.size > 0) whole = true;
    if (read === undefined) return false;
    const { kernel, seen } = read;
    // Somebody else was here: who knows what else he changed.
    if (scope !== undefined && settled !== undefined && !isAsBefore(settled, seen, scope)) void request();
    const wanted = ports.desired(seen, ours(), scope?.parts);
    ownAlso(wanted.keys());
    const operations = plan(seen, wanted, ours());
    const drifted = operations.length > 0 && settled !== undefined && isAsBefore(settled, wanted, scope);
    const missed = await notCarriedOut(kernel, operations, wanted);
    if (drifted) reportDrift(operations);
    // Every other change was acknowledged, so the kernel has what was wanted, as will be seen when it is read back.
    if (operations.length > 0) {
      for (const [key, service] of wanted) if (!missed.has(key)) actual.set(key, service);
      made();
    }
    settle(scope, wanted, missed);
    return missed.size === 0;
  }

  /**
   * The services, by `serviceKey`, of which a change was refused. What takes away waits for what adds: a service is not to
   * lose its servers for others that are refused.
   */
  async function notCarriedOut(
    kernel: Ipvs,
    operations: readonly Operation[],
    wanted: Table,
  ): Promise<ReadonlySet<string>> {
    const adding = operations.filter((operation) => !takesAway(operation));
    const refused = adding.length === 0 ? [] : await refusedOf(kernel, adding);
    const bare = bareServices(wanted, refused);
    const taking = operations.filter((one) => takesAway(one) && !bare.has(serviceKey(serviceOf(one))));
    const more = taking.length === 0 ? [] : await refusedOf(kernel, taking);
    return new Set([...refused, ...more].map((operation) => serviceKey(serviceOf(operation))));
  }

  const isHidden = (operation: Operation): boolean => ports.isHidden?.(serviceOf(operation)) === true;

  function reportDrift(operations: readonly Operation[]): void {
    const shown = operations.filter((operation) => !isHidden(operation));
    for (const operation of shown) ports.report(driftOf(describe(operation)));
    const hidden = operations.length - shown.length;
    if (hidden > 0) ports.report(driftOf(`services of probes: ${hidden} changes`));
  }

  /** Makes the changes, and gives those that the kernel refused. */
  async function refusedOf(kernel: Ipvs, operations: readonly Operation[]): Promise<readonly Operation[]> {
    const answers = await kernel.apply(operations);
    return operations.filter((operation, i) => {
      const answer = answers[i];
      if (answer?.ok === false) complain(describe(operation), answer.error.message);
      return answer?.ok === false;
    });
  }

  /** But for those `missed` the kernel has what is wanted, and what it no longer has is no longer ours. */
  function settle(scope: Scope<Part>, wanted: Table, missed: ReadonlySet<string>): void {
    settled ??= new Map();
    const about = scope === undefined ? new Set([...ours(), ...settled.keys()]) : scope.ids.keys();
    const keys = [...about].filter((key) => !missed.has(key));
    const gone = new Set(keys.filter((key) => !wanted.has(key) && ours().has(key)));
    if (gone.size > 0) own(new Set([...ours()].filter((key) => !gone.has(key))));
    copy(wanted, settled, keys);
  }

  async function readKernel(scope: Scope<Part>): Promise<{ readonly kernel: Ipvs; readonly seen: Table } | undefined> {
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
    const read = await (ports.ending?.()
      ? kernel.services()
      : kernel.read(scope && [...scope.ids.values()], trusting ? asLeft : undefined));
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
    if (scope === undefined) {
      trusting = true;
      actual = new Map(read.value);
    } else copy(read.value, actual, scope.ids.keys());
    trouble = null;
    return { kernel, seen: read.value };
  }

  const asLeft = (id: ServiceId): Service['destinations'] | undefined =>
    ports.isHidden?.(id) === true ? settled?.get(serviceKey(id))?.destinations : undefined;

  const ours = (): ReadonlySet<string> => {
    owned ??= ports.owned.load();
    return owned;
  };

  function ownAlso(keys: Iterable<string>): void {
    const more = [...keys].filter((key) => !ours().has(key));
    if (more.length > 0 || unsaved) own(new Set([...ours(), ...more]));
  }

  function own(next: ReadonlySet<string>): void {
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
    if (before !== undefined) waiting.push(before);
    whole = true;
    return nextRound();
  }

  function nextRound(): Promise<void> {
    if (closed) return Promise.resolve();
    if (running === undefined) {
      running = round().finally(() => {
        running = undefined;
      });
      return running;
    }
    next ??= running.then(() => {
      next = undefined;
      return nextRound();
    });
    return next;
  }

  return {
    request,
    look(some) {
      for (const part of some) parts.add(part);
      return nextRound();
    },
    suspect() {
      trusting = false;
      return request();
    },
    read: async () => void (await readKernel(undefined)),
    trouble: () => trouble,
    table: () => actual,
    async preview(desired) {
      const read = await readKernel(undefined);
      if (read === undefined) return undefined;
      const wanted = desired(read.seen, ours());
      const operations = plan(read.seen, wanted, new Set([...ours(), ...wanted.keys()]));
      return operations.filter((operation) => !isHidden(operation)).map(changeOf);
    },
    close() {
      closed = true;
      timer?.cancel();
      forgetChanged();
      // It may be called again, behind what was under way the first time.
      ipvs?.close();
      ipvs = undefined;
    },
  };
}

/** Whether of these services the same is there, or wanted, as was made the last time. */
function isAsBefore(before: Table, now: Table, scope: Scope<unknown>): boolean {
  const there = scope === undefined ? before : copy(before, new Map(), scope.ids.keys());
  return plan(there, now, new Set(there.keys())).length === 0;
}

/** Makes `to` have of these services what `from` has. */
function copy(from: Table, to: Map<string, Service>, keys: Iterable<string>): Table {
  for (const key of keys) {
    const service = from.get(key);
    if (service === undefined) to.delete(key);
    else to.set(key, service);
  }
  return to;
}

export const changeOf = (operation: Operation): PlannedChange => ({
  part: 'ipvs',
  sign: SIGN[operation.op],
  what: describe(operation),
  breaks: breaks(operation),
  drains: drains(operation),
  notes: [],
  service: serviceKey(serviceOf(operation)),
  ...('destination' in operation && { server: destinationKey(operation.destination) }),
});

const driftOf = (detail: string): Happening => ({ kind: 'drift', object: 'the IPVS table', detail });
