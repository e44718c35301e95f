/** In what a peer whose advert was accepted differs from us: it is obeyed, and an operator should know. */

import type { IpAddress } from '../base/address.ts';
import { formatDuration } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import type { Received } from '../vrrp/receive.ts';

export type Difference = { readonly what: string; readonly detail: () => string };

export const ADDRESS_LISTS_DIFFER = 'address lists differ';

/** `advertised`: the addresses that our own adverts list. */
export function differences(
  { advert, checksum }: Pick<Received, 'advert' | 'checksum'>,
  source: IpAddress,
  config: Pick<VrrpConfig, 'interval' | 'checksum'>,
  advertised: readonly IpAddress[],
): readonly Difference[] {
  const found: Difference[] = [];
  if (!sameSet(advert.addresses, advertised))
    found.push({
      what: ADDRESS_LISTS_DIFFER,
      detail: () => {
        const [theirs, own] = [advert.addresses, advertised].map((list) => list.join(', ') || 'none');
        return `${source} advertises ${theirs}, we advertise ${own}; make the two configs agree (the advert is accepted)`;
      },
    });
  // RFC 9568, 7.1; version 2 refuses such an advert.
  if (advert.interval !== config.interval)
    found.push({
      what: 'advertisement intervals differ',
      detail: () => {
        const [theirs, own] = [advert.interval, config.interval].map(formatDuration);
        return `${source} advertises every ${theirs}, we would every ${own}; make the two configs agree (the advert is accepted)`;
      },
    });
  if (checksum !== null && checksum !== config.checksum)
    found.push({
      what: 'checksum forms differ',
      detail: () => {
        const forms = `${source} sends the checksum form "${checksum}", we send "${config.checksum}"`;
        return `${forms}; we accept both, but a peer may not: set checksum = "${checksum}" if it refuses ours`;
      },
    });
  return found;
}

const sameSet = (a: readonly IpAddress[], b: readonly IpAddress[]): boolean =>
  a.length === b.length && a.every((address) => b.includes(address));
