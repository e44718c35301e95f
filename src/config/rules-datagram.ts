/** Rules of the checks that send datagrams: `udp`, `dns`, `ping`. */

import { isGiven, placeOf } from '../base/option.ts';
import { milliseconds } from '../base/time.ts';
import { parseData } from '../wire/dns-text.ts';
import type { DnsCheckConfig, PingCheckConfig, UdpCheckConfig } from './config.ts';
import type { Draft, Rules } from './rules.ts';
import { sayDatagram } from './say-datagram.ts';

export function checkUdp(check: Draft<UdpCheckConfig>, rules: Rules): void {
  const { send, sendHex, expect, expectHex, wait, timeout } = check;
  const at = (name: string): number => placeOf(rules, check, name);
  if (send && sendHex) rules.error(at('sendHex'), sayDatagram.sendTwice());
  if (expect || expectHex) {
    if (isGiven(rules, check, 'wait')) rules.warn(at('wait'), sayDatagram.waitUnused());
  } else if (wait !== undefined && timeout !== undefined && wait >= timeout)
    rules.error(at('wait'), sayDatagram.waitTooLong(wait, timeout));
}

export function checkDns(check: Draft<DnsCheckConfig>, rules: Rules): void {
  const { queryType, answers, rcodes } = check;
  if (!answers) return;
  for (const [i, written] of answers.entries()) {
    if (queryType === undefined) break;
    const read = parseData(queryType, written);
    if (!read.ok) rules.error(placeOf(rules, answers, String(i)), sayDatagram.noData(written, queryType, read.error));
  }
  const other = rcodes?.find((rcode) => rcode !== 'NOERROR');
  if (other !== undefined) rules.error(placeOf(rules, check, 'answers'), sayDatagram.answerOfError(other));
}

export function checkPing(check: Draft<PingCheckConfig>, rules: Rules): void {
  const { count, spacing, timeout } = check;
  const at = (name: string): number => placeOf(rules, check, name);
  if (check.port) rules.warn(at('port'), sayDatagram.noPort('port'));
  if (check.sourcePort) rules.warn(at('sourcePort'), sayDatagram.noPort('source_port'));
  if (count === undefined || spacing === undefined || timeout === undefined) return;
  const needed = milliseconds(count * spacing);
  if (count > 1 && needed > timeout) rules.error(at('count'), sayDatagram.pingTooLong(count, needed, timeout));
  if (count === 1 && isGiven(rules, check, 'spacing')) rules.warn(at('spacing'), sayDatagram.oneRequest('spacing'));
  const { maxLoss = 0 } = check;
  if (maxLoss > 0 && (count * maxLoss) / 100 < 1) rules.warn(at('maxLoss'), sayDatagram.lossUnused(count, maxLoss));
}
