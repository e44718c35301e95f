/**
 * `npm run package [-- --out DIR] [-- --compression quick]`: the Debian package and the RPM, in `out/`. Needs dpkg-deb,
 * rpmbuild (Debian: rpm) and strip (binutils), and no privileges. The same commit gives the same bytes.
 *
 * The Debian package is compressed with xz at level 1: at its default, 6, it would be a seventh smaller and take four times
 * as long. The RPM is compressed with zstd at level 9. Measured on the runtime, which is nearly all of both.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AMD64, contents } from './contents.ts';
import { type Compression, type Job, makeDeb } from './deb.ts';
import { readRelease } from './release.ts';
import { makeRpm } from './rpm.ts';
import { stage } from './stage.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'out') }, compression: { type: 'string', default: 'full' } },
});

const TOOLS = { 'dpkg-deb': 'dpkg', rpmbuild: 'rpm', strip: 'binutils' };
const missing = Object.entries(TOOLS).filter(([tool]) => spawnSync(tool, ['--version']).error !== undefined);
if (missing.length > 0) {
  const packages = missing.map(([, name]) => name).join(' ');
  console.error(`npm run package needs ${missing.map(([tool]) => tool).join(', ')}: apt-get install ${packages}`);
  process.exit(1);
}
if (values.compression !== 'full' && values.compression !== 'quick') {
  console.error(`--compression ${values.compression}: it is full or quick`);
  process.exit(2);
}
const compression: Compression = values.compression;

await import('./build.ts');

const out = resolve(values.out);
const tree = join(out, 'tree');
const release = readRelease(root);
mkdirSync(out, { recursive: true });
try {
  const entries = stage(root, tree, contents(root, AMD64), release);
  const job: Job = { root, tree, entries, release, arch: AMD64, compression, out };
  for (const path of [makeDeb(job), makeRpm(job)]) {
    console.log(`${relative(process.cwd(), path)}: ${(statSync(path).size / 1e6).toFixed(1)} MB`);
  }
} finally {
  rmSync(tree, { recursive: true, force: true });
}
