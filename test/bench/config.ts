/**
 * Loading a config: CPU for each server of tables of several shapes, by which it is seen that it grows with the file and no
 * faster. Each sample is a process of its own, as a start is. keepalived tests the same table (`--config-test`).
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../lab/network.ts';
import { services } from './check-world.ts';
import { asInstalled, keepalived, lvskeeper } from './daemons.ts';
import type { Figure, Findings } from './figures.ts';

/** Services, and servers of each. */
const SHAPES = [
  [100, 10],
  [1000, 10],
  [1, 8000],
  [300, 100],
  [4000, 10],
] as const;

const source = (path: string): string => new URL(`../../${path}`, import.meta.url).href;
/** Prints microseconds of CPU: of the package alone, or of all of loading. */
const ALONE = `
  import { readFileSync } from 'node:fs';
  const [what, file] = process.argv.slice(1);
  const { load } = await import('${source('src/config/load.ts')}');
  const { default: parser } = await import('${source('node_modules/toml/lib/parser.js')}');
  const { default: compiler } = await import('${source('node_modules/toml/lib/compiler.js')}');
  const text = readFileSync(file, 'utf8');
  const before = process.cpuUsage();
  if (what === 'load') load(text, { hostName: 'director' });
  else compiler.compile(parser.parse(text), text, { bigint: true });
  const { user, system } = process.cpuUsage(before);
  console.log(user + system);
`;

export async function measure({ runs }: { readonly runs: number }): Promise<Findings> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-config-'));
  const host = { name: 'director', directory } as Host;
  const [ours, theirs] = [join(directory, 'lvskeeper.toml'), join(directory, 'keepalived.conf')];
  const figures: Figure[] = [];
  try {
    for (const [count, each] of SHAPES) {
      const all = services(count, each, 'tcp');
      for (const daemon of [lvskeeper(), keepalived()]) daemon.configure(host, { services: all });
      const perServer = (cost: () => number): number[] => Array.from({ length: runs }, () => cost() / (count * each));
      const shape = `${count} x ${each}`;
      figures.push(
        {
          what: `${shape}, check of the file`,
          unit: 'µs',
          ours: perServer(() => command([...asInstalled(), 'check', ours])),
          theirs: perServer(() => command(['keepalived', '--config-test', '-f', theirs])),
        },
        { what: `${shape}, loading alone`, unit: 'µs', ours: perServer(() => alone('load', ours)), theirs: [] },
        {
          what: `${shape}, of it the TOML parser`,
          unit: 'µs',
          ours: perServer(() => alone('parser', ours)),
          theirs: [],
        },
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  return {
    figures,
    notes: [
      'CPU for each server. A check of the file has the start of a process in it, which few servers share in the first; it is counted in steps of 10 ms.',
    ],
  };
}

function alone(what: 'load' | 'parser', file: string): number {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', ALONE, '--', what, file],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** Microseconds of CPU of a command, by `times` of the shell, whose second line is that of its children. */
function command(argv: readonly string[]): number {
  const { stdout } = spawnSync('sh', ['-c', '"$@" > /dev/null 2>&1; echo $?; times', 'sh', ...argv], {
    encoding: 'utf8',
  });
  const [status, , line = ''] = stdout.split('\n');
  const spent = [...line.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => 60 * Number(m) + Number(s));
  if (status !== '0' || spent.length !== 2) throw new Error(`${argv.join(' ')}: exit code ${status}`);
  return 1e6 * spent.reduce((sum, one) => sum + one, 0);
}
