/**
 * Hands over in the place of a vrrp process that is dead and does not come back in time: what its routers hold goes, and
 * an advert with priority 0 tells the peers to take over now. It is the supervisor's last resort, so it asks nothing of a
 * process that may not start.
 */

import { type Family, formatPrefix } from '../base/address.ts';
import { after, type Instant, instant, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf, advertisedOf, familiesOf } from '../config/families.ts';
import type { Happening } from '../control/event.ts';
import { hmacSha256 } from '../system/hmac.ts';
import { readSecret } from '../system/key-file.ts';
import { openRtnetlink } from '../system/rtnetlink.ts';
import { createAdvertCodec } from './advert-codec.ts';
import { destinationsOf, openAdvertTransport, pathOf } from './advert-transport.ts';
import { type Held, parseHeld } from './held.ts';
import { dropHeld } from './holdings.ts';
import { createNetworkView, type NetworkView } from './network-view.ts';
import { keyOf } from './router-key.ts';
import { openRoleFile, type RoleFile, routersIn } from './run-state.ts';
import { createSegment, troubleOf } from './segment.ts';

type Master = { readonly config: VrrpConfig; readonly family: Family; readonly file: RoleFile };

/** Those that were master when they were last heard of. Each has its file open: close it. */
function mastersIn(runDir: string, routers: readonly VrrpConfig[]): Master[] {
  const left = new Set(routersIn(runDir));
  return routers
    .flatMap((config) => familiesOf(config).map((family) => ({ config, family })))
    .filter(({ config, family }) => left.has(keyOf(config, family)))
    .flatMap(({ config, family }) => {
      const file = openRoleFile(runDir, keyOf(config, family));
      if (dueOf({ config, file }) !== undefined) return [{ config, family, file }];
      file.close();
      return [];
    });
}

/**
 * When a router must be in service again, or be handed over: one interval before the soonest that a peer gives it up, so
 * that the addresses are gone when that peer takes them. A process that has resumed the role moves it on with each advert.
 * `undefined`: it was not master.
 */
function dueOf({ config, file }: Pick<Master, 'config' | 'file'>): Instant | undefined {
  const last = file.read();
  if (last?.role.master !== true) return undefined;
  return after(last.beat, times(config.interval, Math.max(config.downCount - 1, 1)));
}

/** When the first of the routers that were master is due, of those that were not yet at `since`. `undefined`: there is none. */
export function handoverDue(runDir: string, routers: readonly VrrpConfig[], since?: Instant): Instant | undefined {
  const due = mastersIn(runDir, routers).flatMap((master) => {
    const at = dueOf(master);
    master.file.close();
    return at === undefined || (since !== undefined && at <= since) ? [] : at;
  });
  return due.length === 0 ? undefined : instant(due.reduce<number>((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
}

/**
 * Hands over every router that was master and is due at `at`, and tells of each, and of what went wrong. Never rejects. The
 * others are left alone: a successor may have resumed them by now, or has the time to.
 */
export async function handOver(
  runDir: string,
  routers: readonly VrrpConfig[],
  at: Instant,
  report: (happening: Happening) => void,
): Promise<void> {
  const trouble = (what: string, detail: string): void => report(troubleOf(what, detail));
  const masters = mastersIn(runDir, routers);
  try {
    if (masters.length > 0) await handOverAll(masters, routers, at, { report, trouble });
  } catch (error) {
    trouble('the role is not handed over', String(error));
  }
  for (const { file } of masters) file.close();
}

type Tellers = {
  readonly report: (happening: Happening) => void;
  readonly trouble: (what: string, detail: string) => void;
};

async function handOverAll(
  masters: readonly Master[],
  routers: readonly VrrpConfig[],
  at: Instant,
  { report, trouble }: Tellers,
): Promise<void> {
  const opened = openRtnetlink();
  if (!opened.ok) return trouble('the role is not handed over', opened.error.message);
  const rtnetlink = opened.value;
  // An owner's addresses are the machine's own, and may be all that it has to send from.
  const floating = routers.filter(({ priority }) => priority < 255);
  const virtual = new Set<string>(floating.flatMap((router) => router.addresses.map((a) => a.address.address)));
  const network = createNetworkView({
    rtnetlink,
    openSegment: (name) => createSegment(name, { trouble, openTransport: openAdvertTransport }),
    ...{ address() {}, reread() {}, changed() {}, trouble },
  });
  for (const { config } of masters) network.segment(config.interface);
  await network.read();
  // Looked at once more: its successor may have come back meanwhile.
  const given = masters.filter((master) => (dueOf(master) ?? Number.POSITIVE_INFINITY) <= at);
  const told =
    ({ config }: Master) =>
    (error: unknown): void =>
      trouble(`${config.name}: not all is handed over`, String(error));
  // The word to the peers goes first, of all: a group over there waits for the last of its members.
  const left = given.map((master) => resign(master, network, virtual, told(master)));
  for (const [i, master] of given.entries()) {
    await dropHeld(rtnetlink, left[i] ?? []).catch(told(master));
    const { config, family } = master;
    const addresses = addressesOf(config, family).map((a) => formatPrefix(a.address));
    const cause = 'the vrrp process is dead, and the supervisor has handed over in its place';
    const { name, priority } = config;
    report({ kind: 'vrrp', router: name, family, from: 'master', to: 'init', cause, priority, addresses });
  }
  for (const { config } of masters) network.segment(config.interface).close();
  rtnetlink.close();
}

/** Writes down that it is master no more, tells its peers, and gives what it held. Never throws. */
function resign(
  { config, family, file }: Master,
  network: NetworkView,
  virtual: ReadonlySet<string>,
  told: (error: unknown) => void,
): readonly Held[] {
  const role = file.read()?.role;
  try {
    // First of all, so that a process which starts just now does not resume what is given away here.
    if (role !== undefined) file.write({ ...role, master: false });
  } catch (error) {
    told(error);
  }
  try {
    const path = pathOf(config, family);
    const seat = network.segment(config.interface).join(path, () => {});
    const { source } = seat.usable(virtual);
    const codec = createAdvertCodec(config, family, { readSecret, mac: hmacSha256, wallClock: Date.now });
    const { version, routerId, interval } = config;
    const advert = { version, routerId, priority: 0, interval, addresses: advertisedOf(config, family) };
    if (codec.ok && source !== null)
      for (const destination of destinationsOf(path))
        seat.send(codec.value.encode(advert, { source, destination }), { source, destination });
  } catch (error) {
    told(error);
  }
  return (role?.held ?? []).flatMap((text) => parseHeld(text) ?? []);
}
