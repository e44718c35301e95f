/** One datagram to a server, and what comes back, for the kinds of check over UDP. */

import type { SystemError } from '../system/native.ts';
import { connectUdp } from '../system/udp-client.ts';
import { down, type Finding, localError } from './attempt.ts';
import { type ProbeTarget, reach } from './probe.ts';
import { explainSocketError } from './socket-error.ts';

/**
 * Sends it, and tells of each datagram that the server sends back, or once that none will come. Returns what ends it,
 * which the caller has to call in any case: nothing is told after it. `lost` may be called before this returns.
 */
export function ask(
  target: ProbeTarget,
  datagram: Uint8Array,
  heard: (answer: Uint8Array) => void,
  lost: (finding: Finding) => void,
): () => void {
  const opened = connectUdp(target.address, reach(target), {
    message: heard,
    error: (error) => lost(explainIcmp(error, target)),
  });
  if (!opened.ok) {
    lost(explainSending(opened.error, target));
    return () => undefined;
  }
  const socket = opened.value;
  const sent = socket.send(datagram);
  if (!sent.ok) lost(explainSending(sent.error, target));
  return socket.close;
}

/** This machine did not send it. */
const explainSending = (error: SystemError, { source }: ProbeTarget): Finding =>
  error.code === 'EMSGSIZE' ? TOO_LARGE : explainSocketError(error, source);

const TOO_LARGE = localError('the datagram is larger than the way to the server takes');

/** What ICMP said of it, as the kernel makes it an error (icmp(7); net/ipv6/icmp.c, icmpv6_err_convert). */
function explainIcmp(error: SystemError, target: ProbeTarget): Finding {
  switch (error.code) {
    case 'ECONNREFUSED':
      return down('ICMP: port unreachable');
    case 'ENOPROTOOPT':
      return down('ICMP: protocol unreachable');
    case 'EACCES':
      return down('ICMP: forbidden by a firewall');
    case 'ENETUNREACH':
      return down('network unreachable');
    default:
      return explainSending(error, target);
  }
}
