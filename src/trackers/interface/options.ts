/** Options of a tracked interface, besides those of everything tracked. */

import { hostAddress, interfaceName } from '../../base/option-net.ts';

export const interfaceOptions = {
  interface: { is: interfaceName, doc: 'Interface that must be up, with its carrier.' },
  address: { is: hostAddress, default: null, absent: 'none', doc: 'Address that it must have.' },
} as const;
