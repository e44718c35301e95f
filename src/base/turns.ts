/** Work that must not overlap, in the order in which it was asked for. */

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** Does each work when those given before it are done, well or not. */
export function takingTurns(): InTurn {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  };
}

/** Asks for the work once more. All who ask before it begins have the same one, so whoever asks sees what was so then. */
export function onceMore(inTurn: InTurn, work: () => Promise<void>): () => Promise<void> {
  let next: Promise<void> | undefined;
  return () => {
    next ??= inTurn(() => {
      next = undefined;
      return work();
    });
    return next;
  };
}
