/** What the checker process answers when another director asks for its verdicts: from memory, without a look at the kernel. */

import type { Instant } from '../base/time.ts';
import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import { describeServer } from '../config/service-words.ts';
import type { ServerVerdict, ServiceVerdicts } from '../control/verdicts.ts';
import { healthOf } from './server-health.ts';
import type { VerdictBook } from './verdict-book.ts';

/** Of the services that have a check: of the others nothing is found. */
export const verdictAnswer = (
  services: readonly ServiceConfig[],
  book: Pick<VerdictBook, 'of'>,
  now: Instant,
  date: (at: Instant) => string,
): readonly ServiceVerdicts[] =>
  services
    .filter(({ checks }) => checks.length > 0)
    .map((service) => ({
      name: service.name,
      servers: service.servers.map((server) => verdictOf(service, server, book, now, date)),
    }));

function verdictOf(
  service: ServiceConfig,
  server: ServerConfig,
  book: Pick<VerdictBook, 'of'>,
  now: Instant,
  date: (at: Instant) => string,
): ServerVerdict {
  const known = book.of(service, server);
  const { state, reason } = known === undefined ? UNKNOWN : healthOf(known, now);
  return {
    ...{ name: server.name, address: describeServer(service, server.address), state },
    since: date(known?.since ?? now),
    reason: state === 'down' ? reason : '',
  };
}

const UNKNOWN = { state: 'unknown', reason: '' } as const;
