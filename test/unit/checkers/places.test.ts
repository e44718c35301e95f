import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds } from '../../../src/base/time.ts';
import { createPlaces } from '../../../src/checkers/exec/places.ts';

const LONG = milliseconds(60_000);
const never = new AbortController().signal;

test('who comes when all places are taken waits in turn', async () => {
  const places = createPlaces(2);
  const order: string[] = [];
  const enter = async (name: string) => {
    const leave = await places.take(LONG, never);
    order.push(name);
    return leave;
  };
  const [a, b] = [await enter('a'), await enter('b')];
  const [c, d] = [enter('c'), enter('d')];
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['a', 'b']);
  b?.();
  const leaveC = await c;
  assert.deepEqual(order, ['a', 'b', 'c']);
  a?.();
  const leaveD = await d;
  for (const leave of [leaveC, leaveD]) leave?.();
  assert.ok(await enter('e'));
  assert.ok(await enter('f'));
  assert.equal(await places.take(milliseconds(10), never), undefined, 'and there are two places still');
});

test('who has waited too long, or was given up, leaves the queue', async () => {
  const places = createPlaces(1);
  const leave = await places.take(LONG, never);
  const stop = new AbortController();
  const givenUp = places.take(LONG, stop.signal);
  const late = places.take(milliseconds(10), never);
  stop.abort();
  assert.equal(await givenUp, undefined);
  assert.equal(await late, undefined);
  leave?.();
  assert.equal(await places.take(LONG, stop.signal), undefined, 'not even a free one is for whom was given up');
  assert.ok(await places.take(milliseconds(10), never), 'the place is free');
});
