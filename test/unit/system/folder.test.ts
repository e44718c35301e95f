import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { filesAt, fits, noticeAt, readWhole } from '../../../src/system/folder.ts';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'folder-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a pattern has * for any characters, and ? for one', () => {
  const yes = [
    ['web.json', 'web.json'],
    ['web.json', '*'],
    ['web.json', '*.json'],
    ['web.json', 'web*'],
    ['web.json', 'web.json*'],
    ['web.json', '**web**.json**'],
    ['web-1.json', 'web-?.json'],
    ['aXbXb', 'a*b'],
    ['.hidden', '.*'],
    ['', '*'],
    ['', ''],
  ];
  const no = [
    ['web.json', 'web'],
    ['web.json', 'eb.json'],
    ['web.json', '*.jso'],
    ['web.json', 'web?.json'],
    ['web.json', 'web.json?'],
    ['webxjson', 'web.json'],
    ['', '?'],
    ['a', ''],
  ];
  for (const [name, pattern] of yes) assert.equal(fits(name as string, pattern as string), true, `${name} ${pattern}`);
  for (const [name, pattern] of no) assert.equal(fits(name as string, pattern as string), false, `${name} ${pattern}`);
});

test('a pattern with many * is no trap', () => {
  assert.equal(fits('a'.repeat(200), `${'*a'.repeat(60)}b`), false);
});

test('the files of a pattern come by their names, hidden ones only when it asks for them', async (t) => {
  const path = folder(t);
  for (const name of ['b.json', 'a.json', '.c.json', 'd.json.tmp']) writeFileSync(join(path, name), '');
  const names = async (pattern: string) => filesAt(join(path, pattern));
  assert.deepEqual(await names('*.json'), { ok: true, value: [join(path, 'a.json'), join(path, 'b.json')] });
  assert.deepEqual(await names('.*.json'), { ok: true, value: [join(path, '.c.json')] });
  assert.deepEqual(await names('x*'), { ok: true, value: [] });
  // Without a pattern it is that file, be it there or not.
  assert.deepEqual(await names('e.json'), { ok: true, value: [join(path, 'e.json')] });
  assert.deepEqual(await filesAt('/nowhere/*.json'), {
    ok: false,
    error: '/nowhere cannot be read: it is not there (ENOENT)',
  });
});

test('a file is read whole, or it is said why not', async (t) => {
  const path = join(folder(t), 'file');
  assert.deepEqual(await readWhole(path, 10), { ok: false, error: 'cannot be read: it is not there (ENOENT)' });
  writeFileSync(path, 'äöü');
  assert.deepEqual(await readWhole(path, 6), { ok: true, value: 'äöü' });
  assert.deepEqual(await readWhole(path, 5), { ok: false, error: 'has more than 5 bytes' });
  rmSync(path);
  mkdirSync(path);
  assert.deepEqual(await readWhole(path, 10), { ok: false, error: 'is no regular file' });
});

test('a pipe without a writer holds nobody up', async (t) => {
  const path = join(folder(t), 'pipe');
  execFileSync('mkfifo', [path]);
  assert.deepEqual(await readWhole(path, 10), { ok: false, error: 'is no regular file' });
});

test('a change of what fits is noticed, also by renaming over it', { timeout: 10_000 }, async (t) => {
  const path = folder(t);
  let changed = Promise.withResolvers<void>();
  const notice = noticeAt(join(path, '*.json'), () => changed.resolve());
  assert.ok(notice);
  t.after(() => notice.close());
  // Without it, nothing keeps the process here: a watcher does not.
  const here = setInterval(() => {}, 1000);
  t.after(() => clearInterval(here));
  writeFileSync(join(path, 'a.json'), '');
  await changed.promise;
  writeFileSync(join(path, 'b.tmp'), '');
  changed = Promise.withResolvers();
  renameSync(join(path, 'b.tmp'), join(path, 'a.json'));
  await changed.promise;
  changed = Promise.withResolvers();
  // As a volume of Kubernetes does it.
  mkdirSync(join(path, '..data'));
  await changed.promise;
  assert.equal(
    noticeAt('/nowhere/x', () => {}),
    undefined,
  );
});
