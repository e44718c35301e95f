/** Brings the members of a group to one state, by the orders of `vrrp/group.ts`. */

import { groupOrder } from '../vrrp/group.ts';
import type { Router, RouterEvent } from '../vrrp/router.ts';

/** A router of the process, as far as its group is concerned. */
export type GroupMember = {
  /** Who has the same word here is in the same group; `null`: alone. */
  readonly group: string | null;
  readonly router: { readonly label: string; readonly state: Router; feed(event: RouterEvent): void };
};

/** Gives what is to be called after each step of a member, also of a step that it made the member take. */
export function createTogether(all: () => Iterable<GroupMember>): (stepped: GroupMember) => void {
  /** Groups that are being brought together: what that makes of a member comes back here, and is seen by the loop. */
  const settling = new Set<string>();

  return ({ group }) => {
    if (group === null || settling.has(group)) return;
    settling.add(group);
    const hosts = [...all()].filter((host) => host.group === group);
    // Each member makes three steps at most: out of a fault, to ready, to master.
    for (let n = 0; n < 3 * hosts.length; n++) {
      const members = hosts.map(({ router }) => ({ name: router.label, router: router.state }));
      const order = groupOrder(members);
      if (order === undefined) break;
      hosts[members.indexOf(order.member)]?.router.feed(order.event);
    }
    settling.delete(group);
  };
}
