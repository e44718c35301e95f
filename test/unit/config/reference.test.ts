import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import type { JsonSchema } from '../../../src/base/option.ts';
import { configSchema, renderReference } from '../../../src/config/reference.ts';

test('the reference page is what the option tables say', () => {
  const page = new URL('../../../docs/reference/config.md', import.meta.url);
  if (process.env.UPDATE) writeFileSync(page, renderReference());
  assert.equal(readFileSync(page, 'utf8'), renderReference());
});

test('every option has a sentence', () => {
  const rows = renderReference()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  assert.ok(rows.length > 50);
  for (const row of rows) assert.match(row, /[.;:] \|$|\. \|$/, row);
});

test('the JSON Schema knows every key, refuses others, and has the defaults', () => {
  const schema = JSON.parse(JSON.stringify(configSchema()));
  const service = schema.properties.service.items;
  assert.deepEqual(service.required, ['name', 'forward']);
  assert.equal(service.additionalProperties, false);
  assert.equal(service.properties.scheduler.default, 'wlc');
  const checkers = new URL('../../../src/checkers', import.meta.url);
  const folders = readdirSync(checkers, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const kinds = service.properties.check.anyOf[0].oneOf as { properties: { type: JsonSchema } }[];
  assert.deepEqual(
    new Set(kinds.map((one) => one.properties.type.const)),
    new Set([...folders.map(({ name }) => name), 'https']),
  );
  assert.deepEqual(service.properties.check.anyOf[1].items.oneOf.length, kinds.length);
  assert.deepEqual(schema.properties.metrics.properties.listen.anyOf[1], { const: false });
});
