/** Both packages, built once and quickly, and what dpkg makes of one in a root of its own. Nothing here needs privileges. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';
import { AMD64, contents } from '../../packaging/contents.ts';

const checkout = resolve(import.meta.dirname, '../..');
const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
const CONFIG = '/etc/lvskeeper/lvskeeper.toml';

const work = mkdtempSync(join(tmpdir(), 'lvskeeper-package-'));
/** Where dpkg installs into. */
const root = join(work, 'root');
const deb = join(work, `lvskeeper_${version}_amd64.deb`);
const rpm = join(work, `lvskeeper-${version}-1.x86_64.rpm`);

before(() => {
  const options = ['--out', work, '--compression', 'quick'];
  execFileSync(process.execPath, [join(checkout, 'packaging/package.ts'), ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  mkdirSync(join(root, 'var/lib/dpkg/updates'), { recursive: true });
  mkdirSync(join(root, 'var/lib/dpkg/info'));
  for (const name of ['status', 'available']) writeFileSync(join(root, 'var/lib/dpkg', name), '');
});
after(() => rmSync(work, { recursive: true, force: true }));

/** As root of a user namespace. The maintainer scripts know a foreign root by DPKG_ROOT, and start nothing. */
function dpkg(...args: string[]): string {
  const options = [
    `--root=${root}`,
    '--force-script-chrootless',
    '--force-depends',
    '--force-confold',
    '--force-unsafe-io',
    '--log=/dev/null',
  ];
  return execFileSync('unshare', ['--map-root-user', 'dpkg', ...options, ...args], { encoding: 'utf8', stdio: 'pipe' });
}

/** The installed program, by its installed runtime, with nothing of the checkout at hand. */
const program = [join(root, 'usr/lib/lvskeeper/bin/node'), join(root, 'usr/lib/lvskeeper/lvskeeper.js')] as const;
const lvskeeper = (...args: string[]): string =>
  execFileSync(program[0], [program[1], ...args], { cwd: '/', env: {}, encoding: 'utf8', stdio: 'pipe' });

type Installed = { readonly mode: string; readonly sha256: string };

function filesBelow(top: string): Map<string, Installed> {
  const entries = readdirSync(top, { recursive: true, withFileTypes: true });
  return new Map(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [
        path.slice(top.length),
        {
          mode: (statSync(path).mode & 0o7777).toString(8),
          sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
        },
      ]),
  );
}

test('dpkg installs it into an empty root, and the program runs from there', () => {
  dpkg('--install', deb);
  assert.equal(lvskeeper('--version'), `lvskeeper ${version}\n`);
});

test('the RPM holds what dpkg has installed: the same places, modes and bytes', () => {
  const format = '[%{FILEMODES:octal} %{FILEDIGESTS} %{FILENAMES}\\n]';
  const lines = execFileSync('rpm', ['-qp', '--qf', format, rpm], { encoding: 'utf8' }).trim().split('\n');
  const inRpm = lines.flatMap((line): [string, Installed][] => {
    const [mode = '', sha256 = '', path = ''] = line.split(' ');
    return mode.startsWith('100') ? [[path, { mode: mode.slice(-3), sha256 }]] : [];
  });
  const inDeb = [...filesBelow(root)].filter(([path]) => !path.startsWith('/var/lib/'));
  const byPath = ([a]: [string, Installed], [b]: [string, Installed]): number => (a < b ? -1 : 1);
  assert.deepEqual(inRpm.sort(byPath), inDeb.sort(byPath));
});

test("the config is the administrator's in both, and nothing else is", () => {
  const configs = contents(checkout, AMD64)
    .filter(({ config }) => config)
    .map(({ to }) => to);
  assert.deepEqual(configs, [CONFIG]);
  assert.equal(execFileSync('dpkg-deb', ['-I', deb, 'conffiles'], { encoding: 'utf8' }), `${CONFIG}\n`);
  const flags = execFileSync('rpm', ['-qp', '--qf', '[%{FILEFLAGS:fflags} %{FILENAMES}\\n]', rpm], {
    encoding: 'utf8',
  });
  const marked = flags.split('\n').filter((line) => /^[a-z]*c/.test(line));
  assert.deepEqual(marked, [`cn ${CONFIG}`]);
});

test('the shipped config and every example pass the check of the installed program', () => {
  const examples = join(root, 'usr/share/doc/lvskeeper/examples');
  const files = [join(root, CONFIG), ...readdirSync(examples).map((name) => join(examples, name))];
  assert.ok(files.length > 2);
  for (const file of files) assert.match(lvskeeper('check', file), /: good: /);
});

test('the command and the unit name files that are installed', () => {
  const command = readFileSync(join(root, 'usr/sbin/lvskeeper'), 'utf8');
  const unit = readFileSync(join(root, 'usr/lib/systemd/system/lvskeeper.service'), 'utf8');
  const named = [...command.matchAll(/^exec .*$/gm), ...unit.matchAll(/^(Exec\w+|Documentation)=.*$/gm)].flatMap(
    ([line]) => [...line.matchAll(/\/(?:usr|etc)\/\S+/g)].map(([path]) => path),
  );
  assert.ok(named.length >= 6);
  for (const path of named) assert.ok(statSync(join(root, path)).isFile(), path);
});

test('the installed daemon starts both of its children, which need the addons', async () => {
  const config = join(work, 'lvskeeper.toml');
  writeFileSync(
    config,
    `director.run_dir = "${join(work, 'run')}"
metrics.listen = false
[[vrrp]]
name = "edge"
interface = "none0"
router_id = 51
addresses = ["192.0.2.10/24"]
[[service]]
name = "web"
address = "192.0.2.10:80"
forward = "nat"
check.type = "tcp"
server = [{ address = "192.0.2.21:80" }]
`,
  );
  const argv = ['--map-root-user', '--net', ...program, 'run', config];
  const daemon: ChildProcess = spawn('unshare', argv, {
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  const ready = new Promise<void>((resolve, reject) => {
    daemon.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (/vrrp process ready/.test(printed) && /checker process ready/.test(printed)) resolve();
    });
    daemon.once('exit', () => reject(new Error(`the daemon ended:\n${printed}`)));
  });
  const deadline = setTimeout(() => daemon.kill('SIGKILL'), 30_000);
  try {
    await ready;
    assert.match(lvskeeper('status', '--socket', join(work, 'run/control.sock')), /3 of 3 processes ready/);
  } finally {
    daemon.kill('SIGTERM');
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit');
    clearTimeout(deadline);
  }
  assert.equal(daemon.exitCode, 0, printed);
});

test('a new version leaves a changed config as it is, removing keeps it, purging leaves nothing', () => {
  appendFileSync(join(root, CONFIG), '# ours\n');
  dpkg('--install', deb);
  assert.match(readFileSync(join(root, CONFIG), 'utf8'), /# ours\n$/);
  dpkg('--remove', 'lvskeeper');
  assert.deepEqual(
    [...filesBelow(root).keys()].filter((path) => !path.startsWith('/var/lib/')),
    [CONFIG],
  );
  dpkg('--purge', 'lvskeeper');
  assert.deepEqual(
    [...filesBelow(root).keys()].filter((path) => !path.startsWith('/var/lib/dpkg/')),
    [],
  );
});
