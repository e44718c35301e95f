/** Which virtual routers are master here, as the checker process is told: some services, and the sync daemon, follow one. */

import type { Family } from '../base/address.ts';
import type { Happening } from '../control/event.ts';

/** One that is not there is not known yet: what follows it stays as it is. */
export type RouterRole = { readonly router: string; readonly family: Family; readonly master: boolean };

export type RoleBoard = {
  /** Takes in what happened. Says whether a role has changed, or is known now. */
  take(happening: Happening): boolean;
  current(): readonly RouterRole[];
};

/**
 * A router keeps its last role while the process that has it is dead: the next one resumes it, or says otherwise, or the
 * supervisor hands over in its place.
 */
export function createRoleBoard(): RoleBoard {
  const roles = new Map<string, RouterRole>();
  return {
    take(happening) {
      if (happening.kind !== 'vrrp') return false;
      const { router, family, to } = happening;
      const key = `${family} ${router}`;
      const master = to === 'master';
      if (roles.get(key)?.master === master) return false;
      roles.set(key, { router, family, master });
      return true;
    },
    current: () => [...roles.values()],
  };
}

/** `undefined`: not known yet. */
export const isMaster = (roles: readonly RouterRole[], router: string, family: Family): boolean | undefined =>
  roles.find((role) => role.router === router && role.family === family)?.master;

/** Of a router as a whole, whose families have the same state but for a moment. `undefined`: not known yet. */
export function isMasterOfAny(roles: readonly RouterRole[], router: string): boolean | undefined {
  const its = roles.filter((role) => role.router === router);
  return its.length === 0 ? undefined : its.some(({ master }) => master);
}
