/**
 * The vrrp process: virtual routers and nothing else. Whatever could block or burst lives elsewhere. When it ends
 * without being told to, its addresses stay, and its successor goes on as master if no peer can have noticed.
 */

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
  // An owner's addresses are the machine's own, and may be all that it has to send from.
  const floating = orders.routers.filter((config) => config.priority < 255);
  virtual = new Set(floating.flatMap((config) => config.addresses.map((a) => a.address)));
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
  const segment = createSegment(name, rtnetlink, complain);
  segments.set(name, segment);
  return segment;
}

async function begin(config: VrrpConfig, runDir: string): Promise<void> {
  const segment = segmentOf(config.interface);
  const role = openRoleFile(runDir, config.name);
  const last = role.read();
  const before = last?.role.addresses.flatMap((text) => parsePrefix(text) ?? []) ?? [];
  const moved = last !== undefined && last.role.interface !== config.interface;
  const gone = moved
    ? before
    : before.filter((a) => !config.addresses.some((b) => formatPrefix(a) === formatPrefix(b)));
  if (last !== undefined) await removeFrom(last.role.interface, gone);
  /** Addresses that we put there: only these are taken away from an owner, whose addresses may be the machine's own. */
  let ours: readonly Prefix[] = without(before, gone);
  const remember = (master: boolean): void =>
    unlessFull(() =>
      role.write({ master, interface: config.interface, routerId: config.routerId, addresses: ours.map(formatPrefix) }),
    );
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
        // Some may still have the lease of a lower priority.
        await segment.renew(without(addresses.filter(isOurs), added), null);
      } else await segment.renew(without(addresses, added), lease);
      return added;
    },
    renew: segment.renew,
    release: (addresses) => segment.release(addresses.filter(isOurs)),
    remember(what, addresses) {
      if (router.config.priority < 255) ours = addresses;
      remember(what === 'master');
    },
    beat: (at) => unlessFull(() => role.beat(at)),
    report,
  });
  const told = segment.usable(virtual, config.source);
  running.set(config.name, { router, segment, role, told });
  segment.routers.set(config.routerId, router);

  const silent = last === undefined ? Number.POSITIVE_INFINITY : between(last.beat, now());
  const same = last?.role.interface === config.interface && last.role.routerId === config.routerId;
  // The soonest that any peer gives us up is three intervals after our last advert; its skew is our margin.
  const resume = same && last.role.master && silent >= 0 && silent < times(config.interval, DOWN_COUNT);
  router.feed({ type: 'start', ...told, resume });
}

async function removeFrom(name: string, prefixes: readonly Prefix[]): Promise<void> {
  const link = await rtnetlink.link(name);
  if (!link.ok || prefixes.length === 0) return;
  const { index } = link.value;
  await rtnetlink.deleteAddresses(prefixes.map((prefix) => ({ index, prefix })));
}

/** What a successor would want to know is worth less than the role itself: a full disk must not end it. */
function unlessFull(write: () => void): void {
  try {
    write();
  } catch (error) {
    complain('the role is not written down, so a restart could not resume it', String(error));
  }
}

const complaints = new Map<string, number>();
/** Says it at most once a minute. `what` is one of a few texts, `detail` may be anything. */
function complain(what: string, detail: string): void {
  const last = complaints.get(what);
  if (last !== undefined && now() - last < 60_000) return;
  complaints.set(what, now());
  report(troubleOf(what, detail));
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
  for (const name of routersIn(orders.runDir)) {
    if (names.has(name)) continue;
    const file = openRoleFile(orders.runDir, name);
    const left = file.read()?.role;
    if (left !== undefined)
      await removeFrom(
        left.interface,
        left.addresses.flatMap((text) => parsePrefix(text) ?? []),
      );
    file.remove();
  }
}

/** Counts what was heard of links and addresses. */
let heard = 0;

async function readNetwork(tries = 5): Promise<void> {
  const before = heard;
  const [links, addresses] = await Promise.all([rtnetlink.links(), rtnetlink.addresses()]);
  // What was read may be older than what was heard meanwhile.
  if (heard !== before && tries > 0) return readNetwork(tries - 1);
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
  heard += 1;
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
      const { address } = event.address.prefix;
      for (const router of segment.routers.values()) router.noteAddress(address, segment.has(address));
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
