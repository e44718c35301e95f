/**
 * The operator's orders that are in force, by a key, and when they end. They are kept in the run directory, so that they
 * outlive the supervisor (and end with the boot).
 *
 * An order ends at a wall-clock time, since that is what its author was told. So the clock is looked at again and again
 * rather than a timer trusted: a step of the clock ends an order at most a second late.
 */

import { isDeepStrictEqual } from 'node:util';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import type { OrderTerms } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { OrderCommon } from '../control/status.ts';

/** By whom or what they are for. */
export type Orders<O> = ReadonlyMap<string, O>;

export type OrderStore<O> = {
  current(): Orders<O>;
  /**
   * Looks through the orders anew, since the config has changed; the first time those of the run before. `trial`: whom the
   * config does not have may be there again soon, so what was ordered of them only rests.
   */
  refresh(trial: boolean): void;
  /** In place of the ones before. */
  give(keys: readonly string[], order: O): void;
  takeBack(keys: readonly string[], by: string): void;
  close(): void;
};

export type OrderTools<O> = {
  /** What `save` was given last, perhaps by a process before this one. */
  readonly load: () => unknown;
  readonly save: (orders: Readonly<Record<string, O>>) => void;
  readonly now: () => Date;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  readonly report: (happening: Happening) => void;
  /** An order has ended by itself. */
  readonly lapsed: () => void;
};

/** What one sort of order has of its own. */
export type OrderRules<O> = {
  /** Whether a saved value, of which `OrderCommon` has been looked at, is such an order. */
  readonly isOrder: (saved: Readonly<Record<string, unknown>>) => boolean;
  /** Whether the config has whom the key names. */
  readonly isThere: (key: string) => boolean;
  /** The orders as they are at `now`. */
  readonly inForce: (orders: Orders<O>, now: Date) => Orders<O>;
  readonly happening: (key: string, order: O, what: 'given' | 'ended', reason: string) => Happening;
};

/** How long a step of the clock may go unnoticed. */
const LOOK_EVERY = seconds(1);

export const isOver = ({ until }: OrderCommon, now: Date): boolean =>
  until !== null && Date.parse(until) <= now.getTime();

/** An order of these terms, given now. */
export const dated = ({ by, reason, lifetime }: OrderTerms, now: Date): OrderCommon => ({
  by,
  reason,
  since: now.toISOString(),
  until: lifetime === null ? null : new Date(now.getTime() + lifetime).toISOString(),
});

export function createOrderStore<O extends OrderCommon>(tools: OrderTools<O>, rules: OrderRules<O>): OrderStore<O> {
  const { load, save, now, later, report, lapsed } = tools;
  const { isThere, inForce, happening } = rules;
  let orders: Orders<O> | undefined;
  let resting: Orders<O> = new Map();
  let looking: { cancel(): void } | undefined;

  const current = (): Orders<O> => orders ?? new Map();

  /** Makes `next` what is in force; `why` an order that is not in it has ended. */
  function set(next: Orders<O>, why: (key: string) => string): boolean {
    const before = current();
    const ended = [...before].filter(([key]) => !next.has(key));
    const given = [...next].filter(([key, order]) => !isDeepStrictEqual(before.get(key), order));
    orders = next;
    lookLater();
    if (ended.length === 0 && given.length === 0) return false;
    keep(next);
    for (const [key, order] of ended) report(happening(key, order, 'ended', why(key)));
    for (const [key, order] of given) report(happening(key, order, 'given', order.reason));
    return true;
  }

  function keep(next: Orders<O>): void {
    try {
      save(Object.fromEntries([...resting, ...next]));
    } catch (error) {
      const detail = `${error instanceof Error ? error.message : String(error)}; a restart of the daemon forgets them`;
      report({ kind: 'trouble', severity: 'error', what: "the operator's orders cannot be kept", detail });
    }
  }

  const why = (key: string): string => (isThere(key) ? 'its time is over' : 'it is no longer in the config');

  function look(): void {
    if (set(inForce(current(), now()), why)) lapsed();
  }

  function lookLater(): void {
    looking?.cancel();
    looking = undefined;
    const ends = [...current().values()].flatMap(({ until }) => (until === null ? [] : Date.parse(until)));
    if (ends.length === 0) return;
    const left = Math.max(1, Math.min(...ends) - now().getTime());
    looking = later(milliseconds(Math.min(LOOK_EVERY, left)), look);
  }

  return {
    current,
    refresh(trial) {
      const all = new Map([...resting, ...(orders ?? ordersIn<O>(load(), rules.isOrder))]);
      resting = new Map([...all].filter(([key]) => trial && !isThere(key)));
      // What was in force before is not given anew.
      orders = new Map([...all].filter(([key]) => !resting.has(key)));
      set(inForce(orders, now()), why);
    },
    give: (keys, order) => void set(new Map([...current(), ...keys.map((key) => [key, order] as const)]), why),
    takeBack: (keys, by) =>
      void set(new Map([...current()].filter(([key]) => !keys.includes(key))), () => `taken back by ${by}`),
    close: () => looking?.cancel(),
  };
}

/** What a file holds, without what is damaged. */
function ordersIn<O>(saved: unknown, isOrder: OrderRules<O>['isOrder']): Orders<O> {
  const entries = typeof saved === 'object' && saved !== null ? Object.entries(saved) : [];
  return new Map(entries.filter((entry): entry is [string, O] => hasTerms(entry[1]) && isOrder(entry[1])));
}

function hasTerms(value: unknown): value is Readonly<Record<string, unknown>> {
  const order = value as Partial<OrderCommon> | null | undefined;
  return (
    typeof order?.by === 'string' &&
    typeof order.reason === 'string' &&
    isTime(order.since) &&
    (order.until === null || isTime(order.until))
  );
}

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
