/** Rules of [director] and [metrics]: how the directors reach each other. */

import { type Endpoint, formatEndpoint, inPrefix, ip, type Prefix } from '../base/address.ts';
import { placeOf } from '../base/option.ts';
import type { DirectorConfig, MetricsConfig } from './config.ts';
import type { Draft, Rules } from './rules.ts';
import { say } from './say.ts';

const LOOPBACK: readonly Prefix[] = [
  { address: ip('127.0.0.0'), length: 8 },
  { address: ip('::1'), length: 128 },
];
const isLoopback = ({ address }: Endpoint): boolean => LOOPBACK.some((prefix) => inPrefix(address, prefix));

/** Directors that are asked ask too, as a rule: then they must be able to. */
export function checkPeers(
  { peers = [] }: Draft<DirectorConfig>,
  { listen }: Draft<MetricsConfig>,
  rules: Rules,
): void {
  const own = listen ? formatEndpoint(listen) : undefined;
  for (const [i, peer] of peers.entries())
    if (formatEndpoint(peer) === own) rules.error(placeOf(rules, peers, String(i)), say.ownPeer(own));
  if (listen === undefined || peers.every(isLoopback)) return;
  if (listen === null || isLoopback(listen)) rules.warn(placeOf(rules, peers), say.unseen(own));
}
