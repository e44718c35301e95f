/** What `status` says of the checks of a server. */

import type { Instant } from '../base/time.ts';
import type { CheckConfig } from '../config/config.ts';
import type { CheckStatus } from '../control/status.ts';
import { reasonAt } from '../health/verdict.ts';
import type { Known } from './server-health.ts';

export const checksStatus = (
  { service, verdicts }: Known,
  now: Instant,
  date: (at: Instant) => string,
): readonly CheckStatus[] =>
  verdicts.map((verdict, i) => {
    const check = service.checks[i] as CheckConfig;
    const { state, last, counters, certificateExpires: expires, output } = verdict;
    return {
      ...{ name: check.name, type: check.type, state, reason: reasonAt(check, verdict, now) },
      ...{ last: last && date(last.at), took: last?.took ?? null, ...counters },
      ...{ certificateExpires: expires === null ? null : new Date(expires).toISOString(), output },
    };
  });
