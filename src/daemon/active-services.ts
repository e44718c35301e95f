/** Takes out of a table the services that follow a virtual router which is not master here. */

import { type Homes, routerOf } from '../config/active.ts';
import type { ServiceConfig } from '../config/config.ts';
import { idsOf } from '../ipvs/desired.ts';
import { type ServiceId, serviceKey, type Table } from '../ipvs/table.ts';
import { isMaster, type RouterRole } from './roles.ts';

type Known = { readonly homes: Homes; readonly roles: readonly RouterRole[] };

/** `kernel`: as it is now. A service whose router's role is not known yet stays there, or away, as it is. */
export function onlyActive(table: Table, kernel: Table, services: readonly ServiceConfig[], known: Known): Table {
  const away = new Set(services.flatMap((service) => awayIds(service, kernel, known)).map(serviceKey));
  return away.size === 0 ? table : new Map([...table].filter(([key]) => !away.has(key)));
}

/** The router that keeps all of the service away from here; `null` when some of it is to be here. */
export function awayWith(service: ServiceConfig, kernel: Table, known: Known): string | null {
  const away = awayIds(service, kernel, known);
  const [first] = away;
  if (first === undefined || away.length < idsOf(service).length) return null;
  return routerOf(service, first, known.homes)?.router ?? null;
}

/** Whether the service's virtual router is known not to be master here, for all of its addresses. */
export function isBackup(service: ServiceConfig, known: Known): boolean {
  return idsOf(service).every((id) => isMasterFor(service, id, known) === false);
}

function awayIds(service: ServiceConfig, kernel: Table, known: Known): readonly ServiceId[] {
  if (service.active !== 'master') return [];
  return idsOf(service).filter((id) => !(isMasterFor(service, id, known) ?? kernel.has(serviceKey(id))));
}

/** Whether the router that this part of the service follows is master here; `undefined`: it follows none, or that is not known. */
function isMasterFor(service: ServiceConfig, id: ServiceId, { homes, roles }: Known): boolean | undefined {
  const follows = routerOf(service, id, homes);
  return follows && isMaster(roles, follows.router, follows.family);
}
