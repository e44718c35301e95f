/**
 * The steps of a `tcp` check: what is sent, what is waited for in what the server says, and what is wrong, in words.
 *
 * Bytes are matched as characters, one each, so a pattern is never cut in the middle of one. Each pattern is searched
 * behind the match before it, and behind what had come when its step sent something: that was no answer to it. `^`
 * still is the beginning of a line of all that the server has said.
 */

import { toLinear } from '../../base/linear-pattern.ts';
import { excerpt } from '../../base/printable.ts';
import type { TcpStep } from '../../config/config.ts';
import { down, type Finding, up } from '../attempt.ts';

/**
 * How many bytes a server may say in all. It bounds memory, and how long a match holds up the process, since the time of
 * one is linear in them.
 */
export const MOST_HEARD = 64 * 1024;
/** A match that takes longer, in ms, makes the next one wait, so that a server which dribbles does not cost its square. */
const QUICK = 0.1;
const REST = 10;

type Step = {
  readonly send: Buffer | null;
  readonly expect: RegExp | null;
  readonly expectNot: RegExp | null;
};

/** Of all probers of one check. */
const prepared = new WeakMap<readonly TcpStep[], readonly Step[]>();

export function prepare(steps: readonly TcpStep[]): readonly Step[] {
  let made = prepared.get(steps);
  if (made === undefined) {
    made = steps.map(({ send, sendHex, expect, expectNot }) => ({
      send:
        send !== null ? Buffer.from(send) : sendHex !== null ? Buffer.from(sendHex.replaceAll(' ', ''), 'hex') : null,
      expect: expect && byLines(expect),
      expectNot: expectNot && byLines(expectNot),
    }));
    prepared.set(steps, made);
  }
  return made;
}

/** For a search from `lastIndex` on, with `^` and `$` at the ends of lines. */
const byLines = (pattern: RegExp): RegExp => toLinear(new RegExp(pattern.source, 'gms'));

export type Dialogue = {
  /** The connection is open. */
  begin(): void;
  heard(bytes: Buffer): void;
  lost(finding: Finding): void;
  /** What is missing as yet, to begin a sentence with. */
  waitingFor(): string;
  /** Nothing is called any longer. */
  end(): void;
};

/** `connected` says how, in the words of a finding when there is no step. `settle` may be called more than once. */
export function createDialogue(
  steps: readonly Step[],
  connected: string,
  send: (bytes: Buffer) => void,
  settle: (finding: Finding) => void,
): Dialogue {
  let text = '';
  /** Where the search begins. */
  let from = 0;
  let answer = '';
  let at = 0;
  let resting: NodeJS.Timeout | undefined;
  let over = false;

  /** Sends what the next steps send, up to one that waits. */
  function speak(): void {
    for (; at < steps.length; at++) {
      const { send: bytes, expect } = steps[at] as Step;
      if (bytes !== null) {
        from = text.length;
        send(bytes);
      }
      if (expect !== null) return;
    }
    const many = steps.length === 1 ? '1 step' : `${steps.length} steps`;
    settle(up(steps.length === 0 ? connected : `${many} done${answer === '' ? '' : `, last answer: ${answer}`}`));
  }

  /** Goes on as far as what has come allows. */
  function look(): void {
    for (let step = steps[at]; step?.expect; step = steps[at]) {
      const match = find(step.expect, text, from);
      const end = match === null ? text.length : match.index + match[0].length;
      const bad = step.expectNot && find(step.expectNot, text.slice(0, end), from);
      if (bad) return settle(down(`${here()}: match of expect_not ${show(step.expectNot)} (came: ${cut(bad.index)})`));
      if (match === null) return;
      answer = cut(match.index);
      from = end;
      at++;
      speak();
    }
  }

  function lookAndRest(): void {
    const began = performance.now();
    look();
    const took = performance.now() - began;
    // It may have settled, and so ended, what it was looking for.
    if (over || took < QUICK) return;
    const looked = text.length;
    resting = setTimeout(() => {
      resting = undefined;
      if (text.length > looked) lookAndRest();
    }, took * REST);
  }

  const here = (): string => `step ${at + 1}`;
  const show = (pattern: RegExp | null | undefined): string => `/${pattern?.source}/`;
  const unmatched = (): string => `no match of ${show(steps[at]?.expect)}`;
  const came = (): string => {
    const said = cut(from);
    return said === '' ? '(nothing came)' : `(came: ${said})`;
  };
  /** What came, from there to the end of the line that is not empty. */
  const cut = (index: number): string =>
    excerpt(Buffer.from(/^[\r\n]*[^\r\n]*/.exec(text.slice(index, index + 300))?.[0] ?? '', 'latin1').toString());

  return {
    begin: speak,
    heard(bytes) {
      text += bytes.toString('latin1', 0, Math.min(bytes.length, MOST_HEARD - text.length));
      if (text.length < MOST_HEARD) return resting === undefined ? lookAndRest() : undefined;
      look();
      settle(down(`${here()}: ${unmatched()} in ${MOST_HEARD / 1024} KiB ${came()}`));
    },
    lost(finding) {
      if (resting !== undefined) look();
      settle(
        finding.outcome === 'down'
          ? down(`${here()}: ${finding.reason} before a match of ${show(steps[at]?.expect)} ${came()}`)
          : finding,
      );
    },
    waitingFor: () => `${here()}: ${unmatched()} ${came()}`,
    end() {
      over = true;
      clearTimeout(resting);
    },
  };
}

function find(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}
