/** Rules of `masquerade` of [[service]]: what source NAT can do to the packets of IPVS (ip_vs_update_conntrack). */

import { familyOf } from '../base/address.ts';
import { placeOf } from '../base/option.ts';
import { writeServerAddress } from './options-service.ts';
import type { IpvsDraft, Rules, ServiceDraft } from './rules.ts';
import { sorryPlaces } from './rules-pool.ts';
import { say } from './say.ts';

export function checkMasquerade(service: ServiceDraft, rules: Rules): void {
  const { masquerade, forward, ops, servers = [] } = service;
  if (!masquerade) return;
  const at = placeOf(rules, service, 'masquerade');
  if (forward !== undefined && forward !== 'nat') return rules.error(at, say.masqueradesNat(forward));
  if (ops) rules.error(at, say.masqueradesConnections());
  for (const server of servers)
    if (server.forward && server.forward !== 'nat' && server.address)
      rules.error(
        placeOf(rules, server, 'forward'),
        say.masqueradesNatServer(writeServerAddress(server.address), server.forward),
      );
  if (masquerade === true) return;
  const addresses = [...servers.map(({ address }) => address), ...sorryPlaces(service, rules).map(([to]) => to)];
  const stranger = addresses.find((one) => one && familyOf(one.address) !== familyOf(masquerade));
  if (stranger) rules.error(at, say.masqueradeFamily(masquerade, familyOf(stranger.address)));
}

/** Without it there is nothing that could be masqueraded. */
export function checkConntrack({ sysctl }: IpvsDraft, services: readonly ServiceDraft[], rules: Rules): void {
  if (sysctl?.conntrack !== false) return;
  const service = services.find(({ masquerade }) => masquerade);
  if (service) rules.error(placeOf(rules, sysctl, 'conntrack'), say.masqueradeTracked(service.name ?? ''));
}
