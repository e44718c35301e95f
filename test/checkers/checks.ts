/**
 * Every kind of check, in every way that it goes about it, as a reader would configure it; and a well behaved server of
 * each. `SECURE` stands for the options of TLS, `{port}` and other names in braces for what the place gives.
 */

import type tls from 'node:tls';
import { type Behaviour, inTls } from './behaviour.ts';
import {
  agent,
  answers,
  answersGrpc,
  certified,
  dnsAnswer,
  dnsWith,
  fixture,
  http1,
  http2With,
  mail,
  redis,
  SERVING,
} from './servers.ts';

export type Check = {
  readonly toml: string;
  /** A server that it finds up, with these options where it speaks TLS. */
  readonly server: (options: tls.TlsOptions) => Behaviour;
};

export const SECURE = `sni = "www.example.test"\nca = "${fixture('authority')}"`;

const h2 = http2With(answers({ ':status': 200 }));
const grpc = http2With(answersGrpc(SERVING));
const over = (behaviour: Behaviour, protocol?: string) => (options: tls.TlsOptions) =>
  inTls(protocol === undefined ? options : { ...options, ALPNProtocols: [protocol] }, behaviour);

/** Without TLS. */
export const PLAIN = {
  tcp: { toml: 'type = "tcp"', server: () => redis },
  'tcp steps': { toml: `type = "tcp"\nsteps = [{ send = "PING\\r\\n", expect = '^\\+PONG' }]`, server: () => redis },
  http: { toml: 'type = "http"', server: () => http1 },
  'http 2': { toml: 'type = "http"\nversion = "2"', server: () => h2 },
  smtp: { toml: 'type = "smtp"', server: () => mail() },
  grpc: { toml: 'type = "grpc"', server: () => grpc },
  'dns tcp': { toml: 'type = "dns"\nquery = "www.example.test"\ntransport = "tcp"', server: () => dnsWith(dnsAnswer) },
  agent: { toml: 'type = "agent"\nport = {port}', server: () => agent('up 75%\n') },
} as const satisfies Readonly<Record<string, Check>>;

export const OVER_TLS = {
  'tcp tls': { toml: `type = "tcp"\ntls = true\n${SECURE}`, server: over(redis) },
  https: { toml: `type = "https"\n${SECURE}`, server: over(http1) },
  'https 2': { toml: `type = "https"\nversion = "2"\n${SECURE}`, server: over(h2, 'h2') },
  'smtp tls': { toml: `type = "smtp"\ntls = true\n${SECURE}`, server: over(mail()) },
  'smtp starttls': { toml: `type = "smtp"\nstarttls = true\n${SECURE}`, server: (options) => mail({}, options) },
  'grpc tls': { toml: `type = "grpc"\ntls = true\n${SECURE}`, server: over(grpc, 'h2') },
} as const satisfies Readonly<Record<string, Check>>;

export const CONNECTED: Readonly<Record<keyof typeof PLAIN | keyof typeof OVER_TLS, Check>> = { ...PLAIN, ...OVER_TLS };
export type ConnectedName = keyof typeof CONNECTED;
export type TlsName = keyof typeof OVER_TLS;

/** A server of a check as it should be. */
export const wellBehaved = (name: ConnectedName): Behaviour => CONNECTED[name].server(certified('good'));
