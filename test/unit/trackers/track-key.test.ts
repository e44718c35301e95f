import assert from 'node:assert/strict';
import test from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { milliseconds, seconds } from '../../../src/base/time.ts';
import type { GatewayTrack, ScriptTrack, TrackConfig } from '../../../src/config/config.ts';
import { describeTrack, trackedThing, trackKey } from '../../../src/config/track-key.ts';

const script: ScriptTrack = {
  ...{ type: 'script', script: ['/usr/local/bin/check', 'web'], interval: seconds(1), timeout: seconds(1) },
  ...{ rise: 1, fall: 1, user: 'nobody', weight: null },
};
const gateway: GatewayTrack = {
  ...{ type: 'gateway', gateway: ip('192.0.2.1'), interval: seconds(1), timeout: seconds(1), rise: 1, fall: 3 },
  weight: -50,
};

/** Every field of every kind, with another value. A field that is missing here is missing from the key. */
const OTHERS: readonly (readonly [TrackConfig, TrackConfig, 'another thing' | 'another way'])[] = [
  [script, { ...script, script: ['/usr/local/bin/check', 'db'] }, 'another thing'],
  [script, { ...script, script: ['/usr/local/bin/check web'] }, 'another thing'],
  [script, { ...script, user: 'root' }, 'another thing'],
  [script, { ...script, interval: seconds(2) }, 'another way'],
  [script, { ...script, timeout: milliseconds(1) }, 'another way'],
  [script, { ...script, rise: 2 }, 'another way'],
  [script, { ...script, fall: 2 }, 'another way'],
  [gateway, { ...gateway, gateway: 'default' }, 'another thing'],
  [gateway, { ...gateway, interval: seconds(2) }, 'another way'],
  [gateway, { ...gateway, timeout: milliseconds(1) }, 'another way'],
  [gateway, { ...gateway, rise: 2 }, 'another way'],
  [gateway, { ...gateway, fall: 2 }, 'another way'],
  [
    { type: 'interface', interface: 'eth1', address: null, weight: 1 },
    { type: 'interface', interface: 'eth1', address: ip('192.0.2.5'), weight: 1 },
    'another thing',
  ],
  [
    { type: 'interface', interface: 'eth1', address: null, weight: 1 },
    { type: 'interface', interface: 'eth2', address: null, weight: 1 },
    'another thing',
  ],
  [{ type: 'file', file: '/a', weight: 1 }, { type: 'file', file: '/b', weight: 1 }, 'another thing'],
  [{ type: 'service', service: 'a', weight: 1 }, { type: 'service', service: 'b', weight: 1 }, 'another thing'],
  [
    { type: 'process', process: 'a', count: 1, delay: seconds(0), weight: 1 },
    { type: 'process', process: 'b', count: 1, delay: seconds(0), weight: 1 },
    'another thing',
  ],
  [
    { type: 'process', process: 'a', count: 1, delay: seconds(0), weight: 1 },
    { type: 'process', process: 'a', count: 2, delay: seconds(0), weight: 1 },
    'another thing',
  ],
  [
    { type: 'process', process: 'a', count: 1, delay: seconds(0), weight: 1 },
    { type: 'process', process: 'a', count: 1, delay: seconds(1), weight: 1 },
    'another way',
  ],
];
for (const [one, other, what] of OTHERS)
  test(`${JSON.stringify(other)} is ${what}`, () => {
    assert.notEqual(trackKey(one), trackKey(other));
    assert.equal(trackedThing(one) === trackedThing(other), what === 'another way');
  });

test('the weight is no part of the thing, and kinds do not mix', () => {
  assert.equal(trackKey({ ...script, weight: -10 }), trackKey({ ...script, weight: 20 }));
  const [file, service] = [{ type: 'file', file: 'x' } as const, { type: 'service', service: 'x' } as const];
  assert.notEqual(trackKey({ ...file, weight: null }), trackKey({ ...service, weight: null }));
});

test('what is tracked reads as the beginning of a sentence', () => {
  const said = (track: TrackConfig, words: string) => assert.equal(describeTrack(track), words);
  said({ type: 'interface', interface: 'eth1', address: null, weight: null }, 'interface eth1');
  said({ type: 'interface', interface: 'eth1', address: ip('192.0.2.5'), weight: null }, 'interface eth1 (192.0.2.5)');
  said(script, 'script /usr/local/bin/check web');
  said({ ...script, script: ['/x', 'a\nb'] }, 'script /x a b');
  said({ ...script, script: ['/x', 'y'.repeat(100)] }, `script /x ${'y'.repeat(77)}…`);
  said({ type: 'file', file: '/run/prio', weight: null }, 'file /run/prio');
  said({ type: 'process', process: 'nginx', count: 2, delay: seconds(0), weight: null }, 'process nginx');
  said({ type: 'service', service: 'web', weight: null }, 'service web');
  said(gateway, 'gateway 192.0.2.1');
  said({ ...gateway, gateway: 'default' }, 'default gateway');
});
