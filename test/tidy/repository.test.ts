/** Rules of the repository that no compiler knows. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const json = (path: string) => JSON.parse(read(path));

test('the lock file names every optional dependency of every package: otherwise `npm ci` refuses it', () => {
  const { packages } = json('package-lock.json') as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  for (const [path, { optionalDependencies = {} }] of Object.entries(packages))
    for (const name of Object.keys(optionalDependencies))
      assert.ok(
        `node_modules/${name}` in packages,
        `${path || 'package.json'} has ${name}, which is not in the lock file`,
      );
});

test('direct dependencies are pinned, so that what was tested is what runs', () => {
  const { dependencies, optionalDependencies } = json('package.json') as Record<string, Record<string, string>>;
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies }))
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
});

test('the top level holds what it should, and no more', () => {
  const there = readdirSync(root).filter((name) => !['node_modules', 'dist', 'out', '.git'].includes(name));
  const wanted = ['.ci', '.gitignore', 'CHANGELOG.md', 'LICENSE', 'README.md', 'conf', 'docs', 'package-lock.json'];
  assert.deepEqual(there.sort(), [...wanted, 'package.json', 'packaging', 'src', 'test', 'tsconfig.json'].sort());
});

test('the changelog is in the form of Keep a Changelog', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map((m) => m[1] as string);
  assert.equal(headings[0], '[Unreleased]');
  for (const heading of headings.slice(1)) assert.match(heading, /^\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
  for (const [, kind] of read('CHANGELOG.md').matchAll(/^### (.*)$/gm))
    assert.match(kind as string, /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/);
});

test('npm scripts are one word each', () => {
  const { scripts } = json('package.json') as { scripts: Record<string, string> };
  for (const name of Object.keys(scripts)) assert.match(name, /^[a-z]+$/);
});

test('every folder of checkers, discovery and alerts has the same shape', () => {
  for (const [kind, main] of [
    ['checkers', 'probe.ts'],
    ['discovery', 'source.ts'],
    ['alerts', 'send.ts'],
  ] as const) {
    const folders = readdirSync(join(root, 'src', kind), { withFileTypes: true }).filter((e) => e.isDirectory());
    assert.ok(folders.length >= 2);
    for (const { name } of folders) {
      const files = readdirSync(join(root, 'src', kind, name));
      for (const file of ['options.ts', main, 'README.md']) assert.ok(files.includes(file), `${kind}/${name}/${file}`);
    }
  }
});

test('no `any` slips past the compiler by a comment', () => {
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }))
    if (file.endsWith('.ts')) assert.doesNotMatch(read(join('src', file)), /biome-ignore|@ts-/, file);
});
