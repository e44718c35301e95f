/** The rules of the house, as `docs/architecture.md` states them: who may import whom, and what is pure. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src', import.meta.url));

/** Read downwards: a folder imports from itself and from folders above it. */
const LAYERS = [
  'base',
  'wire',
  'vrrp',
  'health',
  'pool',
  'ipvs',
  'config',
  'system',
  'checkers',
  'trackers',
  'discovery',
  'alerts',
  'control',
  'daemon',
  'cli',
] as const;

/** Pure folders: no I/O, no timers, no clock, no randomness, no process. */
const PURE = new Set<string>(['base', 'wire', 'vrrp', 'health', 'pool', 'ipvs', 'config']);

/** The option tables of checkers, trackers, discovery and alerts: pure, and read by `config/`. */
const isOptions = (file: string): boolean =>
  /^(checkers|trackers|discovery|alerts)\/([a-z]+\/options|[a-z]+-options?)\.ts$/.test(file);

const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.ts'));
const layerOf = (file: string): string => file.split('/')[0] as string;

/** Specifiers of every import and export-from, static or dynamic, type-only or not. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)['"]([^'"]+)['"]/gm)].map((m) => m[1] as string);
}

test('every folder of src/ is a layer, and every layer is a folder', () => {
  const folders = readdirSync(src, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name);
  assert.deepEqual(folders.sort(), [...LAYERS].sort());
});

for (const file of files) {
  const layer = layerOf(file);
  test(`src/${file} imports only from its own layer and those above`, () => {
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith('.')) continue;
      const target = relative(src, join(src, dirname(file), specifier));
      const allowed =
        LAYERS.indexOf(layerOf(target) as never) <= LAYERS.indexOf(layer as never) ||
        (layer === 'config' && isOptions(target));
      assert.ok(allowed, `imports ${target}`);
      const pure = PURE.has(layerOf(target)) || isOptions(target);
      if (isOptions(file)) assert.ok(pure, `an option table is pure, but imports ${target}`);
    }
  });

  if (PURE.has(layer) || isOptions(file)) {
    test(`src/${file} is pure`, () => {
      for (const specifier of importsOf(file)) assert.doesNotMatch(specifier, /^node:/, `imports ${specifier}`);
      const text = readFileSync(join(src, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/\/\/.*$/gm, '')
        .replace(/(['"`])(?:\\.|(?!\1)[^\\])*\1/g, '""');
      // A property may be called `process`: a tracked thing is one.
      const impure =
        /(?<!\.)\bprocess\b(?!\s*:)|\b(setTimeout|setInterval|setImmediate|queueMicrotask|console|Buffer|fetch|globalThis|Math\.random|Date\.now|new Date\(\)|performance)\b/;
      assert.doesNotMatch(text, impure);
    });
  }
}

test('file names are kebab-case, and no file of src/ is too long to read', () => {
  for (const file of files) {
    assert.match(file, /^([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.ts$/);
    const lines = readFileSync(join(src, file), 'utf8').split('\n').length;
    assert.ok(lines <= 600, `src/${file} has ${lines} lines`);
  }
});

test('no default exports, no enums, no escapes from the type system', () => {
  for (const file of files) {
    const text = readFileSync(join(src, file), 'utf8');
    assert.doesNotMatch(text, /^export default|^\s*(export )?(const )?enum |@ts-ignore|@ts-expect-error/m, file);
  }
});
