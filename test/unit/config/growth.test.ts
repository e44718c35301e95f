/** What loading costs grows with the file and no faster: counted, for a clock tells more of the machine than of the code. */

import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ip } from '../../../src/base/address.ts';
import type { ServerConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { linesOf } from '../../../src/config/place.ts';
import type { Rules, ServiceDraft } from '../../../src/config/rules.ts';
import { checkServices } from '../../../src/config/rules-service.ts';
import { overlay, type ServerChange } from '../../../src/config/server-changes.ts';
import { readServer } from '../../../src/config/server-table.ts';

/** A text that counts how often one of its units is read. */
class CountedText extends String {
  reads = 0;
  override charCodeAt(index: number): number {
    this.reads += 1;
    return super.charCodeAt(index);
  }
}

test('a line with an error in each of its values is counted through once', () => {
  const text = new CountedText('x'.repeat(10_000));
  const lines = linesOf(text as unknown as string);
  for (let at = 0; at < 10_000; at += 10) assert.deepEqual(lines.placeOf(at), { line: 1, column: at + 1 });
  assert.ok(text.reads <= 10_000, `${text.reads} reads`);
});

test('a place is the same whatever was asked before it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '😀', '\ud83d', '\ude00'), maxLength: 30 });
  fc.assert(
    fc.property(text, fc.array(fc.nat(70), { maxLength: 8 }), (text, asked) => {
      const { placeOf, lineOf } = linesOf(text);
      for (const at of asked) {
        const before = text.slice(0, at).split('\n');
        const place = { line: before.length, column: [...(before.at(-1) as string)].length + 1 };
        assert.deepEqual(placeOf(at), place);
        assert.equal(lineOf(at), place.line);
      }
    }),
  );
});

/** How often the rules look at the address of each server of one service with firewall marks. */
function looks(count: number, listeners: Partial<ServiceConfig>): number {
  let seen = 0;
  const { config } = load(
    '[[service]]\nname = "a"\nfwmark = 1\nforward = "nat"\n[[service.server]]\naddress = "10.0.0.1"',
    {
      hostName: 'lb1',
    },
  );
  const [service] = config?.services ?? [];
  assert.ok(service);
  const [server] = service.servers;
  const servers = Array.from({ length: count }, (_, i): ServerConfig => {
    const address = { address: ip(`10.0.${i >> 8}.${i & 255}`), port: 0 };
    return Object.defineProperty({ ...(server as ServerConfig), name: `s${i}` }, 'address', {
      get() {
        seen += 1;
        return address;
      },
    });
  });
  const rules: Rules = {
    error: (_, message) => assert.fail(message),
    warn: () => {},
    facts: {},
    places: new Map(),
    line: () => 0,
    sound: true,
  };
  const draft: ServiceDraft = { ...service, ...listeners, servers };
  checkServices([draft], false, new Set(), rules);
  return seen / count;
}

for (const [what, listeners] of [
  ['firewall marks', { fwmarks: [1, 2, 3] }],
  ['an address', { fwmarks: [], addresses: [{ address: ip('192.0.2.1'), port: 80, lastPort: 80 }] }],
] as const)
  test(`a server of many is looked at as often as one of few, in a service with ${what}`, () => {
    const [few, many] = [looks(10, listeners), looks(1000, listeners)];
    assert.ok(many <= few, `${many} times, and ${few}`);
  });

/** How often names are read as `count` servers are added at run time, the last of which the file does not allow. */
function namesRead(count: number): number {
  const { config } = load(
    '[[service]]\nname = "a"\naddress = "192.0.2.10:80"\nforward = "nat"\n[[service.server]]\naddress = "10.0.0.1"',
    { hostName: 'lb1' },
  );
  assert.ok(config);
  let read = 0;
  const changes = Array.from({ length: count }, (_, i): ServerChange => {
    const { server } = readServer({ address: `10.1.${i >> 8}.${i & 255}` });
    assert.ok(server);
    const name = i === count - 1 ? '10.0.0.1' : server.name;
    const counted = Object.defineProperty({ ...server }, 'name', {
      get() {
        read += 1;
        return name;
      },
    });
    return { service: 'a', what: 'added', server: counted, by: 'anna', reason: '', since: '2026-03-01T12:00:00Z' };
  });
  const { ceased } = overlay(config.services, changes);
  assert.deepEqual(
    ceased.map(({ change }) => change),
    changes.slice(-1),
  );
  return read;
}

test('of the changes at run time one that the file does not allow costs no look at each of the others', () => {
  const [some, more] = [namesRead(250), namesRead(1000)];
  assert.ok(more < 8 * some, `${some} and ${more}`);
});
