/**
 * Virtual routers that change state together: the two families of one [[vrrp]], and the members of a sync group.
 *
 * - A member that lacks something holds all of them back in fault.
 * - A member whose time has come to be master only says that it is ready. When all are ready, all become master: as
 *   long as one still hears its master, the other director serves them all.
 * - A member that gives way to another master takes the others with it.
 */

import type { Router, RouterEvent } from './router.ts';

export type Member = { readonly name: string; readonly router: Router };
export type GroupEvent = Extract<RouterEvent, { type: 'group' }>;
export type GroupOrder = { readonly member: Member; readonly event: GroupEvent };

/** The next order that brings the members together; `undefined` when they are. To be asked again after it was carried out. */
export function groupOrder(members: readonly Member[]): GroupOrder | undefined {
  // One that has not started yet, or has stopped, has no say and no part.
  const started = members.filter(({ router }) => router.state !== 'init');
  if (started.length < 2 || started.length < members.length) return undefined;
  return faults(started) ?? promotion(started) ?? retreat(started);
}

function faults(members: readonly Member[]): GroupOrder | undefined {
  for (const member of members) {
    const culprit = members.find((other) => other !== member && other.router.lacks !== null);
    const { groupLacks } = member.router;
    if (culprit !== undefined && groupLacks === null)
      return to(member, 'fault', `${culprit.name}: ${culprit.router.lacks}`);
    if (culprit === undefined && groupLacks !== null)
      return to(member, 'clear', 'the rest of its group can serve again');
  }
  return undefined;
}

function promotion(members: readonly Member[]): GroupOrder | undefined {
  const all = members.every(({ router }) => router.state === 'master' || router.ready !== null);
  const next = members.find(({ router }) => router.state === 'backup' && router.ready !== null);
  return all && next !== undefined ? to(next, 'master', next.router.ready ?? '') : undefined;
}

function retreat(members: readonly Member[]): GroupOrder | undefined {
  const gone = members.find(({ router }) => router.state === 'backup' && router.ready === null);
  const left = members.find(({ router }) => router.state === 'master');
  if (gone === undefined || left === undefined) return undefined;
  return to(left, 'backup', `${gone.name} is backup: ${gone.router.cause}`);
}

const to = (member: Member, order: GroupEvent['order'], cause: string): GroupOrder => ({
  member,
  event: { type: 'group', order, cause },
});
