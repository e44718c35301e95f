/**
 * The whole config language as tables of options. `config.ts` has the types by hand, with what each value means to the
 * program; the last lines here hold the two together.
 */

import { execOptions } from '../alerts/exec/options.ts';
import { webhookOptions } from '../alerts/webhook/options.ts';
import { derived, type Kind, type Same, type Values } from '../base/option.ts';
import { address, choice, duration, endpoint, integer, list, orOff, text } from '../base/option-kinds.ts';
import { interfaceName, name } from '../base/option-net.ts';
import { table, tables, variant } from '../base/option-tables.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import { httpOptions } from '../checkers/http/options.ts';
import { tcpOptions } from '../checkers/tcp/options.ts';
import { ALERT_TOPICS, type AlertConfig, type CheckConfig, type Config } from './config.ts';
import { IPVS } from './options-ipvs.ts';
import { POOL } from './options-pool.ts';
import { SERVER, SERVICE } from './options-service.ts';
import { VRRP } from './options-vrrp.ts';

/** Room for `control.sock` behind it in the 108 bytes of sockaddr_un (linux/un.h). */
const runDir = text('an absolute path of at most 90 characters', /^\/[\x21-\x7e]{1,89}$/);

export const DIRECTOR = {
  name: {
    is: name,
    default: derived<string>("the host's name", (_, facts) => facts.hostName),
    doc: "This director's name in alerts, metrics and `status`.",
  },
  run_dir: {
    is: runDir,
    default: '/run/lvskeeper',
    doc: 'Where runtime state lives: the control socket, what was made in the kernel, the role to resume; must be a tmpfs.',
  },
} as const;

export const METRICS = {
  listen: {
    is: orOff(endpoint),
    default: '127.0.0.1:9790',
    doc: 'Where `/metrics` and `/healthz` listen; `false` turns them off, port 0 takes any free one.',
  },
} as const;

export const LOG = {
  level: {
    is: choice('debug', 'info', 'warning', 'error'),
    default: 'info',
    doc: 'The least severity that is logged.',
  },
  format: {
    is: choice('auto', 'json', 'text'),
    default: 'auto',
    doc: '`"auto"` is text on a terminal and one JSON object a line elsewhere.',
  },
} as const;

const shorter = (a: Duration | undefined, b: number): Duration => milliseconds(Math.min(a ?? b, b));

/** What every check has. */
export const CHECK = {
  interval: { is: duration('100ms', '1h'), default: '2s', doc: 'Time between the starts of two probes of a server.' },
  timeout: {
    is: duration('10ms', '5m'),
    default: derived<Duration>('`interval`, at most `3s`', (values) =>
      shorter(values.interval as Duration | undefined, 3000),
    ),
    doc: 'Time for a whole probe, from its start to the end of the answer.',
  },
  rise: { is: integer(1, 100), default: 2, doc: 'Good answers in a row that bring a failed server back.' },
  fall: { is: integer(1, 100), default: 3, doc: 'Bad answers in a row that fail a server.' },
  port: { is: integer(1, 65535), default: null, absent: "the server's", doc: 'Port that is probed.' },
  source: {
    is: address,
    default: null,
    absent: 'the own address towards the server, never a virtual one',
    doc: 'Source address of probes.',
  },
  source_port: {
    is: integer(1, 65535),
    default: null,
    absent: 'any free one',
    doc: 'Source port of probes.',
  },
  device: {
    is: interfaceName,
    default: null,
    absent: 'the one that the route has',
    doc: 'Interface that probes leave and are answered by.',
  },
} as const;

const check = variant('[service.check]', 'How each server of the service is probed.', {
  doc: 'Kind of check.',
  common: CHECK,
  branches: { tcp: tcpOptions, http: httpOptions, https: httpOptions },
  docs: {
    tcp: 'A server is up when it accepts a connection.',
    http: 'A server is up when it answers a request as expected.',
  },
});

/** How many servers a service has. */
export const SERVERS_OF_A_SERVICE = { least: 1, most: 10_000 } as const;

/** [[service]] with what is in it. */
export const WHOLE_SERVICE = {
  ...SERVICE,
  ...POOL,
  check: { is: check, default: null, absent: 'no check: every server counts as up', doc: 'How each server is probed.' },
  server: {
    is: tables(
      '[[service.server]]',
      table('[[service.server]]', 'A real server of the service.', SERVER),
      SERVERS_OF_A_SERVICE.least,
      SERVERS_OF_A_SERVICE.most,
    ),
    as: 'servers',
    doc: 'The real servers.',
  },
} as const;

const ALERT = {
  name: {
    is: name,
    default: derived<string>('its type', ({ type }) => type as string | undefined),
    doc: 'Name in logs and metrics.',
  },
  on: {
    is: list(choice(...ALERT_TOPICS), 1, ALERT_TOPICS.length),
    default: [...ALERT_TOPICS],
    doc: 'What it is about: `"vrrp"`, roles, split brains, conflicts of addresses, orders to a router; `"server"`, servers up or down, orders for them, ejections; `"quorum"`, the quorum and the panic of a service; `"config"`, a config on trial, and what became of it.',
  },
  timeout: { is: duration('100ms', '5m'), default: '10s', doc: 'Time for one attempt.' },
  attempts: {
    is: integer(1, 100),
    default: 5,
    doc: 'Attempts for one alert, with growing pauses, before it is given up.',
  },
} as const;

const alert = variant('[[alert]]', 'Who is told of a failover.', {
  doc: 'Kind of alert.',
  common: ALERT,
  branches: { webhook: webhookOptions, exec: execOptions },
  docs: { webhook: 'Sends each alert to a URL.', exec: 'Runs a program for each alert.' },
});

/** The file. */
export const DOCUMENT = {
  director: { is: table('[director]', 'This director.', DIRECTOR), default: {}, doc: 'This director.' },
  metrics: { is: table('[metrics]', 'Metrics for Prometheus.', METRICS), default: {}, doc: 'Metrics for Prometheus.' },
  log: { is: table('[log]', 'The log, on standard output.', LOG), default: {}, doc: 'The log.' },
  vrrp: {
    is: tables('[[vrrp]]', table('[[vrrp]]', 'A virtual router: addresses that fail over together.', VRRP), 0, 1000),
    default: [],
    doc: 'Virtual routers.',
  },
  ipvs: {
    is: table('[ipvs]', 'IPVS as a whole: what belongs to no service. By default nothing of it is touched.', IPVS),
    default: {},
    doc: 'IPVS as a whole.',
  },
  service: {
    is: tables(
      '[[service]]',
      table('[[service]]', 'A virtual service: an address and port, and the servers behind it.', WHOLE_SERVICE),
      0,
      100_000,
    ),
    default: [],
    as: 'services',
    doc: 'Virtual services.',
  },
  alert: { is: tables('[[alert]]', alert, 0, 100), default: [], as: 'alerts', doc: 'Alerts.' },
} as const;

true satisfies Same<Values<typeof DOCUMENT>, Config>;
true satisfies Same<typeof check extends Kind<infer T> ? T : never, CheckConfig>;
true satisfies Same<typeof alert extends Kind<infer T> ? T : never, AlertConfig>;
