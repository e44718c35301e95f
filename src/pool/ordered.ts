/** An operator's order for a server, and the place of one that it takes out. */

import { type OnFailure, type Place, place, type Standing } from './weights.ts';

/** `drain`: no new connections. `disable`: not in the table. */
export type OutWord = { readonly kind: 'drain' | 'disable'; readonly weight: null };
/** `weight`: another one while it is up, 1 to 65535. */
export type ServerWord = OutWord | { readonly kind: 'weight'; readonly weight: number };

/** Whether the order takes the server out: then it does not count as up, whatever its health. */
export const isOut = (word: ServerWord | null): word is OutWord => word !== null && word.kind !== 'weight';

/**
 * The place of a server that is taken out. An order stands above health where it makes less of a server. It never makes
 * more: a failed server that would be removed is, since clients would be kept on it.
 */
export const outPlace = ({ kind }: OutWord, onFailure: OnFailure, server: Standing): Place =>
  kind === 'disable' || place(onFailure, server) === 'absent' ? 'absent' : 0;
