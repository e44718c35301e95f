/** The Debian package: the staged tree, and the control files of deb-control(5), deb-conffiles(5) and deb-postinst(5). */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { MAINTAINER } from './changelog.ts';
import type { Arch } from './contents.ts';
import { DESCRIPTION, type Release } from './release.ts';
import { type Entry, sizeOf } from './stage.ts';

/** `quick` is for tests. */
export type Compression = 'full' | 'quick';

/** Read by every dpkg, and by the tools that check and publish packages; those of Debian 12 refuse zstd. */
const COMPRESSION = { full: ['-Zxz', '-z1'], quick: ['-Zzstd', '-z1'] } as const;

export type Job = {
  readonly root: string;
  readonly tree: string;
  readonly entries: readonly Entry[];
  readonly release: Release;
  readonly arch: Arch;
  readonly compression: Compression;
  /** Where the package, and while it is made what it needs, are put. */
  readonly out: string;
};

/** Makes the package; gives its path. */
export function makeDeb(job: Job): string {
  const { root, tree, entries, release, arch, compression, out } = job;
  const control = join(tree, 'DEBIAN');
  const deb = join(out, `lvskeeper_${release.version}_${arch.deb}.deb`);
  mkdirSync(control);
  try {
    writeFileSync(join(control, 'control'), renderControl(job));
    writeFileSync(join(control, 'conffiles'), conffiles(entries));
    writeFileSync(join(control, 'md5sums'), md5sums(tree, entries));
    const scripts = readdirSync(join(root, 'packaging/deb'));
    for (const name of scripts) copyFileSync(join(root, 'packaging/deb', name), join(control, name));
    for (const name of readdirSync(control)) {
      chmodSync(join(control, name), scripts.includes(name) ? 0o755 : 0o644);
      lutimesSync(join(control, name), release.epoch, release.epoch);
    }
    chmodSync(control, 0o755);
    for (const path of [control, tree]) lutimesSync(path, release.epoch, release.epoch);
    const options = ['--root-owner-group', '--uniform-compression', ...COMPRESSION[compression]];
    execFileSync('dpkg-deb', [...options, '--build', tree, deb], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(control, { recursive: true, force: true });
  }
  return deb;
}

/** The oldest libraries that the bundled runtime can do with; nothing else is called at run time but modprobe. */
function renderControl({ tree, entries, release, arch }: Job): string {
  const fields = {
    Package: 'lvskeeper',
    Version: release.version,
    Architecture: arch.deb,
    Maintainer: MAINTAINER,
    'Installed-Size': String(Math.ceil(sizeOf(tree, entries) / 1024)),
    Depends: 'libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 9)',
    Recommends: 'systemd, kmod, nftables',
    Suggests: 'ipvsadm',
    Section: 'net',
    Priority: 'optional',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  return `${lines.join('')}Description: ${release.summary}\n${DESCRIPTION.map((line) => ` ${line}\n`).join('')}`;
}

const conffiles = (entries: readonly Entry[]): string =>
  entries
    .filter(({ config }) => config)
    .map(({ path }) => `${path}\n`)
    .join('');

const md5sums = (tree: string, entries: readonly Entry[]): string =>
  entries
    .filter(({ config }) => !config)
    .map(
      ({ path }) =>
        `${createHash('md5')
          .update(readFileSync(join(tree, path)))
          .digest('hex')}  ${path.slice(1)}\n`,
    )
    .join('');
