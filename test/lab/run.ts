/**
 * npm run lab [-- FILE…]     runs the tests of the lab, or these ones
 * npm run demo               runs the demo
 *
 * Chooses a kernel (`kernel.ts`), gives the command to it, passes on what it prints as it comes, and exits as it did. Its
 * files are in out/lab-…, which stays when something went wrong. `LAB_LIMIT` is the time it may take, in seconds.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { chooseKernel } from './kernel.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const LIMIT = Number(process.env.LAB_LIMIT ?? 1500) * 1000;

function command(args: readonly string[]): string[] {
  if (args.includes('--demo')) return ['node', 'test/lab/demo.ts'];
  const all = globSync('test/lab/*.test.ts', { cwd: CHECKOUT }).sort();
  const files = args.length > 0 ? args.map((one) => relative(CHECKOUT, resolve(one))) : all;
  for (const file of files) {
    if (!existsSync(join(CHECKOUT, file))) throw new Error(`${file}: no such file`);
  }
  return ['node', '--test', '--test-concurrency=1', ...files];
}

/** Prints what is added to the file until told to stop; then what is left. */
function follow(file: string): () => void {
  const source = openSync(file, 'r');
  const chunk = Buffer.alloc(65536);
  const drain = (): void => {
    for (let n = readSync(source, chunk); n > 0; n = readSync(source, chunk))
      process.stdout.write(chunk.toString('utf8', 0, n));
  };
  const timer = setInterval(drain, 100);
  return () => {
    clearInterval(timer);
    drain();
    closeSync(source);
  };
}

/** Ends the world and all in it. The process is the leader of its group. */
function end(world: ChildProcess): void {
  if (world.pid === undefined || world.exitCode !== null || world.signalCode !== null) return;
  process.kill(-world.pid, 'SIGKILL');
}

async function main(): Promise<number> {
  mkdirSync(join(CHECKOUT, 'out'), { recursive: true });
  const kernel = chooseKernel();
  const out = mkdtempSync(join(CHECKOUT, 'out', 'lab-'));
  const argv = command(process.argv.slice(2));
  writeFileSync(join(out, 'command'), argv.map((one) => `${one}\0`).join(''));
  writeFileSync(join(out, 'console'), '');
  console.log(`lab: ${kernel.choice}`);

  const boot = openSync(join(out, 'boot'), 'w');
  const [program = '', ...rest] = kernel.argv(CHECKOUT, out);
  const world = spawn(program, rest, { stdio: ['ignore', boot, boot], detached: true });
  closeSync(boot);
  const ended = new Promise<void>((resolve, reject) => {
    world.on('error', reject);
    world.on('exit', () => resolve());
  });
  let broken: string | null = null;
  const stop = (why: string): void => {
    broken ??= why;
    end(world);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop(signal));
  const timer = setTimeout(() => stop(`it took longer than ${LIMIT / 1000} s`), LIMIT);
  const finish = follow(join(out, 'console'));
  await ended;
  clearTimeout(timer);
  finish();

  const exit = join(out, 'exit');
  if (broken === null && !existsSync(exit))
    broken = `the kernel ended early:\n${readFileSync(join(out, 'boot'), 'utf8')}`;
  const code = broken === null ? Number(readFileSync(exit, 'utf8')) : 1;
  if (broken !== null) console.error(`lab: ${broken}`);
  if (code === 0) rmSync(out, { recursive: true });
  else console.error(`lab: failed; what it left is in ${relative(process.cwd(), out)}`);
  return code;
}

process.exitCode = await main();
