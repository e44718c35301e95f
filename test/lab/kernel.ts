/**
 * Where the lab runs: on this machine's own kernel when that has IPVS, otherwise in a User-Mode Linux guest, a kernel that
 * runs as an ordinary process. Either way `guest/world` makes the world that the command runs in.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

export type Kernel = {
  /** For people: which one, and why. */
  readonly choice: string;
  /** The command that makes the world, runs what stands in `OUT/command`, and ends. Its own output is boot noise. */
  argv(checkout: string, out: string): readonly string[];
};

const GUEST = join(import.meta.dirname, 'guest');

export function chooseKernel(): Kernel {
  const root = process.getuid?.() === 0;
  const loaded = existsSync('/proc/net/ip_vs') || (root && spawnSync('modprobe', ['-q', 'ip_vs']).status === 0);
  if (loaded && root) return { choice: 'namespaces on this kernel, which has IPVS', argv: host };
  const why = loaded ? 'only root can make namespaces' : 'this kernel has no IPVS';
  if (spawnSync('linux.uml', ['--version']).status !== 0) {
    throw new Error(`${why}, and there is no linux.uml: apt-get install user-mode-linux`);
  }
  return { choice: `a User-Mode Linux guest, because ${why}`, argv: guest };
}

function host(checkout: string, out: string): string[] {
  const fresh = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return ['env', 'LAB_KERNEL=host', 'unshare', ...fresh, join(GUEST, 'world'), checkout, out];
}

function guest(checkout: string, out: string): string[] {
  for (const path of [checkout, out]) {
    if (/[\s"]/.test(path)) throw new Error(`${path}: the guest's kernel takes no path with a space or quote in it`);
  }
  const root = ['rootfstype=hostfs', 'rootflags=/', 'ro', `init=${join(GUEST, 'init')}`];
  const console = ['con=null', 'con0=null,fd:1', 'quiet'];
  const names = ['umid=guest', `uml_dir=${out}/uml`];
  const ours = [`LAB_CHECKOUT=${checkout}`, `LAB_OUT=${out}`];
  return [
    ...priority(),
    'taskset',
    '-c',
    String(idlestCpu()),
    'linux.uml',
    'mem=2048M',
    ...names,
    ...root,
    ...console,
    ...ours,
  ];
}

/**
 * Ahead of other work on its CPU. Every system call and page fault in the guest is several switches between processes
 * here; with a busy neighbour that may come in at each of them it runs at half its speed or less, and late.
 */
function priority(): string[] {
  const realTime = ['chrt', '-r', '1'];
  const allowed = spawnSync(realTime[0] ?? '', [...realTime.slice(1), 'true']).status === 0;
  return availableParallelism() > 1 && allowed ? realTime : ['nice', '-n', '-10'];
}

/**
 * The guest has one CPU and keeps to one of ours: moving about makes it up to four times slower. The one that was least
 * busy for the last fifth of a second, so that two guests, or a guest and a build, do not meet on one.
 */
function idlestCpu(): number {
  const before = idleTimes();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  const after = idleTimes();
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const cpus = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  const idle = (cpu: number): number => (after.get(cpu) ?? 0) - (before.get(cpu) ?? 0);
  return cpus.reduce((best, cpu) => (idle(cpu) >= idle(best) ? cpu : best));
}

/** Ticks that each CPU has been idle, the fourth figure of its line in /proc/stat (proc(5)). */
function idleTimes(): Map<number, number> {
  const lines = readFileSync('/proc/stat', 'utf8').matchAll(/^cpu(\d+) \d+ \d+ \d+ (\d+)/gm);
  return new Map([...lines].map(([, cpu, idle]) => [Number(cpu), Number(idle)]));
}
