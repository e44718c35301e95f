/** Which routers have an address, found without asking all of them: a take-over of many is as many addresses. */

import type { Family, IpAddress } from '../base/address.ts';
import type { VrrpConfig } from '../config/config.ts';
import { addressesOf } from '../config/families.ts';

type Holder = { readonly router: { readonly config: VrrpConfig; readonly family: Family } };

export type Holders<T> = {
  of(address: IpAddress): readonly T[];
  /** A router has come, gone, or has other addresses. */
  changed(): void;
};

export function createHolders<T extends Holder>(all: () => Iterable<T>): Holders<T> {
  let known: ReadonlyMap<IpAddress, readonly T[]> | undefined;

  function find(): ReadonlyMap<IpAddress, readonly T[]> {
    const found = new Map<IpAddress, T[]>();
    for (const one of all())
      for (const { address } of addressesOf(one.router.config, one.router.family)) {
        const others = found.get(address.address);
        if (others === undefined) found.set(address.address, [one]);
        else others.push(one);
      }
    return found;
  }

  return {
    of(address) {
      known ??= find();
      return known.get(address) ?? [];
    },
    changed() {
      known = undefined;
    },
  };
}
