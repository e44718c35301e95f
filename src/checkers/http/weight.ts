/** The weight that an answer asks for: `50`, absolute, or `75%` of the configured one. */

import type { Advice } from '../../health/verdict.ts';

/** Absolute 0 to 65535, or 0 to 10,000 percent; `undefined` when the text is neither. */
export function parseWeight(text: string): Advice['weight'] {
  const [, digits, share] = /^(\d{1,5})(%?)$/.exec(text) ?? [];
  const number = Number(digits);
  if (share === '%') return number <= 10_000 ? { percent: number } : undefined;
  return number <= 65_535 ? { weight: number } : undefined;
}
