/** Options of the gRPC check, besides those of every check. */

import { text, yesNo } from '../../base/option-kinds.ts';
import { secureConnectionOptions } from '../connection-options.ts';
import { tlsOptions } from '../tls-options.ts';

export const grpcOptions = {
  service: {
    is: text('the name of a gRPC service, at most 256 characters', /^[\x20-\x7e]{0,256}$/),
    default: '',
    doc: 'Service that is asked for, such as `"shop.v1.Cart"`; empty: the server as a whole.',
  },
  host: {
    is: text('a host name, with a port where needed', /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/),
    default: null,
    absent: "the server's address",
    doc: 'What the server is called (`:authority`), and the name in TLS unless `sni` gives another.',
  },
  tls: { is: yesNo, default: false, doc: 'Whether the connection is secured with TLS.' },
  ...secureConnectionOptions,
  ...tlsOptions,
} as const;
