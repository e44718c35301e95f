/**
 * The vrrp process: virtual routers and nothing else. Whatever could block or burst lives elsewhere. When it ends
 * without being told to, its addresses stay, and its successor goes on as master if no peer can have noticed.
 */

import { isDeepStrictEqual } from 'node:util';
import type { IpAddress } from '../base/address.ts';
import { type Instant, instant, milliseconds } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { familiesOf } from '../config/families.ts';
import type { Happening } from '../control/event.ts';
import type { RouterOrder } from '../control/status.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { later } from '../system/later.ts';
import { lockMemory, setScheduler } from '../system/process.ts';
import { openRtnetlink, watchNetwork, watchRouting } from '../system/rtnetlink.ts';
import { openAdvertTransport } from './advert-transport.ts';
import { openAnnouncementSockets } from './announcement-sockets.ts';
import { createAnnouncer } from './announcer.ts';
import { openAsker } from './asker.ts';
import { carriesOn } from './carries-on.ts';
import { report, serve } from './child.ts';
import { createComplaints } from './complaints.ts';
import { conflictOf, createConflictProbe } from './conflict-probe.ts';
import { createEve } from './eve.ts';
import { floatingOf, NONE_FLOATS } from './floating.ts';
import { parseHeld } from './held.ts';
import { createHolders } from './holders.ts';
import { dropHeld } from './holdings.ts';
import type { VrrpOrders } from './messages.ts';
import { createNetworkView } from './network-view.ts';
import { createRehearsals, rehearse } from './rehearsal.ts';
import { outlastsRestart } from './restart-takes.ts';
import { createRouterHost, interfacesOf, type RouterHost } from './router-host.ts';
import { keyOf } from './router-key.ts';
import { openRoleFile, routersIn } from './run-state.ts';
import { createSegment } from './segment.ts';
import { createTogether } from './together.ts';
import { createTrackStates } from './track-state.ts';
import { clearVirtualMacs } from './virtual-mac.ts';
import { planned } from './vrrp-plan.ts';

/** Below the kernel's own threads (50 and up), above everything that is not real-time. */
const FIFO_PRIORITY = 40;

const complaints = createComplaints(now, report);
/** Of the machine rather than of a peer. */
const complain = (what: string, detail: string): void => complaints(what, () => detail, 'error');

const opened = openRtnetlink();
if (!opened.ok) throw new Error(`cannot open rtnetlink: ${opened.error.message}`);
const rtnetlink = opened.value;
const running = new Map<string, RouterHost>();
const holders = createHolders(() => running.values());
let floating = NONE_FLOATS;
const tracks = createTrackStates({
  link: (name) => network.link(name),
  has: (name, address) => network.segment(name).has(address),
  date: () => dateOf(now()),
  report,
});
const together = createTogether(() => running.values());

const network = createNetworkView({
  rtnetlink,
  openSegment: (name) => createSegment(name, { trouble: complain, openTransport: openAdvertTransport }),
  address(address, device, present) {
    for (const host of holders.of(address))
      if (host.deviceOf(address) === device) host.router.noteAddress(address, device, present);
  },
  reread() {
    for (const host of running.values())
      for (const { address } of host.router.config.addresses) noteAgain(host, address.address);
  },
  changed(where) {
    const touches = (name: string): boolean => where === null || where.has(name);
    for (const host of running.values()) {
      const { config } = host.router;
      if (touches(config.interface) || config.routes.length > 0) host.look();
      if (config.track.some((track) => track.type === 'interface' && touches(track.interface)))
        host.router.track(tracks.of(config));
    }
  },
  floats: (address) => floating.unminded.has(address),
  trouble: complain,
});

function noteAgain(host: RouterHost, address: IpAddress): void {
  const device = host.deviceOf(address);
  if (device !== undefined) host.router.noteAddress(address, device, network.segment(device).has(address));
}

const sockets = openAnnouncementSockets(complain);
const announcer = createAnnouncer({ now, timer: createTimer, send: sockets.send, trouble: complain });
const probe = createConflictProbe({
  ...{ now, timer: createTimer, open: openAsker },
  isOwn: network.isOwnMac,
  found(conflict) {
    const happening = conflictOf(conflict, holders.of(conflict.address)[0]?.router);
    if (happening !== undefined) report(happening);
  },
  trouble: complain,
});

const watched = watchNetwork(network.note);
if (!watched.ok) throw new Error(`cannot watch the network: ${watched.error.message}`);

async function configure(orders: VrrpOrders): Promise<void> {
  const wanted = new Map(
    orders.routers.flatMap((config) =>
      familiesOf(config).map((family) => [keyOf(config, family), { config, family }] as const),
    ),
  );
  floating = floatingOf(orders.routers);
  const leaving = [...running.values()].filter((host) => !carriesOn(host.router.config, wanted.get(host.key)?.config));
  await Promise.all(leaving.map(end));
  for (const config of orders.routers) for (const name of interfacesOf(config)) network.segment(name);
  await network.read();
  await clearLeftovers(orders.runDir, new Set(wanted.keys()));
  // All are there before one starts: a group is complete, and waits for its last member.
  const fresh = new Set([...wanted.keys()].filter((key) => !running.has(key)));
  for (const [key, { config, family }] of wanted)
    if (fresh.has(key)) running.set(key, createRouterHost(config, family, orders.runDir, tools));
  holders.changed();
  for (const [key, { config }] of wanted) {
    const host = running.get(key);
    if (host === undefined) continue;
    if (fresh.has(key)) await begin(host, orderFor(config, orders));
    else await goOn(host, config, orderFor(config, orders));
  }
  // Who has left a group may have been what held it back.
  for (const host of running.values()) together(host);
  watchRoutes(orders.routers);
  rehearsals.prepare(new Set([...wanted.values()].map(({ family }) => family)), orders.runDir);
  eve.look();
  network.keep(new Set([...running.values()].flatMap(({ interfaces }) => interfaces)));
  if (!cleared) await clearVirtualMacs({ rtnetlink, trouble: complain }, macsInUse());
  cleared = true;
}

const orderFor = ({ name }: VrrpConfig, { orders }: VrrpOrders): RouterOrder | null =>
  Object.hasOwn(orders, name) ? (orders[name] ?? null) : null;

async function begin(host: RouterHost, order: RouterOrder | null): Promise<void> {
  const { config } = host.router;
  for (const name of interfacesOf(config)) {
    const index = network.link(name)?.index;
    if (index !== undefined) sockets.prepare({ interface: name, interfaceIndex: index });
  }
  await host.start(tracks.of(config), order);
}

async function goOn(host: RouterHost, config: VrrpConfig, order: RouterOrder | null): Promise<void> {
  if (isDeepStrictEqual(host.router.config, config)) host.readSecrets();
  else {
    await host.reconfigure(config);
    holders.changed();
  }
  host.router.track(tracks.of(config));
  host.router.order(order);
}

let routing: { close(): void } | undefined;

/** Only where there are some to lose: a machine with a full routing table tells of thousands. */
function watchRoutes(routers: readonly VrrpConfig[]): void {
  const needed = routers.some(({ routes, rules }) => routes.length + rules.length > 0);
  if (!needed) {
    routing?.close();
    routing = undefined;
  } else if (routing === undefined) {
    const watching = watchRouting((event) => {
      for (const host of running.values()) host.noteRouting(event);
    });
    if (watching.ok) routing = watching.value;
    else complain('lost routes are not noticed', watching.error.message);
  }
}

/** Whether the macvlans that the last process left behind are gone. */
let cleared = false;
const macsInUse = (): ReadonlySet<number> =>
  new Set([...running.values()].map((host) => host.macIndex).filter((index) => index !== undefined));

const rehearsals = createRehearsals(rtnetlink);

const takeOverOf = ({ state: { state, timers } }: RouterHost['router']): Instant =>
  (state === 'backup' ? timers.masterDown : undefined) ?? instant(Number.POSITIVE_INFINITY);

/** Take-overs that follow the next one so soon have no eve of their own. */
const SOON = milliseconds(20);

const eve = createEve({
  ...{ now, timer: createTimer },
  next() {
    const at = Math.min(...[...running.values()].map(({ router }) => takeOverOf(router)));
    return Number.isFinite(at) ? instant(at) : undefined;
  },
  async rehearse(until) {
    for (const host of running.values()) if (now() < until && takeOverOf(host.router) < until + SOON) host.foresee();
    await rehearsals.play(until);
  },
});

/** What has happened and is not told yet: a take-over of many routers comes first, and people can wait that long. */
let untold: Happening[] = [];
const TELL_AFTER = milliseconds(100);

function tell(happening: Happening): void {
  if (untold.length === 0) later(TELL_AFTER, tellAll);
  untold.push(happening);
  if (happening.kind === 'vrrp' && happening.to === 'backup') eve.look();
}

function tellAll(): void {
  const all = untold;
  untold = [];
  for (const happening of all) report(happening);
}

const tools = {
  ...{ rtnetlink, network, announcer, probe, complain, report: tell, nearer: eve.look },
  virtual: () => floating.virtual,
  stepped: together,
};

async function end(host: RouterHost): Promise<void> {
  running.delete(host.key);
  holders.changed();
  await host.end();
}

/** What routers that are no longer configured left when they were last killed. */
async function clearLeftovers(runDir: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const key of routersIn(runDir)) {
    if (wanted.has(key)) continue;
    const file = openRoleFile(runDir, key);
    const held = (file.read()?.role.held ?? []).flatMap((text) => parseHeld(text) ?? []);
    await dropHeld(rtnetlink, held).catch((error: unknown) => complain(`what ${key} left behind`, String(error)));
    file.remove();
  }
}

async function stop(): Promise<void> {
  eve.close();
  await Promise.all([...running.values()].map(end));
  rehearsals.close();
  tellAll();
}

await rehearse(rtnetlink);

// Not before: a stand-by that rehearses must not take the processor from the one that is in service.
for (const [what, result] of [
  ['no real-time priority', setScheduler('fifo', FIFO_PRIORITY)],
  ['memory is not locked', lockMemory()],
] as const)
  if (!result.ok) report({ kind: 'trouble', severity: 'warning', what, detail: result.error.message });

serve<VrrpOrders>({
  configure,
  note: (orders) => tracks.replace(orders.tracked),
  tracked(news) {
    tracks.take(news);
    for (const { router } of running.values()) router.track(tracks.of(router.config));
  },
  status: async () => ({ routers: [...running.values()].map((host) => host.status()) }),
  plan: async (orders) => ({ changes: planned([...running.values()], orders) }),
  stop,
  async leave() {
    const hosts = [...running.values()];
    const masters = hosts.filter(({ router }) => router.state.state === 'master');
    if (!masters.every(({ router }) => outlastsRestart(router.config))) return stop();
    for (const host of hosts) host.leave();
    tellAll();
  },
});
