/** Whoever copies an example gets a config that works: each goes through the loader. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'node:test';
import { formatIssue, load } from '../../../src/config/load.ts';

const root = new URL('../../..', import.meta.url).pathname;
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const issuesOf = (file: string, text: string) =>
  load(text, { hostName: 'lb1' }).issues.map((issue) => formatIssue(file, issue));

for (const name of readdirSync(join(root, 'conf/examples'))) {
  const file = `conf/examples/${name}`;
  test(`${file} has neither error nor warning`, () => assert.deepEqual(issuesOf(file, read(file)), []));
}

test('the config as installed does nothing, and has no error', () => {
  const { config } = load(read('conf/lvskeeper.toml'), { hostName: 'lb1' });
  assert.deepEqual([config?.vrrp, config?.services, config?.alerts], [[], [], []]);
});

test('the config as installed works when its comments are taken away, and shows the defaults as they are', () => {
  const code = /^# (?=\[|\w+ *= )/gm;
  const text = read('conf/lvskeeper.toml');
  assert.ok((text.match(code) ?? []).length > 25);
  assert.deepEqual(issuesOf('conf/lvskeeper.toml', text.replace(code, '')), []);
  const [fixed] = text.split('\n# A virtual router');
  assert.deepEqual(
    load((fixed as string).replace(code, ''), { hostName: 'lb1' }).config,
    load('', { hostName: 'lb1' }).config,
  );
});

/** Markdown of the project: the top, docs/, and beside the sources. */
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...markdownUnder('docs'),
  ...markdownUnder('src'),
  ...markdownUnder('conf'),
].filter((file) => existsSync(join(root, file)));

function markdownUnder(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => relative(root, join(root, folder, name)));
}

/**
 * A block marked `toml` is a whole file: no error. One marked `toml fragment` is part of one: nothing unknown, wrong or
 * out of range, but what is required may be missing.
 */
for (const file of pages) {
  for (const match of read(file).matchAll(/^( *)```toml(.*)\n([\s\S]*?)^ *```/gm)) {
    const [, indent = '', info = '', block = ''] = match;
    const line = read(file).slice(0, match.index).split('\n').length;
    test(`${file}:${line}: the TOML there is right`, () => {
      const text = block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      const [, section] = (info.includes('fragment') && /^\[+(service|vrrp)\./.exec(text)) || [];
      const above = section === undefined ? '' : `[[${section}]]\n`;
      const { issues } = load(above + text, { hostName: 'lb1' });
      const errors = issues.filter(({ severity }) => severity === 'error');
      const serious = info.includes('fragment') ? errors.filter(({ message }) => !/^missing "/.test(message)) : errors;
      assert.deepEqual(
        serious.map((issue) => formatIssue(file, { ...issue, line: issue.line + line - (above === '' ? 0 : 1) })),
        [],
      );
    });
  }
}
