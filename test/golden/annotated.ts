/**
 * Reads a file of annotated bytes: one packet a paragraph, `name: value` lines, then hex digits with what they mean
 * behind a `|`. Lines that begin with `#` are for the reader.
 */

import { readFileSync } from 'node:fs';
import { fromHex } from '../../src/base/bytes.ts';

export type Annotated = { readonly fields: ReadonlyMap<string, string>; readonly bytes: Uint8Array };

export function annotated(file: URL): Annotated[] {
  const text = readFileSync(file, 'utf8').replace(/^#.*\n/gm, '');
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
      return { fields, bytes: fromHex(hex) };
    });
}
