import assert from 'node:assert/strict';
import test from 'node:test';
import { instant } from '../../../src/base/time.ts';
import { sorryPlace } from '../../../src/pool/sorry.ts';

const REGAINED = { held: true, said: true, since: instant(1000) };
const at = (s: number) => instant(1000 + s * 1000);

for (const [name, hold, present, connections, seconds, wanted] of [
  ['it is in while the quorum is lost', { ...REGAINED, held: false }, null, 0, 500, { place: 1 }],
  ['it is not there while the quorum is held', REGAINED, null, 0, 0, { place: 'absent' }],
  ['it gets weight 0 first, whatever it has', REGAINED, 1, 0, 0, { place: 0, next: at(5) }],
  ['it stays with its connections, and is looked at', REGAINED, 0, 3, 7, { place: 0, next: at(10) }],
  ['it goes when they have gone', REGAINED, 0, 0, 7, { place: 'absent' }],
  ['the last look is at the deadline', REGAINED, 0, 3, 57, { place: 0, next: at(60) }],
  ['it goes with its connections after a minute', REGAINED, 0, 3, 60, { place: 'absent' }],
] as const)
  test(name, () => assert.deepEqual(sorryPlace(hold, { present, connections }, at(seconds)), wanted));
