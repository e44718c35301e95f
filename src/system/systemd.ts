/** The notification protocol of the service manager (sd_notify(3)), which Node cannot speak: it has no unix datagrams. */

import { attempt, constants as c, native } from './native.ts';
import { packUnixAddress } from './sockaddr.ts';

/** struct timeval: how long a service manager that does not read may hold us up. */
const PATIENCE = new Uint8Array(new BigInt64Array([1n, 0n]).buffer);

/**
 * Tells the service manager, `READY=1` `STATUS=…` `WATCHDOG=1` `RELOADING=1\nMONOTONIC_USEC=…` `STOPPING=1`. False when
 * it was not told: there is none ($NOTIFY_SOCKET is unset) or it does not listen; nothing that we could do depends on it.
 */
export function notify(state: string): boolean {
  const path = process.env.NOTIFY_SOCKET;
  if (path === undefined || !/^[/@]./.test(path)) return false;
  return attempt(() => {
    const fd = native.socket(c.AF_UNIX, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0);
    try {
      native.setOption(fd, c.SOL_SOCKET, c.SO_SNDTIMEO, PATIENCE);
      native.send(fd, new TextEncoder().encode(state), packUnixAddress(path));
    } finally {
      native.close(fd);
    }
  }).ok;
}
