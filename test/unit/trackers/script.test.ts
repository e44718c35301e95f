import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import test, { type TestContext } from 'node:test';
import { seconds } from '../../../src/base/time.ts';
import type { ScriptTrack } from '../../../src/config/config.ts';
import { refusalOf, unsafe } from '../../../src/system/program-safety.ts';
import { watchScript } from '../../../src/trackers/script/watch.ts';
import { fakeClock, inWords, until } from './fake-clock.ts';

const me = userInfo();
const isRoot = me.uid === 0;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'lvskeeper-script-'));
  chmodSync(path, 0o755);
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function program(at: string, body: string): string {
  const path = join(at, 'check');
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

/** The letter of proc_pid_stat(5); `undefined`: there is no such process. */
function stateOf(pid: number): string | undefined {
  try {
    return /\) (\S) [^)]*$/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

const trackOf = (path: string, changes: Partial<ScriptTrack> = {}): ScriptTrack => ({
  ...{ type: 'script', script: [path], interval: seconds(1), timeout: seconds(20), rise: 1, fall: 1 },
  ...{ user: me.username, weight: null, ...changes },
});

/** Watches, and gives the findings of the first `runs` runs. */
async function findings(t: TestContext, track: ScriptTrack, runs = 1): Promise<string[]> {
  const clock = fakeClock();
  const found: string[] = [];
  const watcher = watchScript(track, clock, (finding) =>
    found.push(`${finding.trouble ? '! ' : ''}${inWords(finding)}`),
  );
  t.after(() => watcher.close());
  for (let run = 0; run < runs; run++) {
    await clock.run(run * 1000);
    await until(() => found.length > run, `run ${run}`);
  }
  return found;
}

const BODIES: readonly (readonly [string, string, string])[] = [
  ['exit code 0 is well', 'exit 0', 'up: exited with 0'],
  ['another exit code is not', 'exit 2', 'down: exited with 2'],
  [
    'its last words are told',
    'echo x; echo "disk is getting full" >&2; echo "disk full" >&2; exit 2',
    'down: exited with 2: "disk full"',
  ],
  ['and those on standard output, if no others', 'echo "disk full"; exit 1', 'down: exited with 1: "disk full"'],
  ['words that would move a cursor do not', 'printf "a\\033[2Jb\\n"; exit 1', 'down: exited with 1: "a [2Jb"'],
  ['a signal is a failure', 'kill -TERM $$', 'down: was killed by SIGTERM'],
  ['standard input is at its end', 'cat; exit 0', 'up: exited with 0'],
  [
    'nothing of the daemon’s environment is handed on',
    'test -z "$HOME" && test "$LANG" = C.UTF-8',
    'up: exited with 0',
  ],
];
for (const [name, body, expected] of BODIES)
  test(name, async (t) => assert.deepEqual(await findings(t, trackOf(program(folder(t), body))), [expected]));

test('long last words are cut', async (t) => {
  const [found] = await findings(t, trackOf(program(folder(t), 'head -c 500 /dev/zero | tr "\\0" x; exit 1')));
  assert.equal(found, `down: exited with 1: "${'x'.repeat(100)}…"`);
});

test('no shell sees the arguments', async (t) => {
  const at = folder(t);
  const path = program(at, `printf '%s|' "$@" >"$(dirname "$0")/args"`);
  await findings(t, trackOf(path, { script: [path, '$HOME', 'a b', ''] }));
  assert.equal(readFileSync(join(at, 'args'), 'utf8'), '$HOME|a b||');
});

test('one that takes too long is killed with all that it started', async (t) => {
  const at = folder(t);
  const path = program(at, `sleep 600 & echo $! >"$(dirname "$0")/pid"; wait`);
  const found = await findings(t, trackOf(path, { timeout: seconds(2) }));
  assert.deepEqual(found, ['down: timed out after 2 s']);
  const pid = Number(readFileSync(join(at, 'pid'), 'utf8'));
  await until(() => ['Z', undefined].includes(stateOf(pid)), 'the child is gone too');
});

test('runs do not overlap: one is over before the next begins', async (t) => {
  const at = folder(t);
  const path = program(
    at,
    `cd "$(dirname "$0")"; mkdir busy || { touch overlap; exit 1; }; echo >>runs; until [ -e go ]; do sleep 0.02; done; rmdir busy`,
  );
  const clock = fakeClock();
  const found: string[] = [];
  const watcher = watchScript(trackOf(path), clock, (finding) => found.push(inWords(finding)));
  t.after(() => watcher.close());
  await clock.run(0);
  await until(() => existsSync(join(at, 'runs')), 'the first run');
  await clock.run(5000);
  assert.deepEqual(found, []);
  writeFileSync(join(at, 'go'), '');
  await until(() => found.length === 2, 'the first run, and the one that was due');
  assert.equal(existsSync(join(at, 'overlap')), false);
  assert.deepEqual(found, ['up: exited with 0', 'up: exited with 0']);
});

test('after the end nothing is told, and what runs is killed', async (t) => {
  const at = folder(t);
  const path = program(at, `cd "$(dirname "$0")"; echo $$ >pid.new; mv pid.new pid; exec sleep 600`);
  const clock = fakeClock();
  const found: string[] = [];
  const watcher = watchScript(trackOf(path), clock, (finding) => found.push(inWords(finding)));
  await clock.run(0);
  await until(() => existsSync(join(at, 'pid')), 'it runs');
  watcher.close();
  const pid = Number(readFileSync(join(at, 'pid'), 'utf8'));
  await until(() => !existsSync(`/proc/${pid}`), 'it is killed');
  await clock.run(5000);
  assert.deepEqual(found, []);
});

test('what cannot be run is a failure that an operator has to mend', async (t) => {
  const at = folder(t);
  const path = program(at, 'exit 0');
  const first = async (track: ScriptTrack) => (await findings(t, track))[0];
  assert.equal(await first(trackOf('/none/such')), '! down: is not run: there is no /none');
  assert.equal(
    await first(trackOf(path, { user: 'no-such-user' })),
    '! down: is not run: there is no user no-such-user in /etc/passwd',
  );
  assert.equal(await first(trackOf(at)), `! down: is not run: ${at} is not a file`);
  writeFileSync(path, '#!/none/such\n');
  assert.equal(await first(trackOf(path)), '! down: cannot be run: the interpreter in its first line is missing');
  chmodSync(path, 0o644);
  assert.equal(await first(trackOf(path)), '! down: cannot be run: its user may not execute it');
  chmodSync(path, 0o757);
  assert.equal(await first(trackOf(path)), `! down: is not run: ${path} can be written by everybody`);
});

test('it runs with the rights of its user', { skip: !isRoot && 'only root can change the user' }, async (t) => {
  const path = program(folder(t), 'id -u; id -G; pwd; exit 1');
  const [found] = await findings(t, trackOf(path, { user: 'nobody' }));
  assert.equal(found, 'down: exited with 1: "/"');
  const groups = program(folder(t), 'test "$(id -u)" != 0 && test "$(id -G)" = "$(id -g)"');
  assert.deepEqual(await findings(t, trackOf(groups, { user: 'nobody' })), ['up: exited with 0']);
});

test('the way to a program must be root’s and its user’s alone', async (t) => {
  const at = folder(t);
  const path = program(at, 'exit 0');
  assert.equal(await unsafe(path, me.uid), undefined);
  assert.equal(await unsafe('/usr/bin/env', me.uid), undefined, 'through whatever links there are');

  chmodSync(at, 0o777);
  assert.equal(await unsafe(path, me.uid), `${at} can be written by everybody`);
  chmodSync(at, 0o1777);
  assert.equal(await unsafe(path, me.uid), undefined, 'in a sticky folder nobody else can replace it');
  chmodSync(at, 0o755);
  chmodSync(path, 0o1777);
  assert.equal(await unsafe(path, me.uid), `${path} can be written by everybody`, 'the bit means nothing on a file');
  chmodSync(path, 0o755);

  mkdirSync(join(at, 'open'));
  chmodSync(join(at, 'open'), 0o757);
  symlinkSync(path, join(at, 'open/link'));
  symlinkSync('open/link', join(at, 'link'));
  assert.equal(
    await unsafe(join(at, 'link'), me.uid),
    `${at}/open can be written by everybody`,
    'a link may be replaced',
  );
  assert.equal(await unsafe(`${at}/open/../check`, me.uid), `${at}/open can be written by everybody`);

  symlinkSync('around', join(at, 'around'));
  assert.match((await unsafe(join(at, 'around'), me.uid)) ?? '', /more than 40 symbolic links/);
  symlinkSync('gone', join(at, 'dangling'));
  assert.equal(await unsafe(join(at, 'dangling'), me.uid), `there is no ${at}/gone`);
  assert.equal(await unsafe('/', me.uid), '/ is not a file');
});

test('a link that cannot be read is a refusal like any other', async (t) => {
  // What a process that has ended, and is not waited for, says of its program: a link that leads nowhere any more. A shell
  // would wait for it, so it ends when the shell has become a program that does not.
  const stdio = ['ignore', 'pipe', 'ignore', 'pipe'] as const;
  const shell = spawn('/bin/sh', ['-c', 'cat <&3 & echo $!; exec sleep 60'], { stdio: [...stdio] });
  t.after(() => shell.kill('SIGKILL'));
  const pid = Number(String(await once(shell.stdout as Readable, 'data')));
  await until(() => readFileSync(`/proc/${shell.pid}/comm`, 'utf8') === 'sleep\n', 'the program');
  (shell.stdio[3] as Writable).end();
  await until(() => stateOf(pid) === 'Z', 'a zombie');
  assert.match((await unsafe(`/proc/${pid}/exe`, me.uid)) ?? '', /^\/proc\/\d+\/exe: E[A-Z]+$/);
});

test('others’ files and other groups are seen', { skip: !isRoot && 'only root can give a file away' }, async (t) => {
  const at = folder(t);
  const path = program(at, 'exit 0');
  chmodSync(path, 0o775);
  chownSync(path, 0, 5);
  assert.equal(await unsafe(path, 0), `${path} can be written by group 5`);
  chownSync(path, 12345, 0);
  assert.equal(await unsafe(path, 0), `${path} belongs to user 12345, who could change it`);
  assert.equal(await unsafe(path, 12345), undefined, 'it is that user’s to change');
  assert.equal(await unsafe(path, 54321), `${path} belongs to user 12345, who could change it`);
});

test('a config can be warned of it beforehand', async (t) => {
  const path = program(folder(t), 'exit 0');
  assert.equal(await refusalOf({ command: [path], user: me.username }), undefined);
  assert.equal(
    await refusalOf({ command: [path], user: 'no-such-user' }),
    'there is no user no-such-user in /etc/passwd',
  );
  assert.equal(await refusalOf({ command: ['/none'], user: me.username }), 'there is no /none');
});
