import assert from 'node:assert/strict';
import test from 'node:test';
import {
  inFile,
  type Options,
  type Plain,
  type Reading,
  readTable,
  type Same,
  type Values,
  writeTable,
} from '../../../src/base/option.ts';
import type {
  FileTrack,
  GatewayTrack,
  InterfaceTrack,
  ProcessTrack,
  ScriptTrack,
  ServiceTrack,
} from '../../../src/config/config.ts';
import { fileOptions } from '../../../src/trackers/file/options.ts';
import { gatewayOptions } from '../../../src/trackers/gateway/options.ts';
import { interfaceOptions } from '../../../src/trackers/interface/options.ts';
import { processOptions } from '../../../src/trackers/process/options.ts';
import { scriptOptions } from '../../../src/trackers/script/options.ts';
import { serviceOptions } from '../../../src/trackers/service/options.ts';

type Own<T> = Omit<T, 'type' | 'weight'>;
true satisfies Same<Values<typeof interfaceOptions>, Own<InterfaceTrack>>;
true satisfies Same<Values<typeof scriptOptions>, Own<ScriptTrack>>;
true satisfies Same<Values<typeof fileOptions>, Own<FileTrack>>;
true satisfies Same<Values<typeof processOptions>, Own<ProcessTrack>>;
true satisfies Same<Values<typeof serviceOptions>, Own<ServiceTrack>>;
true satisfies Same<Values<typeof gatewayOptions>, Own<GatewayTrack>>;

function read(options: Options, table: { readonly [key: string]: Plain }) {
  const errors: string[] = [];
  const reading: Reading = {
    error: (_at, message) => errors.push(message),
    warn: (_at, message) => errors.push(message),
    facts: {},
    places: new Map(),
  };
  const file = inFile(table, 0);
  assert.ok(file.type === 'table');
  return { values: readTable(options, file, 'track', reading), errors };
}

const DEFAULTS: readonly (readonly [Options, { readonly [key: string]: Plain }, object])[] = [
  [interfaceOptions, { interface: 'eth1' }, { interface: 'eth1', address: null }],
  [
    scriptOptions,
    { script: ['/bin/true'] },
    { ...{ script: ['/bin/true'], interval: 1000, timeout: 1000 }, ...{ rise: 1, fall: 1, user: 'nobody' } },
  ],
  [fileOptions, { file: '/run/x' }, { file: '/run/x' }],
  [processOptions, { process: 'nginx' }, { process: 'nginx', count: 1, delay: 0 }],
  [serviceOptions, { service: 'web' }, { service: 'web' }],
  [gatewayOptions, { gateway: 'default' }, { gateway: 'default', interval: 1000, timeout: 1000, rise: 1, fall: 3 }],
];
for (const [options, table, values] of DEFAULTS)
  test(`the defaults of a tracked ${Object.keys(table)[0]}, there and back`, () => {
    const first = read(options, table);
    assert.deepEqual(first, { values, errors: [] });
    assert.deepEqual(read(options, writeTable(options, first.values as never)), first);
  });

test('the time for an answer is at most the interval', () => {
  const timeout = (options: Options, table: { readonly [key: string]: Plain }) =>
    (read(options, table).values as { timeout?: number }).timeout;
  assert.equal(timeout(scriptOptions, { script: ['/bin/true'], interval: '500ms' }), 500);
  assert.equal(timeout(scriptOptions, { script: ['/bin/true'], interval: '1m' }), 3000);
  assert.equal(timeout(gatewayOptions, { gateway: '192.0.2.1', interval: '200ms' }), 200);
  assert.equal(timeout(gatewayOptions, { gateway: '192.0.2.1', interval: '10s' }), 1000);
});

const REFUSED: readonly (readonly [Options, { readonly [key: string]: Plain }, RegExp])[] = [
  [scriptOptions, { script: ['check.sh'] }, /^script is "check\.sh", expected a program by its absolute path$/],
  [scriptOptions, { script: [] }, /script has nothing in it/],
  [scriptOptions, { script: '/bin/true' }, /script is "\/bin\/true", expected a list/],
  [fileOptions, { file: 'prio' }, /file is "prio", expected an absolute path/],
  [processOptions, { process: '/usr/sbin/nginx' }, /expected the name of a program, without its folder/],
  [processOptions, { process: 'nginx', count: 0 }, /count is 0/],
  [gatewayOptions, { gateway: '192.0.2.1/24' }, /expected an IP address, or "default"/],
  [gatewayOptions, { gateway: 'fe80::1' }, /on every link, and so on none in particular/],
  [gatewayOptions, { gateway: '224.0.0.1' }, /multicast/],
];
for (const [options, table, message] of REFUSED)
  test(`${JSON.stringify(table)} is refused`, () => {
    const { errors } = read(options, table);
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', message);
  });
