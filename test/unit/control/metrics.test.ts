import assert from 'node:assert/strict';
import test from 'node:test';
import { createMetrics, METRICS } from '../../../src/control/metrics.ts';
import type { Status } from '../../../src/control/status.ts';
import { FOUND, ILL, PEERS, POOLS, SPECIAL, WELL } from '../../golden/cli/samples.ts';
import { fakeDirector } from './fake-director.ts';

const SINK = {
  name: 'hook',
  type: 'webhook',
  queued: 3,
  delivered: 10,
  failedAttempts: 4,
  givenUp: 1,
  dropped: 2,
} as const;

const scrape = async (status: Status, director = fakeDirector()) => {
  const { text, type } = await createMetrics({ ...director, status: async () => status, alerts: () => [SINK] })();
  assert.match(type, /^text\/plain; version=0.0.4/);
  return text.split('\n');
};

const has = (lines: string[], ...expected: string[]) => {
  for (const line of expected)
    assert.ok(
      lines.includes(line),
      `no line ${line} in\n${lines.filter((l) => l.startsWith(line.slice(0, 20))).join('\n')}`,
    );
};

test('a virtual router has one state, and says which', async () => {
  const lines = await scrape(WELL);
  has(
    lines,
    'lvskeeper_vrrp_state{router="edge",family="ipv4",state="master"} 1',
    'lvskeeper_vrrp_state{router="edge",family="ipv4",state="backup"} 0',
    'lvskeeper_vrrp_state{router="inner",family="ipv4",state="backup"} 1',
    'lvskeeper_vrrp_master{router="edge",family="ipv4"} 1',
    'lvskeeper_vrrp_master{router="inner",family="ipv4"} 0',
    'lvskeeper_vrrp_priority{router="edge",family="ipv4"} 150',
    'lvskeeper_vrrp_adverts_received_total{router="edge",family="ipv4"} 14103',
    'lvskeeper_vrrp_timer_lateness_worst_seconds{router="edge",family="ipv4"} 0.0015',
    'lvskeeper_vrrp_address_present{router="edge",family="ipv4",address="192.0.2.10/24"} 1',
    `lvskeeper_vrrp_state_since_seconds{router="edge",family="ipv4"} ${Date.parse('2026-03-01T12:01:03.250Z') / 1000}`,
  );
});

test('a server has what the kernel and its check know of it, and nothing that they do not', async () => {
  const lines = await scrape(WELL);
  has(
    lines,
    'lvskeeper_server_up{service="web",server="web1",address="10.0.0.21:80"} 1',
    'lvskeeper_server_up{service="web",server="web2",address="10.0.0.22:80"} 0',
    'lvskeeper_server_weight{service="web",server="web2",address="10.0.0.22:80"} 0',
    'lvskeeper_server_active_connections{service="web",server="web1",address="10.0.0.21:80"} 1204',
    'lvskeeper_server_check_duration_seconds{service="web",server="web1",address="10.0.0.21:80",check="http"} 0.00342',
    'lvskeeper_server_probe_failures_total{service="web",server="web2",address="10.0.0.22:80",check="http"} 9',
    'lvskeeper_service_quorum_held{service="web"} 1',
  );
  const unknown = lines.filter(
    (line) =>
      line.includes('10.0.0.23:80') && /server_(up|weight|active_connections|check_duration_seconds)\{/.test(line),
  );
  assert.deepEqual(unknown, []);
});

test('what is wrong shows', async () => {
  has(
    await scrape(ILL),
    'lvskeeper_config_refused 1',
    'lvskeeper_process_up{process="checker"} 0',
    'lvskeeper_process_restarts_total{process="checker"} 5',
    'lvskeeper_service_quorum_held{service="web"} 0',
    'lvskeeper_vrrp_packets_dropped_total{router="edge",family="ipv4",reason="version"} 12',
    'lvskeeper_vrrp_state{router="far",family="ipv4",state="fault"} 1',
  );
});

test('a split brain, a tracked thing that fails and an order show', async () => {
  has(
    await scrape(ILL),
    'lvskeeper_vrrp_rival{router="edge",family="ipv4"} 1',
    'lvskeeper_vrrp_rival{router="inner",family="ipv4"} 0',
    'lvskeeper_vrrp_split_brains_total{router="edge",family="ipv4"} 2',
    'lvskeeper_vrrp_address_list_errors_total{router="edge",family="ipv4"} 40',
  );
  const lines = await scrape(SPECIAL);
  has(
    lines,
    'lvskeeper_vrrp_master{router="edge",family="ipv4"} 1',
    'lvskeeper_vrrp_master{router="edge",family="ipv6"} 1',
    'lvskeeper_vrrp_priority{router="edge",family="ipv4"} 90',
    'lvskeeper_vrrp_configured_priority{router="edge",family="ipv4"} 150',
    'lvskeeper_vrrp_track_up{router="edge",family="ipv4",what="interface eth1"} 0',
    'lvskeeper_vrrp_track_up{router="edge",family="ipv4",what="script /usr/local/bin/check"} 1',
    'lvskeeper_vrrp_order{router="inner",family="ipv4",order="demote"} 1',
    'lvskeeper_vrrp_order{router="inner",family="ipv4",order="promote"} 0',
    'lvskeeper_vrrp_order{router="edge",family="ipv6",order="demote"} 0',
  );
  assert.ok(!lines.some((line) => line.includes('what="service web"')), 'nothing is known of it yet');
});

test('what the directors disagree on, and how old the verdicts of each are', async () => {
  const lines = await scrape(PEERS);
  has(
    lines,
    'lvskeeper_server_disagreement{service="web",server="web2",address="10.0.0.22:80"} 1',
    'lvskeeper_peer_verdicts_age_seconds{peer="10.0.0.2:9790"} 1.5',
    'lvskeeper_peer_verdicts_age_seconds{peer="[2001:db8::3]:9790"} 73',
  );
  assert.ok(!lines.some((line) => line.startsWith('lvskeeper_peer_verdicts_age_seconds{peer="10.0.0.4')));
  assert.ok(!lines.some((line) => line.startsWith('lvskeeper_server_disagreement{service="web",server="web1"')));
});

test('an order for a server is there while it is in force, and no series without one', async () => {
  const order = {
    kind: 'weight',
    weight: 5,
    by: 'anna',
    reason: '',
    since: '2026-03-01T12:00:00.000Z',
    until: null,
  } as const;
  const [web] = WELL.services;
  assert.ok(web);
  const servers = web.servers.map((server, i) => (i === 0 ? { ...server, order } : server));
  const lines = await scrape({ ...WELL, services: [{ ...web, servers }] });
  assert.deepEqual(
    lines.filter((line) => line.startsWith('lvskeeper_server_order{')),
    ['lvskeeper_server_order{service="web",server="web1",address="10.0.0.21:80",order="weight"} 1'],
  );
});

test('two tracked things that are called alike have one series, which says the worse', async () => {
  const [router] = SPECIAL.routers;
  const [, script] = router?.tracks ?? [];
  assert.ok(router && script);
  for (const order of [
    [true, false],
    [false, true],
  ]) {
    const routers = [{ ...router, tracks: order.map((up) => ({ ...script, up })) }];
    has(
      await scrape({ ...SPECIAL, routers }),
      'lvskeeper_vrrp_track_up{router="edge",family="ipv4",what="script /usr/local/bin/check"} 0',
    );
  }
});

test('events, reloads and transitions are counted, and alerts by sink', async () => {
  const director = fakeDirector();
  const vrrp = { kind: 'vrrp', router: 'edge', family: 4, cause: '', priority: 1, addresses: [] } as const;
  director.journal.add({ ...vrrp, from: 'backup', to: 'master' });
  director.journal.add({ ...vrrp, router: 'removed', from: 'backup', to: 'master' });
  director.journal.add({ ...vrrp, family: 6, from: 'backup', to: 'master' });
  director.journal.add({ kind: 'reload', outcome: 'refused', detail: '' });
  const lines = await scrape(WELL, director);
  has(
    lines,
    'lvskeeper_events_total{kind="vrrp"} 3',
    'lvskeeper_events_total{kind="drift"} 0',
    'lvskeeper_reloads_total{outcome="refused"} 1',
    'lvskeeper_vrrp_transitions_total{router="edge",family="ipv4",to="master"} 1',
    'lvskeeper_alerts_delivered_total{sink="hook",type="webhook"} 10',
    'lvskeeper_alerts_queued{sink="hook",type="webhook"} 3',
  );
  assert.ok(!lines.some((line) => line.includes('removed')));
});

test('why a server is in or out shows, and what the quorum counts', async () => {
  const lines = await scrape(POOLS);
  has(
    lines,
    'lvskeeper_service_quorum_held{service="sorry"} 0',
    'lvskeeper_service_quorum_weight{service="sorry"} 150',
    'lvskeeper_service_quorum_weight_up{service="sorry"} 100',
    'lvskeeper_service_servers_up{service="sorry"} 1',
    'lvskeeper_service_quorum_servers{service="back"} 1',
    'lvskeeper_service_sorry_servers{service="sorry"} 1',
    'lvskeeper_service_sorry_servers_in{service="sorry"} 1',
    'lvskeeper_service_sorry_servers{service="back"} 2',
    'lvskeeper_service_sorry_servers_in{service="back"} 0',
    'lvskeeper_service_panic{service="panic"} 1',
    'lvskeeper_service_panic{service="kept"} 0',
    'lvskeeper_server_kept_in{service="panic",server="web2",address="10.0.0.22:80"} 1',
    'lvskeeper_server_kept_in{service="kept",server="web2",address="10.0.0.22:80"} 0',
    'lvskeeper_server_kept_in{service="kept",server="web3",address="10.0.0.23:80"} 1',
    'lvskeeper_server_slow_start{service="back",server="web2",address="10.0.0.22:80"} 1',
    'lvskeeper_server_slow_start{service="back",server="web1",address="10.0.0.21:80"} 0',
  );
  assert.ok(!lines.some((line) => /quorum_servers\{service="sorry"|quorum_weight\w*\{service="back"/.test(line)));
});

test('the series of a removed server are gone with the next scrape', async () => {
  let status = WELL;
  const metrics = createMetrics({ ...fakeDirector(), status: async () => status });
  assert.match((await metrics()).text, /web2/);
  status = {
    ...WELL,
    services: WELL.services.map((s) => ({ ...s, servers: s.servers.filter(({ name }) => name !== 'web2') })),
  };
  const { text } = await metrics();
  assert.doesNotMatch(text, /web2/);
  assert.match(text, /web1/);
});

test('scrapes that come together share one status', async () => {
  let asked = 0;
  const metrics = createMetrics({
    ...fakeDirector(),
    status: async () => {
      asked++;
      return WELL;
    },
  });
  const [a, b] = await Promise.all([metrics(), metrics()]);
  assert.equal(a, b);
  assert.equal(asked, 1);
  await metrics();
  assert.equal(asked, 2);
});

test('a status that fails fails the scrape, and not the one after', async () => {
  let answer: () => Promise<Status> = () => Promise.reject(new Error('no child'));
  const metrics = createMetrics({ ...fakeDirector(), status: () => answer() });
  await assert.rejects(metrics(), /no child/);
  answer = async () => WELL;
  assert.match((await metrics()).text, /lvskeeper_build_info/);
});

test('names follow the rules: our prefix, _total for counters only, no unit but seconds', () => {
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
  for (const { name, type, help } of METRICS) {
    assert.match(name, /^lvskeeper_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes|bytes)(_|$)/);
    assert.match(help, /\.$/);
  }
});

test('a discovery has its servers, its last success, its failures, and what it holds back', async () => {
  const lines = await scrape(FOUND);
  const [consul, file, http] = ['consul', 'file', 'http'].map(
    (name) => `{service="web",discovery="${name}",type="${name === 'consul' ? 'dns' : name}"}`,
  );
  const success = 'lvskeeper_discovery_last_success_timestamp_seconds';
  has(
    lines,
    `lvskeeper_discovery_servers${consul} 12`,
    `lvskeeper_discovery_up${consul} 1`,
    `lvskeeper_discovery_up${file} 0`,
    // Nobody knows yet.
    `lvskeeper_discovery_up${http} 0`,
    `${success}${file} ${Date.parse('2026-03-01T11:05:03.000Z') / 1000}`,
    `lvskeeper_discovery_questions_total${file} 20`,
    `lvskeeper_discovery_failures_total${file} 3`,
    `lvskeeper_discovery_held_back_servers${consul} 9`,
    `lvskeeper_discovery_held_back_servers${file} 0`,
    `lvskeeper_discovery_skipped_entries${file} 2`,
  );
  assert.ok(!lines.some((line) => line.startsWith(`${success}${http}`)));
});
