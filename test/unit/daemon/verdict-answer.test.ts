import assert from 'node:assert/strict';
import test from 'node:test';
import { type Instant, instant, milliseconds } from '../../../src/base/time.ts';
import type { ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { verdictAnswer } from '../../../src/daemon/verdict-answer.ts';
import { createVerdictBook, verdictKey } from '../../../src/daemon/verdict-book.ts';

const date = (at: Instant): string => new Date(at).toISOString();

function services(): readonly ServiceConfig[] {
  const server = (n: number): string => `[[service.server]]\nname = "web${n}"\naddress = "10.0.0.2${n}:80"\n`;
  const service = (name: string, port: number, check: string): string =>
    `[[service]]\nname = "${name}"\naddress = "192.0.2.10:${port}"\nforward = "nat"\n${check}\n${server(1)}${server(2)}${server(3)}`;
  const text = service('web', 80, '[service.check]\ntype = "tcp"\nfall = 1') + service('bare', 81, '');
  const { config, issues } = load(text, { hostName: 'lb1' });
  assert.ok(config, JSON.stringify(issues));
  return config.services;
}

test('each checked server has its state, since when, and why it is down; what is not checked is left out', () => {
  const all = services();
  const [web] = all;
  assert.ok(web);
  const book = createVerdictBook(() => undefined);
  book.configure(all, () => null, instant(1_000));
  const [check] = web.checks;
  const keys = web.servers.map((server) => verdictKey(web, server, check ?? { name: '' }));
  book.hear(keys[0] ?? '', { outcome: 'up', reason: 'connected', took: milliseconds(1) }, instant(2_000));
  book.hear(keys[1] ?? '', { outcome: 'down', reason: 'connection refused', took: milliseconds(1) }, instant(3_000));
  assert.deepEqual(verdictAnswer(all, book, instant(9_000), date), [
    {
      name: 'web',
      servers: [
        { name: 'web1', address: '10.0.0.21:80', state: 'up', since: date(instant(2_000)), reason: '' },
        {
          name: 'web2',
          address: '10.0.0.22:80',
          state: 'down',
          since: date(instant(3_000)),
          reason: 'connection refused',
        },
        { name: 'web3', address: '10.0.0.23:80', state: 'unknown', since: date(instant(1_000)), reason: '' },
      ],
    },
  ]);
});
