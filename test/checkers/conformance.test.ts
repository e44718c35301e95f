/** Every check against every way in which a server misbehaves, as the table has it. */

import { after, describe, test } from 'node:test';
import v8 from 'node:v8';
import { createStage } from './places.ts';
import { aim, isShort, judge, probe, type Row, wasHeldUp } from './row.ts';
import { TABLE } from './table.ts';

// As the checker process is started; without it no pattern is matched at all.
v8.setFlagsFromString('--enable-experimental-regexp-engine');

const AT_ONCE = 32;
const TRIES = 5;
const stage = createStage();

async function check(row: Row): Promise<void> {
  const place = await stage.place(row.manner);
  const aimed = aim(row.toml, place, isShort(row));
  let result = await probe(aimed);
  for (let i = 1; i < TRIES && wasHeldUp(result); i++) result = await probe(aimed);
  judge(row, place, result);
}

describe('conformance of the checks', { concurrency: AT_ONCE }, () => {
  after(() => { stage.end(); setTimeout(() => { for (const h of (process as any)._getActiveHandles()) console.log("ACTIVE", h.constructor.name, h._born, h.destroyed, h.connecting, h._readableState?.ended, h._parent?.constructor.name, h.bytesRead, h.bytesWritten, h._handle?.fd, h._server !== undefined, h._host);}, 1500); });
  for (const row of TABLE) test(row.what, () => check(row));
});
