/** Prometheus's own linter as the witness of what a scrape answers. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { createMetrics } from '../../src/control/metrics.ts';
import { ILL, SPECIAL, WELL } from '../golden/cli/samples.ts';
import { fakeDirector } from '../unit/control/fake-director.ts';

const sink = {
  name: 'hook',
  type: 'webhook',
  queued: 3,
  delivered: 10,
  failedAttempts: 4,
  givenUp: 1,
  dropped: 2,
} as const;

function lint(text: string): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.equal(error, undefined, 'promtool comes with the Debian package prometheus');
  return `${status} ${stdout}${stderr}`.trim();
}

for (const [name, status] of Object.entries({ WELL, ILL, SPECIAL }))
  test(`promtool finds nothing to say about the metrics of a director (${name})`, async () => {
    const { text } = await createMetrics({ ...fakeDirector(), status: async () => status, alerts: () => [sink] })();
    assert.equal(lint(text), '0');
  });

test('promtool does find what is wrong', () => {
  assert.match(lint('# TYPE lvskeeper_a counter\nlvskeeper_a 1\n'), /_total/);
});
