/** What is said of checks that send datagrams; as `say.ts`. */

import { writeDuration } from '../base/option.ts';
import { quoted } from '../base/option-say.ts';
import type { Duration } from '../base/time.ts';

export const sayDatagram = {
  sendTwice: () => 'send_hex beside send, expected one of them',
  waitUnused: () => 'wait has no effect with an expected answer, which is waited for until the timeout',
  waitTooLong: (wait: Duration, timeout: Duration) =>
    `wait is ${quoted(writeDuration(wait))}, expected less than ${quoted(writeDuration(timeout))}, the timeout of the whole probe`,
  noData: (written: string, type: string, expected: string) =>
    `answer is ${quoted(written)}, which is no data of ${type}, expected ${expected}`,
  answerOfError: (rcode: string) =>
    `answer with rcode = ${quoted(rcode)}, whose answers have no records, expected "NOERROR" alone`,
  noPort: (key: string) => `${key} has no effect with type = "ping": ICMP has no ports`,
  pingTooLong: (count: number, needed: Duration, timeout: Duration) =>
    `count is ${count}, which takes ${quoted(writeDuration(needed))} by spacing, expected at most ${quoted(writeDuration(timeout))}, the timeout`,
  oneRequest: (key: string) => `${key} has no effect with count = 1`,
  lossUnused: (count: number, loss: number) =>
    `max_loss = ${loss} of ${count === 1 ? '1 request' : `${count} requests`} is less than one of them, so none may be lost`,
};
