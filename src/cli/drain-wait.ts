/** Waiting until drained servers have no connections, and saying how far it is. */

import { formatDuration, milliseconds, seconds } from '../base/time.ts';
import type { ServerOrderOutcome } from '../control/director.ts';
import type { Connections, ServerStatus, Status } from '../control/status.ts';
import { connectionWords, sumOf, totalOf } from './server-words.ts';
import type { Io } from './verb.ts';

/**
 * How it is at one moment. `drained` false: the order is no longer in force. `settled` false: the kernel may still give
 * it new connections. `undefined`: it is not known, since the daemon or the kernel does not answer.
 */
export type Sight = { readonly drained: boolean; readonly settled: boolean; readonly left: Connections };

/** `lost`: nobody has answered for a while. */
export type Waited = {
  readonly outcome: 'empty' | 'late' | 'ended' | 'lost';
  /** ms */
  readonly took: number;
  /** The last that was seen. */
  readonly left: Connections | null;
};

export type WaitTools = {
  readonly look: () => Promise<Sight | undefined>;
  readonly say: (progress: string) => void;
  /** ms, never set back */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** How long at most, ms. */
  readonly limit: number;
};

const LOOK_EVERY = seconds(1);
/** How long nobody may answer: longer than a restart of the daemon. */
const PATIENCE = seconds(30);
/** The time over which the slope is taken, and the least of it that tells anything. */
const SLOPE_OVER = seconds(60);
const SLOPE_LEAST = seconds(3);

export async function waitUntilEmpty({ look, say, now, sleep, limit }: WaitTools): Promise<Waited> {
  const began = now();
  let points: readonly Point[] = [];
  let left: Connections | null = null;
  let heard = began;
  for (;;) {
    const sight = await look();
    const at = now();
    const end = (outcome: Waited['outcome']): Waited => ({ outcome, took: at - began, left });
    if (sight !== undefined) {
      heard = at;
      left = sight.left;
      if (!sight.drained) return end('ended');
      const total = totalOf(left);
      if (total === 0 && sight.settled) return end('empty');
      points = [...points.filter((point) => at - point.at <= SLOPE_OVER), { at, total }];
      say(progress(left, points));
    }
    if (at - began >= limit) return end('late');
    if (at - heard >= PATIENCE) return end('lost');
    await sleep(Math.max(1, Math.min(LOOK_EVERY, limit - (at - began))));
  }
}

type Point = { readonly at: number; readonly total: number };

function progress(left: Connections, points: readonly Point[]): string {
  const rest = timeLeft(points);
  return rest === undefined ? connectionWords(left) : `${connectionWords(left)}, about ${rest} more`;
}

/** By the slope of the last while; `undefined` when it does not fall. */
export function timeLeft(points: readonly Point[]): string | undefined {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || last.at - first.at < SLOPE_LEAST) return undefined;
  const perMs = (first.total - last.total) / (last.at - first.at);
  if (perMs <= 0) return undefined;
  return formatDuration(seconds(Math.ceil(last.total / perMs / 1000)));
}

/** What a status says of the servers that were drained. */
export function sightOf(status: Status, drained: readonly ServerOrderOutcome[]): Sight | undefined {
  const servers = drained.map((one) => {
    const service = status.services.find(({ name }) => name === one.service);
    return service?.servers.find(({ address }) => address === one.address);
  });
  const there = servers.filter((server) => server !== undefined);
  if (status.ipvsTrouble !== null || there.some(isUnknown)) return undefined;
  return {
    drained: there.length === drained.length && there.every(({ order }) => isOutBy(order)),
    settled: there.every(({ weight }) => weight === null || weight === 0),
    left: sumOf(there.flatMap(({ connections }) => connections ?? [])),
  };
}

/** Nobody knows whether it is in the table: it was not asked, or has not been placed yet. */
const isUnknown = ({ state, weight }: ServerStatus): boolean => state === 'unknown' && weight === null;

const isOutBy = (order: ServerStatus['order']): boolean => order?.kind === 'drain' || order?.kind === 'disable';

/** Where progress is not on a terminal, a line so often. */
const LINE_EVERY = 5000;

/** Says progress: on a terminal in one line that is overwritten, else in a line every few seconds. `done` ends the line. */
export function createProgress(
  { out, columns }: Pick<Io, 'out' | 'columns'>,
  name: string,
  now: () => number,
): { say(text: string): void; done(): void } {
  let shown = 0;
  let last: number | undefined;
  return {
    say(text) {
      const line = `${name}: ${text}`;
      if (Number.isFinite(columns)) {
        const fitting = [...line].slice(0, columns - 1).join('');
        out(`\r${fitting.padEnd(shown)}`);
        shown = fitting.length;
      } else if (last === undefined || now() - last >= LINE_EVERY) {
        last = now();
        out(`${line}\n`);
      }
    },
    done() {
      if (shown > 0) out('\n');
    },
  };
}

/** How it ended, for people; with the exit code 0 only when nothing is left. */
export function endWords({ outcome, took, left }: Waited, name: string): string {
  const after = formatDuration(milliseconds(took));
  const has = left === null ? 'nothing is known of its connections' : `it has ${connectionWords(left)}`;
  switch (outcome) {
    case 'empty':
      return `${name}: no connections left, after ${after}`;
    case 'late':
      return `${name}: ${has} after ${after}, and is no longer waited for`;
    case 'ended':
      return `${name}: it is no longer drained; ${has}`;
    case 'lost':
      return `${name}: the daemon has not told of it for ${formatDuration(PATIENCE)}; ${has}`;
  }
}
