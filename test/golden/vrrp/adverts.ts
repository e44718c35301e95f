/** Reads `adverts.txt`: annotated bytes, each with what they mean. */

import { type IpAddress, ip } from '../../../src/base/address.ts';
import { type Annotated, annotated } from '../annotated.ts';

export type GoldenAdvert = Annotated & {
  readonly name: string;
  readonly source: IpAddress;
  readonly destination: IpAddress;
};

export const goldenAdverts = (): GoldenAdvert[] =>
  annotated(new URL('./adverts.txt', import.meta.url)).map(({ fields, bytes }) => {
    const { advert = '', source = '', destination = '' } = Object.fromEntries(fields);
    return { name: advert, source: ip(source), destination: ip(destination), fields, bytes };
  });
