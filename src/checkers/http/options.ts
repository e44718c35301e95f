/** Options of the HTTP and HTTPS checks, besides those of every check. */

import type { Kind } from '../../base/option.ts';
import { choice, list, text } from '../../base/option-kinds.ts';
import { say } from '../../base/option-say.ts';
import { pattern } from '../pattern-option.ts';
import { tlsOptions } from '../tls-options.ts';

type StatusRange = { readonly from: number; readonly to: number };

const STATUS = 'a status such as 200 or a range such as "300-399", from 100 to 599';
const status: Kind<StatusRange> = {
  expected: STATUS,
  schema: () => ({
    anyOf: [
      { type: 'integer', minimum: 100, maximum: 599 },
      { type: 'string', pattern: '^[1-5]\\d\\d-[1-5]\\d\\d$' },
    ],
  }),
  read(value, key, reading) {
    const written = value.type === 'integer' || value.type === 'string' ? String(value.value) : '';
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(written);
    const range = match && { from: Number(match[1]), to: Number(match[2] ?? match[1]) };
    if (range && range.from <= range.to) return range;
    reading.error(value.at, say.wrong(key, value, STATUS));
    return undefined;
  },
  write: ({ from, to }) => (from === to ? from : `${from}-${to}`),
};

export const httpOptions = {
  path: {
    is: text('a path that begins with "/", in ASCII', /^\/[!-"$-~]*$/),
    default: '/',
    doc: 'Path, and query, that is asked for.',
  },
  method: { is: choice<string>('GET', 'HEAD', 'OPTIONS', 'POST'), default: 'GET', doc: 'Request method.' },
  host: {
    is: text('a host name, with a port where needed', /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/),
    default: null,
    absent: "the server's address",
    doc: 'The `Host` header, and the name in TLS unless `sni` gives another.',
  },
  status: {
    is: list(status, 1, 100),
    default: ['200-299'],
    doc: 'Answers that count as good; each a status or a range in quotes.',
  },
  body: {
    is: pattern,
    default: null,
    absent: 'any body',
    doc: 'What the body must match somewhere: a JavaScript regular expression, in which `.` matches line ends too, and which is matched in linear time.',
  },
  ...tlsOptions,
} as const;
