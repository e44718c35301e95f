/** Rules of [[vrrp]] about adverts: how they are sent, to whom, and how they are signed. */

import { type Family, familyOf, type IpAddress } from '../base/address.ts';
import { isGiven, placeOf } from '../base/option.ts';
import { isLinkLocal } from '../base/prefix.ts';
import type { VrrpConfig } from './config.ts';
import { type AuthDraft, familiesIn, type RouterDraft, type Rules, unique, type Virtual } from './rules.ts';
import { sayVrrp } from './say-vrrp.ts';

export function checkAdverts(router: RouterDraft, virtual: Virtual, rules: Rules): void {
  const at = (name: keyof VrrpConfig) => placeOf(rules, router, name);
  const families = familiesIn(router);
  const unicast = (router.peers ?? []).length > 0;
  if (isGiven(rules, router, 'checksum') && rules.sound && (router.version === 2 || !families.includes(4)))
    rules.warn(at('checksum'), sayVrrp.checksumUnused());
  checkSource(router, families, unicast, virtual, rules);
  checkGroup(router, families, unicast, rules);
  if (unicast) checkPeers(router, families, virtual, rules);
  if (router.auth) checkAuth(router.auth, router.version, rules);
  if (router.transport === 'udp') checkUdp(router, rules);
  else if (isGiven(rules, router, 'port') && router.transport === 'ip') rules.warn(at('port'), sayVrrp.portUnused());
}

/** `used`: the families that there are adverts of. Only a file that was read whole tells which there are not. */
function checkFamily(address: IpAddress, key: string, used: readonly Family[], at: number, rules: Rules): void {
  const family = familyOf(address);
  if (rules.sound && !used.includes(family)) rules.error(at, sayVrrp.familyUnused(key, address, family));
}

function checkSource(
  router: RouterDraft,
  families: readonly Family[],
  unicast: boolean,
  virtual: Virtual,
  rules: Rules,
): void {
  for (const [i, source] of (router.source ?? []).entries()) {
    const at = placeOf(rules, router.source as object, String(i));
    checkFamily(source, 'source', families, at, rules);
    if (virtual.has(source) && router.priority !== 255) rules.error(at, sayVrrp.sourceIsVirtual(source));
    else if (familyOf(source) === 6 && router.peers && !unicast && !isLinkLocal(source))
      rules.error(at, sayVrrp.sourceNotLocal(source));
  }
}

function checkGroup(router: RouterDraft, families: readonly Family[], unicast: boolean, rules: Rules): void {
  const { multicastGroup = [] } = router;
  if (unicast && multicastGroup.length > 0) rules.warn(placeOf(rules, router, 'multicastGroup'), sayVrrp.groupUnused());
  for (const [i, group] of multicastGroup.entries())
    checkFamily(group, 'multicast_group', families, placeOf(rules, multicastGroup, String(i)), rules);
}

function checkPeers(router: RouterDraft, families: readonly Family[], virtual: Virtual, rules: Rules): void {
  const { peers = [], source = [] } = router;
  unique(
    peers,
    ({ address }) => address,
    rules,
    (peer, address, line) => {
      rules.error(placeOf(rules, peer, 'address'), sayVrrp.peerTwice(address, line));
    },
  );
  for (const peer of peers) {
    const { address, minTtl, maxTtl } = peer;
    for (const [key, name] of [
      ['minTtl', 'min_ttl'],
      ['maxTtl', 'max_ttl'],
    ] as const)
      if (router.transport === 'udp' && isGiven(rules, peer, key))
        rules.warn(placeOf(rules, peer, key), sayVrrp.ttlOfUdp(name));
    if (minTtl !== undefined && maxTtl !== undefined && minTtl > maxTtl)
      rules.error(placeOf(rules, peer, 'minTtl'), sayVrrp.ttlOrder(minTtl, maxTtl));
    if (address === undefined) continue;
    const at = placeOf(rules, peer, 'address');
    checkFamily(address, 'peers', families, at, rules);
    if (source.includes(address)) rules.error(at, sayVrrp.peerIsSource(address));
    else if (virtual.has(address)) rules.error(at, sayVrrp.peerIsVirtual(address));
  }
  const missing = families.find((family) => !peers.some(({ address }) => address && familyOf(address) === family));
  if (missing && rules.sound) rules.error(placeOf(rules, router, 'peers'), sayVrrp.peerNeeded(missing));
}

function checkAuth(auth: AuthDraft, version: 2 | 3 | undefined, rules: Rules): void {
  if (auth.type === 'pass' && version === 3) rules.error(placeOf(rules, auth, 'type'), sayVrrp.passVersion());
  if (auth.type !== 'hmac') return;
  const { keys = [], active, replay } = auth;
  const ids = new Map<number, number>();
  for (const key of keys) {
    if (key.id === undefined) continue;
    const at = placeOf(rules, key, 'id');
    const earlier = ids.get(key.id);
    if (earlier === undefined) ids.set(key.id, at);
    else rules.error(at, sayVrrp.keyTwice(key.id, rules.line(earlier)));
  }
  if (rules.sound && typeof active === 'number' && !ids.has(active))
    rules.error(placeOf(rules, auth, 'active'), sayVrrp.keyUnknown(active, [...ids.keys()]));
  if (replay === 'monotonic' && isGiven(rules, auth, 'window'))
    rules.warn(placeOf(rules, auth, 'window'), sayVrrp.windowUnused());
}

/** Protocol 112 takes root to send, and a TTL of 255 cannot come from elsewhere; a UDP packet is anybody's. */
function checkUdp(router: RouterDraft, rules: Rules): void {
  const { auth } = router;
  if (auth === undefined || (auth !== null && auth.type === undefined)) return;
  const enforced = auth?.type === 'hmac' && (auth.mode ?? 'enforce') === 'enforce';
  if (enforced) return;
  const at = auth?.type === 'hmac' ? placeOf(rules, auth, 'mode') : placeOf(rules, router, 'transport');
  rules.error(at, sayVrrp.udpUnsigned());
}
