/**
 * Runs one program: an argument list, never a shell; a given environment and nothing inherited; its own session and
 * process group, so that on a timeout everything it started is killed with it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { type Duration, milliseconds } from '../base/time.ts';

export type ExecRequest = {
  /** Program (absolute path, or looked for in `environment.PATH`) and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. It need not be read. */
  readonly input: string;
  readonly timeout: Duration;
  /** Bytes that are kept of its standard output. Default: `TAIL`. */
  readonly keep?: number;
  /** Which of them. Default: the last. */
  readonly part?: 'first' | 'last';
  /** Bytes that it may print, on both outputs; with more it is killed, as `flooded`. Default: no limit. */
  readonly most?: number;
  /** Whether what it leaves behind in its process group is killed when it ends. Default: it may go on working. */
  readonly killRest?: boolean;
  /** Whose rights it runs with, without supplementary groups, and then in `/`. Default: the caller's, where it is. */
  readonly user?: { readonly uid: number; readonly gid: number };
};

export type ExecResult = {
  readonly how:
    | { readonly outcome: 'exited'; readonly code: number }
    | { readonly outcome: 'signalled'; readonly signal: string }
    /** `late`: how long after the timeout this process came to notice; much of it says that the process stood still. */
    | { readonly outcome: 'timeout'; readonly late: Duration }
    /** By the signal, or, `flooded`, for having printed too much. */
    | { readonly outcome: 'cancelled'; readonly flooded?: true }
    /** The program could not be started; `code` is an errno name. */
    | { readonly outcome: 'not-started'; readonly code: string };
  /** Of each the part that is kept: `keep` bytes, the last `TAIL`. */
  readonly stdout: string;
  readonly stderr: string;
  /** Settles when the program is gone; later than the result only where it hangs in the kernel and cannot be killed. */
  readonly gone: Promise<void>;
};

/** What a program finds its own tools by. The daemon's environment is not handed on. */
export const BARE_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
} as const;

const TAIL = 4096;
/** How long the last output may trail behind the exit, ms: a child left behind can hold the pipes open for ever. */
const TRAILING = 100;
/** How long a program that was killed is waited for, ms. */
const DYING = 100;

/** Settles when the program has ended or been killed; never rejects. Aborting `signal` kills it as a timeout does. */
export function exec(request: ExecRequest, signal?: AbortSignal): Promise<ExecResult> {
  const started = start(request);
  if (started.pid === undefined) return notStarted(started);
  const child = started;
  const { promise: gone, resolve: leave } = Promise.withResolvers<void>();
  return new Promise((resolve) => {
    const stdout = (request.part === 'first' ? headOf : tailOf)(child.stdout, request.keep);
    const stderr = tailOf(child.stderr);
    const began = performance.now();
    let ended: ExecResult['how'] | undefined;
    let killed: ExecResult['how'] | undefined;
    let dying: NodeJS.Timeout | undefined;

    const kill = (how: ExecResult['how']): void => {
      if (ended || killed || child.pid === undefined) return;
      killed = how;
      if (!killGroup(child.pid)) child.kill('SIGKILL');
      dying = setTimeout(settle, DYING);
    };
    const cancel = (): void => kill({ outcome: 'cancelled' });
    const timer = setTimeout(() => {
      const late = milliseconds(Math.max(0, performance.now() - began - request.timeout));
      // After a standstill of this process, timers run before the news that the program has ended meanwhile.
      setImmediate(() => kill({ outcome: 'timeout', late }));
    }, request.timeout);
    const settle = (): void => {
      clearTimeout(dying);
      for (const stream of child.stdio) stream?.destroy();
      const how = ended ?? killed;
      if (how) resolve({ how, stdout: stdout(), stderr: stderr(), gone });
    };

    if (request.most !== undefined)
      whenBeyond(request.most, [child.stdout, child.stderr], () => kill({ outcome: 'cancelled', flooded: true }));
    child.on('error', () => {});
    child.on('exit', (code, by) => {
      if (request.killRest && child.pid !== undefined) killGroup(child.pid);
      leave();
      ended = killed ?? (code === null ? { outcome: 'signalled', signal: String(by) } : { outcome: 'exited', code });
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
      const trailing = setTimeout(settle, TRAILING);
      child.once('close', () => {
        clearTimeout(trailing);
        settle();
      });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(request.input);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel);
  });
}

/** Node tells of some refusals by throwing, of others by a child without a pid. */
function start({ command, environment, user }: ExecRequest): ChildProcess | { readonly pid?: undefined; code: string } {
  const [file = '', ...args] = command;
  try {
    return spawn(file, args, {
      detached: true,
      env: { ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(user && { ...user, cwd: '/' }),
    });
  } catch (error) {
    return { code: codeOf(error as Error) };
  }
}

function notStarted(refused: ChildProcess | { readonly code: string }): Promise<ExecResult> {
  const result = (code: string): ExecResult => ({
    ...{ how: { outcome: 'not-started', code }, stdout: '', stderr: '', gone: Promise.resolve() },
  });
  if ('code' in refused) return Promise.resolve(result(refused.code));
  // With no descriptor left there is not even a stream to be rid of.
  for (const stream of refused.stdio ?? []) stream?.destroy();
  return new Promise((resolve) => refused.once('error', (error) => resolve(result(codeOf(error)))));
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? error.message;

/** Whether there was one. */
function killGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 'SIGKILL');
  } catch {
    return false;
  }
}

/** Calls back once, when more than `most` bytes have come in from both. */
function whenBeyond(most: number, streams: readonly (Readable | null)[], beyond: () => void): void {
  let left = most;
  for (const stream of streams)
    stream?.on('data', (chunk: Buffer) => {
      if (left >= 0 && left < chunk.length) beyond();
      left -= chunk.length;
    });
}

/** Keeps the first bytes of a stream, and reads on, as `tailOf` does. */
function headOf(stream: Readable | null, most = TAIL): () => string {
  const kept: Buffer[] = [];
  let left = most;
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    if (left > 0) kept.push(chunk.subarray(0, left));
    left -= chunk.length;
  });
  return () => Buffer.concat(kept).toString('utf8').trim();
}

/** Keeps the last bytes of a stream; reading on, so that the program never stalls on a full pipe. */
function tailOf(stream: Readable | null, most = TAIL): () => string {
  const kept: Buffer[] = [];
  let length = 0;
  stream?.on('error', () => {});
  stream?.on('data', (chunk: Buffer) => {
    kept.push(chunk);
    length += chunk.length;
    for (let first = kept[0]; first !== undefined && length - first.length >= most; first = kept[0]) {
      length -= first.length;
      kept.shift();
    }
  });
  return () => Buffer.concat(kept).subarray(-most).toString('utf8').trim();
}
