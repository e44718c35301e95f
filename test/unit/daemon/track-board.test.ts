import assert from 'node:assert/strict';
import test from 'node:test';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { InterfaceTrack, ProcessTrack, ServiceTrack } from '../../../src/config/config.ts';
import { trackKey } from '../../../src/config/track-key.ts';
import type { Happening } from '../../../src/control/event.ts';
import type { Tracked } from '../../../src/daemon/messages.ts';
import { createTrackBoard } from '../../../src/daemon/track-board.ts';

const web: ServiceTrack = { type: 'service', service: 'web', weight: null };
const eth1: InterfaceTrack = { type: 'interface', interface: 'eth1', address: null, weight: -60 };
const named: ProcessTrack = { type: 'process', process: 'named', count: 1, delay: milliseconds(0), weight: -10 };

const found = (key: string, up: boolean, reason = 'has lost its quorum'): Tracked => ({
  key,
  up,
  factor: null,
  reason,
  since: '2026-03-01T12:00:00.000Z',
});

function boardOf(...tracks: readonly (readonly (typeof web | typeof eth1 | typeof named)[])[]) {
  const happened: Happening[] = [];
  const board = createTrackBoard((happening) => happened.push(happening));
  board.configure(tracks.map((track) => ({ track })));
  return { board, happened };
}

test('what the checker process watches is each thing once, whatever its weights, and no interface', () => {
  const { board } = boardOf([web, eth1], [{ ...web, weight: -5 }, named]);
  assert.deepEqual(
    board.wanted().map(({ type }) => type),
    ['service', 'process'],
  );
});

test('a thing that goes down or comes up is reported once; one that is well from the start is not', () => {
  const { board, happened } = boardOf([web, named]);
  assert.equal(board.take([found(trackKey(web), false), found(trackKey(named), true, '')]).length, 2);
  board.take([found(trackKey(web), false, 'has lost its quorum: 0 of 2 up')]);
  board.take([found(trackKey(web), true, 'has its quorum')]);
  assert.deepEqual(happened, [
    { kind: 'track', what: 'service web', up: false, reason: 'has lost its quorum' },
    { kind: 'track', what: 'service web', up: true, reason: 'has its quorum' },
  ]);
});

test('the last that was said is kept, for a vrrp process that starts anew', () => {
  const { board } = boardOf([web]);
  board.take([found(trackKey(web), false, 'first')]);
  board.take([found(trackKey(web), false, 'last')]);
  assert.deepEqual(
    board.current().map(({ reason }) => reason),
    ['last'],
  );
});

test('what nobody tracks any more is forgotten, and what is still said of it is not handed on', () => {
  const { board, happened } = boardOf([web]);
  board.take([found(trackKey(web), false)]);
  board.configure([]);
  assert.deepEqual([board.current(), board.take([found(trackKey(web), true)])], [[], []]);
  assert.equal(happened.length, 1);
});

test('a thing that is only watched in another way after a reload is still what it was', () => {
  const { board } = boardOf([named]);
  board.take([found(trackKey(named), false, 'is gone')]);
  const other = { ...named, delay: seconds(5) };
  board.configure([{ track: [other] }]);
  assert.deepEqual(
    board.current().map(({ key, up }) => [key, up]),
    [[trackKey(other), false]],
  );
});
