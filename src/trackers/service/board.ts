/** The quorum of our own services, as the checks of this process have it: what a tracked service is told by. */

import type { Quorum } from '../../pool/quorum.ts';
import { down, type Found, up, type Watcher } from '../watch.ts';

export type ServiceBoard = {
  watch(service: string, found: Found): Watcher;
  /** Something may have changed. */
  refresh(): void;
};

/** `quorumOf`: by a service's name; `undefined` while nothing is known of it, and that counts as well. */
export function createServiceBoard(quorumOf: (service: string) => Quorum | undefined): ServiceBoard {
  const all = new Set<{ readonly service: string; readonly found: Found }>();
  const tell = (service: string, found: Found): void => {
    const quorum = quorumOf(service);
    if (quorum === undefined) return;
    const count = `${quorum.up} up, ${quorum.needed} needed`;
    found(quorum.held ? up(`has its quorum: ${count}`) : down(`has lost its quorum: ${count}`));
  };
  return {
    watch(service, found) {
      const entry = { service, found };
      all.add(entry);
      queueMicrotask(() => {
        if (all.has(entry)) tell(service, found);
      });
      return { close: () => void all.delete(entry) };
    },
    refresh() {
      for (const { service, found } of all) tell(service, found);
    },
  };
}
