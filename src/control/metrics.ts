/**
 * The metrics, as a table: name, help, labels, and how to read the samples from the facts at the moment of a scrape. Nothing
 * is kept between scrapes, so the series of a removed server, service or router are gone with it.
 *
 * Names follow Prometheus's rules: base units, `_total` for counters. prom-client is loaded with the first scrape: nobody
 * pays for it who does not scrape.
 */

import { setImmediate } from 'node:timers/promises';
import type { SinkCounts } from '../alerts/dispatch.ts';
import type { Director } from './director.ts';
import { EVENT_KINDS } from './journal.ts';
import type { CheckStatus, DiscoveryStatus, RouterStatus, ServerStatus, ServiceStatus, Status } from './status.ts';
import { routerKey, type Tally } from './tally.ts';

/** All that a scrape tells of. */
export type Facts = { readonly status: Status; readonly tally: Tally; readonly alerts: readonly SinkCounts[] };

type Sample = readonly [value: number, ...labels: string[]];
export type Row = {
  readonly type: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: (facts: Facts) => Iterable<Sample>;
};

const VRRP_STATES = ['init', 'backup', 'master', 'fault'] as const;
const OUTCOMES = ['applied', 'unchanged', 'refused'] as const;

const row =
  (type: Row['type']) =>
  (name: string, help: string, labels: readonly string[], samples: Row['samples']): Row => ({
    type,
    name: `lvskeeper_${name}`,
    help,
    labels,
    samples,
  });
const gauge = row('gauge');
const counter = row('counter');

/** One sample for each virtual router. */
const router = (read: (router: RouterStatus) => number) => (facts: Facts) =>
  facts.status.routers.map((r): Sample => [read(r), ...labelsOf(r)]);
/** The labels `router` and `family`, which together name one virtual router. */
const labelsOf = ({ name, family }: RouterStatus): [string, string] => [name, `ipv${family}`];
const service = (read: (service: ServiceStatus) => number) => (facts: Facts) =>
  facts.status.services.map((s): Sample => [read(s), s.name]);
/** The same, of those that `read` has a number for. */
const services = (read: (service: ServiceStatus) => number | null) => (facts: Facts) =>
  facts.status.services.flatMap((s): Sample[] => {
    const value = read(s);
    return value === null ? [] : [[value, s.name]];
  });
/** One sample for each server; none for those that `read` has no number for. */
const server = (read: (server: ServerStatus) => number | null | undefined) =>
  function* (facts: Facts): Iterable<Sample> {
    for (const { name, servers } of facts.status.services)
      for (const s of servers) {
        const value = read(s);
        if (value !== null && value !== undefined) yield [value, name, s.name, s.address];
      }
  };
/** One sample for each check of each server. */
const check = (read: (check: CheckStatus) => number | null) =>
  function* ({ status }: Facts): Iterable<Sample> {
    for (const { name, servers } of status.services)
      for (const s of servers)
        for (const c of s.checks) {
          const value = read(c);
          if (value !== null) yield [value, name, s.name, s.address, c.name];
        }
  };
/** One sample for each discovery; none for those that `read` has no number for. */
const discovery = (read: (discovery: DiscoveryStatus) => number | null) => (facts: Facts) =>
  facts.status.services.flatMap(({ name, discovery: all }) =>
    all.flatMap((one): Sample[] => {
      const value = read(one);
      return value === null ? [] : [[value, name, one.name, one.type]];
    }),
  );
const sink = (read: (counts: SinkCounts) => number) => (facts: Facts) =>
  facts.alerts.map((counts): Sample => [read(counts), counts.name, counts.type]);

const unixTime = (date: string): number => Date.parse(date) / 1000;
const bit = (condition: boolean): number => (condition ? 1 : 0);

/** Two tracked things may be called alike, such as a script with other arguments; a series has one value. */
function worstByName(tracks: RouterStatus['tracks']): ReadonlyMap<string, boolean> {
  const worst = new Map<string, boolean>();
  for (const { what, up } of tracks) if (up !== null) worst.set(what, up && worst.get(what) !== false);
  return worst;
}

const ROUTER = ['router', 'family'];
const ORDERS = ['promote', 'demote'] as const;
const SERVER = ['service', 'server', 'address'];
const DISCOVERY = ['service', 'discovery', 'type'];
const CHECK = [...SERVER, 'check'];

export const METRICS: readonly Row[] = [
  gauge('build_info', 'Always 1; the versions are labels.', ['version', 'node'], ({ status }) => [
    [1, status.version, process.versions.node],
  ]),
  gauge('start_time_seconds', 'When the daemon started, Unix time.', [], ({ status }) => [[unixTime(status.started)]]),
  gauge('config_load_time_seconds', 'When the running config was read, Unix time.', [], ({ status }) => [
    [unixTime(status.config.loaded)],
  ]),
  gauge('config_refused', '1 while the file on disk was refused and is not what runs.', [], ({ status }) => [
    [bit(status.config.refused !== null)],
  ]),
  counter('reloads_total', 'Reloads asked for, by outcome.', ['outcome'], ({ tally }) =>
    OUTCOMES.map((outcome): Sample => [tally.reloads.get(outcome) ?? 0, outcome]),
  ),
  counter('events_total', 'Events in the journal, by kind.', ['kind'], ({ tally }) =>
    EVENT_KINDS.map((kind): Sample => [tally.events.get(kind) ?? 0, kind]),
  ),
  gauge('process_up', '1 while the process runs and carries out its orders.', ['process'], ({ status }) =>
    status.processes.map((p): Sample => [bit(p.state === 'ready'), p.name]),
  ),
  counter('process_restarts_total', 'How often the process died and was started again.', ['process'], ({ status }) =>
    status.processes.map((p): Sample => [p.restarts, p.name]),
  ),

  gauge('ipvs_reachable', '1 while the IPVS table of the kernel can be read.', [], ({ status }) => [
    [bit(status.ipvsTrouble === null)],
  ]),
  gauge(
    'checks_cut_off',
    '1 while failed checks do not count, as this director is cut off from the servers.',
    [],
    ({ status }) => [[bit(status.cutOff !== null)]],
  ),

  gauge(
    'vrrp_state',
    '1 for the state the virtual router is in, 0 for the others.',
    [...ROUTER, 'state'],
    ({ status }) =>
      status.routers.flatMap((r) =>
        VRRP_STATES.map((state): Sample => [bit(r.state === state), ...labelsOf(r), state]),
      ),
  ),
  gauge(
    'vrrp_master',
    '1 while this director is master.',
    ROUTER,
    router((r) => bit(r.state === 'master')),
  ),
  gauge(
    'vrrp_state_since_seconds',
    'When it entered its state, Unix time.',
    ROUTER,
    router((r) => unixTime(r.since)),
  ),
  gauge(
    'vrrp_priority',
    'Priority that its adverts carry now, 0 to 255.',
    ROUTER,
    router((r) => r.priority),
  ),
  gauge('vrrp_configured_priority', 'Priority that the config gives it.', ROUTER, ({ status }) =>
    status.routers.flatMap((r) => r.priorityParts.slice(0, 1).map((base): Sample => [base.delta, ...labelsOf(r)])),
  ),
  gauge(
    'vrrp_order',
    "1 while the operator's order to promote or to demote it is in force.",
    [...ROUTER, 'order'],
    ({ status }) =>
      status.routers.flatMap((r) =>
        ORDERS.map((order): Sample => [bit(r.order?.kind === order), ...labelsOf(r), order]),
      ),
  ),
  gauge(
    'vrrp_track_up',
    '1 while the tracked thing is up; absent before it was looked at.',
    [...ROUTER, 'what'],
    ({ status }) =>
      status.routers.flatMap((r) =>
        [...worstByName(r.tracks)].map(([what, up]): Sample => [bit(up), ...labelsOf(r), what]),
      ),
  ),
  gauge(
    'vrrp_rival',
    '1 while another director is master too: a split brain.',
    ROUTER,
    router((r) => bit(r.rival !== null)),
  ),
  counter(
    'vrrp_split_brains_total',
    'Times that another master was heard while this director was one.',
    ROUTER,
    router((r) => r.counters.splitBrains),
  ),
  gauge('vrrp_address_present', '1 while the address is on the interface.', [...ROUTER, 'address'], ({ status }) =>
    status.routers.flatMap((r) => r.addresses.map((a): Sample => [bit(a.present), ...labelsOf(r), a.address])),
  ),
  counter('vrrp_transitions_total', 'Changes of state, by the state gone to.', [...ROUTER, 'to'], ({ status, tally }) =>
    status.routers.flatMap((r) =>
      VRRP_STATES.map(
        (to): Sample => [tally.transitions.get(routerKey(r.name, r.family))?.get(to) ?? 0, ...labelsOf(r), to],
      ),
    ),
  ),
  counter(
    'vrrp_adverts_sent_total',
    'Adverts sent.',
    ROUTER,
    router((r) => r.counters.advertsSent),
  ),
  counter(
    'vrrp_adverts_received_total',
    'Adverts received and accepted.',
    ROUTER,
    router((r) => r.counters.advertsReceived),
  ),
  counter(
    'vrrp_priority_zero_sent_total',
    'Resignations sent.',
    ROUTER,
    router((r) => r.counters.priorityZeroSent),
  ),
  counter(
    'vrrp_priority_zero_received_total',
    'Resignations received.',
    ROUTER,
    router((r) => r.counters.priorityZeroReceived),
  ),
  counter('vrrp_packets_dropped_total', 'Packets refused, by reason.', [...ROUTER, 'reason'], ({ status }) =>
    status.routers.flatMap((r) =>
      Object.entries(r.counters.dropped).map(([reason, count]): Sample => [count, ...labelsOf(r), reason]),
    ),
  ),
  counter(
    'vrrp_address_list_errors_total',
    'Accepted adverts whose list of addresses is not ours.',
    ROUTER,
    router((r) => r.counters.addressListErrors),
  ),
  gauge(
    'vrrp_timer_lateness_worst_seconds',
    'Largest lateness of a timer since the start.',
    ROUTER,
    router((r) => r.counters.worstLateness / 1000),
  ),

  gauge(
    'service_quorum_held',
    '1 while the service has its quorum.',
    ['service'],
    service((s) => bit(s.quorum.held)),
  ),
  gauge(
    'service_quorum_servers',
    'Servers that its quorum needs; absent where it counts weight.',
    ['service'],
    services((s) => (s.quorum.by === 'servers' ? s.quorum.needed : null)),
  ),
  gauge(
    'service_quorum_weight',
    'Weight that its quorum needs; absent where it counts servers.',
    ['service'],
    services((s) => (s.quorum.by === 'weight' ? s.quorum.needed : null)),
  ),
  gauge(
    'service_quorum_weight_up',
    'Configured weight of the servers that count for its quorum; absent where it counts servers.',
    ['service'],
    services((s) => (s.quorum.by === 'weight' ? s.quorum.up : null)),
  ),
  gauge(
    'service_panic',
    '1 while so few servers are up that those that failed get traffic too.',
    ['service'],
    service((s) => bit(s.panic)),
  ),
  gauge(
    'service_sorry_servers',
    'Sorry servers in the config.',
    ['service'],
    service((s) => s.sorryServers.length),
  ),
  gauge(
    'service_sorry_servers_in',
    'Sorry servers that clients are sent to.',
    ['service'],
    service((s) => s.sorryServers.filter(({ weight }) => weight !== null && weight > 0).length),
  ),
  gauge(
    'service_servers',
    'Servers in the config.',
    ['service'],
    service((s) => s.servers.length),
  ),
  gauge(
    'service_servers_up',
    'Servers that are up.',
    ['service'],
    service((s) => s.servers.filter(({ state }) => state === 'up').length),
  ),

  gauge(
    'discovery_servers',
    'Servers that the discovery has in force.',
    DISCOVERY,
    discovery((d) => d.servers),
  ),
  gauge(
    'discovery_last_success_timestamp_seconds',
    'When its last good answer came, Unix time; absent before the first.',
    DISCOVERY,
    discovery((d) => (d.answered === null ? null : unixTime(d.answered))),
  ),
  gauge(
    'discovery_up',
    '1 while its last question had a good answer.',
    DISCOVERY,
    discovery((d) => bit(d.error === null && d.questions > 0)),
  ),
  counter(
    'discovery_questions_total',
    'Questions that were asked.',
    DISCOVERY,
    discovery((d) => d.questions),
  ),
  counter(
    'discovery_failures_total',
    'Questions without a good answer.',
    DISCOVERY,
    discovery((d) => d.failures),
  ),
  gauge(
    'discovery_held_back_servers',
    'Servers that its last answer would take out, and that stay, since they are too many at once.',
    DISCOVERY,
    discovery((d) => d.held?.removes ?? 0),
  ),
  gauge(
    'discovery_skipped_entries',
    'Entries of its last answer that were not heeded.',
    DISCOVERY,
    discovery((d) => d.skipped.count),
  ),

  gauge(
    'server_up',
    '1 while the server is up; absent before its first answer.',
    SERVER,
    server((s) => (s.state === 'unknown' ? null : bit(s.state === 'up'))),
  ),
  gauge(
    'server_kept_in',
    '1 while the server has failed and gets traffic all the same, by max_ejected or in a panic.',
    SERVER,
    server((s) => bit(s.why === 'kept' || s.why === 'panic')),
  ),
  gauge(
    'server_slow_start',
    '1 while the server is on the way to its full weight.',
    SERVER,
    server((s) => bit(s.why === 'slow-start')),
  ),
  gauge(
    'server_weight',
    'Weight in the kernel; absent when it is not in the table.',
    SERVER,
    server((s) => s.weight),
  ),
  gauge(
    'server_configured_weight',
    'Weight that the config gives it while up.',
    SERVER,
    server((s) => s.configuredWeight),
  ),
  gauge(
    'server_order',
    '1 while an operator keeps it drained or disabled, or gives it another weight; absent without an order.',
    [...SERVER, 'order'],
    ({ status }) =>
      status.services.flatMap((s) =>
        s.servers.flatMap(({ name, address, order }) =>
          order === null ? [] : [[1, s.name, name, address, order.kind] satisfies Sample],
        ),
      ),
  ),
  gauge(
    'server_active_connections',
    'Connections in the kernel that are active.',
    SERVER,
    server((s) => s.connections?.active),
  ),
  gauge(
    'server_inactive_connections',
    'Connections in the kernel that are ending.',
    SERVER,
    server((s) => s.connections?.inactive),
  ),
  gauge(
    'server_persistent_connections',
    'Persistence entries in the kernel.',
    SERVER,
    server((s) => s.connections?.persistent),
  ),
  gauge(
    'server_check_duration_seconds',
    'How long the last probe took.',
    CHECK,
    check(({ took }) => (took === null ? null : took / 1000)),
  ),
  counter(
    'server_probes_total',
    'Probes that ended.',
    CHECK,
    check(({ probes }) => probes),
  ),
  counter(
    'server_probe_failures_total',
    'Probes that the server failed.',
    CHECK,
    check(({ failures }) => failures),
  ),
  counter(
    'server_probe_local_errors_total',
    "Probes that failed by the director's own fault.",
    CHECK,
    check(({ localErrors }) => localErrors),
  ),
  gauge(
    'server_check_up',
    '1 while this check says that the server is up, 0 while it says that it is down; absent before it says anything.',
    CHECK,
    check(({ state }) => (state === 'unknown' ? null : Number(state === 'up'))),
  ),
  gauge(
    'server_certificate_expiry_timestamp_seconds',
    'When the certificate expires that the server showed last; absent of checks without TLS.',
    CHECK,
    check(({ certificateExpires }) => (certificateExpires === null ? null : Date.parse(certificateExpires) / 1000)),
  ),
  gauge(
    'server_advised_weight',
    'Weight that the config gives it while up, as its checks advise.',
    SERVER,
    server((s) => s.advisedWeight),
  ),

  gauge(
    'server_disagreement',
    '1 while another director finds the server otherwise than this one does; absent while they agree.',
    SERVER,
    server((s) => (s.disagreement === null ? null : 1)),
  ),
  gauge(
    'peer_verdicts_age_seconds',
    'How old the last verdicts of another director are; absent before they came. They are compared for 15 s.',
    ['peer'],
    ({ status }) => status.peers.flatMap(({ address, age }): Sample[] => (age === null ? [] : [[age / 1000, address]])),
  ),

  gauge(
    'alerts_queued',
    'Alerts waiting for the sink.',
    ['sink', 'type'],
    sink((s) => s.queued),
  ),
  counter(
    'alerts_delivered_total',
    'Alerts delivered.',
    ['sink', 'type'],
    sink((s) => s.delivered),
  ),
  counter(
    'alert_attempts_failed_total',
    'Attempts that failed.',
    ['sink', 'type'],
    sink((s) => s.failedAttempts),
  ),
  counter(
    'alerts_given_up_total',
    'Alerts given up after the last attempt or a refusal.',
    ['sink', 'type'],
    sink((s) => s.givenUp),
  ),
  counter(
    'alerts_dropped_total',
    'Alerts that had no room in the queue.',
    ['sink', 'type'],
    sink((s) => s.dropped),
  ),
];

/** What a scrape answers, made anew each time; scrapes that come together share one. */
export function createMetrics(
  director: Pick<Director, 'status' | 'journal' | 'alerts'>,
): () => Promise<{ type: string; text: string }> {
  let underWay: Promise<{ type: string; text: string }> | undefined;
  const scrape = async (): Promise<{ type: string; text: string }> => {
    // A CommonJS package: in the bundle only its default export is there.
    const [{ default: prom }, status] = await Promise.all([import('prom-client'), director.status()]);
    const facts: Facts = { status, tally: director.journal.tally, alerts: director.alerts() };
    const parts: string[] = [];
    for (const { type, name, help, labels, samples } of METRICS) {
      const registry = new prom.Registry();
      const Metric = type === 'gauge' ? prom.Gauge : prom.Counter;
      const metric = new Metric({ name, help, labelNames: [...labels], registers: [registry] });
      for (const [value, ...values] of samples(facts)) metric.labels(...values).inc(value);
      parts.push(`${await registry.getSingleMetricAsString(name)}\n`);
      // One metric of 10,000 servers is some 50 ms of work, all of them half a second: others get their turn between.
      await setImmediate();
    }
    return { type: prom.Registry.PROMETHEUS_CONTENT_TYPE, text: parts.join('') };
  };
  return () => {
    underWay ??= scrape().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
