/** Options of the webhook alert, besides those of every alert. */

import { record, text } from '../../base/option-kinds.ts';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Headers that are the transport's own: setting them would break the request (RFC 9110, 7.6.1; RFC 9112, 6). */
const TRANSPORT = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
];

function refuseHeader(name: string): string | undefined {
  if (!TOKEN.test(name))
    return `${JSON.stringify(name)} is no header name, expected letters, digits and "-" (RFC 9110, 5.1)`;
  if (TRANSPORT.includes(name.toLowerCase())) return `header ${name} is set by the transport, expected another header`;
  return undefined;
}

export const webhookOptions = {
  url: {
    is: text('a URL that begins with "https://" or "http://"', /^https?:\/\/\S+$/, (url) =>
      URL.canParse(url) ? undefined : 'which is no URL',
    ),
    doc: 'Where each alert is sent to, as JSON in a POST request.',
  },
  headers: {
    is: record(
      'a table of header names and values',
      text('a header value, on one line', /^[\t\x20-\x7e\x80-\xff]*$/),
      refuseHeader,
    ),
    default: {},
    doc: 'Headers to send besides, for example `{ Authorization = "Bearer …" }`.',
  },
} as const;
