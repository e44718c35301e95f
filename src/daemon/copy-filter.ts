/**
 * A multicast packet can come in by an interface and by a macvlan above it, once each: by both when its sender has another
 * MAC than the macvlan, by one of them (which one, the macvlan's mode decides) when it has the same. A router that listens
 * on both takes each packet once.
 */

import { between } from '../base/time.ts';
import type { Arrival } from './advert-transport.ts';

/** The kernel dates both copies the same; a socket that cannot tell that date is read this much later at most. */
const WINDOW_MS = 100;
/** More are not waiting for their copy within the window, as adverts are 10 ms apart at least. */
const WAITING = 32;

type Waiting = { readonly bytes: Uint8Array; readonly arrival: Arrival };

/** Says of each packet whether it is the second copy of one that it was asked about before. */
export function createCopyFilter(): (bytes: Uint8Array, arrival: Arrival) => boolean {
  const waiting: Waiting[] = [];
  return (bytes, arrival) => {
    // The oldest that fits: copies come in the order of their originals.
    const first = waiting.findIndex((other) => isCopy(other, bytes, arrival));
    if (first >= 0) {
      waiting.splice(first, 1);
      return true;
    }
    waiting.push({ bytes, arrival });
    if (waiting.length > WAITING) waiting.shift();
    return false;
  };
}

const isCopy = (one: Waiting, bytes: Uint8Array, arrival: Arrival): boolean =>
  one.arrival.interfaceIndex !== arrival.interfaceIndex &&
  Math.abs(between(one.arrival.receivedAt, arrival.receivedAt)) <= WINDOW_MS &&
  one.arrival.source === arrival.source &&
  one.arrival.destination === arrival.destination &&
  one.bytes.length === bytes.length &&
  one.bytes.every((byte, i) => byte === bytes[i]);
