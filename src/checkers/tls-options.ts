/** Options of every check that can speak TLS. */

import { parseIp } from '../base/address.ts';
import { text, yesNo } from '../base/option-kinds.ts';

const file = text('an absolute path', /^\/[^\0]*$/);

export const tlsOptions = {
  sni: {
    is: text('a host name', /^[A-Za-z0-9._-]+$/, (name) =>
      parseIp(name) === undefined ? undefined : 'an address, which TLS does not allow as a name',
    ),
    default: null,
    absent: '`host`, unless that is an address',
    doc: 'Server name in TLS, which the certificate must bear. Only with `type = "https"`.',
  },
  verify: { is: yesNo, default: true, doc: 'Whether the certificate must be valid. Only with `type = "https"`.' },
  ca: {
    is: file,
    default: null,
    absent: "the system's",
    doc: 'File of certificates to trust, PEM. Only with `type = "https"`.',
  },
} as const;
