/** A word for a virtual router that no other has: the name of its [[vrrp]], and its family. */

import type { Family } from '../base/address.ts';
import type { VrrpConfig } from '../config/config.ts';

export const keyOf = (config: Pick<VrrpConfig, 'name'>, family: Family): string => `${config.name}.${family}`;
