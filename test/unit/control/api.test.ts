import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { err, ok } from '../../../src/base/result.ts';
import { call, follow } from '../../../src/control/client.ts';
import type { ApplyRequest, Director, TrialRefusal } from '../../../src/control/director.ts';
import type { Event } from '../../../src/control/event.ts';
import type { ErrorReply } from '../../../src/control/http.ts';
import { ADDED, EMPTY_STATUS, fakeDirector, logTo, NO_CHANGES, serve, TRIAL, VERDICTS } from './fake-director.ts';

const trouble = (what: string) => ({ kind: 'trouble', severity: 'warning', what, detail: '' }) as const;

type Method = 'GET' | 'POST' | 'DELETE';

async function ask(path: string, method: Method, url: string, body?: string) {
  const answer = await call(path, { method, path: url, ...(body !== undefined && { body }) });
  assert.ok(answer.ok, answer.ok ? '' : answer.error.message);
  return answer.value;
}

const BODIES: Readonly<Record<string, string>> = {
  '/routers/NAME/order': '{"kind":"demote"}',
  '/servers/order': '{"server":"web1","kind":"drain"}',
  '/services/NAME/servers': '{"address":"10.0.0.23:80"}',
  '/apply': '{"text":"","confirm_ms":60000}',
};

test('GET / lists every endpoint, and each of them is there', async (t) => {
  const path = await serve(t, fakeDirector());
  const { body } = await ask(path, 'GET', '/');
  const { pid, endpoints } = body as { pid: number; endpoints: { method: Method; path: string }[] };
  assert.equal(pid, process.pid);
  assert.deepEqual(
    endpoints.map((e) => `${e.method} ${e.path}`),
    [
      'GET /',
      'GET /status',
      'GET /verdicts',
      'GET /events',
      'POST /reload',
      'POST /restart',
      'POST /plan',
      'POST /apply',
      'GET /trial',
      'POST /confirm',
      'POST /rollback',
      'POST /routers/NAME/order',
      'DELETE /routers/NAME/order',
      'POST /failover',
      'POST /servers/order',
      'DELETE /servers/order',
      'POST /services/NAME/servers',
      'DELETE /services/NAME/servers',
      'POST /services/NAME/discovery/accept',
      'GET /healthz',
    ],
  );
  for (const { method, path: url } of endpoints) {
    const body = method === 'POST' ? BODIES[url] : undefined;
    const query = method === 'DELETE' && url.includes('/server') ? '?server=web1' : '';
    assert.equal((await ask(path, method, url + query, body)).status, url === '/restart' ? 202 : 200, url);
  }
});

test('GET /status is the status', async (t) => {
  const path = await serve(t, fakeDirector());
  assert.deepEqual(await ask(path, 'GET', '/status'), { status: 200, body: EMPTY_STATUS });
});

test('GET /verdicts is what the checks find, and 503 while nobody can tell', async (t) => {
  const path = await serve(t, fakeDirector());
  assert.deepEqual(await ask(path, 'GET', '/verdicts'), { status: 200, body: VERDICTS });
  const silent = await serve(t, fakeDirector({ verdicts: async () => undefined }));
  assert.equal((await ask(silent, 'GET', '/verdicts')).status, 503);
  assert.equal((await ask(path, 'POST', '/verdicts')).status, 405);
});

test('GET /healthz is 200 ok, or 503 and the reasons', async (t) => {
  let reasons: string[] = [];
  const path = await serve(t, fakeDirector({ healthy: async () => ({ ok: reasons.length === 0, reasons }) }));
  assert.deepEqual(await ask(path, 'GET', '/healthz'), { status: 200, body: 'ok\n' });
  reasons = ['the vrrp process is dead'];
  assert.deepEqual(await ask(path, 'GET', '/healthz'), { status: 503, body: { ok: false, reasons } });
});

test('POST /reload answers the outcome; a refused one with 422', async (t) => {
  const refused = {
    outcome: 'refused',
    detail: 'wrong',
    file: 'a.toml',
    issues: [{ severity: 'error', line: 1, column: 2, message: 'wrong' }],
    serverChanges: NO_CHANGES,
  } as const;
  const good = await serve(t, fakeDirector());
  assert.equal((await ask(good, 'POST', '/reload')).status, 200);
  const bad = await serve(t, fakeDirector({ reload: async () => refused }));
  assert.deepEqual(await ask(bad, 'POST', '/reload'), { status: 422, body: refused });
});

test('POST /restart is accepted with 202; a refused one is 422', async (t) => {
  const refused = { outcome: 'refused', detail: 'wrong', file: 'a.toml', issues: [] } as const;
  assert.equal((await ask(await serve(t, fakeDirector()), 'POST', '/restart')).status, 202);
  const bad = await serve(t, fakeDirector({ restart: async () => refused }));
  assert.deepEqual(await ask(bad, 'POST', '/restart'), { status: 422, body: refused });
});

test('POST /apply hands on the text and the time; a refused one is 422, and 409 while another is on trial', async (t) => {
  const asked: ApplyRequest[] = [];
  const answer = { outcome: 'refused', detail: 'wrong', issues: [], trial: null } as const;
  const busy: TrialRefusal = { error: 'on-trial', what: 'another is on trial', todo: 'Confirm it.' };
  const path = await serve(
    t,
    fakeDirector({
      apply: async (request) => {
        asked.push(request);
        return request.text === 'bad' ? ok(answer) : err(busy);
      },
    }),
  );
  const body = { text: 'bad', confirm_ms: 300_000 };
  const marked = JSON.stringify({ ...body, text: '\ufeffbad' });
  assert.deepEqual(await ask(path, 'POST', '/apply', marked), { status: 422, body: answer });
  assert.deepEqual(asked, [{ text: 'bad', lifetime: 300_000, by: 'api' }]);
  const good = JSON.stringify({ ...body, text: 'good', by: 'anna' });
  assert.deepEqual(await ask(path, 'POST', '/apply', good), { status: 409, body: busy });
  for (const wrong of [
    {},
    { text: '' },
    { text: '', confirm_ms: 0 },
    { ...body, confirm: 1 },
    { ...body, text: '#\ud800' },
  ])
    assert.equal((await ask(path, 'POST', '/apply', JSON.stringify(wrong))).status, 400, JSON.stringify(wrong));
  assert.equal(asked.length, 2);
});

test('a trial is shown, confirmed and rolled back by whoever says so; where there is none it is 404', async (t) => {
  const by: string[] = [];
  const take = async (who: string) => {
    by.push(who);
    return ok(TRIAL);
  };
  const path = await serve(t, fakeDirector({ confirm: take, rollback: take }));
  assert.deepEqual(await ask(path, 'GET', '/trial'), { status: 200, body: TRIAL });
  assert.deepEqual(await ask(path, 'POST', '/confirm?by=anna'), { status: 200, body: TRIAL });
  assert.deepEqual(await ask(path, 'POST', '/rollback'), { status: 200, body: TRIAL });
  assert.deepEqual(by, ['anna', 'api']);
  const none: TrialRefusal = { error: 'no-trial', what: 'no config is on trial', todo: 'Try one.' };
  const other: TrialRefusal = { error: 'not-installed', what: 'it is not in the file', todo: 'Install it.' };
  const without = await serve(
    t,
    fakeDirector({ trial: () => null, confirm: async () => err(other), rollback: async () => err(none) }),
  );
  assert.equal((await ask(without, 'GET', '/trial')).status, 404);
  assert.deepEqual(await ask(without, 'POST', '/confirm'), { status: 409, body: other });
  assert.deepEqual(await ask(without, 'POST', '/rollback'), { status: 404, body: none });
});

test('POST /plan hands on the text, and null for an empty body', async (t) => {
  const texts: (string | null)[] = [];
  const path = await serve(
    t,
    fakeDirector({
      plan: async (text) => {
        texts.push(text);
        return text === 'bad' ? { issues: [] } : { changes: [] };
      },
    }),
  );
  assert.equal((await ask(path, 'POST', '/plan')).status, 200);
  assert.equal((await ask(path, 'POST', '/plan', 'name = "é"')).status, 200);
  assert.equal((await ask(path, 'POST', '/plan', 'bad')).status, 422);
  assert.deepEqual(texts, [null, 'name = "é"', 'bad']);
});

test('GET /events selects by number, time, kind and count', async (t) => {
  const director = fakeDirector();
  for (const what of ['a', 'b', 'c']) director.journal.add(trouble(what));
  director.journal.add({ kind: 'reload', outcome: 'applied', detail: '' });
  const path = await serve(t, director);
  const seqs = async (query: string) => ((await ask(path, 'GET', `/events${query}`)).body as Event[]).map((e) => e.seq);
  assert.deepEqual(await seqs(''), [1, 2, 3, 4]);
  assert.deepEqual(await seqs('?since=2'), [3, 4]);
  assert.deepEqual(await seqs('?since=2026-03-01T12:00:01Z'), [2, 3, 4]);
  assert.deepEqual(await seqs('?kind=trouble&limit=2'), [2, 3]);
  assert.deepEqual(await seqs('?kind=trouble,reload&kind=drift&limit=1'), [4]);
});

test('POST /routers/NAME/order takes an order, with what an author leaves out filled in', async (t) => {
  const asked: unknown[] = [];
  const order: Director['order'] = async (router, request) => {
    asked.push([router, request]);
    return ok({ routers: [] });
  };
  const path = await serve(t, fakeDirector({ order }));
  assert.deepEqual(await ask(path, 'POST', '/routers/edge/order', '{"kind":"promote"}'), {
    status: 200,
    body: { routers: [] },
  });
  const whole = '{"kind":"demote","for_ms":600000,"reason":"kernel upgrade","by":"anna"}';
  await ask(path, 'POST', '/routers/%C3%A4%20b/order', whole);
  assert.deepEqual(asked, [
    ['edge', { kind: 'promote', lifetime: null, reason: '', by: 'api' }],
    ['ä b', { kind: 'demote', lifetime: 600_000, reason: 'kernel upgrade', by: 'anna' }],
  ]);
});

test('DELETE /routers/NAME/order takes it back', async (t) => {
  const asked: unknown[] = [];
  const takeBack: Director['takeBack'] = async (...what) => {
    asked.push(what);
    return ok({ routers: [] });
  };
  const path = await serve(t, fakeDirector({ takeBack }));
  await ask(path, 'DELETE', '/routers/edge/order');
  await ask(path, 'DELETE', '/routers/edge/order?by=anna');
  assert.deepEqual(asked, [
    ['edge', 'api'],
    ['edge', 'anna'],
  ]);
});

test('POST /failover is about every router and ten minutes, unless it says otherwise', async (t) => {
  const asked: unknown[] = [];
  const failover: Director['failover'] = async (request) => {
    asked.push(request);
    return ok({ routers: [] });
  };
  const path = await serve(t, fakeDirector({ failover }));
  await ask(path, 'POST', '/failover');
  await ask(path, 'POST', '/failover', '{"router":"edge","to_backup":true,"for_ms":null,"reason":"r","by":"anna"}');
  assert.deepEqual(asked, [
    { router: null, toBackup: false, lifetime: 600_000, reason: '', by: 'api' },
    { router: 'edge', toBackup: true, lifetime: null, reason: 'r', by: 'anna' },
  ]);
});

for (const [error, status] of [
  ['no-such-router', 404],
  ['no-routers', 404],
  ['no-such-server', 404],
  ['no-such-service', 404],
  ['no-services', 404],
  ['no-answer', 503],
] as const)
  test(`an order that the director refuses as ${error} is answered with ${status}`, async (t) => {
    const refusal = { error, what: 'there is no virtual router egde, did you mean edge?', todo: 'There are: edge.' };
    const path = await serve(t, fakeDirector({ failover: async () => err(refusal) }));
    assert.deepEqual(await ask(path, 'POST', '/failover'), { status, body: refusal });
  });

/** body, what is said */
const BAD_ORDERS = [
  ['', /not a JSON object/],
  ['[]', /not a JSON object/],
  ['{}', /kind is missing Give "promote" or "demote"/],
  ['{"kind":"demoted"}', /kind is wrong/],
  ['{"kind":"demote","reasn":""}', /no field reasn Did you mean reason\?/],
  ['{"kind":"demote","for_ms":0}', /for_ms is wrong Give a number of milliseconds/],
  ['{"kind":"demote","for_ms":"10m"}', /for_ms is wrong/],
  ['{"kind":"demote","for_ms":1e300}', /for_ms is wrong/],
  ['{"kind":"demote","by":null}', /by is wrong Give a text/],
  [`{"kind":"demote","reason":"${'x'.repeat(201)}"}`, /reason is wrong/],
  ['{"kind":"demote","__proto__":1}', /no field __proto__/],
] as const;
for (const [body, said] of BAD_ORDERS)
  test(`the order ${body.slice(0, 40)} is refused, and the field named`, async (t) => {
    const answer = await ask(await serve(t, fakeDirector()), 'POST', '/routers/edge/order', body);
    const { what, todo } = answer.body as ErrorReply;
    assert.equal(answer.status, 400);
    assert.match(`${what} ${todo}`, said);
  });

test('POST /servers/order takes an order, with what an author leaves out filled in', async (t) => {
  const asked: unknown[] = [];
  const orderServer: Director['orderServer'] = async (request) => {
    asked.push(request);
    return ok({ servers: [] });
  };
  const path = await serve(t, fakeDirector({ orderServer }));
  const send = (body: string) => ask(path, 'POST', '/servers/order', body);
  assert.deepEqual(await send('{"server":"web1","kind":"drain"}'), { status: 200, body: { servers: [] } });
  await send(
    '{"server":"10.0.0.21","service":"web","kind":"weight","weight":5,"for_ms":1000,"reason":"r","by":"anna"}',
  );
  assert.deepEqual(asked, [
    { server: 'web1', service: null, kind: 'drain', weight: null, lifetime: null, reason: '', by: 'api' },
    { server: '10.0.0.21', service: 'web', kind: 'weight', weight: 5, lifetime: 1000, reason: 'r', by: 'anna' },
  ]);
});

test('DELETE /servers/order takes it back, of one kind or of any', async (t) => {
  const asked: unknown[] = [];
  const takeBackServer: Director['takeBackServer'] = async (request) => {
    asked.push(request);
    return ok({ servers: [] });
  };
  const path = await serve(t, fakeDirector({ takeBackServer }));
  await ask(path, 'DELETE', '/servers/order?server=web1');
  await ask(path, 'DELETE', '/servers/order?server=web1&service=a%20b&kind=drain&by=anna');
  assert.deepEqual(asked, [
    { server: 'web1', service: null, kind: null, by: 'api' },
    { server: 'web1', service: 'a b', kind: 'drain', by: 'anna' },
  ]);
});

/** body, what is said */
const BAD_SERVER_ORDERS = [
  ['{"kind":"drain"}', /server is missing Give the name or the address of a server/],
  ['{"server":"","kind":"drain"}', /server is wrong/],
  ['{"server":"web1"}', /kind is missing Give "drain", "disable" or "weight"/],
  ['{"server":"web1","kind":"demote"}', /kind is wrong/],
  ['{"server":"web1","kind":"drain","weight":0}', /weight is wrong .*a weight of 0 is the kind "drain"/],
  ['{"server":"web1","kind":"drain","weight":5}', /weight does not go with drain/],
  ['{"server":"web1","kind":"weight"}', /weight is missing Give a whole number, 1 to 65535/],
  ['{"server":"web1","kind":"weight","weight":65536}', /weight is wrong/],
  ['{"server":"web1","kind":"weight","weight":"5"}', /weight is wrong/],
  ['{"server":"web1","kind":"drain","service":1}', /service is wrong/],
  ['{"sever":"web1","kind":"drain"}', /no field sever Did you mean server\?/],
] as const;
for (const [body, said] of BAD_SERVER_ORDERS)
  test(`the order for a server ${body} is refused, and the field named`, async (t) => {
    const answer = await ask(await serve(t, fakeDirector()), 'POST', '/servers/order', body);
    const { what, todo } = answer.body as ErrorReply;
    assert.equal(answer.status, 400);
    assert.match(`${what} ${todo}`, said);
  });

const REFUSED: readonly (readonly [string, Method, string, number, RegExp])[] = [
  ['an unknown path', 'GET', '/statsu', 404, /mean \/status\?/],
  ['a wrong method', 'POST', '/status', 405, /Use GET/],
  ['a wrong method the other way', 'GET', '/reload', 405, /Use POST/],
  ['a method that an order does not take', 'GET', '/routers/edge/order', 405, /Use POST/],
  ['an order to nobody', 'POST', '/routers//order', 404, /lists what there is/],
  ['an order for no server', 'DELETE', '/servers/order?by=anna', 400, /name or the address/],
  ['an order of no kind', 'DELETE', '/servers/order?server=web1&kind=demote', 400, /"drain", "disable" or "weight"/],
  ['a misspelt parameter of an order', 'DELETE', '/servers/order?server=web1&sevice=a', 400, /mean service/],
  ['a name that is badly encoded', 'DELETE', '/routers/%ff/order', 400, /Encode/],
  ['an unknown kind', 'GET', '/events?kind=vrpp', 400, /vrrp, split-brain/],
  ['a since that is neither', 'GET', '/events?since=yesterday', 400, /RFC 3339/],
  ['a limit that is no count', 'GET', '/events?limit=-1', 400, /whole number/],
  ['a misspelt parameter', 'GET', '/events?limti=1', 400, /since, kind, limit/],
];
for (const [what, method, url, status, todo] of REFUSED)
  test(`${what} is refused with ${status} and advice`, async (t) => {
    const answer = await ask(await serve(t, fakeDirector()), method, url);
    const body = answer.body as ErrorReply;
    assert.equal(answer.status, status);
    assert.deepEqual(Object.keys(body), ['error', 'what', 'todo']);
    assert.match(body.todo, todo);
  });

test('a body beyond the bound is refused with 413, and the daemon goes on', async (t) => {
  const path = await serve(t, fakeDirector());
  const socket = connect(path);
  socket.on('error', () => {});
  const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  socket.write(`POST /plan HTTP/1.1\r\nHost: x\r\nContent-Length: ${64 << 20}\r\n\r\n`);
  const piece = Buffer.alloc(1 << 20, 'a');
  const pour = (): void => {
    if (!socket.destroyed) socket.write(piece, pour);
  };
  pour();
  assert.match(await answered, /^HTTP\/1.1 413 /);
  socket.destroy();
  assert.equal((await ask(path, 'GET', '/status')).status, 200);
});

test('a body that is not UTF-8 is refused', async (t) => {
  const path = await serve(t, fakeDirector());
  const socket = connect(path);
  const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  socket.write(
    Buffer.concat([Buffer.from('POST /plan HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n'), Buffer.from([0xff])]),
  );
  assert.match(await answered, /^HTTP\/1.1 400 [\s\S]*not-utf8/);
  socket.destroy();
});

test('a director that fails gives a 500 with the reason, logged', async (t) => {
  const entries: string[] = [];
  const broken = fakeDirector({ status: () => Promise.reject(new Error('no child')) });
  const path = await serve(t, broken, logTo(entries));
  const { status, body } = await ask(path, 'GET', '/status');
  assert.equal(status, 500);
  assert.equal((body as ErrorReply).what, 'no child');
  assert.match(entries.join(''), /control request failed.*\/status.*no child/);
});

test('a follower gets the past that it asks for, then each event as it happens', async (t) => {
  const director = fakeDirector();
  director.journal.add(trouble('past'));
  director.journal.add(trouble('asked for'));
  const path = await serve(t, director);
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const item of follow(path, 'since=1&follow=1&kind=trouble', stop.signal)) {
    assert.ok(item.ok);
    seen.push(item.value.seq);
    if (item.value.seq === 2) {
      director.journal.add({ kind: 'reload', outcome: 'applied', detail: '' });
      director.journal.add(trouble('live'));
    }
    if (item.value.seq === 4) stop.abort();
  }
  assert.deepEqual(seen, [2, 4]);
});

test('a follower that leaves is forgotten', async (t) => {
  let subscribers = 0;
  const { journal, ...director } = fakeDirector();
  const gone = Promise.withResolvers<void>();
  const counted = {
    ...journal,
    subscribe: (listener: (event: Event) => void) => {
      subscribers++;
      const stop = journal.subscribe(listener);
      return () => {
        subscribers--;
        stop();
        gone.resolve();
      };
    },
  };
  const path = await serve(t, { ...director, journal: counted });
  journal.add(trouble('first'));
  const stop = new AbortController();
  for await (const _ of follow(path, 'follow=1&limit=1', stop.signal)) {
    assert.equal(subscribers, 1);
    stop.abort();
  }
  await gone.promise;
  assert.equal(subscribers, 0);
});

test('a follower that does not read is cut off before it costs much memory', async (t) => {
  const director = fakeDirector();
  const path = await serve(t, director);
  const socket = connect(path);
  const cut = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  const started = new Promise<void>((resolve) => socket.once('readable', () => resolve()));
  socket.write('GET /events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await started;
  const detail = 'x'.repeat(1 << 20);
  for (let i = 0; i < 12; i++) director.journal.add({ kind: 'trouble', severity: 'warning', what: 'much', detail });
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
  });
  await cut;
  assert.ok(received < 12 << 20, `${received} bytes came through`);
});

test('the follower is told that the daemon ended', async (t) => {
  const director = fakeDirector();
  director.journal.add(trouble('a'));
  const path = await serve(t, director);
  const { listenUnix } = await import('../../../src/control/listen.ts');
  const { controlServer } = await import('../../../src/control/api.ts');
  const other = `${path}2`;
  const listening = await listenUnix(controlServer(director, logTo([])), other);
  assert.ok(listening.ok);
  const items: string[] = [];
  for await (const item of follow(other, 'follow=1&limit=1', new AbortController().signal)) {
    items.push(item.ok ? 'event' : item.error.code);
    if (item.ok) void listening.value.close();
  }
  assert.deepEqual(items, ['event', 'ENDED']);
});

test('a target that is no path is answered, and the daemon goes on', async (t) => {
  const path = await serve(t, fakeDirector());
  for (const target of ['//', '/\\', 'http://[', '*']) {
    const socket = connect(path);
    socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const answer = (await socket.setEncoding('utf8').toArray()).join('');
    assert.match(answer, /^HTTP\/1\.1 40[04] /, target);
  }
  assert.equal((await ask(path, 'GET', '/healthz')).status, 200);
});

test('a client that cannot reach a daemon says what to do', async () => {
  const answer = await call('/nonexistent/control.sock', { method: 'GET', path: '/' });
  assert.ok(!answer.ok);
  assert.equal(answer.error.code, 'ENOENT');
  assert.match(answer.error.message, /systemctl status lvskeeper/);
});

test('a daemon that does not answer is given up', async (t) => {
  const path = await serve(t, fakeDirector({ status: () => new Promise(() => {}) }));
  const answer = await call(path, { method: 'GET', path: '/status', timeout: 50 });
  assert.ok(!answer.ok);
  assert.equal(answer.error.code, 'TIMEOUT');
});

test('POST /services/NAME/servers hands on the keys of the table, with who and why beside them', async (t) => {
  const asked: unknown[] = [];
  const addServer: Director['addServer'] = async (...what) => {
    asked.push(what);
    return ok(ADDED);
  };
  const path = await serve(t, fakeDirector({ addServer }));
  const table = { address: '10.0.0.23:80', weight: 5, tunnel: { type: 'gre' }, wieght: 1 };
  const added = await ask(
    path,
    'POST',
    '/services/my%20web/servers',
    JSON.stringify({ ...table, reason: 'more load', by: 'anna' }),
  );
  assert.deepEqual(added, { status: 200, body: ADDED });
  await ask(path, 'POST', '/services/web/servers', '{}');
  assert.deepEqual(asked, [
    ['my web', { table, reason: 'more load', by: 'anna' }],
    ['web', { table: {}, reason: '', by: 'api' }],
  ]);
  assert.equal((await ask(path, 'POST', '/services/web/servers', '{"by":7}')).status, 400);
  assert.equal((await ask(path, 'POST', '/services/web/servers', '[]')).status, 400);
  assert.equal(asked.length, 2);
});

test('DELETE /services/NAME/servers needs a server', async (t) => {
  const asked: unknown[] = [];
  const removeServer: Director['removeServer'] = async (...what) => {
    asked.push(what);
    return ok(ADDED);
  };
  const path = await serve(t, fakeDirector({ removeServer }));
  const removed = await ask(path, 'DELETE', '/services/web/servers?server=10.0.0.21:80&by=anna&reason=new+disk');
  assert.equal(removed.status, 200);
  assert.deepEqual(asked, [['web', { server: '10.0.0.21:80', by: 'anna', reason: 'new disk' }]]);
  const without = await ask(path, 'DELETE', '/services/web/servers');
  assert.deepEqual([without.status, (without.body as ErrorReply).what], [400, 'server is missing']);
  const strange = await ask(path, 'DELETE', '/services/web/servers?sevrer=web1');
  assert.match((strange.body as ErrorReply).todo, /Did you mean server\?/);
});

test('POST /services/NAME/discovery/accept is for all discoveries of a service, or one', async (t) => {
  const asked: unknown[] = [];
  const acceptServers: Director['acceptServers'] = async (...what) => {
    asked.push(what);
    return asked.length < 3
      ? ok({ service: 'web', accepted: [{ discovery: 'dns', removed: ['10.0.0.21:80'] }] })
      : err({ error: asked.length === 3 ? 'nothing-held' : 'no-such-discovery', what: 'no', todo: 'Look.' });
  };
  const path = await serve(t, fakeDirector({ acceptServers }));
  const accept = (query: string) => ask(path, 'POST', `/services/web/discovery/accept${query}`);
  const { status, body } = await accept('');
  assert.deepEqual(
    [status, body],
    [200, { service: 'web', accepted: [{ discovery: 'dns', removed: ['10.0.0.21:80'] }] }],
  );
  await accept('?discovery=dns&by=anna');
  assert.deepEqual(asked, [
    ['web', { discovery: null, by: 'api' }],
    ['web', { discovery: 'dns', by: 'anna' }],
  ]);
  assert.equal((await accept('')).status, 409);
  assert.equal((await accept('')).status, 404);
});

for (const [error, status] of [
  ['no-such-service', 404],
  ['no-such-server', 404],
  ['server-exists', 409],
  ['already-removed', 409],
  ['several-servers', 409],
  ['wrong-server', 422],
] as const)
  test(`a change of the servers that is refused with ${error} is answered with ${status}, and the issues`, async (t) => {
    const issues = [{ severity: 'error', line: 0, column: 0, message: 'wrong' }] as const;
    const refusal = { error, what: 'wrong', todo: 'Nothing was changed.', issues };
    const answer = async () => err(refusal);
    const path = await serve(t, fakeDirector({ addServer: answer, removeServer: answer }));
    assert.deepEqual(await ask(path, 'POST', '/services/web/servers', '{}'), { status, body: refusal });
    assert.deepEqual(await ask(path, 'DELETE', '/services/web/servers?server=a'), { status, body: refusal });
  });

test('POST /reload?discard=1 drops the changes of the servers', async (t) => {
  const asked: unknown[] = [];
  const reload: Director['reload'] = async (request) => {
    asked.push(request);
    return { outcome: 'unchanged', detail: '', file: 'a.toml', issues: [], serverChanges: NO_CHANGES };
  };
  const path = await serve(t, fakeDirector({ reload }));
  for (const query of ['', '?discard=0', '?discard=1&by=anna']) await ask(path, 'POST', `/reload${query}`);
  assert.deepEqual(asked, [
    { discard: false, by: 'api' },
    { discard: false, by: 'api' },
    { discard: true, by: 'anna' },
  ]);
  assert.equal((await ask(path, 'POST', '/reload?discard=yes')).status, 400);
  assert.equal((await ask(path, 'POST', '/reload?dicsard=1')).status, 400);
  assert.equal(asked.length, 3);
});
