/** What a process loads before its first line of work: counted by what Node says that it has loaded, so no clock is asked. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';

/** Node's own HTTP client behind `fetch` and WebSocket, and the package: of both, some 20 ms at each start; and Node's HTTP/2. */
const INNER = 'NativeModule internal/deps/undici/undici';
const SCRIPT = `
  import { createRequire } from 'node:module';
  await import(process.argv[1]);
  const whole = Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('/undici/'));
  const inner = process.moduleLoadList.includes('${INNER}');
  const second = process.moduleLoadList.includes('NativeModule http2');
  process.stdout.write([inner && 'inner', whole && 'whole', second && 'http2'].filter(Boolean).join(), () => process.exit(0));
`;

function loadedBy(module: string): string {
  const url = module.includes(':') ? module : new URL(`../../../src/${module}`, import.meta.url).href;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', SCRIPT, '--', url], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('an import of node:http would load a second HTTP client, and HTTP/2', () => {
  assert.equal(loadedBy('node:http'), 'inner,http2');
});

for (const module of ['cli/status.ts', 'cli/check.ts', 'daemon/supervisor.ts', 'checkers/registry.ts'])
  test(`${module} loads no HTTP client that it does not use`, () => {
    assert.equal(loadedBy(module), '');
  });
