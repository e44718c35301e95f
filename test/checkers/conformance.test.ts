/** Every check against every way in which a server misbehaves, as the table has it. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import v8 from 'node:v8';
import { createStage } from './places.ts';
import { aim, judge, probe, type Row, timeoutOf, wasHeldUp } from './row.ts';
import { TABLE } from './table.ts';

// As the checker process is started; without it no pattern is matched at all.
v8.setFlagsFromString('--enable-experimental-regexp-engine');

/** What would keep the process: sockets and programs that a check did not let go of. */
const held = (): readonly string[] =>
  process.getActiveResourcesInfo().filter((name) => ['TCPSocketWrap', 'UDPWrap', 'ProcessWrap'].includes(name));

const AT_ONCE = 32;
const TRIES = 5;
const stage = createStage();

async function check(row: Row): Promise<void> {
  const place = await stage.place(row.manner);
  const aimed = aim(row.toml, place, timeoutOf(row));
  let result = await probe(aimed);
  for (let i = 1; i < TRIES && wasHeldUp(result); i++) result = await probe(aimed);
  judge(row, place, result);
}

describe('conformance of the checks', { concurrency: AT_ONCE }, () => {
  after(async () => {
    stage.end();
    const late = performance.now() + 2000;
    while (held().length > 0 && performance.now() < late) await new Promise((resolve) => setTimeout(resolve, 10));
    // They would hold this process for ever, and nobody would hear why.
    if (held().length > 0) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1000);
    assert.deepEqual(held(), [], 'stay open');
  });
  for (const row of TABLE) test(row.what, () => check(row));
});
