/** Makes the tree of what is installed, from the table in `contents.ts`. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  globSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Row } from './contents.ts';
import type { Release } from './release.ts';

/** One file as it is installed. */
export type Entry = { readonly path: string; readonly mode: number; readonly config: boolean; readonly strip: boolean };

/** Fills `tree`, which is emptied first; gives its files by path. Times are the release's, modes do not depend on the umask. */
export function stage(root: string, tree: string, rows: readonly Row[], release: Release): readonly Entry[] {
  rmSync(tree, { recursive: true, force: true });
  const entries = rows.flatMap((row) => install(root, tree, row, release));
  for (const name of ['', ...readdirSync(tree, { recursive: true, encoding: 'utf8' })]) {
    const path = join(tree, name);
    if (!entries.some((entry) => entry.path === `/${name}`)) chmodSync(path, 0o755);
    lutimesSync(path, release.epoch, release.epoch);
  }
  const paths = entries.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new Error(`packaging/contents.ts: ${twice} is in two rows`);
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function install(root: string, tree: string, row: Row, release: Release): Entry[] {
  const { to, from, mode = 0o644, config = false, strip = false } = row;
  const put = (path: string, write: (target: string) => void): Entry => {
    const target = join(tree, path);
    mkdirSync(dirname(target), { recursive: true });
    write(target);
    // `--strip-unneeded` keeps what the dynamic linker needs: an addon's symbols, and Node's that addons link to.
    if (strip) execFileSync('strip', ['--strip-unneeded', target]);
    chmodSync(target, mode);
    return { path, mode, config, strip };
  };
  if ('text' in from) return [put(to, (target) => writeFileSync(target, from.text(release)))];
  if ('file' in from) return [put(to, (target) => copyFileSync(join(root, from.file), target))];
  const names = globSync(from.glob, { cwd: join(root, from.folder) }).sort();
  if (names.length === 0) throw new Error(`packaging/contents.ts: there is no ${from.folder}/${from.glob}`);
  return names.map((name) => put(to + name, (target) => copyFileSync(join(root, from.folder, name), target)));
}

/** The bytes of every file together. */
export const sizeOf = (tree: string, entries: readonly Entry[]): number =>
  entries.reduce((sum, { path }) => sum + readFileSync(join(tree, path)).length, 0);
