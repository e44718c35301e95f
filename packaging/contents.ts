/**
 * What is in the packages: one table, from which the staging tree, Debian's conffiles and the RPM's file list are made.
 * Nothing gets into a package any other way.
 */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { renderDebianChangelog } from './changelog.ts';
import type { Release } from './release.ts';

/** An architecture by the names that Debian, RPM and npm have for it. */
export type Arch = { readonly deb: string; readonly rpm: string; readonly npm: string };

export const AMD64: Arch = { deb: 'amd64', rpm: 'x86_64', npm: 'x64' };

export type Source =
  /** One file of the checkout. */
  | { readonly file: string }
  /** Files of a folder of the checkout, chosen by a glob below it; they keep their places below the destination. */
  | { readonly folder: string; readonly glob: string }
  /** Made while packaging. */
  | { readonly text: (release: Release) => string | Uint8Array };

export type Row = {
  /** Where it is installed; a folder, with a slash at the end, exactly when the source is one. */
  readonly to: string;
  readonly from: Source;
  /** Permission bits; 0o644 when not given. Everything belongs to root. */
  readonly mode?: number;
  /** Belongs to the administrator: an upgrade never overwrites it. */
  readonly config?: true;
  /** A binary whose symbol table and debugging sections are left out. */
  readonly strip?: true;
};

export function contents(root: string, arch: Arch): readonly Row[] {
  const runtime = `node_modules/node-linux-${arch.npm}`;
  return [
    { to: '/usr/sbin/lvskeeper', from: { file: 'packaging/files/lvskeeper.sh' }, mode: 0o755 },
    { to: '/usr/lib/lvskeeper/', from: { folder: 'dist', glob: '*.js' } },
    {
      to: '/usr/lib/lvskeeper/native/lvskeeper.node',
      from: { file: 'dist/native/lvskeeper.node' },
      strip: true,
    },
    { to: '/usr/lib/lvskeeper/package.json', from: { text: manifest } },
    { to: '/usr/lib/lvskeeper/bin/node', from: { file: `${runtime}/bin/node` }, mode: 0o755, strip: true },

    // The one npm package that is not in the bundle: it has an addon, and finds it with node-gyp-build.
    { to: '/usr/lib/lvskeeper/node_modules/netlink/', from: { folder: 'node_modules/netlink', glob: 'package.json' } },
    { to: '/usr/lib/lvskeeper/node_modules/netlink/', from: { folder: 'node_modules/netlink', glob: 'dist/**/*.js' } },
    {
      to: '/usr/lib/lvskeeper/node_modules/netlink/',
      from: { folder: 'node_modules/netlink', glob: `prebuilds/linux-${arch.npm}/*.node` },
      strip: true,
    },
    {
      to: '/usr/lib/lvskeeper/node_modules/node-gyp-build/',
      from: { folder: 'node_modules/node-gyp-build', glob: '{package.json,index.js,node-gyp-build.js}' },
    },

    // Not /lib: an RPM distribution has a link there that no package may replace, and on Debian 12 it is the same folder.
    { to: '/usr/lib/systemd/system/lvskeeper.service', from: { file: 'packaging/files/lvskeeper.service' } },
    { to: '/usr/lib/modules-load.d/lvskeeper.conf', from: { file: 'packaging/files/modules-load.conf' } },

    // A webhook's address is often a secret, so others may not read it.
    { to: '/etc/lvskeeper/lvskeeper.toml', from: { file: 'conf/lvskeeper.toml' }, mode: 0o640, config: true },

    { to: '/usr/share/doc/lvskeeper/copyright', from: { file: 'packaging/files/copyright' } },
    { to: '/usr/share/doc/lvskeeper/LICENSE', from: { file: 'LICENSE' } },
    { to: '/usr/share/doc/lvskeeper/changelog.gz', from: { text: changelog } },
    { to: '/usr/share/doc/lvskeeper/examples/', from: { folder: 'conf/examples', glob: '**/*.toml' } },
    { to: '/usr/share/doc/lvskeeper/examples/lvskeeper.toml', from: { file: 'conf/lvskeeper.toml' } },
    { to: '/usr/share/doc/lvskeeper/reference/', from: { folder: 'docs/reference', glob: '*.md' } },
    { to: '/usr/share/doc/lvskeeper/licenses/node', from: { file: `${runtime}/LICENSE` } },
    ...dependencies(root).map((name): Row => {
      const [licence = 'LICENSE'] = globSync('LICEN[CS]E*', { cwd: join(root, 'node_modules', name) });
      const to = `/usr/share/doc/lvskeeper/licenses/${name.replace('@', '').replace('/', '-')}`;
      return { to, from: { file: `node_modules/${name}/${licence}` } };
    }),
  ];
}

/** Makes what is below it ES modules, and tells the version to those who look there. */
const manifest = ({ version }: Release): string =>
  `${JSON.stringify({ name: 'lvskeeper', version, license: 'Apache-2.0', private: true, type: 'module' }, null, 2)}\n`;

const changelog = ({ changes }: Release): Uint8Array => gzipSync(renderDebianChangelog(changes), { level: 9 });

/** Every npm package of which something is shipped, by name: the dependencies and theirs. Types are never shipped. */
export function dependencies(root: string): string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      if (found.has(name) || name.startsWith('@types/')) continue;
      found.add(name);
      const place = join(root, 'node_modules', name);
      if (!existsSync(place)) throw new Error(`${place} is missing: run npm ci`);
      visit(place);
    }
  };
  visit(root);
  return [...found].sort();
}
