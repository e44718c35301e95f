/** A config that is read again and again. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createConfigReader, readConfig } from '../../../src/system/config-file.ts';

const service = (n: number, scheduler = 'rr'): string =>
  `[[service]]\nname = "s${n}"\naddress = "192.0.2.${n}:80"\nforward = "nat"\nscheduler = "${scheduler}"\n[[service.server]]\naddress = "10.0.0.21:80"\n`;

function fileWith(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'config-file-'));
  const file = join(directory, 'lvskeeper.toml');
  writeFileSync(file, text);
  return {
    file,
    put: (next: string) => writeFileSync(file, next),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test('the same text is read once, its warnings with it', () => {
  using disk = fileWith(service(1));
  const reader = createConfigReader();
  const first = reader.file(disk.file);
  assert.deepEqual(first, readConfig(disk.file));
  assert.ok(first.issues.length > 0);
  assert.equal(reader.file(disk.file), first);
  assert.equal(reader.text(first.text), first);
});

test('of another text what is the same is the same value', () => {
  using disk = fileWith(`${service(1)}${service(2)}`);
  const reader = createConfigReader();
  const before = reader.file(disk.file).config?.services ?? [];
  disk.put(`${service(1)}${service(2, 'lc')}`);
  const next = reader.file(disk.file);
  assert.deepEqual(next, readConfig(disk.file));
  assert.equal(next.config?.services[0], before[0]);
  assert.notEqual(next.config?.services[1], before[1]);
});

test('a text with an error, and a file that cannot be read, are told every time; the good one before is still known', () => {
  using disk = fileWith(service(1));
  const reader = createConfigReader();
  const first = reader.file(disk.file);
  disk.put(`${service(1)}nosuch = 1\n`);
  for (let i = 0; i < 2; i++) {
    const bad = reader.file(disk.file);
    assert.equal(bad.config, null);
    assert.deepEqual(bad, readConfig(disk.file));
  }
  assert.match(reader.file(`${disk.file}.not`).issues[0]?.message ?? '', /no such file/);
  disk.put(service(1));
  assert.equal(reader.file(disk.file), first);
});
