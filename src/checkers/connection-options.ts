/** Options of every check that opens a connection: the time of its phases, each within `timeout`. */

import { duration } from '../base/option-kinds.ts';

const LIMIT = { is: duration('10ms', '5m'), default: null, absent: 'no limit but `timeout`' } as const;

export const connectionOptions = {
  connect_timeout: { ...LIMIT, doc: 'Time for the connection, from the start of the probe.' },
} as const;

/** The same of checks that can speak TLS. */
export const secureConnectionOptions = {
  ...connectionOptions,
  tls_timeout: { ...LIMIT, doc: 'Time for the TLS handshake, from the connection on. Only over TLS.' },
} as const;
