/** What `status` says of the masquerading of a service. `trouble`: of the table that is for all of them. */

import type { MasqueradeStatus } from '../control/status.ts';
import type { Masquerade } from '../ipvs/masquerade.ts';

export function masqueradeStatus(
  { masquerade }: { readonly masquerade: Masquerade },
  trouble: string | null,
): MasqueradeStatus | null {
  return masquerade === false ? null : { address: masquerade === true ? null : masquerade, trouble };
}
