/**
 * Virtual routers that change state together: the two families of one [[vrrp]], and the members of a sync group.
 *
 * - A member that lacks something holds all of them back in fault.
 * - A member whose time has come to be master only says that it is ready. When all are ready, all become master: as
 *   long as one still hears its master, the other director serves them all.
 * - A member that gives way to another master takes the others with it.
 * - A member that comes to a group which is master is master too: one that is added by a reload does not cost the role.
 */

import type { Router, RouterEvent } from './router.ts';

export type Member = { readonly name: string; readonly router: Router };
export type GroupEvent = Extract<RouterEvent, { type: 'group' }>;
export type GroupOrder = { readonly member: Member; readonly event: GroupEvent };

/** The next order that brings the members together; `undefined` when they are. To be asked again after it was carried out. */
export function groupOrder(members: readonly Member[]): GroupOrder | undefined {
  // One that has not started yet, or has stopped, has no say and no part.
  if (members.some(({ router }) => router.state === 'init')) return undefined;
  // A member that is left alone goes on as a group of one: nobody else would tell it to be master, or clear its fault.
  return faults(members) ?? promotion(members) ?? retreat(members);
}

function faults(members: readonly Member[]): GroupOrder | undefined {
  // Asked after every step of a member, and there may be hundreds: two culprits are enough for everybody.
  const [first, second] = members.filter(({ router }) => router.lacks !== null);
  for (const member of members) {
    const culprit = first === member ? second : first;
    const { groupLacks } = member.router;
    if (culprit !== undefined && groupLacks === null)
      return to(member, 'fault', `${culprit.name}: ${culprit.router.lacks}`);
    if (culprit === undefined && groupLacks !== null)
      return to(member, 'clear', 'the rest of its group can serve again');
  }
  return undefined;
}

function promotion(members: readonly Member[]): GroupOrder | undefined {
  const some = members.some(({ router }) => router.state === 'master');
  const all = members.every(({ router }) => router.state === 'master' || reason(router, some) !== null);
  const next = all ? members.find(({ router }) => router.state === 'backup') : undefined;
  return next && to(next, 'master', reason(next.router, some) ?? '');
}

/** Why a backup would be master by now, were it alone, or should follow `some` that are; `null`: it would not. */
const reason = ({ state, ready, untried }: Router, some: boolean): string | null =>
  ready ?? (some && state === 'backup' && untried ? 'the rest of its group is master' : null);

function retreat(members: readonly Member[]): GroupOrder | undefined {
  const gone = members.find(({ router }) => router.state === 'backup' && reason(router, true) === null);
  const left = members.find(({ router }) => router.state === 'master');
  if (gone === undefined || left === undefined) return undefined;
  return to(left, 'backup', `${gone.name} is backup: ${gone.router.cause}`);
}

const to = (member: Member, order: GroupEvent['order'], cause: string): GroupOrder => ({
  member,
  event: { type: 'group', order, cause },
});
