/** Options of every check that can speak TLS. */

import { parseIp } from '../base/address.ts';
import { duration, text, yesNo } from '../base/option-kinds.ts';

const file = text('an absolute path', /^\/[^\0]*$/);

export const tlsOptions = {
  sni: {
    is: text('a host name', /^[A-Za-z0-9._-]+$/, (name) =>
      parseIp(name) === undefined ? undefined : 'an address, which TLS does not allow as a name',
    ),
    default: null,
    absent: "none, or that of `host`; the certificate must then bear that, or the server's address",
    doc: 'Server name in TLS, which the certificate must bear. Only over TLS.',
  },
  verify: { is: yesNo, default: true, doc: 'Whether the certificate must be valid. Only over TLS.' },
  ca: {
    is: file,
    default: null,
    absent: "the system's",
    doc: 'File of certificates to trust, PEM. Only over TLS.',
  },
  certificate: {
    is: file,
    default: null,
    absent: 'none',
    doc: 'File of the certificate that the probe shows, with those between it and the authority, PEM. Only over TLS.',
  },
  key: {
    is: file,
    default: null,
    absent: 'none',
    doc: 'File of the private key of `certificate`, PEM, without a passphrase. Only over TLS.',
  },
  expiry_warning: {
    is: duration('0s', '365d'),
    default: '14d',
    doc: 'How long before the server\'s certificate expires `status` warns of it; `"0s"`: never. Only over TLS.',
  },
} as const;
