import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { watchFile } from '../../../src/trackers/file/watch.ts';
import { fakeClock, inWords, until } from './fake-clock.ts';

/** A watched file, and what is found when. Time stands still, so what is found without `read` was noticed. */
function world(t: TestContext, name = 'prio') {
  const folder = mkdtempSync(join(tmpdir(), 'lvskeeper-file-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  const clock = fakeClock();
  const found: string[] = [];
  let second = 0;
  const begin = () => {
    const watcher = watchFile({ type: 'file', file: path, weight: 1 }, clock, (f) =>
      found.push(`${f.trouble ? '! ' : ''}${inWords(f)}`),
    );
    t.after(() => watcher.close());
    return watcher;
  };
  /** The next read in its time, and the last finding of all then. */
  async function read(): Promise<string | undefined> {
    const before = found.length;
    await clock.run(1000 * second++);
    await until(() => found.length > before, 'a finding');
    return found.at(-1);
  }
  return { folder, path, clock, found, begin, read };
}

const TEXTS: readonly (readonly [string, string])[] = [
  ['0\n', 'up 0: holds 0'],
  ['3\n', 'down 3: holds 3'],
  ['-20', 'down -20: holds -20'],
  ['  +7 \n', 'down 7: holds 7'],
  ['-0', 'up 0: holds 0'],
  ['254', 'down 254: holds 254'],
  ['255', 'down 254: holds 254'],
  ['-99999999999999999999', 'down -254: holds -254'],
];
for (const [text, expected] of TEXTS)
  test(`${JSON.stringify(text)} is read: ${expected}`, async (t) => {
    const { path, begin, read } = world(t);
    writeFileSync(path, text);
    begin();
    assert.equal(await read(), expected);
  });

const BAD: readonly (readonly [string, string])[] = [
  ['three', 'holds "three", expected a whole number'],
  ['1.5', 'holds "1.5", expected a whole number'],
  ['1 2', 'holds "1 2", expected a whole number'],
  ['', 'is empty, expected a whole number'],
  [`1${' '.repeat(63)}2`, 'has 64 bytes or more, expected a whole number'],
];
for (const [text, reason] of BAD)
  test(`${JSON.stringify(text)} leaves the last number in force, and is told once it has been read twice`, async (t) => {
    const { path, begin, read, found, clock } = world(t);
    writeFileSync(path, '5');
    begin();
    assert.equal(await read(), 'down 5: holds 5');
    writeFileSync(path, text);
    for (let i = 2; !found.at(-1)?.startsWith('!') && i < 100; i++) {
      await clock.run(1000 * i);
      await pause(20);
    }
    assert.equal(found.at(-1), `! local-error: ${reason}`);
    assert.deepEqual(new Set(found), new Set(['down 5: holds 5', `! local-error: ${reason}`]));
  });

test('a missing file counts as 0, and so does one in a missing folder', async (t) => {
  const { begin, read } = world(t, 'not/there');
  begin();
  assert.equal(await read(), 'up 0: is missing, which counts as 0');
});

test('a change is noticed without waiting for the next read; so is a file that is moved into place, or away', async (t) => {
  const { path, begin, read, found } = world(t);
  writeFileSync(path, '1');
  begin();
  await read();
  const noticed = (what: string) => until(() => found.at(-1) === what, what);
  writeFileSync(path, '2');
  await noticed('down 2: holds 2');
  writeFileSync(`${path}.new`, '3');
  renameSync(`${path}.new`, path);
  await noticed('down 3: holds 3');
  rmSync(path);
  await noticed('up 0: is missing, which counts as 0');
});

test('a folder that comes later is watched too', async (t) => {
  const { path, folder, begin, read, found } = world(t, 'later/prio');
  begin();
  await read();
  mkdirSync(join(folder, 'later'));
  writeFileSync(path, '4');
  assert.equal(await read(), 'down 4: holds 4');
  writeFileSync(path, '5');
  await until(() => found.at(-1) === 'down 5: holds 5', 'the change is noticed');
});

test('what is no regular file is not waited for', async (t) => {
  const { path, begin, clock, found } = world(t);
  execFileSync('mkfifo', [path]);
  begin();
  for (let i = 0; found.length === 0 && i < 100; i++) {
    await clock.run(1000 * i);
    await pause(20);
  }
  assert.equal(found.at(-1), '! local-error: cannot be read (it is no regular file)');
});

test('after the end nothing is told', async (t) => {
  const { path, begin, read, found, clock } = world(t);
  writeFileSync(path, '1');
  const watcher = begin();
  await read();
  watcher.close();
  writeFileSync(path, '2');
  await clock.run(60_000);
  await pause(50);
  assert.deepEqual(found, ['down 1: holds 1']);
});

test('a text that is read once is not told: whoever writes it may be half done', async (t) => {
  const { path, begin, found, clock } = world(t);
  writeFileSync(path, 'x');
  begin();
  await clock.run(0);
  await pause(100);
  assert.deepEqual(found, []);
  await clock.run(1000);
  await until(() => found.length > 0, 'the second read');
  assert.equal(found.at(-1), '! local-error: holds "x", expected a whole number');
});

test('a folder that is replaced by another is watched again', async (t) => {
  const { path, folder, begin, read, found } = world(t, 'there/prio');
  mkdirSync(join(folder, 'there'));
  writeFileSync(path, '1');
  begin();
  assert.equal(await read(), 'down 1: holds 1');
  rmSync(join(folder, 'there'), { recursive: true });
  await until(() => found.at(-1) === 'up 0: is missing, which counts as 0', 'it is missed');
  mkdirSync(join(folder, 'there'));
  writeFileSync(path, '2');
  assert.equal(await read(), 'down 2: holds 2');
  writeFileSync(path, '3');
  await until(() => found.at(-1) === 'down 3: holds 3', 'the change is noticed');
});
