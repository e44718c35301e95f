/**
 * The `dns` check: a query, and an answer with the code and the records that are expected. What is no answer to the query
 * (another id, another question, bytes that are no message) is passed over, as by a resolver: anybody may have sent it.
 */

import { randomInt } from 'node:crypto';
import type { DnsCheckConfig } from '../../config/config.ts';
import { answersQuery, DROP_REASONS, decode, encodeQuery, type Query } from '../../wire/dns.ts';
import { type Attempt, attempt, down, type Finding } from '../attempt.ts';
import { ask } from '../datagram.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { judge, wantedOf } from './judge.ts';
import { askOverTcp } from './stream.ts';

/** Messages that are read in one probe. */
const MOST_HEARD = 256;

/** Of all probers of one check. */
const wanted = new WeakMap<DnsCheckConfig, readonly string[]>();

export function createDnsProber(check: DnsCheckConfig, target: ProbeTarget): Prober {
  if (!wanted.has(check)) wanted.set(check, wantedOf(check));
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => {
      const question = startQuestion(check, target, settle);
      return { waitingFor: question.waitingFor, release: question.end };
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}

function startQuestion(check: DnsCheckConfig, target: ProbeTarget, settle: (finding: Finding) => void) {
  const { query: name, queryType: type, recursion: recursionDesired } = check;
  // Nobody who does not see the query can answer it (RFC 5452, 4.3): its id and its port are chosen by chance.
  const query: Query = { id: randomInt(0x10000), name, type, recursionDesired };
  const bytes = encodeQuery(query);
  const ignored = createIgnored(settle);
  let missing = () => 'no answer';
  let end: (() => void) | undefined;

  function overTcp(before: string): void {
    const lost = (finding: Finding): void =>
      settle(finding.outcome === 'down' ? down(`${before}${finding.reason}`) : finding);
    const stream = askOverTcp(target, bytes, (message) => take(message, true), lost);
    missing = () => `${before}${stream.waitingFor()}`;
    end = stream.end;
  }

  function take(message: Uint8Array, whole: boolean): void {
    const read = decode(message);
    if (!read.ok) return ignored.add(DROP_REASONS[read.error]);
    if (!answersQuery(read.value, query)) return ignored.add('it is not about what was asked');
    if (!read.value.truncated || whole) return settle(judge(check, wanted.get(check) ?? [], read.value));
    end?.();
    overTcp('truncated over UDP, and then over TCP: ');
  }

  if (check.transport === 'tcp') overTcp('');
  else end = ask(target, bytes, (message) => take(message, false), settle);
  return { waitingFor: () => `${missing()}${ignored.words()}`, end: () => end?.() };
}

/** What came that is no answer: why the last of it is none, and how much it was. */
function createIgnored(settle: (finding: Finding) => void) {
  let count = 0;
  let last = '';
  const words = (): string => {
    if (count === 0) return '';
    return count === 1 ? ` (what came is none: ${last})` : ` (what came, ${count} messages, is none: ${last})`;
  };
  return {
    add(why: string): void {
      count++;
      last = why;
      if (count === MOST_HEARD) settle(down(`no answer${words()}`));
    },
    words,
  };
}
