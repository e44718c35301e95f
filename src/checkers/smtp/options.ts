/** Options of the SMTP check, besides those of every check. */

import { derived } from '../../base/option.ts';
import { text, yesNo } from '../../base/option-kinds.ts';
import { secureConnectionOptions } from '../connection-options.ts';
import { tlsOptions } from '../tls-options.ts';

/** RFC 5321, 4.1.1.1: a domain, or an address in brackets (4.1.3). */
const heloName = text(
  'a host name, or an address literal such as "[192.0.2.1]"',
  /^([A-Za-z0-9._-]{1,255}|\[[A-Za-z0-9.:]{1,64}\])$/,
);

export const smtpOptions = {
  helo_name: {
    is: heloName,
    default: derived<string>("the host's name", (_, facts) => facts.hostName),
    doc: 'What the probe calls itself in EHLO.',
  },
  starttls: { is: yesNo, default: false, doc: 'Whether TLS is asked for with STARTTLS.' },
  tls: { is: yesNo, default: false, doc: 'Whether the connection is secured from its start, as on port 465.' },
  ...secureConnectionOptions,
  ...tlsOptions,
} as const;
