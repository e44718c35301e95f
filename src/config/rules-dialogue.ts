/** Rules of the steps of a `tcp` check, and of TLS in an `smtp` check. */

import { placeOf } from '../base/option.ts';
import type { SmtpCheckConfig, TcpCheckConfig } from './config.ts';
import type { Draft, Rules } from './rules.ts';
import { say } from './say.ts';

export function checkTcp({ steps = [] }: Draft<TcpCheckConfig>, rules: Rules): void {
  for (const step of steps) {
    const { send, sendHex, expect, expectNot } = step;
    if (send && sendHex) rules.error(placeOf(rules, step, 'sendHex'), say.sendTwice());
    if (expectNot && expect === null) rules.error(placeOf(rules, step, 'expectNot'), say.expectNotAlone());
    if (send === null && sendHex === null && expect === null && expectNot === null)
      rules.error(placeOf(rules, step), say.emptyStep());
  }
}

export function checkSmtp(check: Draft<SmtpCheckConfig>, rules: Rules): void {
  if (check.tls && check.starttls) rules.error(placeOf(rules, check, 'starttls'), say.tlsTwice());
}
