/** Rules of [[vrrp]] (RFC 9568 where a clause is named). */

import type { IpAddress } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import type { VrrpConfig } from './config.ts';
import { checkNames, type Draft, type Rules, unique, type Virtual } from './rules.ts';
import { say } from './say.ts';

/** Returns the addresses of all virtual routers. */
export function checkRouters(routers: readonly Draft<VrrpConfig>[], rules: Rules): Virtual {
  checkNames(routers, '[[vrrp]]', rules);
  // On one link a VRID is one virtual router (RFC 9568, 1.6).
  const linkOf = (r: Draft<VrrpConfig>) => (r.interface && r.routerId ? `${r.interface} ${r.routerId}` : undefined);
  unique(routers, linkOf, rules, (router, _, line) => {
    rules.error(
      placeOf(rules, router, 'routerId'),
      say.routerTwice(router.routerId ?? 0, router.interface ?? '', line),
    );
  });

  const virtual = new Map<IpAddress, number>();
  for (const router of routers)
    for (const [i, { address }] of (router.addresses ?? []).entries()) {
      const at = placeOf(rules, router.addresses as object, String(i));
      const earlier = virtual.get(address);
      if (earlier === undefined) virtual.set(address, at);
      else rules.error(at, say.virtualTwice(address, rules.line(earlier)));
    }

  for (const router of routers) checkRouter(router, virtual, rules);
  return new Set(virtual.keys());
}

function checkRouter(router: Draft<VrrpConfig>, virtual: ReadonlyMap<IpAddress, number>, rules: Rules): void {
  const at = (name: keyof VrrpConfig) => placeOf(rules, router, name);
  const owner = router.priority === 255;
  const waits = (router.preemptDelay ?? 0) > 0;
  // RFC 9568, 6.1: the owner "always preempts, independent of the setting of this flag"; 6.4.1: and at once.
  if (owner && router.preempt === false) rules.error(at('preempt'), say.ownerYields());
  if (owner && waits) rules.error(at('preemptDelay'), say.ownerWaits());
  if (!owner && router.preempt === false && waits) rules.warn(at('preemptDelay'), say.delayUnused());
  if (!owner && router.source && virtual.has(router.source))
    rules.error(at('source'), say.sourceIsVirtual(router.source));
  if (isGiven(rules, router, 'interval') && router.interval !== undefined && router.interval < 100)
    rules.warn(at('interval'), say.shortInterval());
}
