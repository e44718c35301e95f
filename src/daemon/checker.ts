/**
 * The checker process: probes the real servers, forms verdicts and weights, and keeps the kernel's IPVS table. When it
 * ends, in whatever way, the table stays; when it starts, it reads the table and goes on from there. It watches what
 * virtual routers track too, since the vrrp process must neither wait nor fork.
 */

import type { IpAddress } from '../base/address.ts';
import { seconds } from '../base/time.ts';
import { createProber } from '../checkers/registry.ts';
import type { CheckConfig, ServerConfig, ServiceConfig } from '../config/config.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { defaultRoute } from '../system/default-route.ts';
import { openIpvs } from '../system/ipvs.ts';
import { later } from '../system/later.ts';
import { openRtnetlink, watchNetwork } from '../system/rtnetlink.ts';
import { openAsker } from '../trackers/gateway/ask.ts';
import { createTrackers } from '../trackers/registry.ts';
import { createServiceBoard } from '../trackers/service/board.ts';
import { report, serve, tellTracked } from './child.ts';
import type { CheckerOrders } from './messages.ts';
import { probeSources } from './probe-source.ts';
import { createProberSchedule, type ProbeOrder } from './prober-schedule.ts';
import { createReconciler } from './reconciler.ts';
import { loadOwned, saveOwned } from './run-state.ts';
import { createServiceKeeper, probeKey } from './service-keeper.ts';
import { createTrackKeeper } from './track-keeper.ts';

const opened = openRtnetlink();
if (!opened.ok) throw new Error(`cannot open rtnetlink: ${opened.error.message}`);
const rtnetlink = opened.value;

let orders: CheckerOrders = { runDir: '', services: [], virtualAddresses: [], tracks: [], tracked: [] };
/** Whether there is, or was, anything in the IPVS table to tend: a director of addresses alone needs no IPVS. */
let balancing = false;
const keeper = createServiceKeeper(report);
const reconciler = createReconciler({
  open: openIpvs,
  desired: (kernel) => keeper.desired(kernel),
  owned: {
    load: () => loadOwned(orders.runDir),
    save: (owned) => saveOwned(orders.runDir, owned),
  },
  report,
  later,
});
const probes = createProberSchedule({
  now,
  timer: createTimer,
  createProber,
  onResult: (key, result, at) => {
    if (!keeper.take(key, result, at)) return;
    board.refresh();
    void reconciler.request();
  },
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
  tracks.configure(next.tracks, next.tracked);
  balancing ||= next.services.length > 0 || loadOwned(next.runDir).size > 0;
  // The verdicts begin from what the kernel has, so it is read before they are formed.
  if (balancing) await reconciler.request((kernel) => keeper.configure(next.services, kernel, now()));
  board.refresh();
  await aimProbes();
}

/** Tells every probe its server and its source. Those that stay the same go on undisturbed. */
async function aimProbes(): Promise<void> {
  const checked = orders.services.flatMap((service) =>
    service.check === null ? [] : service.servers.map((server) => ({ service, check: service.check, server })),
  ) as { service: ServiceConfig; check: CheckConfig; server: ServerConfig }[];
  const sources = await probeSources(
    rtnetlink,
    checked.map(({ server }) => server.address.address),
    new Set(orders.virtualAddresses),
  );
  probes.configure(checked.map(({ service, check, server }) => orderOf(service, check, server, sources)));
}

function orderOf(
  service: ServiceConfig,
  check: CheckConfig,
  server: ServerConfig,
  sources: ReadonlyMap<IpAddress, IpAddress | null>,
): ProbeOrder {
  const { address, port } = server.address;
  const target = {
    address: { address, port: check.port ?? port },
    source: check.source ?? sources.get(address) ?? null,
  };
  return { key: probeKey(service, server), check, target };
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

serve<CheckerOrders>({
  configure,
  status: async () => {
    if (balancing) await reconciler.read();
    return { services: keeper.status(reconciler.table(), dateOf), trouble: reconciler.trouble() };
  },
  plan: async (wanted) => {
    if (!balancing && wanted.services.length === 0) return { changes: [] };
    const changes = await reconciler.preview((kernel) => keeper.desired(kernel, wanted.services));
    return changes && { changes };
  },
  stop: async () => {
    tracks.close();
    aiming?.cancel();
    await probes.close();
    reconciler.close();
  },
});
