/**
 * npm run lab [-- PATH… --test-OPTION…]     runs the tests of the lab, or those of these files and folders
 * npm run demo                              runs the demo
 *
 * Chooses a kernel for what needs IPVS and one for what does not (`kernel.ts`), gives each its command, passes on what it
 * prints as it comes, and exits as the first that failed did. Files are in out/lab-…, which stays when something went
 * wrong. `LAB_LIMIT` is the time that each may take, in seconds. Options are those of `node --test`, in one word each:
 * `--test-name-pattern=PATTERN`.
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
import { dirname, join, relative, resolve } from 'node:path';
import { chooseKernel, type Needs } from './kernel.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const LIMIT = Number(process.env.LAB_LIMIT ?? 1500) * 1000;

/** Whose tests need what of a kernel. What VRRP alone takes runs first: on this kernel it is the faster by far. */
const FOLDERS: Readonly<Record<Needs, string>> = { vrrp: 'test/interop', ipvs: 'test/lab' };

type Command = { readonly needs: Needs; readonly argv: readonly string[] };

function commands(args: readonly string[]): Command[] {
  if (args.includes('--demo')) return [{ needs: 'ipvs', argv: ['node', 'test/lab/demo.ts'] }];
  const options = args.filter((one) => one.startsWith('--'));
  const paths = args.filter((one) => !one.startsWith('--')).map((one) => relative(CHECKOUT, resolve(one)));
  const files = (paths.length > 0 ? paths : Object.values(FOLDERS)).flatMap(testsIn);
  return (['vrrp', 'ipvs'] as const).flatMap((needs) => {
    const own = files.filter((file) => (dirname(file) === FOLDERS.vrrp ? 'vrrp' : 'ipvs') === needs);
    return own.length === 0 ? [] : [{ needs, argv: ['node', '--test', '--test-concurrency=1', ...options, ...own] }];
  });
}

/** The tests of a folder, or the file. */
function testsIn(path: string): string[] {
  const found = path.endsWith('.ts')
    ? globSync(path, { cwd: CHECKOUT })
    : globSync(`${path}/*.test.ts`, { cwd: CHECKOUT });
  if (found.length === 0) throw new Error(`${path}: no test there`);
  return found.sort();
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

/** By a signal: what has not begun does not begin. */
let interrupted = false;

async function main(): Promise<number> {
  mkdirSync(join(CHECKOUT, 'out'), { recursive: true });
  let first = 0;
  for (const command of commands(process.argv.slice(2))) {
    const code = await runInWorld(command);
    if (interrupted) return code;
    if (first === 0) first = code;
  }
  return first;
}

async function runInWorld({ needs, argv }: Command): Promise<number> {
  const kernel = chooseKernel(needs);
  const out = mkdtempSync(join(CHECKOUT, 'out', 'lab-'));
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      stop(signal);
    });
  }
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
