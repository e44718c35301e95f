/**
 * Where an operator's word to virtual routers is answered: which routers it is about, what it makes of each, and what of
 * that was so already or cannot be done.
 */

import { nearest } from '../base/nearest.ts';
import { err, ok } from '../base/result.ts';
import type { Director, OrderOutcome, OrderRefusal, OrderRequest } from '../control/director.ts';
import type { VrrpState } from '../control/event.ts';
import type { RouterOrder, RouterStatus } from '../control/status.ts';
import { membersOf, type Orderable, type RouterOrders, unitsOf } from './router-orders.ts';

export type OrderDesk = Pick<Director, 'order' | 'takeBack' | 'failover'>;

export function createOrderDesk(tools: {
  readonly orders: RouterOrders;
  /** Those of the running config. */
  readonly routers: () => readonly Orderable[];
  /** How they are now; `undefined` when the vrrp process does not answer. */
  readonly ask: () => Promise<readonly Pick<RouterStatus, 'name' | 'state' | 'cause'>[] | undefined>;
  /** The orders have changed. */
  readonly changed: () => void;
}): OrderDesk {
  const { orders, routers, ask, changed } = tools;

  async function states(): Promise<ReadonlyMap<string, Seen> | undefined> {
    const answer = await ask();
    // A name with both families is two routers of one state, but for a moment on the way: then the one that matters more.
    return (
      answer && new Map([...answer].sort((a, b) => RANK[a.state] - RANK[b.state]).map((seen) => [seen.name, seen]))
    );
  }

  function give(
    members: readonly Orderable[],
    request: OrderRequest,
    seen: ReadonlyMap<string, Seen> | undefined,
  ): OrderOutcome[] {
    const order = orders.give(members[0]?.name ?? '', request);
    return members.map((member) => outcome(member, seen, 'given', order, request.reason));
  }

  return {
    async order(router, request) {
      const seen = await states();
      const members = membersOf(routers(), router);
      if (members.length === 0) return err(noSuchRouter(router, routers()));
      const given = give(members, request, seen);
      changed();
      return ok({ routers: namedFirst(given, router) });
    },

    async takeBack(router, by) {
      const seen = await states();
      const members = membersOf(routers(), router);
      if (members.length === 0) return err(noSuchRouter(router, routers()));
      const before = orders.takeBack(router, by);
      if (before === undefined)
        return ok({
          routers: [
            outcome({ name: router, syncGroup: null }, seen, 'nothing', null, 'there is no order to take back'),
          ],
        });
      changed();
      const taken = members.map((member) => outcome(member, seen, 'taken-back', before, `taken back by ${by}`));
      return ok({ routers: namedFirst(taken, router) });
    },

    async failover({ router, toBackup, ...terms }) {
      const seen = await states();
      if (router !== null && membersOf(routers(), router).length === 0) return err(noSuchRouter(router, routers()));
      if (routers().length === 0) return err(NO_ROUTERS);
      if (seen === undefined) return err(NO_ANSWER);
      const units = router === null ? unitsOf(routers()) : [membersOf(routers(), router)];
      const outcomes = units.flatMap((members) => {
        const decided = decide(
          members.map(({ name }) => seen.get(name) ?? UNSEEN),
          toBackup,
        );
        if (decided.kind !== undefined) return give(members, { ...terms, kind: decided.kind }, seen);
        return members.map((member) => outcome(member, seen, decided.done, null, decided.detail));
      });
      if (outcomes.some(({ done }) => done === 'given')) changed();
      return ok({ routers: router === null ? outcomes : namedFirst(outcomes, router) });
    },
  };
}

const RANK: Readonly<Record<VrrpState, number>> = { backup: 0, init: 1, fault: 2, master: 3 };

type Seen = { readonly state: VrrpState; readonly cause: string };
const UNSEEN: Seen = { state: 'init', cause: 'not started' };

type Decision =
  | { readonly kind: RouterOrder['kind'] }
  | { readonly kind?: undefined; readonly done: 'nothing' | 'impossible'; readonly detail: string };

/** What a failover means for routers that go together, by the states that they have here. */
export function decide(members: readonly Seen[], toBackup: boolean): Decision {
  // With --to-backup also where it is none now: it shall not become one meanwhile.
  if (toBackup || members.some(({ state }) => state === 'master')) return { kind: 'demote' };
  const unable = members.find(({ state }) => state !== 'backup');
  if (unable === undefined) return { kind: 'promote' };
  const detail = `it is ${unable.state.toUpperCase()} here, so this director cannot take it over: ${unable.cause}`;
  return { done: 'impossible', detail };
}

const outcome = (
  { name, syncGroup }: Orderable,
  seen: ReadonlyMap<string, Seen> | undefined,
  done: OrderOutcome['done'],
  order: RouterOrder | null,
  detail: string,
): OrderOutcome => ({ router: name, syncGroup, before: seen?.get(name)?.state ?? null, done, order, detail });

const namedFirst = (outcomes: readonly OrderOutcome[], name: string): readonly OrderOutcome[] => [
  ...outcomes.filter(({ router }) => router === name),
  ...outcomes.filter(({ router }) => router !== name),
];

function noSuchRouter(name: string, routers: readonly Orderable[]): OrderRefusal {
  const names = routers.map((router) => router.name);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  const todo = names.length === 0 ? NO_ROUTERS.todo : `There are: ${names.join(', ')}.`;
  return { error: 'no-such-router', what: `there is no virtual router ${name}${hint}`, todo };
}

const NO_ROUTERS: OrderRefusal = {
  error: 'no-routers',
  what: 'this director has no virtual router',
  todo: 'The running config has no [[vrrp]].',
};
const NO_ANSWER: OrderRefusal = {
  error: 'no-answer',
  what: 'the vrrp process does not answer, so it is not known who is master',
  todo: 'Look at `lvskeeper status`; or say which it shall be: `lvskeeper demote ROUTER` or `lvskeeper promote ROUTER`.',
};
