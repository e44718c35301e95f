/**
 * The two kinds of wrong.
 *
 * Bad bytes, a refused kernel call or a wrong config file are values with a code: they are returned. A broken
 * invariant is a defect of ours: it throws, the process dies, and the supervisor starts it again from the kernel's state.
 */

/** Throws when `condition` does not hold. For what can only be false through a defect of ours. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** For the end of a `switch` over a union: a type error when a member is not handled. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unhandled ${JSON.stringify(value)}`);
}
