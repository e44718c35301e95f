import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import fc from 'fast-check';
import { formatIssue, load, summarize } from '../../../src/config/load.ts';
import { decodeUtf8, linesOf } from '../../../src/config/place.ts';

const facts = { hostName: 'lb1' };
const golden = new URL('../../golden/config/', import.meta.url);
const documents = readdirSync(golden).flatMap((name) =>
  readFileSync(new URL(name, golden), 'utf8')
    .split(/^====\n/m)
    .map((text) => text.split(/^----\n/m)[0] as string),
);
const pair = readFileSync(new URL('../../../conf/examples/pair.toml', import.meta.url), 'utf8');

test('the default name of the director is the name of the host', () => {
  assert.equal(load('', facts).config?.director.name, 'lb1');
});

test('a config is frozen, down to the last value', () => {
  const { config } = load(pair, facts);
  assert.ok(config);
  const thaw = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof RegExp) &&
    (!Object.isFrozen(value) || Object.values(value).some(thaw));
  assert.equal(thaw(config), false);
});

test('a summary counts what there is', () => {
  const { config } = load(pair, facts);
  assert.ok(config);
  assert.equal(summarize(config), 'lb1: 2 virtual routers with 2 addresses, 2 services with 5 servers, 2 alerts');
});

test('an issue is file:line:column, a warning says so, one without a place has the file alone', () => {
  const message = 'm';
  assert.equal(formatIssue('f', { severity: 'error', line: 3, column: 2, message }), 'f:3:2: m');
  assert.equal(formatIssue('f', { severity: 'warning', line: 3, column: 2, message }), 'f:3:2: warning: m');
  assert.equal(formatIssue('f', { severity: 'error', line: 0, column: 0, message }), 'f: m');
});

test('a mark of byte order moves no column, nor do ends of lines as on Windows', () => {
  const text = 'x = 1\r\n[log]\r\nlevel = 1\r\n';
  const { issues } = load(`\ufeff${text}`, facts);
  assert.deepEqual(
    issues.map(({ line, column }) => `${line}:${column}`),
    ['1:1', '3:9'],
  );
  assert.deepEqual(load(text, facts).issues, issues);
});

test('names of the language of objects are keys like any other', () => {
  const { config, issues } = load('__proto__ = 1\nconstructor.prototype = 2\n[toString]\n', facts);
  assert.equal(config, null);
  assert.equal(issues.length, 3);
});

/** What holds for any text: no throw, places inside the text, in order; a config exactly when there is no error. */
function holds(text: string): void {
  const { config, issues } = load(text, facts);
  assert.equal(
    config === null,
    issues.some(({ severity }) => severity === 'error'),
  );
  const lines = text.split('\n');
  let before = 0;
  for (const { line, column } of issues) {
    assert.ok(line <= lines.length && column <= [...(lines[line - 1] ?? '')].length + 1, `${line}:${column}`);
    const order = line * 1e6 + column;
    assert.ok(order >= before);
    before = order;
  }
}

test('any text gives a config or issues', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), holds), { numRuns: 300 });
  const pieces = [
    '[',
    ']',
    '[[',
    ']]',
    '{',
    '}',
    '=',
    '.',
    ',',
    '"',
    "'",
    '"""',
    "'''",
    '\n',
    '\\',
    '#',
    'vrrp',
    'a',
    '1',
    '-',
    ' ',
  ];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((p) => p.join('')),
      holds,
    ),
    {
      numRuns: 500,
    },
  );
});

test('so does any file with a few characters or lines changed', () => {
  const edit = fc.record({
    document: fc.constantFrom(...documents, pair),
    edits: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        cut: fc.nat(12),
        put: fc.oneof(
          fc.string({ maxLength: 3 }),
          fc.constantFrom('\n', '"', '[', '0', '-1', 'true', '{}', '[]', '\n[[vrrp]]\n'),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    ),
  });
  fc.assert(
    fc.property(edit, ({ document, edits }) => {
      let text = document;
      for (const { at, cut, put } of edits) {
        const from = Math.floor(at * text.length);
        text = text.slice(0, from) + put + text.slice(from + cut);
      }
      holds(text);
    }),
    { numRuns: 400 },
  );
});

test('bytes are read as the platform reads them, and refused with a place where it refuses them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const decoded = decodeUtf8(bytes);
      let text: string | undefined;
      try {
        text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      } catch {}
      assert.equal(decoded.ok, text !== undefined);
      if (decoded.ok) assert.equal(decoded.value, text);
      else assert.ok(decoded.error.line >= 1 && decoded.error.column >= 1);
    }),
  );
});

test('a place in a text is a line and a count of characters', () => {
  const { placeOf } = linesOf('a\n😀b\n');
  assert.deepEqual(
    [0, 1, 2, 4, 5, 6, -1].map(placeOf).map(({ line, column }) => `${line}:${column}`),
    ['1:1', '1:2', '2:1', '2:2', '2:3', '3:1', '0:0'],
  );
});

test('a thousand services of ten servers load in time that grows no faster than the file', () => {
  const services = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const servers = Array.from({ length: 10 }, (_, j) => `[[service.server]]\naddress = "10.0.${j}.${i % 250}:80"\n`);
      const head = `[[service]]\nname = "s${i}"\naddress = "192.0.2.10:${i + 1}"\nforward = "nat"\n`;
      return `${head}[service.check]\ntype = "tcp"\n${servers.join('')}`;
    }).join('');
  const time = (count: number): number => {
    const text = services(count);
    const start = performance.now();
    assert.ok(load(text, facts).config);
    return performance.now() - start;
  };
  time(100);
  const [small, large] = [time(125), time(1000)];
  assert.ok(large < 40 * small + 1000, `${small} ms for 125, ${large} ms for 1000`);
});
