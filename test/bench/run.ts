/**
 * npm run bench [-- PART… --runs N --json --write]     lvskeeper beside keepalived, measured in one run
 *
 * Each part runs in a world of its own: fresh namespaces for processes, mounts and network, on this machine's kernel or in
 * the lab's guest. When the process that made it ends, the kernel takes all of it away: processes, interfaces, files. So
 * nothing is left behind, however the bench ends. Needs root.
 */

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, cpSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseKernel } from '../lab/kernel.ts';
import { type Chapter, type Findings, type Report, renderMarkdown, renderText } from './figures.ts';
import { type Kernel, PARTS, type Part, partsCalled } from './parts.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const PAGE = join(CHECKOUT, 'docs/benchmarks.md');
/** Seconds that all of it may take with the default number of runs; with more, the same share more. */
const BUDGET = 2100;
const DEFAULT_RUNS = 5;
const USAGE = `Usage: npm run bench -- [PART…] [--runs N] [--json] [--write]

Parts: ${PARTS.map(({ name }) => name).join(' ')}; vrrp is all that are about it. Without one, all of them: at most ${BUDGET / 60} minutes.
--runs N   take-overs of each kind, a third as many crashes, two fifths as many
           loads of checks, a fifth as many loads of each table (default ${DEFAULT_RUNS})
--json     every sample, as JSON on standard output
--write    the result becomes docs/benchmarks.md; chapters that were not measured stay
`;

/** The command that makes a world and runs there what stands in `OUT/command` (test/lab/guest/world). */
function worldOf(kernel: Kernel, out: string): { readonly argv: readonly string[]; readonly what: string } {
  if (kernel === 'guest') {
    const { choice, argv } = chooseKernel();
    return { argv: argv(CHECKOUT, out), what: `In ${choice}` };
  }
  const fresh = ['--mount', '--net', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  // A sysfs of its own shows the interfaces of the new network namespace, and not the machine's.
  const world = [
    'sh',
    '-c',
    'mount -t sysfs sysfs /sys && exec "$@"',
    'sh',
    join(CHECKOUT, 'test/lab/guest/world'),
    CHECKOUT,
    out,
  ];
  // Ahead of other work on the machine, as the guest is.
  const argv = ['env', 'LAB_KERNEL=host', 'nice', '-n', '-10', 'unshare', ...fresh, ...world];
  return { argv, what: "On this machine's kernel" };
}

async function measure(part: Part, kernel: Kernel, runs: number, files: string, limit: number): Promise<Chapter> {
  const out = join(files, `${part.name}-${kernel}`);
  mkdirSync(out);
  const command = ['node', 'test/bench/inside.ts', part.name, String(runs)];
  writeFileSync(join(out, 'command'), command.map((one) => `${one}\0`).join(''));
  writeFileSync(join(out, 'console'), '');
  const { argv, what } = worldOf(kernel, out);
  const [program = '', ...rest] = argv;
  const [before, started] = [loadavg()[0] ?? 0, performance.now()];
  const boot = openSync(join(out, 'boot'), 'w');
  // A group of its own: the guest is several processes.
  const world = spawn(program, rest, { stdio: ['ignore', boot, boot], detached: true });
  closeSync(boot);
  const end = (): void => {
    if (world.pid !== undefined && world.exitCode === null && world.signalCode === null)
      process.kill(-world.pid, 'SIGKILL');
  };
  const interrupted = (): void => {
    end();
    rmSync(files, { recursive: true, force: true });
    process.exit(1);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, interrupted);
  const timer = setTimeout(end, limit * 1000);
  await new Promise<void>((done, failed) => {
    world.on('exit', () => done());
    world.on('error', failed);
  });
  clearTimeout(timer);
  for (const signal of signals) process.off(signal, interrupted);
  const took = (performance.now() - started) / 1000;
  try {
    const findings: Findings = JSON.parse(
      readFileSync(join(out, 'findings.json'), 'utf8'),
      (_, value) => value ?? Number.NaN,
    );
    const title = part.kernels.length > 1 && kernel === 'guest' ? `${part.title}, with IPVS` : part.title;
    const measured = `${commitMeasured()}, ${today()}`;
    return { ...findings, part: part.name, title, kernel: what, measured, load: [before, loadavg()[0] ?? 0], took };
  } catch {
    const why = took >= limit ? `took longer than ${Math.round(limit)} s` : 'it ended too early';
    const said = ['console', 'boot'].map((name) => readFileSync(join(out, name), 'utf8').slice(-2000));
    throw new Error(`${part.name}: ${why}\n${said.join('')}`);
  }
}

/** `lvskeeper 06f00c7`, the commit that is measured. */
const commitMeasured = (): string =>
  `lvskeeper ${spawnSync('git', ['-C', CHECKOUT, 'describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout.trim()}`;

const today = (): string => new Date().toISOString().slice(0, 10);

function machine(): string[] {
  const keepalived = spawnSync('keepalived', ['--version'], { encoding: 'utf8' });
  if (keepalived.error !== undefined) throw new Error('there is no keepalived: apt-get install keepalived');
  const [version = ''] = /v\d+(\.\d+)+/.exec(keepalived.stderr + keepalived.stdout) ?? [];
  const { length } = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return [
    `${length} cores of ${cpus()[0]?.model ?? 'unknown'}, ${memory}, Linux ${release()}`,
    `Node ${process.version}; keepalived ${version}`,
  ];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: 'string', default: String(DEFAULT_RUNS) },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const runs = Number(values.runs);
  const unknown = positionals.filter((name) => partsCalled(name).length === 0);
  if (values.help || unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
    console.error(unknown.length > 0 ? `bench: there is no part ${unknown.join(', ')}\n\n${USAGE}` : USAGE);
    return values.help ? 0 : 2;
  }
  if (process.getuid?.() !== 0) throw new Error('only root can make namespaces');
  const facts = machine();
  const built = spawnSync(process.execPath, ['packaging/build.ts'], {
    cwd: CHECKOUT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (built.status !== 0) throw new Error('npm run build failed');
  mkdirSync(join(CHECKOUT, 'out'), { recursive: true });
  const files = mkdtempSync(join(CHECKOUT, 'out', 'bench-'));
  // What is measured stays the same though another build replaces it meanwhile.
  cpSync(join(CHECKOUT, 'dist'), join(files, 'dist'), { recursive: true });

  const [load = 0] = loadavg();
  if (load > 1)
    console.error(`bench: other work runs here (load average ${load.toFixed(1)}): the figures will be noisy`);
  const started = performance.now();
  const more = Math.max(1, runs / DEFAULT_RUNS);
  const chapters: Chapter[] = [];
  const failures: string[] = [];
  const wanted = new Set(positionals.length === 0 ? PARTS : positionals.flatMap(partsCalled));
  for (const part of PARTS.filter((one) => wanted.has(one)))
    for (const kernel of part.kernels) {
      console.error(`bench: ${part.name} on ${kernel === 'host' ? "this machine's kernel" : 'a kernel with IPVS'} …`);
      const left = BUDGET * more - (performance.now() - started) / 1000;
      await measure(part, kernel, runs, files, Math.max(1, Math.min(left, part.limit * more))).then(
        (chapter) => chapters.push(chapter),
        (error: Error) => failures.push(error.message),
      );
    }
  rmSync(files, { recursive: true });
  const report: Report = { date: new Date().toISOString().slice(0, 16).replace('T', ' '), machine: facts, chapters };
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 2)}\n` : renderText(report));
  for (const failure of failures) console.error(`bench: failed: ${failure}`);
  if (values.write && failures.length === 0)
    writeFileSync(PAGE, renderMarkdown(report, positionals.length === 0 ? '' : readFileSync(PAGE, 'utf8')));
  return failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();
