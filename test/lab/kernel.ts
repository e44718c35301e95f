/**
 * Where the lab runs: on this machine's own kernel when that has what is needed, otherwise in a User-Mode Linux guest, a
 * kernel that runs as an ordinary process. Either way `guest/world` makes the world that the command runs in.
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

/** Of a kernel: IPVS and all that goes with it, or only what VRRP takes, which nearly every kernel has. */
export type Needs = 'ipvs' | 'vrrp';

const GUEST = join(import.meta.dirname, 'guest');

/** Throws when neither kernel will do: nothing is ever left out. */
export function chooseKernel(needs: Needs = 'ipvs'): Kernel {
  const why = process.getuid?.() === 0 ? LACKS[needs]() : 'only root can make namespaces';
  if (why === null) return { choice: `namespaces on this kernel, which has ${HAS[needs]}`, argv: host };
  if (spawnSync('linux.uml', ['--version']).status !== 0) {
    throw new Error(`${why}, and there is no linux.uml: apt-get install user-mode-linux`);
  }
  return { choice: `a User-Mode Linux guest, because ${why}`, argv: guest };
}

const HAS = { ipvs: 'IPVS', vrrp: 'bridges, veth and macvlan' } as const;

/** What this kernel lacks, or `null`. */
const LACKS: Readonly<Record<Needs, () => string | null>> = {
  ipvs: () =>
    existsSync('/proc/net/ip_vs') || spawnSync('modprobe', ['-q', 'ip_vs']).status === 0
      ? null
      : 'this kernel has no IPVS',
  vrrp() {
    const links = [
      'bridge0 type bridge',
      'veth0 type veth peer name veth1',
      'macvlan0 link veth0 type macvlan mode bridge',
    ];
    const input = links.map((one) => `link add name ${one}\n`).join('');
    const { status, stderr } = spawnSync('unshare', ['--net', 'ip', '-batch', '-'], { input, encoding: 'utf8' });
    return status === 0 ? null : `this kernel cannot make ${HAS.vrrp}: ${(stderr ?? 'no unshare').trim()}`;
  },
};

function host(checkout: string, out: string): string[] {
  const fresh = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  return ['env', 'LAB_KERNEL=host', 'nice', '-n', '-10', 'unshare', ...fresh, join(GUEST, 'world'), checkout, out];
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
