/** The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words. */

/** The folded sum of all `parts`, each padded with a zero byte to an even length; not yet complemented. */
export function sum16(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += ((part[i] as number) << 8) | (part[i + 1] as number);
    if (part.length % 2 === 1) sum += (part[part.length - 1] as number) << 8;
  }
  return fold16(sum);
}

/** A sum with its carries added back in: 0 to 0xffff. Sums of parts may be added before (RFC 1071, 1 and 2). */
export function fold16(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + Math.floor(folded / 0x10000);
  return folded;
}

/** The checksum that a folded sum asks for: to put into a message which was summed with zero there. */
export const complement16 = (sum: number): number => ~sum & 0xffff;

/** Whether a folded sum is that of a message with its checksum, undamaged. */
export const isWhole = (sum: number): boolean => sum === 0xffff;
