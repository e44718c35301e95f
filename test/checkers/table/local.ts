/** What programs and files on the director can do to the checks that use them. No server is asked, so none can misbehave. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Advice } from '../../../src/checkers/probe.ts';
import type { Manner } from '../places.ts';
import type { Row, Verdict } from '../row.ts';

const nowhere: Manner = async () => ({});
const ME = userInfo().username;
let count = 0;

/** A file of this text, or what `make` makes at the path. */
const at =
  (make: (path: string) => void): Manner =>
  async (stage) => {
    const path = join(stage.folder(), `file-${++count}`);
    make(path);
    return { path };
  };
const holding = (text: string, mode = 0o644): Manner => at((path) => writeFileSync(path, text, { mode }));

const SHELL = (script: string): string => `command = ["/bin/sh", "-c", ${JSON.stringify(script)}]`;

const SCRIPTS: readonly (readonly [what: string, script: string, verdict: Verdict, more?: string])[] = [
  ['good', 'echo "42 ms"', 'up: exit code 0: "42 ms"'],
  ['bad', 'echo "disk full"; exit 2', 'down: exit code 2: "disk full"'],
  ['complaining', 'echo "no module" >&2; exit 1', 'down: exit code 1: "no module"'],
  ['with a weight', 'exit 52', 'up: exit code 52, weight 50', 'weight_from_exit = true'],
  ['hanging', 'echo begun; exec sleep 60', 'down: still running after {timeout}, and killed: "begun"'],
  [
    'hanging, and deaf to SIGTERM',
    'trap "" TERM INT HUP; echo begun; while :; do sleep 60; done',
    'down: still running after {timeout}, and killed: "begun"',
  ],
  ['stopped', 'echo begun; kill -STOP $$', 'down: still running after {timeout}, and killed: "begun"'],
  ['forking, its output open', 'sleep 60 & echo well', 'up: exit code 0: "well"'],
  ['forking out of its group, its output open', 'setsid sleep 0.5 & echo well', 'up: exit code 0: "well"'],
  [
    'hanging, and its children too',
    'sleep 60 & sleep 60 & echo begun; wait',
    'down: still running after {timeout}, and killed: "begun"',
  ],
  ['flooding', 'exec yes', 'down: printed more than it may, and was killed: "y"'],
  ['flooding with complaints', 'exec yes >&2', 'down: printed more than it may, and was killed: "y"'],
  ['flooding on one line', 'exec cat /dev/zero', 'down: printed more than it may, and was killed: "…"'],
  ['reading its input', 'cat; echo end', 'up: exit code 0: "end"'],
  ['crashing', 'kill -SEGV $$', 'down: killed by SIGSEGV'],
  ['printing escapes', 'printf "a\\033[2Jb\\n"; exit 1', 'down: exit code 1: "a [2Jb"'],
];

const PROGRAMS: readonly (readonly [what: string, manner: Manner, verdict: Verdict])[] = [
  ['missing', at(() => undefined), `local-error: cannot probe: {path} is not run as ${ME}: there is no {path}`],
  [
    'not executable',
    holding('#!/bin/sh\n'),
    'local-error: cannot probe: {path} cannot be started: its user may not execute it, see chmod(1)',
  ],
  [
    'without its interpreter',
    holding('#!/none/such\n', 0o755),
    'local-error: cannot probe: {path} cannot be started: the interpreter in its first line is missing',
  ],
  [
    'writable by everybody',
    at((path) => {
      writeFileSync(path, '#!/bin/sh\n');
      chmodSync(path, 0o777);
    }),
    `local-error: cannot probe: {path} is not run as ${ME}: {path} can be written by everybody`,
  ],
];

const EXPECTED = 'expected "up", "down", "drain", "maint", or a weight such as "75%"';
const PLAIN: Advice = { weight: { percent: 100 }, mode: 'ready', maxConnections: null };

const FILES: readonly (readonly [what: string, manner: Manner, verdict: Verdict, advice?: Advice, more?: string])[] = [
  ['up', holding('up\n'), 'up: {path} holds "up"', PLAIN],
  ['down', holding('down # rack 4\n'), 'down: {path} holds "down # rack 4"', PLAIN],
  [
    'drain',
    holding('\n\n drain 50%\nup 100%\n'),
    'up: {path} holds "drain 50%"',
    { ...PLAIN, weight: { percent: 50 }, mode: 'drain' },
  ],
  ['no file', at(() => undefined), 'up: there is no {path}, which counts as up', PLAIN],
  [
    'no file, which counts as down',
    at(() => undefined),
    'down: there is no {path}, which counts as down',
    PLAIN,
    'absent = "down"',
  ],
  [
    'a link to nothing',
    at((path) => symlinkSync('/none/such', path)),
    'up: there is no {path}, which counts as up',
    PLAIN,
  ],
  [
    'a link to itself',
    at((path) => symlinkSync(path, path)),
    'local-error: cannot probe: {path} cannot be read (ELOOP): let the user that lvskeeper runs as read it',
  ],
  ['an empty file', holding(''), `down: {path} is empty, ${EXPECTED}`],
  ['garbage', holding('\u0000\u0007hello\n'), `down: {path} holds "hello", ${EXPECTED}`],
  ['a line without an end', holding('up '.repeat(4000)), 'down: {path} has no end of the line in 4 KiB'],
  ['a folder', at((path) => mkdirSync(path)), 'local-error: cannot probe: {path} is no regular file'],
  [
    'a pipe that nobody writes into',
    at((path) => void execFileSync('mkfifo', [path])),
    'local-error: cannot probe: {path} is no regular file',
  ],
  [
    'a device that never ends',
    at((path) => symlinkSync('/dev/zero', path)),
    'local-error: cannot probe: {path} is no regular file',
  ],
];

export const LOCAL: readonly Row[] = [
  ...SCRIPTS.map(([what, script, verdict, more = '']) => ({
    what: `exec: a program that is ${what}`,
    toml: `type = "exec"\nuser = "${ME}"\n${SHELL(script)}\n${more}`,
    manner: nowhere,
    verdict,
  })),
  ...PROGRAMS.map(([what, manner, verdict]) => ({
    what: `exec: a program that is ${what}`,
    toml: `type = "exec"\nuser = "${ME}"\ncommand = ["{path}"]`,
    manner,
    verdict,
  })),
  ...FILES.map(([what, manner, verdict, advice, more = '']) => ({
    what: `file: ${what}`,
    toml: `type = "file"\nfile = "{path}"\n${more}`,
    manner,
    verdict,
    ...(advice && { advice }),
  })),
];
