/**
 * The whole config language as tables of options. `config.ts` has the types by hand, with what each value means to the
 * program; the last lines here hold the two together.
 */

import { execOptions } from '../alerts/exec/options.ts';
import { webhookOptions } from '../alerts/webhook/options.ts';
import { type Endpoint, formatEndpoint, parseEndpoint, parseIp } from '../base/address.ts';
import { derived, type Kind, type Same, type Values } from '../base/option.ts';
import { address, choice, duration, endpoint, integer, list, orOff, parsed, text } from '../base/option-kinds.ts';
import { interfaceName, name, refuseHost } from '../base/option-net.ts';
import { table, tableOrTables, tables, variant } from '../base/option-tables.ts';
import { err, ok } from '../base/result.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import { agentOptions } from '../checkers/agent/options.ts';
import { dnsOptions } from '../checkers/dns/options.ts';
import { execOptions as execCheckOptions } from '../checkers/exec/options.ts';
import { fileOptions } from '../checkers/file/options.ts';
import { grpcOptions } from '../checkers/grpc/options.ts';
import { httpOptions } from '../checkers/http/options.ts';
import { pingOptions } from '../checkers/ping/options.ts';
import { smtpOptions } from '../checkers/smtp/options.ts';
import { tcpOptions } from '../checkers/tcp/options.ts';
import { udpOptions } from '../checkers/udp/options.ts';
import { ALERT_TOPICS, type AlertConfig, type CheckConfig, type Config } from './config.ts';
import { discovery } from './options-discovery.ts';
import { IPVS } from './options-ipvs.ts';
import { POOL } from './options-pool.ts';
import { SERVER, SERVICE } from './options-service.ts';
import { VRRP } from './options-vrrp.ts';

/** Room for `control.sock` behind it in the 108 bytes of sockaddr_un (linux/un.h). */
const runDir = text('an absolute path of at most 90 characters', /^\/[\x21-\x7e]{1,89}$/);

/** A director that can be asked. By its address, since whoever looks up names may have to wait for them. */
const peer: Kind<Endpoint> = parsed({
  expected: 'the address and port of another director\'s metrics, as in "10.0.0.3:9790"',
  parse(text) {
    const read = parseEndpoint(text);
    if (read === undefined)
      return err(text.includes('://') ? 'which is a URL' : parseIp(text) === undefined ? '' : 'which has no port');
    const why = read.port === 0 ? 'which has port 0' : refuseHost(read.address);
    return why === undefined ? ok(read) : err(why);
  },
  write: formatEndpoint,
});

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
  peers: {
    is: list(peer, 0, 8),
    default: [],
    absent: 'verdicts are not compared',
    doc: 'Where the other directors listen, by their `[metrics] listen`: what their checks find is asked for, and `status` shows where it differs.',
  },
} as const;

export const METRICS = {
  listen: {
    is: orOff(endpoint),
    default: '127.0.0.1:9790',
    doc: 'Where `/metrics`, `/verdicts` and `/healthz` listen; `false` turns them off, port 0 takes any free one.',
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
  name: {
    is: name,
    default: derived<string>('its type', ({ type }) => type as string | undefined),
    doc: 'Name in `status` and metrics, where a service has several.',
  },
  interval: { is: duration('100ms', '1h'), default: '2s', doc: 'Time between the starts of two probes of a server.' },
  fast_interval: {
    is: duration('100ms', '1h'),
    default: null,
    absent: '`interval`',
    doc: 'The same while the last answers speak against the verdict: a server that is up has failed, one that is down has answered.',
  },
  down_interval: {
    is: duration('100ms', '1h'),
    default: null,
    absent: '`interval`',
    doc: 'The same while a server is down and does not answer.',
  },
  backup_interval: {
    is: duration('100ms', '1h'),
    default: null,
    absent: 'as while it is master',
    doc: 'The least of these while this director is backup for the service: it probes too, to be ready, but may do so at a lower rate.',
  },
  jitter: {
    is: integer(0, 50),
    default: 0,
    doc: 'By how much each probe may start later, by chance, in percent of the interval.',
  },
  timeout: {
    is: duration('10ms', '5m'),
    default: derived<Duration>('`interval`, at most `3s`', (values) =>
      shorter(values.interval as Duration | undefined, 3000),
    ),
    doc: 'Time for a whole probe, from its start to the end of the answer.',
  },
  rise: { is: integer(1, 100), default: 2, doc: 'Good answers in a row that bring a failed server back.' },
  fall: { is: integer(1, 100), default: 3, doc: 'Bad answers in a row that fail a server.' },
  flap_window: {
    is: duration('0s', '1d'),
    default: '5m',
    doc: 'A server that falls again within this time needs twice as many good answers as the last time, at most sixteen times `rise`; `"0s"`: always `rise`.',
  },
  latency_target: {
    is: duration('1ms', '5m'),
    default: null,
    absent: 'the weight does not depend on it',
    doc: 'A server whose answers take longer on average gets less weight in proportion, down to a tenth: half of it at twice this time.',
  },
  via: {
    is: choice('direct', 'datapath', 'both'),
    default: null,
    absent: '`"both"` for servers of `"dr"` and `"tun"` at a port of the service, else `"direct"`',
    doc: 'Way of the probes: `"direct"` to the server; `"datapath"` to the virtual addresses, forwarded by IPVS as clients are, which finds a server without the virtual address and a tunnel that is down; `"both"`, which tells the one from the other. Not with `"nat"`.',
  },
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
  branches: {
    tcp: tcpOptions,
    smtp: smtpOptions,
    http: httpOptions,
    https: httpOptions,
    grpc: grpcOptions,
    dns: dnsOptions,
    udp: udpOptions,
    ping: pingOptions,
    exec: execCheckOptions,
    agent: agentOptions,
    file: fileOptions,
  },
  docs: {
    tcp: 'A server is up when it accepts a connection, and answers in it as expected.',
    smtp: 'A server is up when it greets as a mail server and answers EHLO.',
    http: 'A server is up when it answers a request as expected.',
    dns: 'A server is up when it answers a DNS query as expected.',
    udp: 'A server is up when it answers a datagram as expected, or when nobody says that its port is closed.',
    ping: 'A server is up when it answers ICMP echo requests.',
    grpc: 'A server is up when the health service of gRPC says that it is serving.',
    exec: 'A server is up when a program that looks at it exits with 0.',
    agent: 'A server is up when the agent on it says so; it asks for its weight besides.',
    file: 'A server is up when a file on the director says so, with its weight.',
  },
});

/** How many servers a service has; one without any has a discovery. */
export const SERVERS_OF_A_SERVICE = { least: 1, most: 10_000 } as const;

/** [[service]] with what is in it. */
export const WHOLE_SERVICE = {
  ...SERVICE,
  ...POOL,
  check: {
    is: tableOrTables('[[service.check]]', check, 16),
    default: [],
    as: 'checks',
    absent: 'no check: every server counts as up',
    doc: 'How each server is probed.',
  },
  checks_needed: {
    is: choice('all', 'any'),
    default: 'all',
    doc: 'Where there are several checks: whether a server is up when it passes all of them, or any.',
  },
  discovery: {
    is: tableOrTables('[[service.discovery]]', discovery, 16),
    default: [],
    absent: 'servers are those of the file',
    doc: 'Where servers come from, besides those of the file.',
  },
  server: {
    is: tables(
      '[[service.server]]',
      table('[[service.server]]', 'A real server of the service.', SERVER),
      0,
      SERVERS_OF_A_SERVICE.most,
    ),
    default: [],
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
    doc: 'What it is about: `"vrrp"`, roles, split brains, conflicts of addresses, orders to a router; `"server"`, servers up or down, orders for them, ejections, a discovery that fails or is held back; `"quorum"`, the quorum and the panic of a service; `"config"`, a config on trial, and what became of it.',
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
