/**
 * The vrrp process: virtual routers and nothing else. Whatever could block or burst lives elsewhere. When it ends
 * without being told to, its addresses stay, and its successor goes on as master if no peer can have noticed.
 */

import { readdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { formatPrefix, type Prefix, parsePrefix } from '../base/address.ts';
import { between, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import type { PlannedChange } from '../control/director.ts';
import { createTimer, dateOf, now } from '../system/clock.ts';
import { lockMemory, setScheduler } from '../system/process.ts';
import { type NetworkEvent, openRtnetlink, watchNetwork } from '../system/rtnetlink.ts';
import { DOWN_COUNT } from '../vrrp/timing.ts';
import { report, serve } from './child.ts';
import type { VrrpOrders } from './messages.ts';
import { openRoleFile, type RoleFile, routersIn } from './run-state.ts';
import { createSegment, type Segment, troubleOf, type Usable } from './segment.ts';
import { createVirtualRouter, type VirtualRouter } from './virtual-router.ts';

/** Below the kernel's own threads (50 and up), above everything that is not real-time. */
const FIFO_PRIORITY = 40;

type Running = {
  readonly router: VirtualRouter;
  readonly segment: Segment;
  readonly role: RoleFile;
  /** What the link allowed when the router was last told. */
  told: Usable;
};

const opened = openRtnetlink();
if (!opened.ok) throw new Error(`cannot open rtnetlink: ${opened.error.message}`);
const rtnetlink = opened.value;
const segments = new Map<string, Segment>();
const running = new Map<string, Running>();
let virtual: ReadonlySet<string> = new Set();

for (const [what, result] of [
  ['no real-time priority', setScheduler('fifo', FIFO_PRIORITY)],
  ['memory is not locked', lockMemory()],
] as const)
  if (!result.ok) report({ kind: 'trouble', severity: 'warning', what, detail: result.error.message });

const watched = watchNetwork(onNetwork);
if (!watched.ok) throw new Error(`cannot watch the network: ${watched.error.message}`);

async function configure(orders: VrrpOrders): Promise<void> {
  const wanted = new Map(orders.routers.map((config) => [config.name, config]));
  virtual = new Set(orders.routers.flatMap((config) => config.addresses.map((a) => a.address)));
  const leaving = [...running.values()].filter(
    ({ router }) => !carriesOn(router.config, wanted.get(router.config.name)),
  );
  await Promise.all(leaving.map(end));
  for (const config of orders.routers) segmentOf(config.interface);
  await readNetwork();
  await clearLeftovers(orders);
  for (const config of orders.routers) {
    const known = running.get(config.name);
    if (known === undefined) await begin(config, orders.runDir);
    else if (!isDeepStrictEqual(known.router.config, config)) known.router.reconfigure(config);
  }
}

/** Whether a running router can take these settings over; otherwise it is another router. */
const carriesOn = (old: VrrpConfig, next: VrrpConfig | undefined): boolean =>
  next !== undefined &&
  old.interface === next.interface &&
  old.routerId === next.routerId &&
  old.source === next.source;

function segmentOf(name: string): Segment {
  const known = segments.get(name);
  if (known !== undefined) return known;
  const segment = createSegment(name, rtnetlink, (what, detail) => report(troubleOf(what, detail)));
  segments.set(name, segment);
  return segment;
}

async function begin(config: VrrpConfig, runDir: string): Promise<void> {
  const segment = segmentOf(config.interface);
  const role = openRoleFile(runDir, config.name);
  const last = role.read();
  const before = last?.role.addresses.flatMap((text) => parsePrefix(text) ?? []) ?? [];
  await segment.release(before.filter((a) => !config.addresses.some((b) => formatPrefix(a) === formatPrefix(b))));
  /** Addresses that we put there: only these are taken away from an owner, whose addresses may be the machine's own. */
  let ours: readonly Prefix[] = before;
  const remember = (master: boolean): void =>
    role.write({ master, interface: config.interface, routerId: config.routerId, addresses: ours.map(formatPrefix) });
  const isOurs = (a: Prefix): boolean =>
    router.config.priority < 255 || ours.some((b) => formatPrefix(a) === formatPrefix(b));

  const router = createVirtualRouter(config, {
    now,
    date: dateOf,
    timer: createTimer,
    send: segment.send,
    announce: segment.announce,
    async claim(addresses, lease) {
      const added = await segment.claim(addresses, lease);
      if (router.config.priority === 255) {
        ours = [...ours, ...added];
        remember(true);
      } else await segment.renew(without(addresses, added), lease);
      return added;
    },
    renew: segment.renew,
    release: (addresses) => segment.release(addresses.filter(isOurs)),
    remember(what, addresses) {
      if (router.config.priority < 255) ours = addresses;
      remember(what === 'master');
    },
    beat: role.beat,
    report,
  });
  const told = segment.usable(virtual, config.source);
  running.set(config.name, { router, segment, role, told });
  segment.routers.set(config.routerId, router);

  const silent = last === undefined ? Number.POSITIVE_INFINITY : between(last.beat, now());
  const same = last?.role.interface === config.interface && last.role.routerId === config.routerId;
  // The soonest that any peer gives us up is three intervals after our last advert; its skew is our margin.
  const resume = same && last.role.master && silent >= 0 && silent < times(config.interval, DOWN_COUNT);
  router.feed({ type: 'start', up: told.up, source: told.source, resume });
}

async function end({ router, segment, role }: Running): Promise<void> {
  running.delete(router.config.name);
  await router.stop();
  segment.routers.delete(router.config.routerId);
  role.remove();
  if (segment.routers.size === 0) {
    segment.close();
    segments.delete(segment.name);
  }
}

const without = (all: readonly Prefix[], some: readonly Prefix[]): Prefix[] => all.filter((a) => !some.includes(a));

/** What a router that is no longer configured left when it was last killed. */
async function clearLeftovers(orders: VrrpOrders): Promise<void> {
  const names = new Set(orders.routers.map((config) => config.name));
  for (const name of routersIn(readdirSync(orders.runDir))) {
    if (names.has(name)) continue;
    const file = openRoleFile(orders.runDir, name);
    const left = file.read()?.role;
    const link = left && (await rtnetlink.link(left.interface));
    if (left !== undefined && link?.ok) {
      const { index } = link.value;
      const prefixes = left.addresses.flatMap((text) => parsePrefix(text) ?? []);
      await rtnetlink.deleteAddresses(prefixes.map((prefix) => ({ index, prefix })));
    }
    file.remove();
  }
}

async function readNetwork(): Promise<void> {
  const [links, addresses] = await Promise.all([rtnetlink.links(), rtnetlink.addresses()]);
  if (!links.ok || !addresses.ok) {
    const error = links.ok ? addresses : links;
    if (!error.ok) report(troubleOf('links and addresses could not be read', error.error.message));
    return;
  }
  for (const segment of segments.values()) {
    const link = links.value.find(({ name }) => name === segment.name);
    segment.setLink(link);
    segment.setAddresses(addresses.value.filter((a) => a.index === link?.index).map((a) => a.prefix));
  }
  for (const { router, segment } of running.values())
    for (const { address } of router.config.addresses) router.noteAddress(address, segment.has(address));
  tellRouters();
}

function onNetwork(event: NetworkEvent): void {
  if (event.kind === 'overrun') return void readNetwork();
  if (event.kind === 'link') {
    const { link, gone } = event;
    for (const segment of segments.values()) {
      if (segment.name === link.name) segment.setLink(gone ? undefined : link);
      else if (segment.index === link.index) segment.setLink(undefined);
    }
  } else {
    for (const segment of segments.values()) {
      if (segment.index !== event.address.index) continue;
      segment.noteAddress(event);
      for (const router of segment.routers.values()) router.noteAddress(event.address.prefix.address, !event.gone);
    }
  }
  tellRouters();
}

/** Tells each router what its link allows, when that has changed. */
function tellRouters(): void {
  for (const entry of running.values()) {
    const usable = entry.segment.usable(virtual, entry.router.config.source);
    const { up, source } = entry.told;
    entry.told = usable;
    if (usable.up !== up || usable.source !== source) entry.router.feed({ type: 'interface', ...usable });
  }
}

async function plan(orders: VrrpOrders): Promise<readonly PlannedChange[]> {
  const changes: PlannedChange[] = [];
  for (const { router } of running.values()) {
    const { config } = router;
    const next = orders.routers.find(({ name }) => name === config.name);
    const kept = carriesOn(config, next) ? new Set(next?.addresses.map(formatPrefix)) : new Set<string>();
    for (const { address, present } of router.status().addresses)
      if (present && !kept.has(address))
        changes.push({ sign: '-', what: `address ${address} on ${config.interface}`, breaks: 0 });
  }
  for (const next of orders.routers) {
    const known = running.get(next.name)?.router;
    const same = known !== undefined && carriesOn(known.config, next);
    const has = new Set(same ? known.config.addresses.map(formatPrefix) : []);
    const condition = same && known.status().state === 'master' ? '' : `, while ${next.name} is master`;
    for (const address of next.addresses.map(formatPrefix))
      if (!has.has(address))
        changes.push({ sign: '+', what: `address ${address} on ${next.interface}${condition}`, breaks: 0 });
  }
  return changes;
}

serve<VrrpOrders>({
  configure,
  status: async () => ({ routers: [...running.values()].map(({ router }) => router.status()) }),
  plan: async (orders) => ({ changes: await plan(orders) }),
  stop: async () => {
    await Promise.all([...running.values()].map(end));
  },
});
