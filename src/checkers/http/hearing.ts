/** Hears one answer out, as far as it decides anything, and settles on a finding. */

import { down, type Finding } from '../attempt.ts';
import type { Failure, Head, Listener } from '../exchange.ts';
import { judge, judgeHead, statusOf } from './judge.ts';
import type { Plan } from './plan.ts';

export type Hearing = Listener & {
  /** What is missing as yet, to begin a sentence with. */
  waitingFor(): string;
};

/** `lost`: the connection was, before anything had come; it may be asked again on another. */
export type Heard = (finding: Finding, lost: boolean) => void;

export function createHearing(plan: Plan, heard: Heard): Hearing {
  let head: Head | null = null;
  let over = false;
  let chunks: Buffer[] = [];
  let size = 0;

  function settle(finding: Finding, lost = false): void {
    if (over) return;
    over = true;
    chunks = [];
    heard(finding, lost);
  }
  function conclude(of: Head): void {
    if (over) return;
    const { maxBody } = plan.check;
    const text = chunks.length === 0 ? '' : new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBody));
    settle(judge(plan, { head: of, text, cut: size > maxBody }));
  }

  return {
    head(found) {
      head = found;
      const finding = judgeHead(plan, found);
      if (finding) settle(finding);
    },
    body(bytes) {
      if (over || head === null) return;
      if (plan.reads) chunks.push(bytes);
      size += bytes.length;
      if (size > plan.check.maxBody) conclude(head);
    },
    end() {
      if (head !== null) conclude(head);
    },
    failed(failure) {
      settle(explain(failure, head), failure.kind === 'lost' && failure.untouched);
    },
    waitingFor: () => (head === null ? 'connected, but no answer' : `${statusOf(head)}, but no end of body`),
  };
}

function explain(failure: Failure, head: Head | null): Finding {
  if (failure.kind === 'fault') return failure.finding;
  return down(`${failure.why} ${head === null ? 'before an answer' : 'in the middle of the body'}`);
}
