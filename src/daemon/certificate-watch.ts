/** Tells in time of certificates that will expire: each once a day, from the day that the check's `expiry_warning` begins. */

import { formatDuration, milliseconds } from '../base/time.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import type { Happening } from '../control/event.ts';

/** `of`: as `shownTo` says. `warning`: how long before, ms; 0: never. */
export type Shown = { readonly of: string; readonly expires: number; readonly warning: number };

export type CertificateWatch = { saw(shown: Shown): void };

/** Whose certificate it is, in words: several checks of a server may see several. */
export function shownTo(
  { name, checks }: Pick<ServiceConfig, 'name' | 'checks'>,
  server: Pick<ServerConfig, 'name'>,
  check: Pick<CheckConfig, 'name'>,
): string {
  const by = checks.length > 1 ? `, check ${check.name}` : '';
  return `${name}: server ${server.name}${by}`;
}

const DAY = 86_400_000;

/** `wall`: the time of day, ms since 1970. */
export function createCertificateWatch(wall: () => number, report: (happening: Happening) => void): CertificateWatch {
  /** When each was told last. */
  const told = new Map<string, number>();
  return {
    saw({ of, expires, warning }) {
      const at = wall();
      if (!expiresSoon(expires, warning, at)) {
        told.delete(of);
        return;
      }
      const last = told.get(of);
      if (last !== undefined && Math.abs(at - last) < DAY) return;
      told.set(of, at);
      const day = new Date(expires).toISOString().slice(0, 10);
      const words =
        expires <= at ? `expired on ${day}` : `expires on ${day}, in ${formatDuration(milliseconds(expires - at))}`;
      report({
        kind: 'trouble',
        severity: 'warning',
        what: 'certificate expires soon',
        detail: `${of}: its certificate ${words}`,
      });
    },
  };
}

export const expiresSoon = (expires: number, warning: number, at: number): boolean =>
  warning > 0 && expires - at < warning;
