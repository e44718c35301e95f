/** What other orders would change of the addresses that routers hold. */

import { formatPrefix } from '../base/address.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf, familiesOf } from '../config/families.ts';
import type { PlannedChange } from '../control/director.ts';
import { carriesOn } from './carries-on.ts';
import type { VrrpOrders } from './messages.ts';
import type { RouterHost } from './router-host.ts';
import { keyOf } from './router-key.ts';

export function planned(running: readonly RouterHost[], orders: VrrpOrders): readonly PlannedChange[] {
  const wanted = new Map<string, VrrpConfig>();
  for (const config of orders.routers)
    for (const family of familiesOf(config)) wanted.set(keyOf(config, family), config);
  const kept = (host: RouterHost): VrrpConfig | undefined => {
    const next = wanted.get(host.key);
    return carriesOn(host.router.config, next) ? next : undefined;
  };

  const goes = running.flatMap((host): PlannedChange[] => {
    const next = kept(host);
    const stays = new Set(
      next === undefined ? [] : addressesOf(next, host.router.family).map((a) => formatPrefix(a.address)),
    );
    const alike = new Set([...stays].map(bare));
    return host
      .status()
      .addresses.filter(({ address, present }) => present && !stays.has(address))
      .map((a) => ({
        ...{ part: 'address', sign: '-', breaks: 0, drains: 0, notes: [] },
        what: `address ${a.address} on ${a.interface}`,
        // With another prefix length it is there all the same.
        ...(!alike.has(bare(a.address)) && { address: bare(a.address) }),
      }));
  });
  const comes = [...wanted].flatMap(([key, config]): PlannedChange[] => {
    const host = running.find((each) => each.key === key && kept(each) !== undefined);
    const family = key.endsWith('.4') ? 4 : 6;
    const has = new Set(
      host === undefined ? [] : addressesOf(host.router.config, family).map((a) => formatPrefix(a.address)),
    );
    const condition = host?.router.state.state === 'master' ? '' : `, while ${config.name} is master`;
    return addressesOf(config, family)
      .filter((a) => !has.has(formatPrefix(a.address)))
      .map((a) => ({
        ...{ part: 'address', sign: '+', breaks: 0, drains: 0, notes: [] },
        what: `address ${formatPrefix(a.address)} on ${a.interface ?? config.interface}${condition}`,
      }));
  });
  return [...goes, ...comes];
}

/** `192.0.2.10` of `192.0.2.10/24` */
const bare = (prefix: string): string => prefix.replace(/\/\d+$/, '');
