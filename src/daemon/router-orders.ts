/** The operator's orders to virtual routers. Members of a sync group always have the same one. */

import type { OrderRequest } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { RouterOrder } from '../control/status.ts';
import { createOrderStore, dated, isOver, type OrderTools, type Orders as StoredOrders } from './order-store.ts';

/** What orders need to know of a [[vrrp]]. */
export type Orderable = { readonly name: string; readonly syncGroup: string | null };
/** Those in force, by the router's name. */
export type Orders = StoredOrders<RouterOrder>;

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
      .filter((order) => !isOver(order, now))
      .reduce<RouterOrder | undefined>((a, b) => (a === undefined || b.since > a.since ? b : a), undefined);
    if (latest !== undefined) for (const { name } of members) next.set(name, latest);
  }
  return next;
}

export type RouterOrders = {
  current(): Orders;
  /** Takes the routers of a config, the first time also the orders of the run before. `trial`: as of `OrderStore.refresh`. */
  configure(routers: readonly Orderable[], trial?: boolean): void;
  /** Gives an order to the router and its group, in place of the one before. */
  give(router: string, request: OrderRequest): RouterOrder;
  /** Takes the order back; the order that was in force. */
  takeBack(router: string, by: string): RouterOrder | undefined;
  close(): void;
};

export function createRouterOrders(tools: OrderTools<RouterOrder>): RouterOrders {
  let routers: readonly Orderable[] = [];
  const store = createOrderStore<RouterOrder>(tools, {
    isOrder: ({ kind }) => kind === 'promote' || kind === 'demote',
    isThere: (name) => routers.some((router) => router.name === name),
    inForce: (orders, now) => inForce(orders, routers, now),
    happening,
  });
  const namesWith = (router: string): string[] => membersOf(routers, router).map(({ name }) => name);

  return {
    current: store.current,
    configure(next, trial = false) {
      routers = next;
      store.refresh(trial);
    },
    give(router, request) {
      const order: RouterOrder = { kind: request.kind, ...dated(request, tools.now()) };
      store.give(namesWith(router), order);
      return order;
    },
    takeBack(router, by) {
      const order = store.current().get(router);
      store.takeBack(namesWith(router), by);
      return order;
    },
    close: store.close,
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
