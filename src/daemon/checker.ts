/**
 * The checker process: probes the real servers, forms verdicts and weights, and keeps the kernel's IPVS table. When it
 * ends, in whatever way, the table stays; when it starts, it reads the table and goes on from there. It watches what
 * virtual routers track too, since the vrrp process must neither wait nor fork.
 */

import type { IpAddress } from '../base/address.ts';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import { createProber } from '../checkers/registry.ts';
import type { CheckConfig, IpvsConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { probedAt } from '../config/service-words.ts';
import type { SyncStatus } from '../control/status.ts';
import { idsOf } from '../ipvs/desired.ts';
import { CONNTRACK_ALONE, isMasqueraded, wantedMasquerading, withConntrack } from '../ipvs/masquerade.ts';
import { NOTHING_WANTED } from '../ipvs/settings.ts';
import type { Table } from '../ipvs/table.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { defaultRoute } from '../system/default-route.ts';
import { openIpvs } from '../system/ipvs.ts';
import { openIpvsSettings } from '../system/ipvs-settings.ts';
import { later } from '../system/later.ts';
import { openNft } from '../system/nft.ts';
import { openRtnetlink, watchNetwork } from '../system/rtnetlink.ts';
import { openAsker } from '../trackers/gateway/ask.ts';
import { createTrackers } from '../trackers/registry.ts';
import { createServiceBoard } from '../trackers/service/board.ts';
import { awayWith, onlyActive } from './active-services.ts';
import { createChangingServices } from './changing-services.ts';
import { report, serve, tellTracked } from './child.ts';
import { createComplaints } from './complaints.ts';
import { createIpvsSettingsKeeper } from './ipvs-settings-keeper.ts';
import { createLeavingServers } from './leaving-servers.ts';
import { createMasqueradeKeeper } from './masquerade-keeper.ts';
import type { CheckerOrders } from './messages.ts';
import { liveConnections } from './plan-connections.ts';
import { probeSources } from './probe-source.ts';
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
import { createTrackKeeper } from './track-keeper.ts';
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
});
const book = createVerdictBook(store.restore);
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
  const wanted = leaving.keep(kernel, keeper.desired(kernel, at, services), owned, parts);
  return active(wanted, kernel, { services, homes: orders.homes });
}

/** The daemon is stopped, and nothing of ours is to stay. */
let clearing = false;

const reconciler = createReconciler({
  open: openIpvs,
  desired: (kernel, owned, parts) => (clearing ? new Map() : desired(kernel, owned, parts)),
  idsOf: (service: ServiceConfig) => idsOf(service),
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
  wanted: () => (ipvs === undefined ? NOTHING_WANTED : wantedWith(ipvs, roles)),
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
const probes = createProberSchedule({
  now,
  timer: createTimer,
  createProber,
  random: Math.random,
  onResult: (key, result, at) => {
    const changed = (readers.get(key) ?? []).flatMap((verdict) => keeper.take(verdict, result, at) ?? []);
    if (changed.length === 0) return;
    store.changed();
    board.refresh();
    void reconciler.look(changed);
  },
  interval: (key) => shortest((readers.get(key) ?? []).flatMap((verdict) => book.interval(verdict) ?? [])),
});
const board = createServiceBoard((service) => keeper.quorum(service));
const tracks = createTrackKeeper({
  now,
  date: dateOf,
  watch: createTrackers({
    clock: { now, timer: createTimer },
    gateway: {
      rtnetlink,
      defaultRoute,
      isVirtual: (address) => orders.virtualAddresses.includes(address),
      openAsker,
    },
    services: board,
  }),
  changed: tellTracked,
  report,
});

async function configure(next: CheckerOrders): Promise<void> {
  orders = next;
  ipvs = withConntrack(next.ipvs, next.services);
  leaving.configure(next.services);
  tracks.configure(next.tracks, next.tracked);
  balancing ||= next.services.length > 0 || loadOwned(next.runDir).size > 0;
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
  await settings.request();
  await aimProbes();
}

/** Tells every probe its server and its source. Those that stay the same go on undisturbed. */
async function aimProbes(): Promise<void> {
  const checked = orders.services.filter(({ checks }) => checks.length > 0);
  const sources = await probeSources(
    rtnetlink,
    checked.flatMap(({ servers }) => servers.map(({ address }) => address.address)),
    new Set(orders.virtualAddresses),
  );
  const shared = shareProbes(
    checked.flatMap((service) =>
      service.servers.flatMap((server) => service.checks.map((check) => wishOf(service, server, check, sources))),
    ),
  );
  readers = shared.readers;
  probes.configure(shared.orders);
}

/** Whose verdicts a probe is for. */
let readers: SharedProbes['readers'] = new Map();

/** Without anybody who wants it, a probe is about to be taken away. */
const shortest = (intervals: readonly Duration[]): Duration =>
  intervals.length === 0 ? seconds(1) : milliseconds(Math.min(...intervals));

function wishOf(
  service: ServiceConfig,
  server: ServerConfig,
  check: CheckConfig,
  sources: ReadonlyMap<IpAddress, IpAddress | null>,
): ProbeWish {
  const target = {
    address: probedAt(service, check, server.address),
    source: check.source ?? sources.get(server.address.address) ?? null,
    sourcePort: check.sourcePort,
    device: check.device,
    mark: null,
  };
  return { key: verdictKey(service, server, check), check, target };
}

// An own address that comes or goes may change a probe's source. Virtual ones come and go at every failover, and do not.
let aiming: { cancel(): void } | undefined;
const watched = watchNetwork((event) => {
  if (event.kind === 'address' && orders.virtualAddresses.includes(event.address.prefix.address)) return;
  aiming?.cancel();
  aiming = later(seconds(1), () => void aimProbes());
});
if (!watched.ok)
  report({
    kind: 'trouble',
    severity: 'warning',
    what: 'address changes are not noticed',
    detail: watched.error.message,
  });

function takeRoles(next: readonly RouterRole[]): void {
  roles = next;
  if (ipvs === undefined) return;
  if (balancing) void reconciler.request();
  void settings.request();
}

/** Who ends is no master: what is there only while master goes, and what was there before us comes back. */
async function putBack(): Promise<void> {
  roles = roles.map((role) => ({ ...role, master: false }));
  clearing = ipvs?.onStop === 'remove';
  if (balancing && (clearing || orders.services.some((service) => service.active === 'master')))
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

serve<CheckerOrders>({
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
      sync: await statusOfSync(),
    };
  },
  trouble: () => reconciler.trouble(),
  plan: async (wanted) => {
    const set = await settings.preview(wantedWith(withConntrack(wanted.ipvs, wanted.services), roles));
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
