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
import { now } from '../system/clock.ts';
import { hmacSha256 } from '../system/hmac.ts';
import { readSecret } from '../system/key-file.ts';
import { openRtnetlink } from '../system/rtnetlink.ts';
import { createAdvertCodec } from './advert-codec.ts';
import { destinationsOf, openAdvertTransport, pathOf } from './advert-transport.ts';
import { floatingOf } from './floating.ts';
import { type Held, parseHeld } from './held.ts';
import { dropHeld } from './holdings.ts';
import { createNetworkView, type NetworkView } from './network-view.ts';
import { keyOf } from './router-key.ts';
import { openRoleFile, type Role, type RoleFile, routersIn } from './run-state.ts';
import { createSegment, troubleOf } from './segment.ts';

type Master = { readonly config: VrrpConfig; readonly family: Family; readonly file: RoleFile };

/** Those that left a role which is `wanted`. Each has its file open: close it. */
function leftIn(runDir: string, routers: readonly VrrpConfig[], wanted: (role: Role) => boolean): Master[] {
  const left = new Set(routersIn(runDir));
  return routers
    .flatMap((config) => familiesOf(config).map((family) => ({ config, family })))
    .filter(({ config, family }) => left.has(keyOf(config, family)))
    .flatMap(({ config, family }) => {
      const file = openRoleFile(runDir, keyOf(config, family));
      const role = file.read()?.role;
      if (role !== undefined && wanted(role)) return [{ config, family, file }];
      file.close();
      return [];
    });
}

const wasMaster = ({ master }: Role): boolean => master;
const hasSomething = ({ master, held }: Role): boolean => master || held.length > 0;

/**
 * When a router must be in service again, or be handed over: one interval before the soonest that a peer gives it up, so
 * that the addresses are gone when that peer takes them. A process that has resumed the role moves it on with each advert.
 * `undefined`: it was not master.
 */
function dueOf({ config, file }: Pick<Master, 'config' | 'file'>): Instant | undefined {
  const last = file.read();
  if (last?.role.master !== true) return undefined;
  return deadline(config, last.beat);
}

const deadline = ({ interval, downCount }: VrrpConfig, beat: Instant): Instant =>
  after(beat, times(interval, Math.max(downCount - 1, 1)));

/** When the first of the routers that were master is due, of those that were not yet at `since`. `undefined`: there is none. */
export function handoverDue(runDir: string, routers: readonly VrrpConfig[], since?: Instant): Instant | undefined {
  const due = leftIn(runDir, routers, wasMaster).flatMap((master) => {
    const at = dueOf(master);
    master.file.close();
    return at === undefined || (since !== undefined && at <= since) ? [] : at;
  });
  return due.length === 0 ? undefined : instant(due.reduce<number>((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY));
}

/** Whether a master that was heard last then is to be handed over now. */
export type Due = (config: VrrpConfig, beat: Instant) => boolean;
/** Its successor should be in service by now. */
export const overdue =
  (at: Instant): Due =>
  (config, beat) =>
    deadline(config, beat) <= at;
/** A peer may take over before then, whoever comes. */
export const tooLate =
  (at: Instant): Due =>
  ({ interval, downCount }, beat) =>
    after(beat, times(interval, downCount)) < at;
/** No process is coming back: all that any router has is given up, of masters or not. */
export const ALL = 'all';

/**
 * Hands over every router that was master and is due, and tells of each, and of what went wrong. Never rejects. The
 * others are left alone: a successor may have resumed them by now, or has the time to.
 */
export async function handOver(
  runDir: string,
  routers: readonly VrrpConfig[],
  due: Due | typeof ALL,
  report: (happening: Happening) => void,
): Promise<void> {
  const trouble = (what: string, detail: string): void => report(troubleOf(what, detail));
  const masters = leftIn(runDir, routers, due === ALL ? hasSomething : wasMaster);
  try {
    if (masters.length > 0) await handOverAll(masters, routers, due, { report, trouble });
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
  due: Due | typeof ALL,
  { report, trouble }: Tellers,
): Promise<void> {
  const opened = openRtnetlink();
  if (!opened.ok) return trouble('the role is not handed over', opened.error.message);
  const rtnetlink = opened.value;
  const { virtual } = floatingOf(routers);
  const network = createNetworkView({
    rtnetlink,
    openSegment: (name) => createSegment(name, { trouble, openTransport: openAdvertTransport }),
    ...{ address() {}, reread() {}, changed() {}, trouble },
  });
  for (const { config } of masters) network.segment(config.interface);
  await network.read();
  // Looked at once more: its successor may have come back meanwhile.
  const given = masters.filter(({ config, file }) => {
    const last = file.read();
    return due === ALL || (last?.role.master === true && due(config, last.beat));
  });
  const told =
    ({ config }: Master) =>
    (error: unknown): void =>
      trouble(`${config.name}: not all is handed over`, String(error));
  // The word to the peers goes first, of all: a group over there waits for the last of its members.
  const left = given.map((master) => resign(master, network, virtual, told(master)));
  for (const [i, master] of given.entries()) {
    const { held = [], master: resigned = false } = left[i] ?? {};
    await dropHeld(rtnetlink, held).catch(told(master));
    if (!resigned) continue;
    const { config, family } = master;
    const addresses = addressesOf(config, family).map((a) => formatPrefix(a.address));
    const cause = 'the vrrp process is dead, and the supervisor has handed over in its place';
    const { name, priority } = config;
    report({ kind: 'vrrp', router: name, family, from: 'master', to: 'init', cause, priority, addresses });
  }
  network.close();
  for (const { config } of masters) network.segment(config.interface).close();
  rtnetlink.close();
}

/** Writes down that it is master no more, tells its peers if it was, and gives what it held. Never throws. */
function resign(
  { config, family, file }: Master,
  network: NetworkView,
  virtual: ReadonlySet<string>,
  told: (error: unknown) => void,
): { readonly master: boolean; readonly held: readonly Held[] } {
  const role = file.read()?.role;
  const held = (role?.held ?? []).flatMap((text) => parseHeld(text) ?? []);
  if (role?.master !== true) return { master: false, held };
  try {
    // First of all, so that a process which starts just now does not resume what is given away here.
    file.write({ ...role, master: false });
  } catch (error) {
    told(error);
  }
  try {
    const path = pathOf(config, family);
    const seat = network.segment(config.interface).join(path, () => {});
    const { source } = seat.usable(virtual);
    const codec = createAdvertCodec(config, family, {
      readSecret,
      mac: hmacSha256,
      wallClock: Date.now,
      steadyClock: now,
    });
    const { version, routerId, interval } = config;
    const advert = { version, routerId, priority: 0, interval, addresses: advertisedOf(config, family) };
    if (codec.ok && source !== null)
      for (const destination of destinationsOf(path))
        seat.send(codec.value.encode(advert, { source, destination }), { source, destination });
  } catch (error) {
    told(error);
  }
  return { master: true, held };
}
