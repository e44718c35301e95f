/** Asks a source again and again, never twice at a time, and at once when it has noticed a change. */

import { err } from '../base/result.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import type { Answer, Source } from './source.ts';

export type Later = (after: Duration, work: () => void) => { cancel(): void };

export type Poll = { close(): void };

/** `told`: each answer, in order; none after `close`. The first question is asked at once. */
export function poll(source: Source, later: Later, told: (answer: Answer) => void): Poll {
  const closing = new AbortController();
  let failures = 0;
  let busy = false;
  let wanted = false;
  let waiting: { cancel(): void } | undefined;

  async function ask(): Promise<void> {
    if (busy) {
      wanted = true;
      return;
    }
    waiting?.cancel();
    busy = true;
    wanted = false;
    // A fault of ours in one source must not end the director.
    const answer = await source.ask(closing.signal).catch((error: unknown): Answer => err(`cannot be asked: ${error}`));
    busy = false;
    if (closing.signal.aborted) return;
    failures = answer.ok ? 0 : failures + 1;
    told(answer);
    // Whoever is told may have closed it.
    if (closing.signal.aborted) return;
    if (wanted) void ask();
    else waiting = later(pause(answer), () => void ask());
  }

  function pause(answer: Answer): Duration {
    if (answer.ok) return answer.value.again ?? source.interval;
    return milliseconds(Math.min(source.interval, source.retry * 2 ** Math.min(failures - 1, 20)));
  }

  const watching = source.watch?.(() => void ask());
  void ask();
  return {
    close() {
      closing.abort();
      waiting?.cancel();
      watching?.close();
    },
  };
}
