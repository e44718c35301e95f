/** Options of the HTTP and HTTPS checks, besides those of every check. */

import { parsePointer } from '../../base/json-pointer.ts';
import type { Kind } from '../../base/option.ts';
import { choice, integer, list, oneOrMore, record, text, wrong, yesNo } from '../../base/option-kinds.ts';
import { quoted, say } from '../../base/option-say.ts';
import { secureConnectionOptions } from '../connection-options.ts';
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

const path = text('a path that begins with "/", in ASCII', /^\/[!-"$-~]*$/);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FIELD_VALUE = text('a header value in ASCII, on one line', /^[\t\x20-\x7e]*$/);

/** Fields that the check sets itself (RFC 9110, 7.6.1; RFC 9112, 6), with what to write for them. */
const OWN_FIELDS: Readonly<Record<string, string>> = {
  host: 'the option host',
  connection: 'the option keep_alive',
  'keep-alive': 'the option keep_alive',
  'content-length': 'nothing: it follows from request_body',
  ...Object.fromEntries(
    ['expect', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'].map((name) => [
      name,
      'nothing: it is for the connection alone',
    ]),
  ),
};

function refuseField(name: string): string | undefined {
  if (!TOKEN.test(name)) return `${quoted(name)} is no header name, expected letters, digits and "-" (RFC 9110, 5.1)`;
  const instead = OWN_FIELDS[name.toLowerCase()];
  return instead && `header ${name} is set by the check, expected ${instead}`;
}

const pointer = text('a JSON pointer such as "/state" (RFC 6901)', /^(\/.*)?$/s, (written) =>
  parsePointer(written) === undefined ? 'in which a "~" is neither ~0 nor ~1' : undefined,
);
const refusePointer = (key: string): string | undefined =>
  parsePointer(key) === undefined
    ? `${quoted(key)} is no JSON pointer, expected one such as "/state" (RFC 6901)`
    : undefined;

const SCALAR = 'text, a number, true or false';
const scalar: Kind<string | number | boolean> = {
  expected: SCALAR,
  schema: () => ({ type: ['string', 'number', 'boolean'] }),
  read(value, key, reading) {
    if (value.type === 'string' || value.type === 'float' || value.type === 'boolean') return value.value;
    if (value.type !== 'integer') return wrong(value, key, reading, SCALAR);
    if (Number.isSafeInteger(Number(value.value))) return Number(value.value);
    return wrong(value, key, reading, SCALAR, 'more than a number in JSON holds exactly');
  },
  write: (value) => value,
};

export const httpOptions = {
  version: {
    is: choice('1.1', '2'),
    default: '1.1',
    doc: 'Version of HTTP; 2 without TLS needs a server that takes it without asking (h2c by prior knowledge).',
  },
  path: {
    is: oneOrMore(path, 32, 1),
    default: '/',
    as: 'paths',
    doc: 'Path, and query, that is asked for; or several, asked in order, each of which must be answered as expected.',
  },
  method: {
    is: text('a request method such as "GET"', /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/, (method) =>
      method === 'CONNECT' ? 'which asks for a tunnel' : undefined,
    ),
    default: 'GET',
    doc: 'Request method.',
  },
  host: {
    is: text('a host name, with a port where needed', /^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$/),
    default: null,
    absent: "the server's address",
    doc: 'The `Host` header, and the name in TLS unless `sni` gives another.',
  },
  headers: {
    is: record('a table of header names and values', FIELD_VALUE, refuseField),
    default: {},
    doc: 'Headers to send besides, for example `{ Authorization = "Bearer …" }`.',
  },
  request_body: {
    is: text('text of at most 16,384 characters', /^[\s\S]{0,16384}$/),
    default: null,
    absent: 'no body',
    doc: 'Body of the request, sent in UTF-8.',
  },
  keep_alive: {
    is: yesNo,
    default: false,
    doc: 'Whether the connection is kept for the next probe: it costs less, and does not see whether the server still accepts.',
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
    doc: 'What the body of the answer must match somewhere: a JavaScript regular expression, in which `.` matches line ends too, and which is matched in linear time.',
  },
  body_absent: {
    is: pattern,
    default: null,
    absent: 'any body',
    doc: 'What the body of the answer must match nowhere; an expression as `body`.',
  },
  json: {
    is: record('a table of JSON pointers and the values there', scalar, refusePointer),
    default: {},
    doc: 'What the body of the answer, which must be JSON then, must say: values by JSON pointers (RFC 6901), for example `{ "/state" = "ok" }`.',
  },
  max_body: {
    is: integer(1, 1_048_576),
    default: 65_536,
    doc: 'How many bytes of the body of the answer are read; what follows does not count.',
  },
  weight_header: {
    is: text('a header name', TOKEN),
    default: null,
    absent: 'the weight does not depend on the answer',
    doc: 'Header of the answer that has the weight of the server: 0 to 65535, or a share of the configured one, such as `75%`.',
  },
  weight_json: {
    is: pointer,
    default: null,
    absent: 'the weight does not depend on the answer',
    doc: 'JSON pointer to the weight of the server in the body of the answer: a number or text as in `weight_header`.',
  },
  ...secureConnectionOptions,
  ...tlsOptions,
} as const;
