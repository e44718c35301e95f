/** Every sentence about [[service.discovery]], and about what is found by it. The first part is in `test/golden/config/`. */

import { quoted } from '../base/option-say.ts';

export const sayDiscovery = {
  noServer: () =>
    'missing "server" in [[service]], expected at least 1 [[service.server]], or [service.discovery] that finds some',
  familyNeeded: () =>
    'missing "fwmark_family" in [[service]], expected "ipv4" or "ipv6": the servers that are found do not decide it',
  portUnused: () => 'port has no effect with record = "SRV", whose records have one',
  ttlOrder: () => 'ttl_min is longer than ttl_max, expected at most as long',
  caUnused: () => 'ca has no effect with "http://", expected "https://"',
  tokenInClear: () => 'bearer_token_file with "http://": who can read the wire reads the token, expected "https://"',
  masqueradeForward: (forward: string) =>
    `forward is ${quoted(forward)} in a service with masquerade, expected "nat", or none`,
} satisfies Record<string, (...details: never[]) => string>;

/** Why a target is skipped, behind its own text; or what of it is not heeded. */
export const saySkipped = {
  noAddress: (why: string) =>
    `is no address of a server${why === '' ? '' : `, ${why}`}; names are not looked up, list addresses, or use type = "dns"`,
  twice: () => 'stands in the answer twice',
  noPort: () => 'has no port, and neither the discovery nor the service says which',
  isSorry: () => 'is a sorry_server of the service',
  sourceFamily: (source: string) => `is of another family than source ${quoted(source)} of the check`,
  masqueradeFamily: (address: string) => `is of another family than masquerade ${quoted(address)}`,
  nameTaken: (name: string) => `would be called ${quoted(name)} as another server of the service is`,
  tooMany: (most: number) => `is more than the ${most} servers that a service may have`,
  badWeight: (label: string, value: string, weight: number) =>
    `has ${label} ${quoted(value)}, which is no whole number from 0 to 65535: its weight is ${weight}`,
  badName: (label: string, value: string) =>
    `has ${label} ${quoted(value)}, which is no name: it is called by its address`,
} satisfies Record<string, (...details: never[]) => string>;
