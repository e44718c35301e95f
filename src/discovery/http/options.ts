/** Options of the discovery over HTTP, besides those of every discovery. */

import { duration, text } from '../../base/option-kinds.ts';
import { absolutePath } from '../../base/option-net.ts';
import { labelOptions } from '../label-options.ts';

const url = text('a URL that begins with "https://" or "http://"', /^https?:\/\/\S+$/, (written) => {
  if (!URL.canParse(written)) return 'which is no URL';
  const { username, password } = new URL(written);
  return username + password === '' ? undefined : 'which has a user or a password in it: use bearer_token_file';
});

export const httpOptions = {
  url: { is: url, doc: 'Where the list is had from, by GET.' },
  interval: { is: duration('1s', '1d'), default: '30s', doc: 'Time between two requests.' },
  timeout: {
    is: duration('100ms', '5m'),
    default: '10s',
    doc: 'Time for a whole request, from the lookup of the name to the end of the answer.',
  },
  ca: {
    is: absolutePath,
    default: null,
    absent: "the system's",
    doc: 'File of certificates to trust, PEM. Only over TLS.',
  },
  bearer_token_file: {
    is: absolutePath,
    default: null,
    absent: 'none',
    doc: 'File with a token that is sent as `Authorization: Bearer`, read anew each time.',
  },
  ...labelOptions,
} as const;
