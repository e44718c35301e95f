/** The place of one server of a service in the kernel's table, and why it has that one. */

import type { Duration, Instant } from '../base/time.ts';
import { isOut, outPlace, type ServerWord } from './ordered.ts';
import { ramp } from './ramp.ts';
import { type OnFailure, type Place, place, type Standing } from './weights.ts';

export type Member = Standing & {
  /** When `health` became what it is. */
  readonly since: Instant;
  /** When it came back after it had been down, while we ran; `null`: it never was. */
  readonly cameBack: Instant | null;
  /** The operator's order that is in force; `null`: none. */
  readonly word: ServerWord | null;
  /** The weight that it asks for by its checks; `null`: that of the config. */
  readonly asked: number | null;
  /** It asks to be out of service: it is out like one that failed, and stays so in a panic too. */
  readonly asksOut: boolean;
};

/**
 * `up`: it has its weight. `slow-start`: it is on the way there. `unknown`: it stays as the kernel has it. `failed`: it is out
 * by its check. `kept`: failed, and in all the same, since as many servers are out as may be. `panic`: failed, and in, since
 * hardly any is left. `sorry`: it has no weight, since the sorry servers are in. `ordered`: an operator has taken it out.
 */
export type Why = 'up' | 'slow-start' | 'unknown' | 'failed' | 'kept' | 'panic' | 'sorry' | 'ordered';

/** `next`: when the place changes by itself; absent: never. */
export type Seat = { readonly place: Place; readonly why: Why; readonly next?: Instant };

/** How things are with the service as a whole. */
export type Scene = {
  readonly onFailure: OnFailure;
  readonly slowStart: Duration;
  /** The sorry servers are in. */
  readonly sorry: boolean;
  readonly panic: boolean;
  /** The server is among those that may be out. */
  readonly isEjected: (server: Member) => boolean;
};

/** The server with the weight that an operator gives it, or else that it asks for. */
export function ordered(server: Member): Member {
  const { word, weight, asked } = server;
  const given = word?.kind === 'weight' ? word.weight : (asked ?? weight);
  return given === weight ? server : { ...server, weight: given };
}

/** `server`: as `ordered` makes it. */
export function seat(scene: Scene, server: Member, now: Instant): Seat {
  if (isOut(server.word)) return { place: outPlace(server.word, scene.onFailure, server), why: 'ordered' };
  if (server.asksOut) return { place: place(scene.onFailure, { ...server, health: 'down' }), why: 'failed' };
  const usual = seatByHealth(scene, server, now);
  if (!scene.sorry) return usual;
  const out = usual.place === 'absent' ? 'absent' : 0;
  return { place: out, why: usual.why === 'failed' || usual.why === 'unknown' ? usual.why : 'sorry' };
}

function seatByHealth(scene: Scene, server: Member, now: Instant): Seat {
  switch (server.health) {
    case 'up':
    case 'unchecked':
      return seatOfUp(scene, server, now);
    case 'down':
      return seatOfDown(scene, server);
    case 'unknown':
      return { place: place(scene.onFailure, server), why: 'unknown' };
  }
}

/** In a panic a server that is well is not spared: the failed ones beside it have all of their weight. */
function seatOfUp({ onFailure, slowStart, panic }: Scene, server: Member, now: Instant): Seat {
  const { weight, cameBack } = server;
  const on = cameBack === null || panic ? undefined : ramp(weight, slowStart, cameBack, now);
  if (on === undefined) return { place: place(onFailure, server), why: 'up' };
  return { place: on.weight, why: 'slow-start', next: on.next };
}

function seatOfDown({ onFailure, panic, isEjected }: Scene, server: Member): Seat {
  if (panic) return { place: server.weight, why: 'panic' };
  return isEjected(server) ? { place: place(onFailure, server), why: 'failed' } : { place: server.weight, why: 'kept' };
}
