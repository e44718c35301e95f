/** Takes away what a master held: only what is there, only ours, and without harm to what else is there. */

import { familyOf, formatPrefix, type IpAddress, type Prefix } from '../base/address.ts';
import { networkOf } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import type { InterfaceAddress, NetlinkError, Rtnetlink, Rule, TableRoute } from '../system/rtnetlink.ts';
import { IFA_F } from '../wire/netlink-address.ts';
import { RTPROT_LVSKEEPER } from '../wire/netlink-rtnl.ts';
import { formatHeld, type Held, type HeldAddress, type HeldRoute, type HeldRule } from './held.ts';

export type Dropped = {
  /** Those that were there. */
  readonly removed: readonly Held[];
  /** Those that the kernel would not let go, each with its words. */
  readonly refused: readonly Refusal[];
};
export type Refusal = { readonly held: Held; readonly why: string };

/** The index of an interface of that name, now or, where it has been renamed, when it was last seen; `undefined`: none. */
export type Resolve = (name: string) => Promise<number | undefined>;

/** First rules, then routes, then addresses, so that nothing points at what is gone. */
export async function drop(rtnetlink: Rtnetlink, held: readonly Held[], resolve: Resolve): Promise<Dropped> {
  const rules = held.filter((one) => one.kind === 'rule');
  const routes = await placed(
    held.filter((one) => one.kind === 'route'),
    resolve,
  );
  const addresses = await placed(
    held.filter((one) => one.kind === 'address'),
    resolve,
  );
  const parts = [
    sorted(rules, await rtnetlink.deleteRules(rules.map(ruleOf))),
    sorted(routes.map(heldIn), await rtnetlink.deleteRoutes(routes.map(({ held, index }) => routeOf(held, index)))),
    await dropAddresses(rtnetlink, addresses),
  ];
  return { removed: parts.flatMap((part) => part.removed), refused: parts.flatMap((part) => part.refused) };
}

/** What a router that is no longer configured left. Rejects with what the kernel refused. */
export async function dropHeld(rtnetlink: Rtnetlink, held: readonly Held[]): Promise<readonly Held[]> {
  const { removed, refused } = await drop(rtnetlink, held, (name) => indexByName(rtnetlink, name));
  throwRefusals('remove', refused);
  return removed;
}

export async function indexByName(rtnetlink: Rtnetlink, name: string): Promise<number | undefined> {
  const link = await rtnetlink.link(name);
  return link.ok ? link.value.index : undefined;
}

export function throwRefusals(verb: string, refused: readonly Refusal[]): void {
  if (refused.length === 0) return;
  const all = refused.map(({ held, why }) => `${formatHeld(held)}: ${why}`);
  throw new Error(`the kernel refused to ${verb} ${all.join('; ')}`);
}

export const routeOf = ({ to, via, source, table, metric }: HeldRoute, index: number): TableRoute => ({
  ...{ to, gateway: via, index, source, table, metric },
  protocol: RTPROT_LVSKEEPER,
});

export const ruleOf = ({ kind: _, ...rule }: HeldRule): Rule => ({ ...rule, protocol: RTPROT_LVSKEEPER });

export type Placed<H> = { readonly held: H; readonly index: number };
const heldIn = <H>({ held }: Placed<H>): H => held;

/** Those whose interface is there: what was on another went with it. */
async function placed<H extends HeldAddress | HeldRoute>(all: readonly H[], resolve: Resolve): Promise<Placed<H>[]> {
  const found = await Promise.all(all.map(async (held) => ({ held, index: await resolve(held.interface) })));
  return found.flatMap(({ held, index }) => (index === undefined ? [] : [{ held, index }]));
}

function sorted(
  held: readonly Held[],
  answers: readonly Result<'deleted' | 'absent', NetlinkError>[],
): { readonly removed: readonly Held[]; readonly refused: readonly Refusal[] } {
  const refused = held.flatMap((one, i) => {
    const answer = answers[i];
    return answer?.ok === false ? [{ held: one, why: answer.error.message }] : [];
  });
  return { removed: held.filter((_, i) => answers[i]?.ok && answers[i].value === 'deleted'), refused };
}

type Waiting = {
  readonly placed: readonly Placed<HeldAddress>[];
  readonly done: (dropped: Dropped) => void;
};
/** What is to be dropped at the end of this turn of the event loop. */
const waiting = new WeakMap<Rtnetlink, Waiting[]>();

/** What routers give up in one turn goes in one: the table need be read only once, which takes as long as it is full. */
function dropAddresses(rtnetlink: Rtnetlink, placed: readonly Placed<HeldAddress>[]): Promise<Dropped> {
  if (placed.length === 0) return Promise.resolve({ removed: [], refused: [] });
  return new Promise((done) => {
    const others = waiting.get(rtnetlink);
    if (others !== undefined) return void others.push({ placed, done });
    const all = [{ placed, done }];
    waiting.set(rtnetlink, all);
    // After what has been promised meanwhile, and still in this turn.
    process.nextTick(() => {
      waiting.delete(rtnetlink);
      void dropAll(rtnetlink, all);
    });
  });
}

async function dropAll(rtnetlink: Rtnetlink, all: readonly Waiting[]): Promise<void> {
  const { removed, refused } = await dropTogether(
    rtnetlink,
    all.flatMap(({ placed }) => placed),
  );
  const own = new Set(all.flatMap(({ placed }) => placed.map(heldIn)));
  for (const [i, { placed, done }] of all.entries()) {
    const asked = new Set<Held>(placed.map(heldIn));
    // What went along with another's address and cannot be put back is told once.
    const told = refused.filter(({ held }) => asked.has(held) || (i === 0 && !own.has(held as HeldAddress)));
    done({ removed: removed.filter((held) => asked.has(held)), refused: told });
  }
}

/**
 * The kernel deletes the other addresses of an IPv4 network with the first one of it on the interface (the primary),
 * unless promote_secondaries is set. So those go last, and whoever went with one without being asked is put back.
 */
async function dropTogether(rtnetlink: Rtnetlink, placed: readonly Placed<HeldAddress>[]): Promise<Dropped> {
  const before = placed.some(({ held }) => isShared(held)) ? await read(rtnetlink) : [];
  const primary = new Set(before.filter((there) => (there.flags & IFA_F.SECONDARY) === 0).map(placeOf));
  const asked = new Set(placed.map(({ held, index }) => placeOf({ ...held, index })));
  const isPrimary = ({ held, index }: Placed<HeldAddress>): boolean => primary.has(placeOf({ ...held, index }));
  const last = placed.filter(isPrimary);
  const ordered = [...placed.filter((one) => !isPrimary(one)), ...last];
  const answers = await rtnetlink.deleteAddresses(
    ordered.map(({ held, index }) => ({ index, prefix: held.prefix, ...(held.peer !== null && { peer: held.peer }) })),
  );
  const dropped = sorted(ordered.map(heldIn), answers);
  const networks = new Set(last.map(({ held, index }) => networkIn({ ...held, index })));
  const dependent = before.filter((there) => !asked.has(placeOf(there)) && networks.has(networkIn(there)));
  return { ...dropped, refused: [...dropped.refused, ...(await putBack(rtnetlink, dependent))] };
}

/** Whether others may be in its network: of IPv4, and wider than one address, or to a peer that others may be to. */
const isShared = ({ prefix, peer }: HeldAddress): boolean =>
  familyOf(prefix.address) === 4 && (prefix.length < 32 || peer !== null);

async function putBack(rtnetlink: Rtnetlink, wanted: readonly InterfaceAddress[]): Promise<readonly Refusal[]> {
  const now = wanted.length === 0 ? [] : await read(rtnetlink);
  const missing = wanted.filter((one) => !now.some((there) => same(there, one)));
  const answers = missing.length === 0 ? [] : await rtnetlink.restoreAddresses(missing);
  return missing.flatMap(({ prefix, index }, i) => {
    const answer = answers[i];
    const held = { kind: 'address', interface: `interface ${index}`, prefix, peer: null } as const;
    return answer?.ok === false
      ? [{ held, why: `it went with another and cannot be put back: ${answer.error.message}` }]
      : [];
  });
}

async function read(rtnetlink: Rtnetlink): Promise<readonly InterfaceAddress[]> {
  const all = await rtnetlink.addresses();
  return all.ok ? all.value.filter(({ prefix }) => familyOf(prefix.address) === 4) : [];
}

const same = (a: InterfaceAddress, b: InterfaceAddress): boolean =>
  a.index === b.index && formatPrefix(a.prefix) === formatPrefix(b.prefix) && a.peer === b.peer;

type Place = { readonly index: number; readonly prefix: Prefix; readonly peer?: IpAddress | null };
const placeOf = ({ index, prefix, peer }: Place): string => `${index} ${formatPrefix(prefix)} ${peer ?? ''}`;
/** Addresses with the same word here are in one network on one interface. It is that of the other end where there is one. */
const networkIn = ({ index, prefix, peer }: Place): string =>
  `${index} ${networkOf({ ...prefix, address: peer ?? prefix.address })}/${prefix.length}`;
