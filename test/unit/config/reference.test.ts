import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
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
  assert.deepEqual(service.required, ['name', 'forward', 'server']);
  assert.equal(service.additionalProperties, false);
  assert.equal(service.properties.scheduler.default, 'wlc');
  assert.deepEqual(
    service.properties.check.oneOf.map((one: { properties: { type: JsonSchema } }) => one.properties.type.const),
    ['tcp', 'http', 'https'],
  );
  assert.deepEqual(schema.properties.metrics.properties.listen.anyOf[1], { const: false });
});
