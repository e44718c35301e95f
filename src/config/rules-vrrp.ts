/** Rules of [[vrrp]] about which router it is and who wins (RFC 9568 where a clause is named). */

import { type Family, familyOf } from '../base/address.ts';
import { isGiven, placeOf, writeDuration } from '../base/option.ts';
import type { VrrpConfig } from './config.ts';
import { groupOf } from './families.ts';
import { checkNames, familiesIn, type RouterDraft, type Rules, type Virtual } from './rules.ts';
import { checkAddresses, checkVirtual } from './rules-address.ts';
import { checkAdverts } from './rules-advert.ts';
import { checkRouting } from './rules-routing.ts';
import { sayVrrp } from './say-vrrp.ts';

/** Returns the addresses of all virtual routers. */
export function checkRouters(routers: readonly RouterDraft[], rules: Rules): Virtual {
  checkNames(routers, '[[vrrp]]', rules);
  checkIds(routers, rules);
  const virtual = checkVirtual(routers, rules);
  if (rules.sound) checkSyncGroups(routers, rules);
  for (const router of routers) {
    checkElection(router, rules);
    checkInterval(router, rules);
    checkAddresses(router, rules);
    checkAdverts(router, virtual, rules);
  }
  checkRouting(routers, rules);
  return virtual;
}

/** On one link a VRID is one virtual router of its family (RFC 9568, 1.6), unless their adverts never meet. */
function checkIds(routers: readonly RouterDraft[], rules: Rules): void {
  const taken = new Map<string, RouterDraft>();
  for (const router of routers)
    for (const family of familiesIn(router)) {
      const channels = channelsOf(router, family);
      const earlier = channels.map((c) => taken.get(c)).find((r) => r !== undefined);
      for (const channel of channels) taken.set(channel, router);
      if (earlier === undefined || router.routerId === undefined || router.interface === undefined) continue;
      const line = rules.line(placeOf(rules, earlier));
      rules.error(
        placeOf(rules, router, 'routerId'),
        sayVrrp.routerTwice(router.routerId, router.interface, family, line),
      );
    }
}

/** Everything by which the router's adverts of a family could be taken for those of another. */
function channelsOf(router: RouterDraft, family: Family): readonly string[] {
  const { interface: on, routerId, transport, port, peers, multicastGroup, virtualMac } = router;
  if (on === undefined || routerId === undefined || peers === undefined || multicastGroup === undefined) return [];
  const link = `${on} ${routerId} IPv${family}`;
  const means = transport === 'udp' ? `udp ${port}` : 'ip';
  const unicast = peers.flatMap(({ address }) => (address && familyOf(address) === family ? [address] : []));
  const to = peers.length > 0 ? unicast : [groupOf({ multicastGroup }, family)];
  return [...to.map((address) => `${link} ${means} ${address}`), ...(virtualMac ? [`${link} MAC`] : [])];
}

function checkElection(router: RouterDraft, rules: Rules): void {
  const at = (name: keyof VrrpConfig) => placeOf(rules, router, name);
  const owner = router.priority === 255;
  const waits = (router.preemptDelay ?? 0) > 0;
  // RFC 9568, 6.1: the owner "always preempts, independent of the setting of this flag"; 6.4.1: and at once.
  if (owner && router.preempt === false) rules.error(at('preempt'), sayVrrp.ownerYields());
  if (owner && waits) rules.error(at('preemptDelay'), sayVrrp.ownerWaits());
  if (!owner && router.preempt === false && waits) rules.warn(at('preemptDelay'), sayVrrp.delayUnused());
}

function checkInterval(router: RouterDraft, rules: Rules): void {
  const { version, interval } = router;
  if (version === undefined || interval === undefined) return;
  const at = placeOf(rules, router, 'interval');
  const written = writeDuration(interval);
  if (version === 2 && interval % 1000 !== 0) rules.error(at, sayVrrp.interval2(written));
  else if (version === 3 && interval > 40_950) rules.error(at, sayVrrp.interval3(written));
  else if (isGiven(rules, router, 'interval') && interval < 100) rules.warn(at, sayVrrp.shortInterval());
}

function checkSyncGroups(routers: readonly RouterDraft[], rules: Rules): void {
  const groups = Map.groupBy(routers, ({ syncGroup }) => syncGroup ?? '');
  groups.delete('');
  for (const [group, members] of groups) {
    const [first, ...others] = members as [RouterDraft, ...RouterDraft[]];
    if (others.length === 0) rules.warn(placeOf(rules, first, 'syncGroup'), sayVrrp.syncAlone(group));
    const other = others.find(({ preempt }) => preempt !== first.preempt);
    if (other === undefined) continue;
    rules.warn(placeOf(rules, other, 'preempt'), sayVrrp.syncPreempt(group, rules.line(placeOf(rules, first))));
  }
}
