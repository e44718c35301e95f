import assert from 'node:assert/strict';
import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileSource } from '../../../src/discovery/file/source.ts';
import { poll } from '../../../src/discovery/poll.ts';
import type { Answer } from '../../../src/discovery/source.ts';
import { later } from '../../../src/system/later.ts';
import { discovery, folder, never, shown, until } from './fakes.ts';

const list = (...targets: readonly string[]): string => JSON.stringify([{ targets }]);
const source = (path: string, more = '') => fileSource(discovery('file', `file = "${path}"\n${more}`));

test('a file gives its targets with their labels', async (t) => {
  const path = join(folder(t), 'web.json');
  writeFileSync(path, JSON.stringify([{ targets: ['10.0.0.1:80', 'x'], labels: { share: '5', weight: '6' } }]));
  const answer = await source(path, 'weight_label = "share"').ask(never);
  assert.deepEqual(shown(answer), ['10.0.0.1:80*5']);
  assert.match(answer.ok ? (answer.value.skipped[0] ?? '') : '', /^x is no address/);
});

test('files of a pattern are one list, and all of them must be good', async (t) => {
  const path = folder(t);
  const one = source(join(path, 'web-*.json'));
  assert.equal(shown(await one.ask(never)), `no file fits ${join(path, 'web-*.json')}`);
  writeFileSync(join(path, 'web-b.json'), list('10.0.0.2:80'));
  writeFileSync(join(path, 'web-a.json'), list('10.0.0.1:80'));
  assert.deepEqual(shown(await one.ask(never)), ['10.0.0.1:80', '10.0.0.2:80']);
  writeFileSync(join(path, 'web-a.json'), list('10.0.0.1:80').slice(0, -3));
  assert.equal(shown(await one.ask(never)), `${join(path, 'web-a.json')}: it is no JSON, or was cut short`);
  rmSync(join(path, 'web-a.json'));
  assert.deepEqual(shown(await one.ask(never)), ['10.0.0.2:80']);
});

test('a file that is empty or not there says nothing of servers', async (t) => {
  const path = join(folder(t), 'web.json');
  assert.equal(shown(await source(path).ask(never)), `${path} cannot be read: it is not there (ENOENT)`);
  writeFileSync(path, '');
  assert.equal(shown(await source(path).ask(never)), `${path}: it is empty, expected a JSON list of target groups`);
  symlinkSync(path, `${path}.link`);
  writeFileSync(path, list());
  assert.deepEqual(shown(await source(`${path}.link`).ask(never)), []);
});

test('a change is noticed at once, a replaced file too, and one that was gone', { timeout: 20_000 }, async (t) => {
  const path = join(folder(t), 'web.json');
  writeFileSync(path, list('10.0.0.1:80'));
  // It is read besides once in an hour alone.
  const answers: Answer[] = [];
  const polling = poll(source(path, 'interval = "1h"'), later, (answer) => answers.push(answer));
  t.after(() => polling.close());
  const last = (): string => JSON.stringify(answers.map(shown).at(-1));
  await until(() => last() === '["10.0.0.1:80"]');
  writeFileSync(`${path}.new`, list('10.0.0.2:80'));
  renameSync(`${path}.new`, path);
  await until(() => last() === '["10.0.0.2:80"]');
  rmSync(path);
  await until(() => last().includes('ENOENT'));
  writeFileSync(path, list('10.0.0.3:80'));
  await until(() => last() === '["10.0.0.3:80"]');
});

test('without a notice it is read again in its interval', { timeout: 20_000 }, async (t) => {
  const path = join(folder(t), 'web.json');
  writeFileSync(path, list('10.0.0.1:80'));
  const answers: Answer[] = [];
  const { watch: _, ...blind } = source(path, 'interval = "1s"');
  const polling = poll(blind, later, (answer) => answers.push(answer));
  t.after(() => polling.close());
  await until(() => answers.length === 1);
  writeFileSync(path, list('10.0.0.2:80'));
  await until(() => JSON.stringify(answers.map(shown).at(-1)) === '["10.0.0.2:80"]');
});
