/** DNS over TCP: each message follows its length, in two bytes (RFC 1035, 4.2.2). */

import { concat, viewOf } from '../base/bytes.ts';

export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  viewOf(bytes).setUint16(0, message.length);
  bytes.set(message, 2);
  return bytes;
}

/** Takes bytes as they come, and gives each message once it is whole. */
export function createUnframer(whole: (message: Uint8Array) => void): (bytes: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let size = 0;
  let needed = 2;
  return (bytes) => {
    parts.push(bytes);
    size += bytes.length;
    // Put together only then, so that a server which dribbles does not cost the square of it.
    if (size < needed) return;
    let rest = concat(parts);
    needed = neededOf(rest);
    while (rest.length >= needed) {
      whole(rest.subarray(2, needed));
      rest = rest.subarray(needed);
      needed = neededOf(rest);
    }
    parts = [rest];
    size = rest.length;
  };
}

/** Bytes of the message that begins here, with its length, as far as that is known: an empty one has 2 as well. */
const neededOf = (bytes: Uint8Array): number => (bytes.length < 2 ? 2 : 2 + viewOf(bytes).getUint16(0));
