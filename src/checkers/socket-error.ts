/** What a failed connection says, by errno: about the server, or only about this machine (see errno(3), connect(2)). */

import type { IpAddress } from '../base/address.ts';
import { down, type Finding, localError } from './attempt.ts';

/**
 * The server's: it, or a router on the way, refused or does not answer. EHOSTUNREACH on a connected network means that
 * nobody answered ARP or neighbour discovery for it.
 */
const SERVER: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  ECONNABORTED: 'connection aborted',
  EPIPE: 'connection closed',
  EHOSTUNREACH: 'host unreachable',
  EHOSTDOWN: 'host is down',
  ETIMEDOUT: 'no answer',
};

/** Ours: the probe was never sent, so nothing is known of the server. */
const LOCAL: Readonly<Record<string, string>> = {
  ENETUNREACH: 'no route to the server',
  ENETDOWN: 'the interface is down',
  ENODEV: 'this machine has no such interface',
  EMFILE: 'too many open files in this process',
  ENFILE: 'too many open files on this machine',
  ENOBUFS: 'no buffer space',
  ENOMEM: 'out of memory',
  EACCES: 'forbidden by this machine (firewall or security policy)',
  EPERM: 'forbidden by this machine (firewall or security policy)',
  EAFNOSUPPORT: 'this machine lacks the address family',
  EAGAIN: 'no free local port',
};

/** A socket's error as a finding. `source` is the address the probe was bound to, to be named when it is the cause. */
export function explainSocketError(error: Error, source: IpAddress | null): Finding {
  const code = codeOf(error);
  const bound = source === null ? '' : ` on ${source}`;
  switch (code) {
    case 'EADDRINUSE':
      return localError(`no free local port${bound}`);
    case 'EADDRNOTAVAIL':
      return localError(
        source === null ? 'no free local port' : `${source} is not on this machine, or has no free port`,
      );
    case 'EINVAL':
      return localError(
        source === null ? 'the kernel refused the address' : `${source} cannot be the source towards it`,
      );
  }
  const server = SERVER[code];
  if (server !== undefined) return down(server);
  const local = LOCAL[code];
  if (local !== undefined) return localError(local);
  return down(`connection failed: ${code === '' ? error.message : code}`);
}

/**
 * The same of one that came later, once the probe had been sent: that there is no way to the server was then said by a router
 * (ICMP, destination unreachable), and not by this machine.
 */
export const explainNetworkError = (error: Error, source: IpAddress | null): Finding =>
  codeOf(error) === 'ENETUNREACH' ? down('network unreachable') : explainSocketError(error, source);

/** The error's code (`ECONNREFUSED`, `UND_ERR_SOCKET`); empty when it has none. */
export const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');
