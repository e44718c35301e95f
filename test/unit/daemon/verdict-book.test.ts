import assert from 'node:assert/strict';
import test from 'node:test';
import { instant, milliseconds } from '../../../src/base/time.ts';
import type { CheckConfig, ServiceConfig } from '../../../src/config/config.ts';
import { load } from '../../../src/config/load.ts';
import { createVerdictBook, serverKey, verdictKey } from '../../../src/daemon/verdict-book.ts';
import type { ProbeOutcome } from '../../../src/health/verdict.ts';

function service(name: string, port: number, more = 'check = { type = "tcp", fall = 1, rise = 1 }'): ServiceConfig {
  const { config, issues } = load(
    `[[service]]
     name = "${name}"
     address = "192.0.2.10:${port}"
     forward = "nat"
     ${more}
     server = [{ address = "10.0.0.21:80" }, { address = "10.0.0.22:80" }]`,
    { hostName: 'lb1' },
  );
  assert.ok(config, issues.map(({ message }) => message).join());
  return config.services[0] as ServiceConfig;
}

const NOBODY = () => null;
const serverOf = (of: ServiceConfig, i = 0) => of.servers[i] as ServiceConfig['servers'][number];

function world(...services: readonly ServiceConfig[]) {
  const book = createVerdictBook(() => undefined);
  book.configure(services, NOBODY, instant(0));
  return {
    book,
    hear: (of: ServiceConfig, outcome: ProbeOutcome) =>
      book.hear(
        verdictKey(of, serverOf(of), { name: 'tcp' }),
        { outcome, reason: outcome, took: milliseconds(1) },
        instant(1),
      ),
    state: (of: ServiceConfig, i = 0) => book.of(of, serverOf(of, i))?.state,
  };
}

test('a service that stays keeps the very same knowledge, whatever comes and goes beside it', () => {
  const [web, shop, mail] = [service('web', 80), service('shop', 81), service('mail', 25)];
  const w = world(web, shop);
  w.hear(web, 'up');
  const known = w.book.of(web, serverOf(web));
  w.book.configure([mail, web], NOBODY, instant(2));
  assert.equal(w.book.of(web, serverOf(web)), known);
  assert.equal(w.state(shop), undefined);
  assert.equal(w.state(mail), 'unknown');
  assert.equal(
    w.book.interval(verdictKey(shop, serverOf(shop), { name: 'tcp' }), () => false),
    undefined,
  );
  assert.equal(w.hear(shop, 'up'), undefined);
  assert.ok(w.hear(web, 'down'));
});

test('a service that is read anew takes over the verdicts of the one before, by address', () => {
  const web = service('web', 80);
  const w = world(web);
  w.hear(web, 'down');
  const renamed = service('www', 80, 'scheduler = "rr"\ncheck = { type = "tcp", fall = 3 }');
  w.book.configure([renamed], NOBODY, instant(2));
  assert.deepEqual([w.state(renamed, 0), w.state(renamed, 1)], ['down', 'unknown']);
  assert.equal(w.book.of(renamed, serverOf(renamed))?.service, renamed);
});

test('two services that change places, by their addresses, change verdicts too', () => {
  const [a, b] = [service('a', 80), service('b', 81)];
  const w = world(a, b);
  w.hear(a, 'down');
  w.hear(b, 'up');
  const [newA, newB] = [service('a', 81), service('b', 80)];
  w.book.configure([newA, newB], NOBODY, instant(2));
  assert.deepEqual([w.state(newA), w.state(newB)], ['up', 'down']);
});

test('of a service without checks nothing is known, and a check that comes begins anew', () => {
  const plain = service('web', 80, '');
  const w = world(plain);
  assert.equal(w.state(plain), undefined);
  const checked = service('web', 80);
  w.book.configure([checked], NOBODY, instant(2));
  assert.equal(w.state(checked), 'unknown');
  w.hear(checked, 'down');
  w.book.configure([plain], NOBODY, instant(3));
  w.book.configure([checked], NOBODY, instant(4));
  assert.equal(w.state(checked), 'unknown');
});

test('what is to be saved is told whenever it is another, also while the server stays as it is', () => {
  let told = 0;
  const of: ServiceConfig = { ...service('web', 80), checksNeeded: 'any' };
  const two: ServiceConfig = { ...of, checks: [...of.checks, { ...(of.checks[0] as CheckConfig), name: 'second' }] };
  const book = createVerdictBook(
    () => undefined,
    () => void told++,
  );
  book.configure([two], NOBODY, instant(0));
  const hear = (name: string, outcome: ProbeOutcome) =>
    book.hear(
      verdictKey(two, serverOf(two), { name }),
      { outcome, reason: outcome, took: milliseconds(1) },
      instant(1),
    );
  hear('tcp', 'up');
  assert.equal(told, 1);
  hear('tcp', 'up');
  assert.equal(told, 1);
  assert.equal(hear('second', 'down'), undefined);
  assert.equal(told, 2);
});

test('what is to be saved are verdicts that are known, of what is configured now', () => {
  const [web, shop] = [service('web', 80), service('shop', 81)];
  const w = world(web, shop);
  w.hear(web, 'down');
  w.hear(shop, 'up');
  w.book.configure([web], NOBODY, instant(2));
  assert.deepEqual(Object.keys(w.book.toSave()), [`${serverKey(web, serverOf(web))} tcp`]);
});
