/** The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words. */

/** The folded sum of all `parts`, each padded with a zero byte to an even length; not yet complemented. */
export function sum16(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] as number);
    if (part.length % 2 === 1) sum += (part[part.length - 1] as number) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

/** The checksum to put into a message whose checksum field is zero. */
export const checksum16 = (...parts: readonly Uint8Array[]): number => ~sum16(...parts) & 0xffff;

/** Whether a message that contains its checksum adds up. */
export const addsUp = (...parts: readonly Uint8Array[]): boolean => sum16(...parts) === 0xffff;
