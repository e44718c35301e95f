import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { ip } from '../../../src/base/address.ts';
import { concat } from '../../../src/base/bytes.ts';
import { dnsSource } from '../../../src/discovery/dns/source.ts';
import type { Answer } from '../../../src/discovery/source.ts';
import { resolversIn } from '../../../src/system/dns-exchange.ts';
import { decode, type Rcode } from '../../../src/wire/dns.ts';
import { listenBeside } from '../checkers/loopback.ts';
import { answerTo, type Given } from '../wire/dns-answer.ts';
import { discovery, never, shown, until } from './fakes.ts';

const A = (name: string, address: string, ttl = 60): Given => ({ name, ttl, type: 'A', address: ip(address) });
const AAAA = (name: string, address: string, ttl = 60): Given => ({ name, ttl, type: 'AAAA', address: ip(address) });
const CNAME = (name: string, target: string, ttl = 60): Given => ({ name, ttl, type: 'CNAME', target });
const SRV = (target: string, weight: number, { port = 8080, priority = 10, ttl = 60 } = {}): Given => ({
  ...{ name: SERVICE, ttl, type: 'SRV', priority, weight, port, target },
});
const SERVICE = '_http._tcp.example.net';

/** What a server has of a question: records, an rcode, or silence. */
type Zone = (question: string) => readonly Given[] | Rcode | null;

/** A server on 127.0.0.1 over UDP; over TCP too where `tcp` is given, and then it cuts its datagrams short. */
async function server(t: TestContext, zone: Zone, tcp?: Zone) {
  const asked: string[] = [];
  const answer = (query: Uint8Array, of: Zone, by: string): Uint8Array | null => {
    const message = decode(query);
    assert.ok(message.ok);
    const [question] = message.value.questions;
    const words = `${question?.type} ${question?.name}`;
    asked.push(`${by}${words}`);
    const found = of(words);
    if (found === null) return null;
    return typeof found === 'string'
      ? answerTo(query, [], { rcode: found })
      : answerTo(query, found, { truncated: by === '' && tcp !== undefined });
  };
  const openUdp = async (): Promise<number> => {
    const udp = dgram.createSocket('udp4');
    udp.on('message', (query, from) => {
      const bytes = answer(query, zone, '');
      if (bytes !== null) udp.send(bytes, from.port, from.address);
    });
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    t.after(() => udp.close());
    return udp.address().port;
  };
  if (tcp !== undefined) {
    const streams = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const bytes = answer(data.subarray(2), tcp, 'tcp ');
        if (bytes === null) socket.destroy();
        // In two parts, as TCP may bring it.
        else {
          const framed = concat([Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes]);
          socket.write(framed.subarray(0, 1));
          setTimeout(() => socket.write(framed.subarray(1)), 10);
        }
      });
    });
    return { port: await listenBeside(t, streams, openUdp), asked };
  }
  return { port: await openUdp(), asked };
}

const ask = (ports: readonly number[], options: string, families: readonly (4 | 6)[] = [4]): Promise<Answer> =>
  dnsSource(
    discovery('dns', `${options}\ntimeout = "200ms"\nresolvers = [${ports.map((port) => `"127.0.0.1:${port}"`)}]`),
    { families },
  ).ask(never);
const WEB = 'query = "web.example.net"';
const web =
  (...records: readonly Given[]): Zone =>
  (question) =>
    question.startsWith('A ') || question.startsWith('SRV') ? records : [];

test('addresses of a name are servers without port and weight', async (t) => {
  const { port, asked } = await server(t, web(A('web.example.net', '10.0.0.1'), A('web.example.net', '10.0.0.2')));
  assert.deepEqual(shown(await ask([port], WEB)), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(asked, ['A web.example.net']);
});

test('the families that the service can reach are asked for, and each may be empty', async (t) => {
  const both: Zone = (question) =>
    question === 'A web.example.net' ? [A('web.example.net', '10.0.0.1')] : [AAAA('web.example.net', '2001:db8::1')];
  const first = await server(t, both);
  assert.deepEqual(shown(await ask([first.port], WEB, [4, 6])), ['10.0.0.1', '2001:db8::1']);
  assert.deepEqual(shown(await ask([first.port], WEB, [6])), ['2001:db8::1']);
  assert.deepEqual(shown(await ask([first.port], `${WEB}\nrecord = "A"`, [6])), ['10.0.0.1']);
  const second = await server(t, web(A('web.example.net', '10.0.0.1')));
  assert.deepEqual(shown(await ask([second.port], WEB, [4, 6])), ['10.0.0.1']);
  const third = await server(t, web());
  assert.equal(shown(await ask([third.port], WEB, [4, 6])), 'web.example.net has no A and no AAAA record');
});

test('half an answer is none: where one family fails, nothing is known', async (t) => {
  const { port } = await server(t, (question) =>
    question === 'A web.example.net' ? [A('web.example.net', '10.0.0.1')] : 'SERVFAIL',
  );
  assert.equal(shown(await ask([port], WEB, [4, 6])), `AAAA web.example.net: 127.0.0.1:${port} answers SERVFAIL`);
});

test('it is asked again when the shortest TTL is over, aliases counted, between ttl_min and ttl_max', async (t) => {
  const again = async (first: number, second: number, alias: number): Promise<number | null> => {
    const { port } = await server(
      t,
      web(
        CNAME('web.example.net', 'a.example.net', alias),
        A('a.example.net', '10.0.0.1', first),
        A('a.example.net', '10.0.0.2', second),
      ),
    );
    const answer = await ask([port], `${WEB}\nttl_min = "10s"\nttl_max = "100s"`);
    return answer.ok ? answer.value.again : null;
  };
  assert.equal(await again(60, 30, 90), 30_000);
  assert.equal(await again(60, 50, 20), 20_000);
  assert.equal(await again(0, 50, 20), 10_000);
  assert.equal(await again(86_400, 86_400, 86_400), 100_000);
});

test('aliases are followed in the answer and beyond it, and not in a circle', async (t) => {
  const beyond = await server(t, (question) =>
    question === 'A web.example.net'
      ? [CNAME('web.example.net', 'a.example.org'), CNAME('a.example.org', 'b.example.org')]
      : [A('b.example.org', '10.0.0.1'), A('c.example.org', '10.0.0.66')],
  );
  assert.deepEqual(shown(await ask([beyond.port], WEB)), ['10.0.0.1']);
  assert.deepEqual(beyond.asked, ['A web.example.net', 'A b.example.org']);
  const circle = await server(t, (question) => {
    const name = question.slice(2);
    return [CNAME(name, name === 'web.example.net' ? 'a.example.net' : 'web.example.net')];
  });
  assert.equal(shown(await ask([circle.port], WEB)), 'web.example.net has more than 8 aliases');
});

test('the next resolver is asked where one is silent, refuses or is not there; one that knows of no name is believed', async (t) => {
  const silent = await server(t, () => null);
  const refusing = await server(t, () => 'REFUSED');
  const good = await server(t, web(A('web.example.net', '10.0.0.1')));
  const gone = await server(t, () => 'NXDOMAIN');
  assert.deepEqual(shown(await ask([silent.port, refusing.port, good.port], WEB)), ['10.0.0.1']);
  assert.equal(
    shown(await ask([silent.port, refusing.port], WEB)),
    `A web.example.net: 127.0.0.1:${silent.port}: no answer in 200 ms; 127.0.0.1:${refusing.port} answers REFUSED`,
  );
  assert.equal(shown(await ask([gone.port, good.port], WEB)), 'there is no name web.example.net (NXDOMAIN)');
  const unbound = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => unbound.bind(0, '127.0.0.1', resolve));
  const { port } = unbound.address();
  await new Promise<void>((resolve) => unbound.close(resolve));
  assert.match(String(shown(await ask([port], WEB))), /nobody listens there \(connection refused\)$/);
});

test('an answer that was cut short is asked for over TCP', async (t) => {
  const cut = web(A('web.example.net', '10.0.0.1'));
  const whole = web(A('web.example.net', '10.0.0.1'), A('web.example.net', '10.0.0.2'));
  const { port, asked } = await server(t, cut, whole);
  assert.deepEqual(shown(await ask([port], WEB)), ['10.0.0.1', '10.0.0.2']);
  assert.deepEqual(asked, ['A web.example.net', 'tcp A web.example.net']);
  const closing = await server(t, cut, () => null);
  assert.match(String(shown(await ask([closing.port], WEB))), /closed the connection without an answer$/);
});

test('a forged answer to another question is passed over', async (t) => {
  const udp = dgram.createSocket('udp4');
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  t.after(() => udp.close());
  udp.on('message', (query, from) => {
    const forged = Uint8Array.from(answerTo(query, [A('web.example.net', '10.0.0.66')]));
    forged[0] = (forged[0] ?? 0) ^ 0xff;
    udp.send(forged, from.port, from.address);
    udp.send(answerTo(query, [A('web.example.net', '10.0.0.1')]), from.port, from.address);
  });
  assert.deepEqual(shown(await ask([udp.address().port], WEB)), ['10.0.0.1']);
});

/** The zone of a service with these SRV records, whose targets a, b and c have addresses. */
const srv =
  (...records: readonly Given[]): Zone =>
  (question) => {
    if (question.startsWith('SRV')) return records;
    const [type, name = ''] = question.split(' ');
    const last = ['a', 'b', 'c'].indexOf(name.slice(0, 1)) + 1;
    if (last === 0) return 'NXDOMAIN';
    return type === 'A' ? [A(name, `10.0.0.${last}`, 20 + last)] : [];
  };
const HTTP = `query = "${SERVICE}"`;

const SRV_CASES: readonly (readonly [what: string, records: readonly Given[], wanted: readonly string[] | string])[] = [
  [
    'port and weight',
    [SRV('a.example.net', 5), SRV('b.example.net', 7, { port: 81 })],
    ['10.0.0.1:8080*5', '10.0.0.2:81*7'],
  ],
  ['no weight where all are 0', [SRV('a.example.net', 0), SRV('b.example.net', 0)], ['10.0.0.1:8080', '10.0.0.2:8080']],
  [
    'a small one where one is 0',
    [SRV('a.example.net', 0), SRV('b.example.net', 7)],
    ['10.0.0.1:8080*1', '10.0.0.2:8080*7'],
  ],
  [
    'those of the lowest priority',
    [SRV('a.example.net', 5, { priority: 20 }), SRV('b.example.net', 7, { priority: 5 })],
    ['10.0.0.2:8080*7'],
  ],
  [
    'a target of two ports twice',
    [SRV('a.example.net', 5), SRV('a.example.net', 5, { port: 81 })],
    ['10.0.0.1:8080*5', '10.0.0.1:81*5'],
  ],
  ['none without records', [], `${SERVICE} has no SRV record`],
  ['none where there is no such service', [SRV('.', 0)], `${SERVICE} says that there is no such service (target ".")`],
];

for (const [what, records, wanted] of SRV_CASES)
  test(`SRV records give ${what}`, async (t) => {
    const { port } = await server(t, srv(...records));
    assert.deepEqual(shown(await ask([port], HTTP)), wanted);
  });

test('a name in an answer that cannot be asked for is skipped and named, or is an error in words', async (t) => {
  const targets = await server(t, srv(SRV('a b.example.net', 5), SRV('a.example.net', 5)));
  const answer = await ask([targets.port], HTTP);
  assert.deepEqual(shown(answer), ['10.0.0.1:8080*5']);
  assert.deepEqual(answer.ok && answer.value.skipped, ['a\\032b.example.net has no address']);
  const alias = await server(t, () => [CNAME('web.example.net', 'a b.example.net')]);
  assert.match(String(shown(await ask([alias.port], WEB))), /a\\032b\.example\.net is no name that can be asked for/);
});

test('a target that is not there is skipped and named; one that cannot be asked for makes the answer none', async (t) => {
  const { port } = await server(t, srv(SRV('x.example.net', 5), SRV('a.example.net', 5)));
  const answer = await ask([port], HTTP);
  assert.deepEqual(shown(answer), ['10.0.0.1:8080*5']);
  assert.deepEqual(answer.ok && answer.value.skipped, ['x.example.net has no address']);
  assert.equal(answer.ok && answer.value.again, 21_000);
  const failing = await server(t, (question) =>
    question.startsWith('SRV')
      ? [SRV('x.example.net', 5), SRV('a.example.net', 5)]
      : question.includes(' x')
        ? 'SERVFAIL'
        : [A('a.example.net', '10.0.0.1')],
  );
  assert.match(String(shown(await ask([failing.port], HTTP))), /^A x\.example\.net: .* answers SERVFAIL$/);
});

test('many targets are looked up, not all at a time', async (t) => {
  const records = Array.from({ length: 40 }, (_, i) => SRV(`a${i}.example.net`, 1, { port: 1000 + i }));
  const { port } = await server(t, srv(...records), srv(...records));
  assert.equal((shown(await ask([port], HTTP)) as readonly string[]).length, 40);
});

test('it gives up at once when it is told to', { timeout: 10_000 }, async (t) => {
  const { port } = await server(t, () => null);
  const stop = new AbortController();
  const asking = dnsSource(discovery('dns', `${WEB}\ntimeout = "30s"\nresolvers = ["127.0.0.1:${port}"]`), {
    families: [4],
  }).ask(stop.signal);
  setImmediate(() => stop.abort());
  assert.match(String(shown(await asking)), /given up$/);
});

test('many that are given up at any moment leave nothing behind', { timeout: 20_000 }, async (t) => {
  const { port } = await server(t, () => null);
  const config = discovery('dns', `${WEB}\ntimeout = "30s"\nresolvers = ["127.0.0.1:${port}"]`);
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  for (let i = 0; i < 100; i++) {
    const stop = new AbortController();
    if (i % 4 === 0) stop.abort();
    const asking = dnsSource(config, { families: [4, 6] }).ask(stop.signal);
    if (i % 4 === 1) queueMicrotask(() => stop.abort());
    if (i % 4 === 2) setImmediate(() => stop.abort());
    if (i % 4 === 3) setTimeout(() => stop.abort(), 2);
    assert.match(String(shown(await asking)), /given up$/);
  }
  await until(() => descriptors() <= before);
});

test('the resolvers of resolv.conf, the first three that can be reached', () => {
  const text =
    '# nameserver 1.1.1.1\nsearch example.net\nnameserver 10.0.0.53\nnameserver fe80::1%eth0\nnameserver\t2001:db8::53\noptions timeout:1\n';
  assert.deepEqual(
    resolversIn(text).map(({ address, port }) => `${address} ${port}`),
    ['10.0.0.53 53', '2001:db8::53 53'],
  );
  assert.equal(resolversIn('nameserver 10.0.0.1\n'.repeat(5)).length, 3);
  assert.deepEqual(resolversIn(''), [{ address: '127.0.0.1', port: 53 }]);
});
