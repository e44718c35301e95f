/** Reads `adverts.txt`: annotated bytes, each with what they mean. */

import { type IpAddress, ip } from '../../../src/base/address.ts';
import { fromHex, viewOf } from '../../../src/base/bytes.ts';
import { type Annotated, annotated } from '../annotated.ts';

/** Key 1 of the signed ones. */
export const GOLDEN_KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

export type GoldenAdvert = Annotated & {
  readonly name: string;
  readonly version: 2 | 3;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Of the signed ones; 0: it is not. */
  readonly stamp: bigint;
};

export const goldenAdverts = (): GoldenAdvert[] =>
  annotated(new URL('./adverts.txt', import.meta.url)).map(({ fields, bytes }) => {
    const { advert = '', source = '', destination = '', stamp = '0000000000000000' } = Object.fromEntries(fields);
    const version = advert.startsWith('v2') ? 2 : 3;
    const when = viewOf(fromHex(stamp)).getBigUint64(0);
    return { name: advert, version, source: ip(source), destination: ip(destination), stamp: when, fields, bytes };
  });
