/**
 * Runs one program: an argument list, never a shell; a given environment and nothing inherited; its own session and
 * process group, so that on a timeout everything it started is killed with it.
 */

import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Duration } from '../base/time.ts';

export type ExecRequest = {
  /** Program (absolute path, or looked for in `environment.PATH`) and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Written to its standard input, which is then closed. It need not be read. */
  readonly input: string;
  readonly timeout: Duration;
};

export type ExecResult = {
  readonly how:
    | { readonly outcome: 'exited'; readonly code: number }
    | { readonly outcome: 'signalled'; readonly signal: string }
    | { readonly outcome: 'timeout' }
    | { readonly outcome: 'cancelled' }
    /** The program could not be started; `code` is an errno name. */
    | { readonly outcome: 'not-started'; readonly code: string };
  /** The last `TAIL` bytes of each. */
  readonly stdout: string;
  readonly stderr: string;
};

const TAIL = 4096;
/** How long the last output may trail behind the exit, ms: a child left behind can hold the pipes open for ever. */
const TRAILING = 100;

/** Settles when the program has ended or been killed; never rejects. Aborting `signal` kills it as a timeout does. */
export function exec(request: ExecRequest, signal?: AbortSignal): Promise<ExecResult> {
  const [file = '', ...args] = request.command;
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      detached: true,
      env: { ...request.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout = tailOf(child.stdout);
    const stderr = tailOf(child.stderr);
    let ended: ExecResult['how'] | undefined;
    let killed: ExecResult['how'] | undefined;

    const kill = (how: ExecResult['how']): void => {
      if (ended || killed || child.pid === undefined) return;
      killed = how;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    };
    const cancel = (): void => kill({ outcome: 'cancelled' });
    const timer = setTimeout(() => kill({ outcome: 'timeout' }), request.timeout);
    const end = (how: ExecResult['how']): void => {
      if (ended) return;
      ended = killed ?? how;
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    };
    const settle = (): void => {
      for (const stream of child.stdio) stream?.destroy();
      if (ended) resolve({ how: ended, stdout: stdout(), stderr: stderr() });
    };

    child.on('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      end({ outcome: 'not-started', code: error.code ?? error.message });
      settle();
    });
    child.on('exit', (code, by) => {
      end(code === null ? { outcome: 'signalled', signal: String(by) } : { outcome: 'exited', code });
      const trailing = setTimeout(settle, TRAILING);
      child.once('close', () => {
        clearTimeout(trailing);
        settle();
      });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(request.input);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel);
  });
}

/** Keeps the last `TAIL` bytes of a stream; reading on, so that the program never stalls on a full pipe. */
function tailOf(stream: Readable): () => string {
  let kept: Buffer = Buffer.alloc(0);
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-TAIL);
  });
  return () => kept.toString('utf8').trim();
}
