/**
 * The `udp` check: a datagram is sent. With an expected answer, the server is up when one of its datagrams is that; without,
 * when it answers anything, or when no ICMP message says within a short time that nobody has the port.
 */

import { toLinear } from '../../base/linear-pattern.ts';
import { excerpt } from '../../base/printable.ts';
import { formatDuration } from '../../base/time.ts';
import type { UdpCheckConfig } from '../../config/config.ts';
import { type Attempt, attempt, down, type Finding, up } from '../attempt.ts';
import { ask } from '../datagram.ts';
import type { Prober, ProbeTarget } from '../probe.ts';

/** Datagrams that are read in one probe: it bounds the time that matching takes. */
const MOST_HEARD = 64;

/** What all probers of one check have in common. */
type Prepared = {
  readonly datagram: Buffer;
  /** What is wrong with a server's datagram, to stand before what came; `null`: nothing, it is as expected. */
  readonly fault: (answer: Buffer) => string | null;
  readonly needsAnswer: boolean;
};

const prepared = new WeakMap<UdpCheckConfig, Prepared>();

export function createUdpProber(check: UdpCheckConfig, target: ProbeTarget): Prober {
  const shared = prepared.get(check) ?? prepare(check);
  prepared.set(check, shared);
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => {
      const answers = createAnswers(shared, settle);
      const callOff = shared.needsAnswer ? () => undefined : afterSilence(check, settle);
      const end = ask(target, shared.datagram, answers.heard, settle);
      return {
        waitingFor: answers.waitingFor,
        release() {
          callOff();
          end();
        },
      };
    });
    return current.result;
  }

  return { run, close: () => current?.giveUp() };
}

function prepare({ send, sendHex, expect, expectHex }: UdpCheckConfig): Prepared {
  const pattern = expect && toLinear(expect);
  const start = expectHex === null ? null : fromHex(expectHex);
  return {
    datagram: sendHex === null ? Buffer.from(send ?? '') : fromHex(sendHex),
    fault(answer) {
      if (start !== null && !answer.subarray(0, start.length).equals(start))
        return `no answer that begins with ${sayHex(start)}`;
      return pattern === null || pattern.test(answer.toString('latin1')) ? null : `no match of /${pattern.source}/`;
    },
    needsAnswer: pattern !== null || start !== null,
  };
}

/** Settles when `wait` is over and what has come in meanwhile was read. Returns what calls it off. */
function afterSilence({ wait }: UdpCheckConfig, settle: (finding: Finding) => void): () => void {
  let grace: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    grace = setImmediate(() => settle(up(`no ICMP unreachable in ${formatDuration(wait)}`)));
  }, wait);
  return () => {
    clearTimeout(timer);
    clearImmediate(grace);
  };
}

/** Takes in what the server sends, until something is as expected. */
function createAnswers({ fault }: Prepared, settle: (finding: Finding) => void) {
  let heard = 0;
  let missing = 'no answer';

  return {
    heard(bytes: Uint8Array): void {
      const answer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const wrong = fault(answer);
      if (wrong === null) return settle(up(`answered ${sayAnswer(answer)}`));
      heard++;
      missing = `${wrong} (came: ${sayAnswer(answer)}${heard === 1 ? '' : `, the last of ${heard}`})`;
      if (heard === MOST_HEARD) settle(down(missing));
    },
    waitingFor: (): string => missing,
  };
}

const fromHex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** The first 16 bytes, as `0a 1b`. */
function sayHex(bytes: Buffer): string {
  const digits = bytes
    .subarray(0, 16)
    .toString('hex')
    .replace(/..(?=.)/g, '$& ');
  return bytes.length > 16 ? `${digits} …` : digits;
}

/** Text as text, and other bytes in hexadecimal. */
function sayAnswer(bytes: Buffer): string {
  if (bytes.length === 0) return '(an empty datagram)';
  // The last character may have been cut in two.
  const text = bytes.toString('utf8', 0, 300).replace(bytes.length > 300 ? /\ufffd+$/ : '', '');
  return /[^\P{Cc}\r\n\t]|\ufffd/u.test(text) ? sayHex(bytes) : excerpt(text);
}
