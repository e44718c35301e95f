/** The `http` and `https` checks: a request and its answer, HTTP/1.1 or HTTP/2, redirects not followed. */

import type { HttpCheckConfig } from '../../config/config.ts';
import { courseTo } from '../../system/course.ts';
import { type Attempt, attempt } from '../attempt.ts';
import { authorityOf, type Link, nameOf } from '../exchange.ts';
import { type Prober, type ProbeTarget, reach } from '../probe.ts';
import { trustOf } from '../trust.ts';
import { type Inquiry, inquire } from './inquiry.ts';
import { planOf } from './plan.ts';

export function createHttpProber(check: HttpCheckConfig, target: ProbeTarget): Prober {
  const inquiry: Inquiry = {
    plan: planOf(check),
    target,
    course: courseTo(target.address, reach(target)),
    trust: check.type === 'https' ? trustOf(check, nameOf(check.host, target), [ALPN[check.version]]) : null,
    authority: authorityOf(check.host, target),
  };
  let current: Attempt | undefined;
  let kept: Link | null = null;

  function run() {
    current = attempt(check.timeout, (settle) => {
      const before = kept;
      kept = null;
      const keep = (link: Link): void => {
        kept = link;
      };
      return inquire(inquiry, before, keep, (finding) => {
        // Until the next one there is nothing to give up: of 10,000 that would be much to keep.
        current = undefined;
        settle(finding);
      });
    });
    return current.result;
  }
  function close(): void {
    current?.giveUp();
    kept?.end();
  }

  return { run, close };
}

const ALPN = { '1.1': 'http/1.1', '2': 'h2' } as const;
