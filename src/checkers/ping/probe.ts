/**
 * The `ping` check: some echo requests, one after another, of which a share may be lost. The answer takes as long as a
 * round trip does on average, and not as long as the probe.
 */

import { formatDuration, milliseconds } from '../../base/time.ts';
import type { PingCheckConfig } from '../../config/config.ts';
import type { SystemError } from '../../system/native.ts';
import { type Attempt, attempt, down, type Finding, localError, type Opened, up } from '../attempt.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { explainSocketError } from '../socket-error.ts';
import { type Echoes, type EchoOutcome, echoes as ofThisProcess } from './echoes.ts';

/** What the probes of one check send, by its size. */
const dataOf = new Map<number, Uint8Array>();

/** `echoes` is what carries them. */
export function createPingProber(check: PingCheckConfig, target: ProbeTarget, echoes: Echoes = ofThisProcess): Prober {
  let current: Attempt | undefined;

  async function run() {
    const tally = createTally(check);
    current = attempt(check.timeout, (settle) => send(check, target, echoes, tally, settle));
    const result = await current.result;
    return result.outcome === 'up' ? { ...result, took: milliseconds(tally.average()) } : result;
  }

  return { run, close: () => current?.giveUp() };
}

function send(
  check: PingCheckConfig,
  { address: { address: destination }, source, device, mark }: ProbeTarget,
  echoes: Echoes,
  tally: Tally,
  settle: (finding: Finding) => void,
): Opened {
  const { count, spacing, size } = check;
  const data = dataOf.get(size) ?? Uint8Array.from({ length: size }, (_, i) => i);
  dataOf.set(size, data);
  const cancel: (() => void)[] = [];
  const began = performance.now();
  let timer: NodeJS.Timeout | undefined;

  function sendOne(): void {
    const sent = echoes.send({ destination, source, device, mark }, data, (outcome) => {
      const finding = tally.add(outcome);
      if (finding !== undefined) settle(finding);
    });
    if (!sent.ok) return settle(explain(sent.error, source));
    cancel.push(sent.value);
    tally.sent();
    // Against the beginning, so that lateness does not add up.
    if (cancel.length < count) timer = setTimeout(sendOne, began + cancel.length * spacing - performance.now());
  }

  sendOne();
  return {
    waitingFor: () => 'no answer',
    expired: tally.atTheEnd,
    release() {
      clearTimeout(timer);
      for (const giveUp of cancel) giveUp();
    },
  };
}

function explain(error: SystemError, source: ProbeTarget['source']): Finding {
  if (error.code === 'EPERM' && error.syscall === 'socket')
    return localError('this process may not send ICMP (CAP_NET_RAW)');
  if (error.code === 'EMSGSIZE') return localError('size is larger than the way to the server takes');
  return explainSocketError(error, source);
}

type Tally = ReturnType<typeof createTally>;

/** Counts what becomes of the requests of one probe. */
function createTally({ count, maxLoss, timeout }: PingCheckConfig) {
  const mayFail = Math.floor((count * maxLoss) / 100);
  let requests = 0;
  let answers = 0;
  let failures = 0;
  let total = 0;
  let why = '';

  const average = (): number => (answers === 0 ? 0 : total / answers);

  function lossy(): Finding {
    const loss = 100 - (100 * answers) / requests;
    const lost = `${answers} of ${requests} answered (${Math.round(loss)} % loss`;
    if (loss > maxLoss) return down(`${lost}, more than ${maxLoss} %)${why && `: ${why}`}`);
    return up(`${lost}), ${formatDuration(milliseconds(average()))} on average`);
  }

  function whole(): Finding {
    const took = formatDuration(milliseconds(average()));
    return up(count === 1 ? `answered in ${took}` : `${answers} of ${count} answered, ${took} on average`);
  }

  return {
    average,
    sent: () => void requests++,
    /** What is known as soon as it is. */
    add(outcome: EchoOutcome): Finding | undefined {
      if (outcome.answered) {
        answers++;
        total += outcome.took;
      } else {
        failures++;
        why = outcome.why;
      }
      if (failures > mayFail) return answers === 0 ? down(why) : down(`${why} (after ${answers} of ${count} answered)`);
      if (answers + failures < count) return undefined;
      return failures === 0 ? whole() : lossy();
    },
    /** What is known when the time is over: what is not answered is lost. */
    atTheEnd: (): Finding => (count === 1 && answers === 0 ? down(`no answer in ${formatDuration(timeout)}`) : lossy()),
  };
}
