/**
 * What one virtual router of one family holds in the kernel while it is master: addresses, routes and rules.
 *
 * Ours are the addresses of a router below priority 255, whoever put them there: nobody else has any business with them.
 * Those of an owner (255) may be the machine's own, and are ours only if we put them there. Of routes and rules only
 * those with our protocol are ever taken away. What is ours is told before the kernel has it, so that it can be written
 * down: whatever dies in between, the next process finds it.
 *
 * The kernel lets addresses go by itself when nobody renews them; routes and rules it keeps.
 *
 * Calls must not overlap: a router makes them one after the other.
 */

import { type Family, formatPrefix } from '../base/address.ts';
import type { Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import type { NetlinkError, OwnAddress, Rtnetlink } from '../system/rtnetlink.ts';
import { type Held, sameHeld, type Wanted, type WantedAddress, wantedOf, withHeld, withoutHeld } from './held.ts';
import { drop, indexByName, type Refusal, routeOf, ruleOf, throwRefusals } from './held-drop.ts';

export { dropHeld } from './held-drop.ts';

export type HoldingsOptions = {
  readonly config: VrrpConfig;
  readonly family: Family;
  readonly rtnetlink: Rtnetlink;
  /** The index of the interface of that name as it is now. */
  readonly indexOf: (name: string) => number | undefined;
  /** Where that is which belongs on the router's interface: the macvlan with the virtual MAC, or the interface itself. */
  readonly device: () => string;
  /** What the last process had put there. */
  readonly before: readonly Held[];
  /** What is ours has changed: write it down. */
  readonly remember: (ours: readonly Held[]) => void;
};

export type Holdings = {
  /** All that the config wants of this family. */
  readonly wanted: readonly Held[];
  /** What we have put there, or are about to. */
  readonly ours: readonly Held[];
  /** A claim is near: what will be ours then is told now. */
  foresee(): void;
  /**
   * Adds what is missing, and tells what it added; what is there stays, and addresses of ours get the lease. `null`: for
   * good. Rejects, after all has been tried, with what the kernel refused.
   */
  claim(lease: Duration | null): Promise<readonly Held[]>;
  /** Lets the kernel keep the addresses for so long from now. */
  renew(lease: Duration | null): Promise<void>;
  /** Takes everything away that is ours, and tells what was there. */
  release(): Promise<readonly Held[]>;
  /** Takes new settings over. What is ours and not wanted any more goes, and is told; what is new waits for `claim`. */
  reconfigure(config: VrrpConfig): Promise<readonly Held[]>;
};

/**
 * Of the route to the network of an address on a macvlan: whatever else leads there is preferred, so that what this
 * machine sends of its own leaves by the interface's own address and not by a virtual one.
 */
const MACVLAN_METRIC = 4096;

export function createHoldings(options: HoldingsOptions): Holdings {
  const { family, rtnetlink } = options;
  let { config } = options;
  let ours = options.before;
  /** Of interfaces as they were last there: one that is renamed still has our addresses. */
  const lastIndex = new Map<string, number>();

  const wanted = (): Wanted => wantedOf(config, family, options.device());
  const isOwner = (): boolean => config.priority === 255;
  const isOurs = (held: Held): boolean => !isOwner() || ours.some((one) => sameHeld(one, held));

  function indexOf(name: string): number | undefined {
    const index = options.indexOf(name);
    if (index !== undefined) lastIndex.set(name, index);
    return index;
  }
  const resolve = async (name: string): Promise<number | undefined> =>
    indexOf(name) ?? lastIndex.get(name) ?? (await indexByName(rtnetlink, name));

  function note(next: readonly Held[]): void {
    if (next.length === ours.length && withoutHeld(next, ours).length === 0) return;
    ours = next;
    options.remember(ours);
  }

  async function claim(lease: Duration | null): Promise<readonly Held[]> {
    const all = wanted();
    const known = ours;
    note(withHeld(known, await foreseen(all)));
    const refused: Refusal[] = [];
    const addresses = all.addresses.flatMap((one) => at(one.held, refused, (index) => ownOf(one, index, lease)));
    const answers = await rtnetlink.addAddresses(addresses.map(({ item }) => item));
    const added = take(addresses, answers, refused);
    // An owner's address that was there is the machine's, though we were about to put it there.
    if (isOwner()) note(withHeld(known, [...added, ...all.routes, ...all.rules]));
    const kept = addresses.filter(({ held }, i) => {
      const answer = answers[i];
      return answer?.ok && answer.value === 'already-there' && isOurs(held);
    });
    take(kept, await rtnetlink.renewAddresses(kept.map(({ item }) => item)), refused);

    const routes = all.routes.flatMap((held) => at(held, refused, (index) => routeOf(held, index)));
    added.push(...take(routes, await rtnetlink.addRoutes(routes.map(({ item }) => item)), refused));
    const rules = all.rules.map((held) => ({ held, item: ruleOf(held) }));
    added.push(...take(rules, await rtnetlink.addRules(rules.map(({ item }) => item)), refused));
    throwRefusals('add', refused);
    return added;
  }

  /** What will be ours when the claim is done. An owner's addresses that are there already are not. */
  async function foreseen({ addresses, routes, rules }: Wanted): Promise<readonly Held[]> {
    const held = addresses.map((one) => one.held);
    if (!isOwner()) return [...held, ...routes, ...rules];
    const read = await rtnetlink.addresses();
    const there = new Set(read.ok ? read.value.map((a) => `${a.index} ${formatPrefix(a.prefix)}`) : []);
    const missing = held.filter((one) => !there.has(`${indexOf(one.interface)} ${formatPrefix(one.prefix)}`));
    return [...(read.ok ? missing : []), ...routes, ...rules];
  }

  /** What is to be asked for on an interface; a refusal where there is none. */
  function at<H extends Held & { readonly interface: string }, T>(
    held: H,
    refused: Refusal[],
    make: (index: number) => T,
  ): readonly Asked<T>[] {
    const index = indexOf(held.interface);
    if (index !== undefined) return [{ held, item: make(index) }];
    refused.push({ held, why: `interface ${held.interface} does not exist` });
    return [];
  }

  function ownOf({ held, config: { scope, label } }: WantedAddress, index: number, lease: Duration | null): OwnAddress {
    return {
      ...{ index, prefix: held.prefix, scope, lifetime: lease && Math.round(lease / 1000) },
      ...(held.peer !== null && { peer: held.peer }),
      ...(label !== null && { label }),
      // An owner's addresses may be all that it has to send from.
      ...(family === 6 && { noDad: true, deprecated: !isOwner() }),
      ...(held.interface !== config.interface &&
        held.interface === options.device() && { routeMetric: MACVLAN_METRIC }),
    };
  }

  async function renew(lease: Duration | null): Promise<void> {
    const refused: Refusal[] = [];
    const addresses = wanted()
      .addresses.filter(({ held }) => isOurs(held) && indexOf(held.interface) !== undefined)
      .flatMap((one) => at(one.held, refused, (index) => ownOf(one, index, lease)));
    take(addresses, await rtnetlink.renewAddresses(addresses.map(({ item }) => item)), refused);
    throwRefusals('renew', refused);
  }

  async function remove(held: readonly Held[]): Promise<readonly Held[]> {
    const { removed, refused } = await drop(rtnetlink, held, resolve);
    const stays = refused.map((one) => one.held);
    note(withoutHeld(ours, withoutHeld(held, stays)));
    throwRefusals('remove', refused);
    return removed;
  }

  return {
    get wanted() {
      return listOf(wanted());
    },
    get ours() {
      return ours;
    },
    foresee() {
      // What an owner lacks of its addresses must be asked for.
      if (!isOwner()) note(withHeld(ours, listOf(wanted())));
    },
    claim,
    renew,
    release: () =>
      remove(
        withHeld(
          ours,
          listOf(wanted()).filter((held) => held.kind !== 'address' || isOurs(held)),
        ),
      ),
    reconfigure(next) {
      config = next;
      return remove(withoutHeld(ours, listOf(wanted())));
    },
  };
}

type Asked<T> = { readonly held: Held; readonly item: T };

/** Those that were added; the refusals go to `refused`. */
function take<T>(
  asked: readonly Asked<T>[],
  answers: readonly Result<string, NetlinkError>[],
  refused: Refusal[],
): Held[] {
  return asked.flatMap(({ held }, i) => {
    const answer = answers[i];
    if (answer?.ok === false) refused.push({ held, why: answer.error.message });
    return answer?.ok && answer.value === 'added' ? [held] : [];
  });
}

const listOf = ({ addresses, routes, rules }: Wanted): readonly Held[] => [
  ...addresses.map(({ held }) => held),
  ...routes,
  ...rules,
];
