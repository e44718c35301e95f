/** A DNS query over TCP: each message follows its length, in two bytes (RFC 1035, 4.2.2). */

import { viewOf } from '../../base/bytes.ts';
import { down, type Finding } from '../attempt.ts';
import { open } from '../connection.ts';
import { hear } from '../hear.ts';
import type { ProbeTarget } from '../probe.ts';

export type Stream = {
  /** What is missing as yet, to begin a sentence with. */
  waitingFor(): string;
  /** Ends the connection; nothing is told after it. */
  end(): void;
};

/** Sends the query, and tells of each message that comes, or once that no more will. */
export function askOverTcp(
  target: ProbeTarget,
  query: Uint8Array,
  heard: (message: Uint8Array) => void,
  lost: (finding: Finding) => void,
): Stream {
  let ended = false;
  const connection = open(target, null, { connectTimeout: null, tlsTimeout: null }, (opened) => {
    if (!opened.ok) return lost(opened.error);
    const socket = opened.value;
    const take = createUnframer((message) => ended || heard(message));
    hear(socket, target.source, {
      heard: take,
      lost: (finding) =>
        ended || lost(finding.outcome === 'down' ? down(`${finding.reason} before an answer`) : finding),
    });
    socket.write(framed(query));
  });
  return {
    waitingFor: () => (connection.phase() === 'open' ? 'no answer' : 'no connection'),
    end() {
      ended = true;
      connection.end();
    },
  };
}

function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  viewOf(bytes).setUint16(0, message.length);
  bytes.set(message, 2);
  return bytes;
}

/** Takes bytes as they come, and gives each message once it is whole. */
function createUnframer(whole: (message: Uint8Array) => void): (bytes: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let size = 0;
  let needed = 2;
  return (bytes) => {
    parts.push(bytes);
    size += bytes.length;
    // Put together only then, so that a server which dribbles does not cost the square of it.
    if (size < needed) return;
    let rest = Buffer.concat(parts, size);
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
const neededOf = (bytes: Buffer): number => (bytes.length < 2 ? 2 : 2 + bytes.readUInt16BE(0));
