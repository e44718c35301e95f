/** Reads `messages.txt`: annotated bytes, each with what they mean. */

import { annotated } from '../annotated.ts';

export type GoldenMessage = {
  readonly name: string;
  readonly kind: string;
  /** What the message says, where that is a value of the codec. */
  readonly value: unknown;
  readonly bytes: Uint8Array;
};

export const goldenMessages = (): GoldenMessage[] =>
  annotated(new URL('./messages.txt', import.meta.url)).map(({ fields, bytes }) => {
    const { message = '', kind = '', value } = Object.fromEntries(fields);
    return { name: message, kind, value: value && JSON.parse(value), bytes };
  });
