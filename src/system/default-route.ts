/** The default route of IPv4, as /proc/net/route has it: rtnetlink would have to be asked for every route there is. */

import { open } from 'node:fs/promises';
import { type IpAddress, ipFromBytes } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';

/** `gateway`: `null` when its packets leave without one. */
export type DefaultRoute = { readonly gateway: IpAddress | null; readonly interface: string };

/** linux/route.h */
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;
const RTF_REJECT = 0x200;
/** Routes stand in the order of their networks, so those of 0.0.0.0 come first, 128 bytes each. */
const HEAD = 16_384;

/** The one of the main table with the lowest metric; `null`: there is none. Refused with an errno name. */
export async function defaultRoute(path = '/proc/net/route'): Promise<Result<DefaultRoute | null, string>> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
      return ok(defaultOf(buffer.toString('latin1', 0, bytesRead)));
    } finally {
      await file.close();
    }
  } catch (error) {
    return err((error as NodeJS.ErrnoException).code ?? String(error));
  }
}

/** Columns: interface, destination, gateway, flags, references, use, metric, mask; addresses as words of the machine. */
function defaultOf(text: string): DefaultRoute | null {
  let best: (DefaultRoute & { readonly metric: number }) | null = null;
  for (const line of text.split('\n').slice(1)) {
    const [name = '', destination, gateway = '', flags = '', , , metric = '', mask] = line.trim().split(/\s+/);
    if (destination !== '00000000' || mask !== '00000000') continue;
    const bits = Number.parseInt(flags, 16);
    if ((bits & RTF_UP) === 0 || (bits & RTF_REJECT) !== 0) continue;
    if (best !== null && best.metric <= Number(metric)) continue;
    best = { gateway: (bits & RTF_GATEWAY) === 0 ? null : wordOf(gateway), interface: name, metric: Number(metric) };
  }
  return best && { gateway: best.gateway, interface: best.interface };
}

/** Little-endian, as both architectures are that lvskeeper runs on. */
const wordOf = (hex: string): IpAddress => ipFromBytes(Uint8Array.from(Buffer.from(hex, 'hex').reverse()));
