/**
 * One probe: its paths asked in order, on one connection while the server keeps it, until one is not answered as expected.
 *
 * A connection that was asked before, in this probe or the one before it, can be closed by the server in the very moment in
 * which it is asked again. That says nothing of the server, so the request is sent once more on a new connection: a probe is
 * repeated all the time anyway, so its method need not be one that may be repeated (RFC 9110, 9.2.2).
 */

import type { Advice } from '../../health/verdict.ts';
import { down, type Finding, type Opened, up } from '../attempt.ts';
import { type Connection, MISSING } from '../connection.ts';
import type { Asked, Link } from '../exchange.ts';
import { createHearing, type Hearing } from './hearing.ts';
import { openLink, type Peer } from './open-link.ts';

export type Inquiry = Peer & {
  /** What the server is called. */
  readonly authority: string;
};

/** `kept`: a link of the probe before, for this one to use or end. `keep` is given the link that is to stay. */
export function inquire(
  inquiry: Inquiry,
  kept: Link | null,
  keep: (link: Link) => void,
  settle: (finding: Finding) => void,
): Opened {
  const { plan, authority } = inquiry;
  const { check } = plan;
  let link: Link | null = kept;
  let connection: Connection | null = null;
  let hearing: Hearing | null = null;
  /** Whether the link has answered a request before. */
  let used = kept !== null;
  let i = 0;
  let over = false;
  let stays = false;
  let advice: Advice | undefined;
  const label = (): string => (check.paths.length === 1 ? '' : `${check.paths[i]}: `);

  function connect(): void {
    link?.end();
    [link, hearing, used] = [null, null, false];
    connection = openLink(inquiry, (result) => {
      if (!result.ok) return conclude(result.error);
      link = result.value;
      ask(link);
    });
  }

  function ask(on: Link): void {
    const asked: Asked = {
      method: check.method,
      path: check.paths[i] as string,
      authority,
      fields: plan.fields,
      body: plan.requestBody,
    };
    hearing = createHearing(plan, (finding, lost) => {
      if (over) return;
      if (lost && used) connect();
      else if (finding.outcome === 'up' && i + 1 < check.paths.length) proceed(finding);
      else conclude(finding);
    });
    on.ask(asked, i + 1 === check.paths.length && !check.keepAlive, hearing);
  }

  function proceed({ advice: found }: Finding): void {
    advice = found ?? advice;
    i++;
    used = true;
    if (link?.usable()) ask(link);
    else connect();
  }

  function conclude(finding: Finding): void {
    if (finding.outcome === 'local-error') return settle(finding);
    if (finding.outcome === 'down') return settle(down(`${label()}${finding.reason}`));
    stays = check.keepAlive;
    const given = finding.advice ?? advice;
    const reason = `${check.paths.length === 1 ? '' : `${check.paths.length} paths, the last: `}${finding.reason}`;
    settle(given ? up(reason, { advice: given }) : up(reason));
  }

  if (link?.usable()) ask(link);
  else connect();
  return {
    waitingFor: () =>
      `${label()}${(connection && MISSING[connection.phase()]) ?? hearing?.waitingFor() ?? 'no answer'}`,
    learned: () => (link ?? connection)?.learned() ?? {},
    release: () => {
      over = true;
      if (stays && link?.usable()) {
        link.rest();
        keep(link);
      } else (link ?? connection)?.end();
    },
  };
}
