import assert from 'node:assert/strict';
import test from 'node:test';
import { createCertificateWatch, shownTo } from '../../../src/daemon/certificate-watch.ts';
import { defaults } from '../checkers/loopback.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-03-01T12:00:00Z');

function world() {
  let now = NOW;
  const told: string[] = [];
  const watch = createCertificateWatch(
    () => now,
    (happening) => {
      if (happening.kind === 'trouble') told.push(`${happening.severity}: ${happening.detail}`);
    },
  );
  return {
    told: () => told.splice(0),
    pass: (ms: number) => {
      now += ms;
    },
    saw: (days: number, warning = 14 * DAY, of = 'web: server web1') =>
      watch.saw({ of, expires: NOW + days * DAY, warning }),
  };
}

test('a certificate is told of from the day that the warning begins, once a day', () => {
  const w = world();
  w.saw(14);
  assert.deepEqual(w.told(), []);
  w.saw(13);
  w.saw(13);
  assert.deepEqual(w.told(), ['warning: web: server web1: its certificate expires on 2026-03-14, in 13 d']);
  w.pass(DAY - 1);
  w.saw(13);
  assert.deepEqual(w.told(), []);
  w.pass(1);
  w.saw(13);
  assert.equal(w.told().length, 1);
});

test('one that has expired is told as such, each server by itself, and not at all where nobody asks for it', () => {
  const w = world();
  w.saw(-1);
  w.saw(-1, 14 * DAY, 'web: server web2');
  w.saw(-1, 0, 'web: server web3');
  assert.deepEqual(w.told(), [
    'warning: web: server web1: its certificate expired on 2026-02-28',
    'warning: web: server web2: its certificate expired on 2026-02-28',
  ]);
});

test('one that was renewed, and is soon over again, is told anew', () => {
  const w = world();
  w.saw(1);
  w.saw(90);
  w.saw(1);
  assert.equal(w.told().length, 2);
});

test('of several checks each has its own certificate: one that is well does not make the other news each time', () => {
  const w = world();
  const service = { name: 'web', checks: [defaults('https'), defaults('smtp')] };
  const [https, smtp] = service.checks.map((check) => shownTo(service, { name: 'web1' }, check));
  assert.deepEqual([https, smtp], ['web: server web1, check https', 'web: server web1, check smtp']);
  for (let i = 0; i < 3; i++) {
    w.saw(3, 14 * DAY, https);
    w.saw(90, 14 * DAY, smtp);
  }
  assert.equal(w.told().length, 1);
  assert.equal(
    shownTo({ name: 'web', checks: [defaults('https')] }, { name: 'web1' }, { name: 'https' }),
    'web: server web1',
  );
});
