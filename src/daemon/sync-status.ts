/** The connection synchronization: what is wanted of it, and what `status` says of it. */

import type { IpvsConfig } from '../config/config.ts';
import type { SyncStatus } from '../control/status.ts';
import { describeDaemon, type Found, sameDaemon, type Wanted, wantedSettings } from '../ipvs/settings.ts';
import { isMasterOfAny, type RouterRole } from './roles.ts';

/** What of IPVS is wanted, with the sync daemon in the state that its router's role gives it. */
export function wantedWith(ipvs: IpvsConfig, roles: readonly RouterRole[]): Wanted {
  const master = ipvs.sync === null ? undefined : isMasterOfAny(roles, ipvs.sync.vrrp);
  return wantedSettings(ipvs, master === undefined ? undefined : master ? 'master' : 'backup');
}

/** `found`: `undefined` when the kernel cannot be read. `trouble`: why the last attempt to make it right has failed. */
export function syncStatus(
  ipvs: IpvsConfig,
  wanted: Wanted,
  found: Found | undefined,
  trouble: string | null,
): SyncStatus | null {
  if (ipvs.sync === null) return null;
  const daemon = wanted.daemon === 'as-it-is' ? null : wanted.daemon;
  const running = found?.daemons ?? [];
  const right =
    found !== undefined &&
    (daemon === null || (running.length === 1 && running.every((one) => sameDaemon(one, daemon))));
  const words = running.map(describeDaemon).join('; ') || 'none';
  const wrong = trouble ?? `running: ${words}`;
  return { vrrp: ipvs.sync.vrrp, wanted: daemon?.state ?? null, running, trouble: right ? null : wrong };
}
