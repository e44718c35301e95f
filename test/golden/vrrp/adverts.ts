/** Reads `adverts.txt`: annotated bytes, each with what they mean. */

import { readFileSync } from 'node:fs';
import { type IpAddress, ip } from '../../../src/base/address.ts';
import { fromHex } from '../../../src/base/bytes.ts';

export type GoldenAdvert = {
  readonly name: string;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly fields: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
};

export function goldenAdverts(): GoldenAdvert[] {
  const text = readFileSync(new URL('./adverts.txt', import.meta.url), 'utf8').replace(/^#.*\n/gm, '');
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
      const source = ip(fields.get('source') as string);
      const destination = ip(fields.get('destination') as string);
      return { name: fields.get('advert') as string, source, destination, fields, bytes: fromHex(hex) };
    });
}
