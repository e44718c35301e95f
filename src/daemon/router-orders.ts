/**
 * The operator's orders to virtual routers: which are in force, and when they end. They are kept in the run directory, so
 * that they outlive the supervisor (and end with the boot); members of a sync group always have the same one.
 *
 * An order ends at a wall-clock time, since that is what its author was told. So the clock is looked at again and again
 * rather than a timer trusted: a step of the clock ends an order at most a second late.
 */

import { isDeepStrictEqual } from 'node:util';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import type { OrderRequest } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { RouterOrder } from '../control/status.ts';

/** What orders need to know of a [[vrrp]]. */
export type Orderable = { readonly name: string; readonly syncGroup: string | null };
/** Those in force, by the router's name. */
export type Orders = ReadonlyMap<string, RouterOrder>;

/** The router of that name and those that go with it, in the order of the config; none: there is no such router. */
export function membersOf<R extends Orderable>(routers: readonly R[], name: string): readonly R[] {
  const named = routers.find((router) => router.name === name);
  if (named === undefined) return [];
  return routers.filter(
    (router) => router === named || (named.syncGroup !== null && router.syncGroup === named.syncGroup),
  );
}

/** The routers in the sets that go together. */
export const unitsOf = <R extends Orderable>(routers: readonly R[]): readonly (readonly R[])[] =>
  routers.map(({ name }) => membersOf(routers, name)).filter((members, i) => members[0] === routers[i]);

/** `orders` as they are at `now`, for the routers there are: without what is over, and each group with its latest order. */
export function inForce(orders: Orders, routers: readonly Orderable[], now: Date): Orders {
  const next = new Map<string, RouterOrder>();
  for (const members of unitsOf(routers)) {
    const latest = members
      .flatMap(({ name }) => orders.get(name) ?? [])
      .filter(({ until }) => until === null || Date.parse(until) > now.getTime())
      .reduce<RouterOrder | undefined>((a, b) => (a === undefined || b.since > a.since ? b : a), undefined);
    if (latest !== undefined) for (const { name } of members) next.set(name, latest);
  }
  return next;
}

export const orderOf = ({ kind, by, reason, lifetime }: OrderRequest, now: Date): RouterOrder => ({
  kind,
  by,
  reason,
  since: now.toISOString(),
  until: lifetime === null ? null : new Date(now.getTime() + lifetime).toISOString(),
});

export type RouterOrders = {
  current(): Orders;
  /** Takes the routers of a config, the first time also the orders of the run before. */
  configure(routers: readonly Orderable[]): void;
  /** Gives an order to the router and its group, in place of the one before. */
  give(router: string, request: OrderRequest): RouterOrder;
  /** Takes the order back; the order that was in force. */
  takeBack(router: string, by: string): RouterOrder | undefined;
  close(): void;
};

export type OrderTools = {
  /** What `save` was given last, perhaps by a process before this one. */
  readonly load: () => unknown;
  readonly save: (orders: Readonly<Record<string, RouterOrder>>) => void;
  readonly now: () => Date;
  readonly later: (after: Duration, work: () => void) => { cancel(): void };
  readonly report: (happening: Happening) => void;
  /** An order has ended by itself. */
  readonly lapsed: () => void;
};

/** How long a step of the clock may go unnoticed. */
const LOOK_EVERY = seconds(1);

export function createRouterOrders({ load, save, now, later, report, lapsed }: OrderTools): RouterOrders {
  let orders: Orders = new Map();
  let routers: readonly Orderable[] | undefined;
  let looking: { cancel(): void } | undefined;

  /** Makes `next` what is in force; `why` an order that is not in it has ended. */
  function set(next: Orders, why: (router: string) => string): boolean {
    const before = orders;
    const ended = [...before].filter(([name]) => !next.has(name));
    const given = [...next].filter(([name, order]) => !isDeepStrictEqual(before.get(name), order));
    orders = next;
    lookLater();
    if (ended.length === 0 && given.length === 0) return false;
    keep();
    for (const [name, order] of ended) report(happening(name, order, 'ended', why(name)));
    for (const [name, order] of given) report(happening(name, order, 'given', order.reason));
    return true;
  }

  function keep(): void {
    try {
      save(Object.fromEntries(orders));
    } catch (error) {
      const detail = `${error instanceof Error ? error.message : String(error)}; a restart of the daemon forgets them`;
      report({ kind: 'trouble', severity: 'error', what: "the operator's orders cannot be kept", detail });
    }
  }

  const why = (name: string): string =>
    routers?.some((router) => router.name === name) ? 'its time is over' : 'it is no longer in the config';

  function look(): void {
    if (set(inForce(orders, routers ?? [], now()), why)) lapsed();
  }

  function lookLater(): void {
    looking?.cancel();
    looking = undefined;
    const ends = [...orders.values()].flatMap(({ until }) => (until === null ? [] : Date.parse(until)));
    if (ends.length === 0) return;
    const left = Math.max(1, Math.min(...ends) - now().getTime());
    looking = later(milliseconds(Math.min(LOOK_EVERY, left)), look);
  }

  return {
    current: () => orders,
    configure(next) {
      // What was in force before is not given anew.
      if (routers === undefined) orders = ordersIn(load());
      routers = next;
      set(inForce(orders, next, now()), why);
    },
    give(router, request) {
      const order = orderOf(request, now());
      const names = membersOf(routers ?? [], router).map(({ name }) => name);
      set(new Map([...orders, ...names.map((name) => [name, order] as const)]), why);
      return order;
    },
    takeBack(router, by) {
      const order = orders.get(router);
      const names = membersOf(routers ?? [], router).map(({ name }) => name);
      set(new Map([...orders].filter(([name]) => !names.includes(name))), () => `taken back by ${by}`);
      return order;
    },
    close: () => looking?.cancel(),
  };
}

const happening = (router: string, order: RouterOrder, what: 'given' | 'ended', reason: string): Happening => ({
  kind: 'order',
  router,
  order: order.kind,
  what,
  by: order.by,
  reason,
  until: order.until,
});

/** What a file holds, without what is damaged. */
function ordersIn(saved: unknown): Orders {
  const entries = typeof saved === 'object' && saved !== null ? Object.entries(saved) : [];
  return new Map(entries.filter((entry): entry is [string, RouterOrder] => isOrder(entry[1])));
}

function isOrder(value: unknown): value is RouterOrder {
  const order = value as Partial<RouterOrder> | null | undefined;
  return (
    (order?.kind === 'promote' || order?.kind === 'demote') &&
    typeof order.by === 'string' &&
    typeof order.reason === 'string' &&
    isTime(order.since) &&
    (order.until === null || isTime(order.until))
  );
}

const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
