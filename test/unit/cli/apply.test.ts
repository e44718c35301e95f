/** `apply`, `confirm`, `rollback`: what they ask of the daemon, what they write, and what they say. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import type { Director, FileAnswer, Trial } from '../../../src/control/director.ts';
import { EMPTY_STATUS, fakeDirector, serve, temporaryFolder } from '../control/fake-director.ts';
import { cli } from './harness.ts';

const [OLD, NEW] = ['[log]\nlevel = "info"\n', '[log]\nlevel = "debug"\n'];
const TRIAL: Trial = {
  ...{ text: NEW, before: OLD, by: 'anna' },
  ...{ since: '2026-03-01T12:05:03.000Z', until: '2026-03-01T12:10:03.000Z' },
};
const ANNA = { SUDO_USER: 'anna' };
process.env.TZ = 'UTC';

/** The daemon's own file, the new one, and a daemon. */
async function scene(t: TestContext, answers: Partial<Director> = {}, trial: Trial | null = null) {
  const folder = temporaryFolder(t);
  const [own, file] = [join(folder, 'own.toml'), join(folder, 'new.toml')];
  writeFileSync(own, OLD);
  writeFileSync(file, NEW);
  const status = trial && { state: 'running' as const, by: trial.by, since: trial.since, until: trial.until };
  const socket = await serve(
    t,
    fakeDirector({
      status: async () => ({ ...EMPTY_STATUS, config: { ...EMPTY_STATUS.config, file: own, trial: status } }),
      trial: () => trial,
      ...answers,
    }),
  );
  const run = (...argv: readonly string[]) => cli(argv, socket, undefined, ANNA);
  return { own, file, run, onDisk: () => readFileSync(own, 'utf8') };
}
const reloaded = (outcome: FileAnswer['outcome'], detail = ''): Partial<Director> => ({
  reload: async () => ({
    ...{ outcome, detail, file: 'own.toml', issues: [] },
    serverChanges: { kept: [], discarded: [], ceased: [] },
  }),
});

test('on trial: the plan first, then until when, and the file stays', async (t) => {
  const asked: unknown[] = [];
  const { file, own, run, onDisk } = await scene(t, {
    apply: async (request) => {
      asked.push(request);
      return ok({ outcome: 'on-trial', detail: '', issues: [], trial: TRIAL });
    },
  });
  const { code, out, err } = await run('apply', file, '--confirm', '5m');
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(asked, [{ text: NEW, lifetime: 300_000, by: 'anna' }]);
  assert.equal(
    out,
    `nothing would change\n\n${file} is on trial until 12:10:03, for 5 m\n  lvskeeper confirm    keeps it, in ${own}\n` +
      '  lvskeeper rollback   takes it back at once\nWith neither, what ran before runs again by itself.\n',
  );
  assert.equal(onDisk(), OLD);
  const json = JSON.parse((await run('apply', file, '--confirm', '5m', '--json')).out);
  assert.deepEqual(
    [json.outcome, json.plan, json.trial],
    ['on-trial', { changes: [] }, { by: 'anna', since: TRIAL.since, until: TRIAL.until }],
  );
});

test('without --confirm the file is installed and reloaded', async (t) => {
  const { file, own, run, onDisk } = await scene(t, reloaded('applied', '[log] changed'));
  const { code, out } = await run('apply', file);
  assert.equal(code, 0);
  assert.match(out, new RegExp(`${file} is now ${own}\nreload applied: \\[log\\] changed\n$`));
  assert.equal(onDisk(), NEW);
});

test('what the daemon then refuses is put back', async (t) => {
  const { file, own, run, onDisk } = await scene(t, reloaded('refused', 'cannot read /k'));
  const { code, err } = await run('apply', file);
  assert.deepEqual([code, err], [1, `apply refused: cannot read /k\n${own} is as it was\n`]);
  assert.equal(onDisk(), OLD);
});

test('a file with errors changes nothing, and asks nobody', async (t) => {
  const { file, run, onDisk } = await scene(t);
  writeFileSync(file, 'wrong = 1\nworse = 2\n');
  const { code, err } = await run('apply', file);
  assert.equal(code, 1);
  assert.equal(err.trim().split('\n').length, 2);
  assert.equal(onDisk(), OLD);
});

test('while one is on trial another is refused, with what to do', async (t) => {
  const { file, run, onDisk } = await scene(t, {}, TRIAL);
  for (const more of [[], ['--confirm', '5m']]) {
    const { code, err } = await run('apply', file, ...more);
    assert.equal(code, 1);
    assert.match(err, /^lvskeeper: a config is on trial by anna until 12:10:03\nFirst `lvskeeper confirm`/);
  }
  assert.equal(onDisk(), OLD);
});

test('a refused trial says why', async (t) => {
  const { file, run } = await scene(t, {
    apply: async () => ok({ outcome: 'refused', detail: 'cannot read /k', issues: [], trial: null }),
  });
  const { code, err } = await run('apply', file, '--confirm', '5m');
  assert.deepEqual([code, err], [1, 'apply refused: cannot read /k\n']);
});

for (const time of ['0s', '25h', 'soon'])
  test(`--confirm ${time} is no time`, async (t) => {
    const { file, run } = await scene(t);
    const { code, err } = await run('apply', file, '--confirm', time);
    assert.equal(code, 2);
    assert.match(err, /from 1 s to 24 h/);
  });

test('confirm writes the file first, then tells the daemon', async (t) => {
  let seen = '';
  const { own, run, onDisk } = await scene(
    t,
    {
      confirm: async (by) => {
        seen = `${by} ${readFileSync(own, 'utf8')}`;
        return ok(TRIAL);
      },
    },
    TRIAL,
  );
  const { code, out } = await run('confirm');
  assert.deepEqual([code, seen, onDisk()], [0, `anna ${NEW}`, NEW]);
  assert.equal(out, `confirmed: ${own} holds what was on trial, and nothing else has changed\n`);
  assert.equal(JSON.parse((await run('confirm', '--json')).out).outcome, 'confirmed');
});

test('what somebody wrote into the file during the trial is kept beside it', async (t) => {
  const { own, run, onDisk } = await scene(t, { confirm: async () => ok(TRIAL) }, TRIAL);
  writeFileSync(own, '# mine\n');
  const { code, err } = await run('confirm');
  assert.deepEqual([code, onDisk()], [0, NEW]);
  assert.equal(err, `${own} was edited during the trial: what it held is in ${own}.replaced\n`);
  assert.equal(readFileSync(`${own}.replaced`, 'utf8'), '# mine\n');
});

test('a confirmation that comes too late leaves the file as it was', async (t) => {
  const refusal = { error: 'no-trial', what: 'no config is on trial: rolled back', todo: 'Try again.' } as const;
  const { own, run, onDisk } = await scene(t, { confirm: async () => err(refusal) }, TRIAL);
  const { code, err: said } = await run('confirm');
  assert.deepEqual([code, onDisk()], [1, OLD]);
  assert.equal(said, `lvskeeper: no config is on trial: rolled back\nTry again.\n${own} is as it was\n`);
});

test('rollback tells the daemon, and touches no file', async (t) => {
  const { run, onDisk } = await scene(t, { rollback: async () => ok(TRIAL) }, TRIAL);
  const { code, out } = await run('rollback');
  assert.deepEqual([code, out, onDisk()], [0, 'rolled back: what ran before the trial runs again\n', OLD]);
});

test('with none on trial both say what to do', async (t) => {
  const { run } = await scene(t);
  for (const verb of ['confirm', 'rollback']) {
    const { code, err } = await run(verb);
    assert.equal(code, 1);
    assert.match(err, /^lvskeeper: no config is on trial\n`lvskeeper apply FILE --confirm 5m` tries one/);
  }
});
