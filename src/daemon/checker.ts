/**
 * The checker process: probes the real servers, forms verdicts and weights, and keeps the kernel's IPVS table. When it
 * ends, in whatever way, the table stays; when it starts, it reads the table and goes on from there. It watches what
 * virtual routers track too, since the vrrp process must neither wait nor fork.
 */

import type { IpAddress } from '../base/address.ts';
import { type Duration, type Instant, milliseconds, seconds } from '../base/time.ts';
import type { ProbeResult } from '../checkers/probe.ts';
import { createProber } from '../checkers/registry.ts';
import type { CheckConfig, IpvsConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { probedAt } from '../config/service-words.ts';
import type { SyncStatus } from '../control/status.ts';
import { idsOf } from '../ipvs/desired.ts';
import { CONNTRACK_ALONE, isMasqueraded, wantedMasquerading, withConntrack } from '../ipvs/masquerade.ts';
import { NOTHING_WANTED, type Values, withValues } from '../ipvs/settings.ts';
import type { Table } from '../ipvs/table.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { defaultRoute } from '../system/default-route.ts';
import { openIpvs } from '../system/ipvs.ts';
import { openIpvsSettings } from '../system/ipvs-settings.ts';
import { later } from '../system/later.ts';
import { openNft } from '../system/nft.ts';
import { openRtnetlink, watchNetwork } from '../system/rtnetlink.ts';
import { openSysctl } from '../system/sysctl.ts';
import { openAsker } from '../trackers/gateway/ask.ts';
import { createTrackers } from '../trackers/registry.ts';
import { createServiceBoard } from '../trackers/service/board.ts';
import { awayWith, isBackup, onlyActive } from './active-services.ts';
import { createCertificateWatch, shownTo } from './certificate-watch.ts';
import { createChangingServices } from './changing-services.ts';
import { report, serve, tellTracked } from './child.ts';
import { createComplaints } from './complaints.ts';
import { createFailureGuard } from './failure-guard.ts';
import { createIpvsSettingsKeeper } from './ipvs-settings-keeper.ts';
import { createLeavingServers } from './leaving-servers.ts';
import { createMasqueradeKeeper } from './masquerade-keeper.ts';
import type { CheckerOrders, ToldCheckerOrders } from './messages.ts';
import { createPathProbing } from './path-probing.ts';
import { liveConnections } from './plan-connections.ts';
import type { Sources } from './probe-paths.ts';
import { createProberSchedule } from './prober-schedule.ts';
import { createQuorumCommands } from './quorum-commands.ts';
import { createReconciler } from './reconciler.ts';
import type { RouterRole } from './roles.ts';
import {
  loadKeptSettings,
  loadLeaving,
  loadOwned,
  loadVerdicts,
  saveKeptSettings,
  saveLeaving,
  saveOwned,
  saveVerdicts,
} from './run-state.ts';
import { createServiceKeeper } from './service-keeper.ts';
import { type ProbeWish, type SharedProbes, shareProbes } from './shared-probes.ts';
import { syncStatus, wantedWith } from './sync-status.ts';
import { understand } from './told-services.ts';
import { createTrackKeeper } from './track-keeper.ts';
import { uplinkTrouble } from './uplink.ts';
import { verdictAnswer } from './verdict-answer.ts';
import { createVerdictBook, verdictKey } from './verdict-book.ts';
import { createVerdictStore } from './verdict-store.ts';

const opened = openRtnetlink();
if (!opened.ok) throw new Error(`cannot open rtnetlink: ${opened.error.message}`);
const rtnetlink = opened.value;

let orders: Omit<CheckerOrders, 'ipvs' | 'roles'> = {
  runDir: '',
  services: [],
  serverOrders: {},
  homes: new Map(),
  virtualAddresses: [],
  tracks: [],
  tracked: [],
};
/** `undefined`: not told yet. */
let ipvs: IpvsConfig | undefined;
/** Told at any moment, also while orders are carried out. */
let roles: readonly RouterRole[] = [];
/** Whether there is, or was, anything in the IPVS table to tend: a director of addresses alone needs no IPVS. */
let balancing = false;
const commands = createQuorumCommands(report);
const store = createVerdictStore({
  load: () => loadVerdicts(orders.runDir),
  save: (verdicts) => saveVerdicts(orders.runDir, verdicts),
  verdicts: () => book.toSave(),
  now,
  later,
  report,
});
const book = createVerdictBook(store.restore, store.changed);
const keeper = createServiceKeeper(report, commands.changed, book);
const changing = createChangingServices<ServiceConfig>({
  now,
  later,
  look: (services) => void reconciler.look(services),
});

/** `parts`: of these services alone; `undefined`: of all. */
function desired(kernel: Table, owned: ReadonlySet<string>, parts: readonly ServiceConfig[] | undefined): Table {
  const at = now();
  const services = parts ?? keeper.services();
  if (parts === undefined) changing.clear();
  changing.set(services.map((service) => [service, keeper.nextChange(kernel, at, service)]));
  const ways = parts === undefined ? paths.wanted(kernel, owned) : [];
  const wanted = leaving.keep(kernel, new Map([...keeper.desired(kernel, at, services), ...ways]), owned, parts);
  return active(wanted, kernel, { services, homes: orders.homes });
}

/** The daemon is stopped, and nothing of ours is to stay. */
let clearing = false;

const reconciler = createReconciler({
  open: openIpvs,
  desired: (kernel, owned, parts) => (clearing ? new Map() : desired(kernel, owned, parts)),
  ending: () => clearing,
  idsOf: (service: ServiceConfig) => idsOf(service),
  isHidden: (id) => paths.isOne(id),
  owned: {
    load: () => loadOwned(orders.runDir),
    save: (owned) => saveOwned(orders.runDir, owned),
  },
  report,
  later,
});
const leaving = createLeavingServers({
  load: () => loadLeaving(orders.runDir),
  save: (all) => saveLeaving(orders.runDir, all),
  now,
  later,
  look: () => void reconciler.request(),
});
const active = (table: Table, kernel: Table, { services, homes }: Pick<CheckerOrders, 'services' | 'homes'>): Table =>
  onlyActive(table, kernel, services, { homes, roles });
const complaints = createComplaints(now, report);
const settings = createIpvsSettingsKeeper({
  open: openIpvsSettings,
  wanted: () => (ipvs === undefined ? NOTHING_WANTED : withValues(wantedWith(ipvs, roles), receiving)),
  kept: { load: () => loadKeptSettings(orders.runDir), save: (kept) => saveKeptSettings(orders.runDir, kept) },
  report,
  complain: (what, detail, severity) => complaints(what, () => detail, severity),
  later,
});
const masquerade = createMasqueradeKeeper({
  nft: openNft(() => orders.runDir),
  wanted: () => wantedMasquerading(orders.services, reconciler.table()),
  report,
  complain: (what, detail, severity) => complaints(what, () => detail, severity),
  later,
});
const paths = createPathProbing({
  ...{ now, rtnetlink, openIpvs, sysctl: openSysctl(), createProber },
  ipvs: () => ipvs,
  roles: () => roles,
  restore: (what) => void (what === 'service' ? reconciler.suspect() : settings.request()),
  complain: (what, detail) => complaints(what, () => detail),
});
/** What the machine must be set to for probes through IPVS. */
let receiving: Values = new Map();
const clock = { now, timer: createTimer };
const gateway = {
  rtnetlink,
  defaultRoute,
  isVirtual: (address: IpAddress) => orders.virtualAddresses.includes(address),
  openAsker,
};
const guard = createFailureGuard({ inspect: (to) => uplinkTrouble(to, clock, gateway), now, pass: take, report });
const certificates = createCertificateWatch(Date.now, report);
const probes = createProberSchedule({
  now,
  timer: createTimer,
  createProber: paths.createProber,
  random: Math.random,
  onResult: guard.hear,
  interval: (key) => shortest((readers.get(key) ?? []).flatMap((verdict) => book.interval(verdict, standsBy) ?? [])),
});

/** Takes in what a probe found, as it is to count. */
function take(key: string, result: ProbeResult, at: Instant): void {
  const verdicts = readers.get(key) ?? [];
  if (result.certificateExpires !== undefined) sawCertificate(result.certificateExpires, verdicts);
  const changed = verdicts.flatMap((verdict) => keeper.take(verdict, result, at) ?? []);
  if (changed.length === 0) return;
  board.refresh();
  void reconciler.look(changed);
}

function sawCertificate(expires: number, verdicts: readonly string[]): void {
  for (const { service, server, check } of verdicts.flatMap((verdict) => book.place(verdict) ?? []))
    if ('expiryWarning' in check)
      certificates.saw({ of: shownTo(service, server, check), expires, warning: check.expiryWarning });
}

/** Services that another director carries. */
const standsBy = (service: ServiceConfig): boolean => isBackup(service, { homes: orders.homes, roles });
const board = createServiceBoard((service) => keeper.quorum(service));
const tracks = createTrackKeeper({
  now,
  date: dateOf,
  watch: createTrackers({
    ...{ clock, gateway },
    services: board,
  }),
  changed: tellTracked,
  report,
});

async function configure(told: ToldCheckerOrders): Promise<void> {
  const next = { ...told, services: understand(told.services, orders.services) };
  orders = next;
  ipvs = withConntrack(next.ipvs, next.services);
  leaving.configure(next.services);
  tracks.configure(next.tracks, next.tracked);
  balancing ||= next.services.length > 0 || loadOwned(next.runDir).size > 0;
  paths.configure(next.services, next.ipvs.firstProbeMark);
  // Before its services, since a connection that they take without it stays without.
  if (next.services.some(isMasqueraded)) {
    await reconciler.read();
    await settings.request();
    await masquerade.request();
  } else void masquerade.request();
  // The verdicts begin from what the kernel has, so it is read before they are formed.
  const serverOrders = new Map(Object.entries(next.serverOrders));
  if (balancing)
    await reconciler.request((kernel) => {
      changing.clear();
      keeper.configure(next.services, kernel, now(), serverOrders);
    });
  board.refresh();
  await aimProbes();
}

/** How often it has been begun. */
let aimed = 0;

/** Tells every probe its server and its source. Those that stay the same go on undisturbed. */
async function aimProbes(): Promise<void> {
  aimed += 1;
  const turn = aimed;
  const checked = orders.services.filter(({ checks }) => checks.length > 0);
  const sources = await paths.sources(checked, orders.virtualAddresses);
  const wishes = checked.flatMap((service) =>
    service.servers.flatMap((server) => service.checks.map((check) => wishOf(service, server, check, sources))),
  );
  receiving = await paths.settingsFor(wishes);
  // Before the first probe that needs them.
  await settings.request();
  // Another one has begun meanwhile, and knows better what is to be probed.
  if (turn !== aimed) return;
  const shared = shareProbes(wishes);
  readers = shared.readers;
  probes.configure(shared.orders);
  guard.configure(new Map(shared.orders.map(({ key, target }) => [key, target.address.address])));
}

/** Whose verdicts a probe is for. */
let readers: SharedProbes['readers'] = new Map();

/** Without anybody who wants it, a probe is about to be taken away. */
const shortest = (intervals: readonly Duration[]): Duration =>
  intervals.length === 0 ? seconds(1) : milliseconds(Math.min(...intervals));

function wishOf(service: ServiceConfig, server: ServerConfig, check: CheckConfig, sources: Sources): ProbeWish {
  const target = {
    address: probedAt(service, check, server.address),
    source: check.source ?? sources.get(server.address.address) ?? null,
    sourcePort: check.sourcePort,
    device: check.device,
    mark: null,
  };
  const wish = { key: verdictKey(service, server, check), check, target };
  return paths.withWays(wish, [service, server, check, sources]);
}

// An own address that comes or goes may change a probe's source. Virtual ones come and go at every failover, and do not.
let aiming: { cancel(): void } | undefined;
const watched = watchNetwork((event) => {
  if (event.kind === 'address' && orders.virtualAddresses.includes(event.address.prefix.address)) return;
  // Several that come together are one; none is put off by those after it.
  aiming ??= later(seconds(1), () => {
    aiming = undefined;
    void aimProbes();
  });
});
if (!watched.ok)
  report({
    kind: 'trouble',
    severity: 'warning',
    what: 'address changes are not noticed',
    detail: watched.error.message,
  });

function takeRoles(next: readonly RouterRole[]): void {
  const before = roles;
  roles = next;
  paths.rolesChanged(before, orders.homes);
  probes.hurry();
  if (ipvs === undefined) return;
  if (balancing) void reconciler.request();
  void settings.request();
}

/** Who ends is no master: what is there only while master goes, and what was there before us comes back. */
async function putBack(): Promise<void> {
  roles = roles.map((role) => ({ ...role, master: false }));
  clearing = ipvs?.onStop === 'remove';
  // Nobody probes any more, whatever else stays.
  const probed = paths.any();
  paths.close();
  if (balancing && (clearing || probed || orders.services.some((service) => service.active === 'master')))
    await reconciler.request();
  // What stays of the services is to be masqueraded still.
  const stays = !clearing && orders.services.some(isMasqueraded);
  await masquerade.end(stays);
  if (ipvs !== undefined) await settings.end(stays ? CONNTRACK_ALONE : NOTHING_WANTED);
}

async function statusOfSync(): Promise<SyncStatus | null> {
  if (ipvs === undefined || ipvs.sync === null) return null;
  return syncStatus(ipvs, wantedWith(ipvs, roles), await settings.read(), settings.trouble());
}

serve<ToldCheckerOrders>({
  note: (next) => {
    roles = next.roles;
  },
  roles: takeRoles,
  configure,
  status: async () => {
    if (balancing) await reconciler.read();
    const table = reconciler.table();
    const beside = {
      leavingUntil: leaving.until,
      masqueradeTrouble: masquerade.trouble(),
      awayWith: (service: ServiceConfig) => awayWith(service, table, { homes: orders.homes, roles }),
    };
    return {
      services: keeper.status(table, now(), dateOf, beside),
      trouble: reconciler.trouble(),
      cutOff: guard.trouble(),
      sync: await statusOfSync(),
      probeServices: paths.status(),
    };
  },
  trouble: () => ({ trouble: reconciler.trouble(), cutOff: guard.trouble() }),
  verdicts: () => ({ services: verdictAnswer(orders.services, book, now(), dateOf) }),
  plan: async (told) => {
    const wanted = { ...told, services: understand(told.services, []) };
    const set = await settings.preview(
      withValues(wantedWith(withConntrack(wanted.ipvs, wanted.services), roles), receiving),
    );
    if (set === undefined) return undefined;
    const first = [...set, ...(await masquerade.preview(wantedMasquerading(wanted.services, reconciler.table())))];
    if (!balancing && wanted.services.length === 0) return { changes: first, live: new Map() };
    const changes = await reconciler.preview((kernel, owned) =>
      active(
        leaving.preview(wanted.services, kernel, keeper.desired(kernel, now(), wanted.services), owned),
        kernel,
        wanted,
      ),
    );
    return changes && { changes: [...first, ...changes], live: liveConnections(reconciler.table()) };
  },
  stop: async () => {
    tracks.close();
    aiming?.cancel();
    await probes.close();
    store.close();
    leaving.close();
    changing.clear();
    commands.close();
    await putBack();
    reconciler.close();
  },
});
