/** The RPM: a spec file that takes the staged tree as it is. Nothing is compiled, stripped or looked for by rpmbuild. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderRpmChangelog } from './changelog.ts';
import type { Job } from './deb.ts';
import { DESCRIPTION } from './release.ts';
import type { Entry } from './stage.ts';

/** RPM reads zstd from 4.14 (RHEL 8) on. */
const COMPRESSION = { full: 'w9.zstdio', quick: 'w1.zstdio' } as const;

/** Makes the package; gives its path. */
export function makeRpm(job: Job): string {
  const { tree, release, arch, out, compression } = job;
  const name = `lvskeeper-${release.version}-1.${arch.rpm}.rpm`;
  const work = join(out, 'rpm');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const spec = join(work, 'lvskeeper.spec');
  writeFileSync(spec, renderSpec(job));
  const macros = {
    _topdir: work,
    _rpmdir: work,
    _build_name_fmt: name,
    _binary_payload: COMPRESSION[compression],
    // Without these the bytes would depend on the machine and the moment of the build.
    _buildhost: 'lvskeeper',
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    source_date_epoch_from_changelog: '0',
    // The tree is finished: rpmbuild's own stripping, compressing and build-id links would change it.
    __os_install_post: '%{nil}',
    debug_package: '%{nil}',
    _build_id_links: 'none',
    staged: tree,
  };
  const defines = Object.entries(macros).flatMap(([macro, value]) => ['--define', `${macro} ${value}`]);
  const target = ['--target', `${arch.rpm}-linux`];
  try {
    execFileSync('rpmbuild', ['--quiet', '-bb', ...target, ...defines, spec], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epoch) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    renameSync(join(work, name), join(out, name));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(out, name);
}

function renderSpec({ root, entries, release }: Job): string {
  const scripts = readdirSync(join(root, 'packaging/rpm')).sort();
  const sections = scripts.map(
    (name) => `%${name}\n${readFileSync(join(root, 'packaging/rpm', name), 'utf8').replaceAll('%', '%%')}`,
  );
  return `Name: lvskeeper
Version: ${release.version}
Release: 1
Summary: ${release.summary.replace(/^./, (letter) => letter.toUpperCase())}
License: Apache-2.0
Group: System Environment/Daemons
AutoReqProv: no
Requires: glibc >= 2.28
Requires: libgcc
Requires: libstdc++
Requires: kmod
Recommends: nftables
Requires: systemd

%description
${DESCRIPTION.join('\n')}

%install
mkdir -p %{buildroot}
cp -al %{staged}/. %{buildroot}/

${sections.join('\n')}
%files
${[...foldersOf(entries).map((path) => `%dir %attr(0755, root, root) "${path}"`), ...entries.map(fileLine)].join('\n')}

%changelog
${renderRpmChangelog(release.changes)}`;
}

const fileLine = ({ path, mode, config }: Entry): string =>
  `${config ? '%config(noreplace) ' : ''}%attr(0${mode.toString(8)}, root, root) "${path}"`;

/** The folders that are ours alone, and so go when the package goes. */
function foldersOf(entries: readonly Entry[]): string[] {
  const folders = new Set<string>();
  for (const { path } of entries)
    for (let folder = dirname(path); folder.includes('/lvskeeper'); folder = dirname(folder)) folders.add(folder);
  return [...folders].sort();
}
