/** Reads `messages.txt`: annotated bytes, each with what they mean. */

import { readFileSync } from 'node:fs';
import { fromHex } from '../../../src/base/bytes.ts';

export type GoldenMessage = {
  readonly name: string;
  readonly kind: string;
  /** What the message says, where that is a value of the codec. */
  readonly value: unknown;
  readonly bytes: Uint8Array;
};

export function goldenMessages(): GoldenMessage[] {
  const text = readFileSync(new URL('./messages.txt', import.meta.url), 'utf8').replace(/^#.*\n/gm, '');
  return text
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => {
      const fields = new Map<string, string>();
      let hex = '';
      for (const line of paragraph.split('\n')) {
        const field = /^([a-z]+): (.*)$/.exec(line);
        if (field) fields.set(field[1] as string, field[2] as string);
        else hex += (line.split('|')[0] as string).trim();
      }
      const { message = '', kind = '', value } = Object.fromEntries(fields);
      return { name: message, kind, value: value && JSON.parse(value), bytes: fromHex(hex) };
    });
}
