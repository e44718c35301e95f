/** A DNS query over TCP. */

import { createUnframer, framed } from '../../wire/dns-stream.ts';
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
