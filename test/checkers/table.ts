/**
 * What comes of each kind of check when it meets each manner of misbehaving: the verdict, and the reason as it must read. Rows
 * that need a network of their own are in `table/wire.ts`, and run by test/interop/checks-on-a-wire.test.ts.
 */

import type { Row } from './row.ts';
import { AGENT } from './table/agent.ts';
import { CONNECTIONS } from './table/connection.ts';
import { DATAGRAMS } from './table/datagrams.ts';
import { HTTP1 } from './table/http.ts';
import { HTTP2 } from './table/http2.ts';
import { LOCAL } from './table/local.ts';
import { MAIL } from './table/smtp.ts';
import { SECURED } from './table/tls.ts';

export const TABLE: readonly Row[] = [
  ...CONNECTIONS,
  ...SECURED,
  ...HTTP1,
  ...HTTP2,
  ...MAIL,
  ...DATAGRAMS,
  ...AGENT,
  ...LOCAL,
];
