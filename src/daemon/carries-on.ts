/** Which new settings a running virtual router can take over in place. */

import type { VrrpConfig } from '../config/config.ts';
import { familiesOf } from '../config/families.ts';

/** The group whose members change state together: a sync group, or the two families; `null`: it is alone. */
export const groupKeyOf = (config: VrrpConfig): string | null =>
  config.syncGroup !== null ? `sync ${config.syncGroup}` : familiesOf(config).length > 1 ? `name ${config.name}` : null;

/** Whether a running router can take these settings over; otherwise it is another router. */
export const carriesOn = (old: VrrpConfig, next: VrrpConfig | undefined): boolean =>
  next !== undefined &&
  (['interface', 'routerId', 'version', 'virtualMac'] as const).every((name) => old[name] === next[name]) &&
  groupKeyOf(old) === groupKeyOf(next);
