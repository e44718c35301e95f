/** Takes out of a table the services that follow a virtual router which is not master here. */

import { type Homes, routerOf } from '../config/active.ts';
import type { ServiceConfig } from '../config/config.ts';
import { idsOf } from '../ipvs/desired.ts';
import { serviceKey, type Table } from '../ipvs/table.ts';
import { isMaster, type RouterRole } from './roles.ts';

/** `kernel`: as it is now. A service whose router's role is not known yet stays there, or away, as it is. */
export function onlyActive(
  table: Table,
  kernel: Table,
  services: readonly ServiceConfig[],
  { homes, roles }: { readonly homes: Homes; readonly roles: readonly RouterRole[] },
): Table {
  const away = new Set(
    services
      .filter(({ active }) => active === 'master')
      .flatMap((service) =>
        idsOf(service)
          .filter((id) => {
            const follows = routerOf(service, id, homes);
            const master = follows && isMaster(roles, follows.router, follows.family);
            return !(master ?? kernel.has(serviceKey(id)));
          })
          .map(serviceKey),
      ),
  );
  return away.size === 0 ? table : new Map([...table].filter(([key]) => !away.has(key)));
}
