/**
 * Checks of servers as Debian has them: nginx, aiosmtpd, dnsmasq and Redis, each with a config of its own, on the loopback
 * of the lab's world.
 *
 *   npm run lab -- test/interop/real-servers.test.ts
 */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import v8 from 'node:v8';
import { SECURE } from '../checkers/checks.ts';
import { accepts, createStage } from '../checkers/places.ts';
import { aim, judge, probe, timeoutOf, type Verdict } from '../checkers/row.ts';
import { answersGrpc, fixture, http2With, SERVING } from '../checkers/servers.ts';
import { eventually, type Running, spawn } from '../lab/process.ts';

v8.setFlagsFromString('--enable-experimental-regexp-engine');

const PORTS = {
  http: 8080,
  https: 8443,
  h2c: 8082,
  demanding: 8444,
  smtp: 2525,
  smtps: 2465,
  dns: 5353,
  redis: 6379,
  guarded: 6380,
};
const HERE = '127.0.0.1';
const LONG_TEXT = 'x'.repeat(200);

const nginx = (files: string, grpc: number): string => `
  user root; daemon off; worker_processes 1; pid ${files}/nginx.pid; error_log ${files}/nginx.log;
  events { worker_connections 256; }
  http {
    access_log off;
    client_body_temp_path ${files}/body; proxy_temp_path ${files}/proxy; fastcgi_temp_path ${files}/fastcgi;
    uwsgi_temp_path ${files}/uwsgi; scgi_temp_path ${files}/scgi;
    ssl_certificate ${files}/good.pem; ssl_certificate_key ${files}/good.pem;
    default_type text/plain;
    server {
      listen ${HERE}:${PORTS.http};
      listen ${HERE}:${PORTS.h2c} http2;
      listen ${HERE}:${PORTS.https} ssl http2;
      location = /healthz { default_type application/json; return 200 '{"status":"ok","weight":"75%"}'; }
      location = /moved { return 302 /healthz; }
      location = /ill { return 503; }
      location = /big { alias ${files}/big; }
      location = /slow { alias ${files}/big; limit_rate 1; limit_rate_after 1k; }
      location /grpc.health.v1.Health/ { grpc_pass grpc://${HERE}:${grpc}; }
      location / { return 404; }
    }
    server {
      listen ${HERE}:${PORTS.demanding} ssl;
      ssl_client_certificate ${fixture('authority')}; ssl_verify_client on;
      location / { return 200 ok; }
    }
  }`;

/** With STARTTLS at one port, and TLS from the start at the other. */
const aiosmtpd = (files: string, port: number, how: string): readonly string[] => [
  ...[
    '/usr/bin/python3',
    '-m',
    'aiosmtpd',
    '--nosetuid',
    '--listen',
    `${HERE}:${port}`,
    '--class',
    'aiosmtpd.handlers.Sink',
  ],
  ...['--no-requiretls', `--${how}cert`, `${files}/good.pem`, `--${how}key`, `${files}/good.pem`],
];

const dnsmasq = [
  ...[
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--user=root',
    '--pid-file=',
  ],
  ...[`--port=${PORTS.dns}`, `--listen-address=${HERE}`, '--bind-interfaces', '--local=/example.test/'],
  ...['--host-record=www.example.test,10.0.0.1', '--mx-host=example.test,mx.example.test,10'],
  ...['--srv-host=_http._tcp.example.test,www.example.test,80,1,5', '--auth-server=ns.example.test,127.0.0.2'],
  ...Array.from({ length: 5 }, (_, i) => `--txt-record=long.example.test,${i}${LONG_TEXT}`),
];

const redis = (files: string, port: number, ...more: readonly string[]): readonly string[] => [
  'redis-server',
  '--port',
  String(port),
  '--bind',
  HERE,
  '--save',
  '',
  '--dir',
  files,
  ...more,
];

const PING = `type = "tcp"\nsteps = [{ send = "PING\\r\\n", expect = '^\\+PONG' }, { send = "INFO replication\\r\\n", expect = 'role:\\w+', expect_not = "role:slave" }]`;
const OURS = `certificate = "${fixture('good')}"\nkey = "${fixture('good')}"`;
const https = (more: string): string => `type = "https"\n${SECURE}\n${more}`;
const HEALTH = `path = "/healthz"\nbody = '"ok"'\njson = { "/status" = "ok" }\nweight_json = "/weight"`;

const ROWS: readonly (readonly [what: string, port: keyof typeof PORTS, toml: string, verdict: Verdict | RegExp])[] = [
  [
    'nginx, HTTP/1.1',
    'http',
    `type = "http"\n${HEALTH}`,
    'up: HTTP 200 OK, body matches, JSON as expected, weight 75%',
  ],
  [
    'nginx, HTTP/1.1, kept alive, several paths',
    'http',
    'type = "http"\nkeep_alive = true\npath = ["/healthz", "/healthz?again"]',
    'up: 2 paths, the last: HTTP 200 OK',
  ],
  ['nginx, HEAD', 'http', 'type = "http"\nmethod = "HEAD"\npath = "/big"', 'up: HTTP 200 OK'],
  ['nginx, a redirect', 'http', 'type = "http"\npath = "/moved"', 'down: HTTP 302 Moved Temporarily, expected 200-299'],
  [
    'nginx, an error',
    'http',
    'type = "http"\npath = "/ill"',
    'down: HTTP 503 Service Temporarily Unavailable, expected 200-299',
  ],
  ['nginx, a big body', 'http', 'type = "http"\npath = "/big"', 'up: HTTP 200 OK'],
  [
    'nginx, a body that dribbles',
    'http',
    'type = "http"\npath = "/slow"',
    'down: HTTP 200 OK, but no end of body in {timeout}',
  ],
  ['nginx, HTTPS', 'https', https(HEALTH), 'up: HTTP 200 OK, body matches, JSON as expected, weight 75%'],
  ['nginx, HTTP on its port of HTTPS', 'https', 'type = "http"', 'down: HTTP 400 Bad Request, expected 200-299'],
  ['nginx, HTTPS on its port of HTTP', 'http', https(''), 'down: TLS: the server does not speak TLS on this port'],
  [
    'nginx, HTTP/2 over TLS',
    'https',
    https(`version = "2"\n${HEALTH}`),
    'up: HTTP 200, body matches, JSON as expected, weight 75%',
  ],
  [
    'nginx, HTTP/2 without TLS',
    'h2c',
    `type = "http"\nversion = "2"\n${HEALTH}`,
    'up: HTTP 200, body matches, JSON as expected, weight 75%',
  ],
  [
    'nginx, HTTP/2 where it speaks HTTP/1.1 alone',
    'http',
    'type = "http"\nversion = "2"',
    'down: not HTTP/2: Protocol error',
  ],
  [
    'nginx, HTTP/2 that dribbles',
    'h2c',
    'type = "http"\nversion = "2"\npath = "/slow"',
    'down: HTTP 200, but no end of body in {timeout}',
  ],
  [
    'nginx, no HTTP/2 over TLS',
    'demanding',
    https(`version = "2"\n${OURS}`),
    'down: TLS: the server does not offer HTTP/2',
  ],
  ['nginx, a certificate that is demanded, and shown', 'demanding', https(OURS), 'up: HTTP 200 OK'],
  ['nginx, a certificate that is demanded', 'demanding', https(''), 'down: HTTP 400 Bad Request, expected 200-299'],
  ['nginx, gRPC behind it', 'h2c', 'type = "grpc"', 'up: the server is SERVING'],
  ['nginx, gRPC behind it, over TLS', 'https', `type = "grpc"\ntls = true\n${SECURE}`, 'up: the server is SERVING'],
  ['nginx, where no gRPC is', 'http', 'type = "grpc"', 'down: not HTTP/2: Protocol error'],
  ['aiosmtpd', 'smtp', 'type = "smtp"', /^up: 250 \S+$/],
  ['aiosmtpd, STARTTLS', 'smtp', `type = "smtp"\nstarttls = true\n${SECURE}`, /^up: 250 \S+, over TLS$/],
  ['aiosmtpd, TLS from the start', 'smtps', `type = "smtp"\ntls = true\n${SECURE}`, /^up: 250 \S+, over TLS$/],
  ['aiosmtpd, no TLS where it begins with it', 'smtps', 'type = "smtp"', 'down: no greeting in {timeout}'],
  [
    'aiosmtpd, TLS where it begins without',
    'smtp',
    `type = "smtp"\ntls = true\n${SECURE}`,
    'down: TLS: the server does not speak TLS on this port',
  ],
  [
    'dnsmasq',
    'dns',
    'type = "dns"\nquery = "www.example.test"\nanswer = "10.0.0.1"',
    'up: A of www.example.test is 10.0.0.1',
  ],
  [
    'dnsmasq, over TCP',
    'dns',
    'type = "dns"\ntransport = "tcp"\nquery = "www.example.test"',
    'up: A of www.example.test is 10.0.0.1',
  ],
  [
    'dnsmasq, another record',
    'dns',
    'type = "dns"\nquery = "www.example.test"\nanswer = "10.0.0.2"',
    'down: A of www.example.test is 10.0.0.1, expected 10.0.0.2',
  ],
  [
    'dnsmasq, no record of the type',
    'dns',
    'type = "dns"\nquery = "www.example.test"\nquery_type = "AAAA"',
    'up: no AAAA of www.example.test',
  ],
  ['dnsmasq, no such name', 'dns', 'type = "dns"\nquery = "none.example.test"', 'down: NXDOMAIN, expected NOERROR'],
  [
    'dnsmasq, MX',
    'dns',
    'type = "dns"\nquery = "example.test"\nquery_type = "MX"\nanswer = "10 mx.example.test"',
    'up: MX of example.test is 10 mx.example.test',
  ],
  [
    'dnsmasq, SRV',
    'dns',
    'type = "dns"\nquery = "_http._tcp.example.test"\nquery_type = "SRV"\nanswer = "1 5 80 www.example.test"',
    'up: SRV of _http._tcp.example.test is 1 5 80 www.example.test',
  ],
  [
    'dnsmasq, more than UDP takes',
    'dns',
    `type = "dns"\nquery = "long.example.test"\nquery_type = "TXT"\nanswer = "4${LONG_TEXT}"`,
    /^up: TXT of long\.example\.test is \dx{59}…, .* and 1 more$/,
  ],
  [
    'dnsmasq, asked over UDP as if it were anything',
    'dns',
    'type = "udp"\nsend_hex = "12 34 01 00 00 01 00 00 00 00 00 00 03 77 77 77 07 65 78 61 6d 70 6c 65 04 74 65 73 74 00 00 01 00 01"\nexpect_hex = "12 34 85 80"',
    'up: answered 12 34 85 80 00 01 00 01 00 00 00 00 03 77 77 77 …',
  ],
  ['Redis', 'redis', PING, 'up: 2 steps done, last answer: role:master'],
  [
    'Redis that wants a password',
    'guarded',
    PING,
    'down: step 1: no match of /^\\+PONG/ (came: -NOAUTH Authentication required.) in {timeout}',
  ],
  ['Redis, asked in HTTP', 'redis', 'type = "http"', 'down: connection closed before an answer'],
];

describe('real servers', () => {
  const stage = createStage();
  const files = mkdtempSync('/tmp/real-servers-');
  const running: Running[] = [];

  before(async () => {
    const { port: grpc } = await stage.place(accepts(http2With(answersGrpc(SERVING))));
    writeFileSync(join(files, 'good.pem'), readFileSync(fixture('good')), { mode: 0o600 });
    writeFileSync(join(files, 'big'), Buffer.alloc(1 << 20, 'x'));
    writeFileSync(join(files, 'nginx.conf'), nginx(files, Number(grpc)));
    const argvs: readonly (readonly string[])[] = [
      ['nginx', '-c', join(files, 'nginx.conf'), '-e', join(files, 'nginx.log')],
      aiosmtpd(files, PORTS.smtp, 'tls'),
      aiosmtpd(files, PORTS.smtps, 'smtps'),
      dnsmasq,
      redis(files, PORTS.redis),
      redis(files, PORTS.guarded, '--requirepass', 'secret'),
    ];
    for (const [i, argv] of argvs.entries())
      running.push(spawn(argv, join(process.env.LAB_OUT ?? files, `real-${i}.log`)));
    for (const port of Object.values(PORTS)) await listening(port);
  });
  after(async () => {
    for (const one of running) await one.stop();
    stage.end();
    rmSync(files, { recursive: true });
  });

  for (const [what, port, toml, verdict] of ROWS) {
    test(what, async () => {
      const place = { port: PORTS[port] };
      const row = { what, toml, verdict, manner: async () => place };
      judge(row, place, await probe(aim(toml, place, timeoutOf(row))));
    });
  }

  const listening = (port: number): Promise<true> =>
    eventually(`a server at port ${port}`, 20_000, async () => {
      for (const one of running)
        if (one.exit !== null) throw new Error(`${one.argv.join(' ')} ended:\n${one.output()}`);
      return (await connects(port)) ? true : undefined;
    });
});

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, HERE);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
