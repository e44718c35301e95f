/**
 * Hands over in the place of a vrrp process that is dead and does not come back in time: what its routers hold goes, and
 * an advert with priority 0 tells the peers to take over now. It is the supervisor's last resort, so it asks nothing of a
 * process that may not start.
 */

import { type Family, formatPrefix } from '../base/address.ts';
import { after, type Instant, times } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf, advertisedOf, familiesOf } from '../config/families.ts';
import type { Happening } from '../control/event.ts';
import { hmacSha256 } from '../system/hmac.ts';
import { readSecret } from '../system/key-file.ts';
import { openRtnetlink } from '../system/rtnetlink.ts';
import { createAdvertCodec } from './advert-codec.ts';
import { destinationsOf, openAdvertTransport, pathOf } from './advert-transport.ts';
import { parseHeld } from './held.ts';
import { dropHeld } from './holdings.ts';
import { createNetworkView } from './network-view.ts';
import { keyOf } from './router-key.ts';
import { openRoleFile, type RoleFile } from './run-state.ts';
import { createSegment, troubleOf } from './segment.ts';

type Role = { readonly config: VrrpConfig; readonly family: Family; readonly file: RoleFile };

function mastersIn(runDir: string, routers: readonly VrrpConfig[]): Role[] {
  return routers
    .flatMap((config) => familiesOf(config).map((family) => ({ config, family })))
    .map(({ config, family }) => ({ config, family, file: openRoleFile(runDir, keyOf(config, family)) }))
    .filter(({ file }) => file.read()?.role.master === true);
}

/**
 * When the first of the routers that were master must be in service again, or be handed over: one interval before the
 * soonest that a peer gives it up, so that the addresses are gone when that peer takes them. `undefined`: none was master.
 */
export function handoverDue(runDir: string, routers: readonly VrrpConfig[]): Instant | undefined {
  const due = mastersIn(runDir, routers).map(({ config, file }) => {
    const beat = file.read()?.beat ?? (Number.NEGATIVE_INFINITY as Instant);
    file.close();
    return after(beat, times(config.interval, Math.max(config.downCount - 1, 1)));
  });
  return due.length === 0 ? undefined : (Math.min(...due) as Instant);
}

/** Hands over every router that was master, and tells of each, and of what went wrong. */
export async function handOver(
  runDir: string,
  routers: readonly VrrpConfig[],
  report: (happening: Happening) => void,
): Promise<void> {
  const masters = mastersIn(runDir, routers);
  const trouble = (what: string, detail: string): void => report(troubleOf(what, detail));
  const opened = openRtnetlink();
  if (!opened.ok) return trouble('the role is not handed over', opened.error.message);
  const rtnetlink = opened.value;
  const virtual = new Set<string>(routers.flatMap((router) => router.addresses.map((a) => a.address.address)));
  const network = createNetworkView({
    rtnetlink,
    openSegment: (name) => createSegment(name, { trouble, openTransport: openAdvertTransport }),
    ...{ address() {}, reread() {}, changed() {}, trouble },
  });
  for (const { config } of masters) network.segment(config.interface);
  await network.read();
  for (const { config, family, file } of masters) {
    const path = pathOf(config, family);
    const seat = network.segment(config.interface).join(path, () => {});
    const { source } = seat.usable(virtual);
    const codec = createAdvertCodec(config, family, { readSecret, mac: hmacSha256, wallClock: Date.now });
    const { version, routerId, interval } = config;
    const advert = { version, routerId, priority: 0, interval, addresses: advertisedOf(config, family) };
    if (codec.ok && source !== null)
      for (const destination of destinationsOf(path))
        seat.send(codec.value.encode(advert, { source, destination }), { source, destination });
    const role = file.read()?.role;
    if (role !== undefined) {
      file.write({ ...role, master: false });
      await dropHeld(
        rtnetlink,
        role.held.flatMap((text) => parseHeld(text) ?? []),
      ).catch((error: unknown) => trouble(config.name, String(error)));
    }
    file.close();
    seat.leave();
    const addresses = addressesOf(config, family).map((a) => formatPrefix(a.address));
    const cause = 'the vrrp process is dead, and the supervisor has handed over in its place';
    const { name, priority } = config;
    report({ kind: 'vrrp', router: name, family, from: 'master', to: 'init', cause, priority, addresses });
  }
  for (const { config } of masters) network.segment(config.interface).close();
  rtnetlink.close();
}
