/**
 * Processes of the lab: run to the end, or run beside the test with their output in a file. Everything is ended by pid.
 * Waiting is always for a condition and always bounded; nothing sleeps and hopes.
 */

import { spawn as spawnChild } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a process that ran to its end said. `code` is `null` when a signal ended it. */
export type Output = { readonly stdout: string; readonly stderr: string; readonly code: number | null };
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Running = {
  readonly pid: number;
  readonly argv: readonly string[];
  /** The file that its standard output and standard error go to. */
  readonly log: string;
  /** `null` while it runs. */
  readonly exit: Exit | null;
  readonly exited: Promise<Exit>;
  readonly stdin: Writable;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it has printed something that matches; throws with its output when it ends or `within` ms pass first. */
  printed(pattern: RegExp, within?: number): Promise<RegExpExecArray>;
  /** Signals this one process; nothing happens if it has ended. */
  kill(signal?: NodeJS.Signals): void;
  /** SIGTERM, and waits for the end; throws, after SIGKILL, when that takes longer than `within` ms. */
  stop(within?: number): Promise<Exit>;
};

/** Now, in milliseconds of CLOCK_MONOTONIC: one clock for every process and namespace of one kernel. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export function run(argv: readonly string[], input = ''): Promise<Output> {
  const [command = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawnChild(command, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString(), code }),
    );
    // A command that does not read its input closes the pipe early; that is no failure of the command.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

/** As `run`, for commands that have to succeed: gives standard output, throws with everything they said otherwise. */
export async function must(argv: readonly string[], input = ''): Promise<string> {
  const { stdout, stderr, code } = await run(argv, input);
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}\n${input}\n${stdout}${stderr}`);
  return stdout;
}

export function spawn(argv: readonly string[], log: string): Running {
  const [command = '', ...rest] = argv;
  const file = openSync(log, 'a');
  const child = spawnChild(command, rest, { stdio: ['pipe', file, file] });
  closeSync(file);
  const { pid, stdin } = child;
  if (pid === undefined || stdin === null) throw new Error(`cannot start ${command}: is it installed?`);
  stdin.on('error', () => {});
  let exit: Exit | null = null;
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  const output = (): string => readFileSync(log, 'utf8');
  const kill = (signal: NodeJS.Signals = 'SIGTERM'): void => {
    if (exit === null) child.kill(signal);
  };
  return {
    pid,
    argv,
    log,
    get exit() {
      return exit;
    },
    exited,
    stdin,
    output,
    kill,
    printed: (pattern, within = 60_000) =>
      eventually(`${command} to print ${pattern}`, within, () => {
        const match = pattern.exec(output());
        if (match === null && exit !== null) throw new Error(`${argv.join(' ')} ended too early:\n${output()}`);
        return match ?? undefined;
      }).catch((error: Error) => {
        throw new Error(`${error.message}\n${output()}`);
      }),
    async stop(within = 10_000) {
      kill('SIGTERM');
      const late = Symbol('late');
      const timer = new AbortController();
      const first = await Promise.race([exited, sleep(within, late, { signal: timer.signal }).catch(() => late)]);
      timer.abort();
      if (typeof first !== 'symbol') return first;
      kill('SIGKILL');
      await exited;
      throw new Error(`${argv.join(' ')} did not end within ${within} ms of SIGTERM\n${output()}`);
    },
  };
}

/**
 * Asks until the answer is something other than `undefined`, and gives it; throws after `within` ms, naming what was
 * waited for. Errors thrown by `ask` come out at once.
 */
export async function eventually<T>(
  what: string,
  within: number,
  ask: () => Promise<T | undefined> | T | undefined,
  every = 50,
): Promise<T> {
  const deadline = now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (now() >= deadline) throw new Error(`waited ${within} ms for ${what}`);
    await sleep(every);
  }
}

export type Process = {
  readonly pid: number;
  readonly parent: number;
  readonly network: string;
  readonly command: string;
};

/** Every process that can be seen, with its network namespace as the kernel names it, `net:[4026531840]`. */
export function processes(): Process[] {
  const list: Process[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const network = readlinkSync(`/proc/${entry}/ns/net`);
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const [, parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      list.push({ pid: Number(entry), parent: Number(parent), network, command });
    } catch {
      // It ended while it was being read, or is a zombie, which has no namespace any more.
    }
  }
  return list;
}

/** The process and all that it started, parents before children. */
export function tree(root: number, all: readonly Process[] = processes()): Process[] {
  const found = all.filter((one) => one.pid === root);
  for (const parent of found) found.push(...all.filter((one) => one.parent === parent.pid && one.pid !== one.parent));
  return found;
}

/** Signals each, in the order given, in one turn of the event loop; false when one of them has ended already. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals | 0): boolean {
  let all = true;
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      all = false;
    }
  }
  return all;
}

export const killAll = (pids: Iterable<number>): boolean => signalAll(pids, 'SIGKILL');

/** They sleep for so many milliseconds, as on a machine that is suspended or swaps. */
export async function nap(pids: readonly number[], milliseconds: number): Promise<void> {
  signalAll(pids, 'SIGSTOP');
  await sleep(milliseconds);
  signalAll(pids, 'SIGCONT');
}
