/**
 * What a director found of its servers, for the others: `GET /verdicts` of one is read by the rest. Only servers that are
 * checked stand in it. What came from a peer is taken whole or not at all; fields that are not known here are passed over,
 * so that directors of two versions understand each other.
 */

import { printable } from '../base/printable.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ServerState } from './event.ts';

export type Verdicts = {
  readonly director: string;
  readonly version: string;
  /** The moment of the answer by its own clock, as each `since` is: clocks of two directors differ. RFC 3339. */
  readonly at: string;
  readonly services: readonly ServiceVerdicts[];
};
export type ServiceVerdicts = { readonly name: string; readonly servers: readonly ServerVerdict[] };
export type ServerVerdict = {
  readonly name: string;
  readonly address: string;
  readonly state: ServerState;
  readonly since: string;
  /** Why it is down; empty while it is not. */
  readonly reason: string;
};

/** Characters of a text that is shown. */
const MOST_TEXT = 300;

/** The answer of a peer, or why it is none: `its answer has no services[2].name`. */
export function decodeVerdicts(text: string): Result<Verdicts, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return err('its answer is no JSON, or was cut short');
  }
  try {
    return ok(verdictsOf(parsed));
  } catch (error) {
    if (error instanceof Missing) return err(`its answer has no ${error.message}`);
    throw error;
  }
}

/** A field that is not there, or is of another type. */
class Missing extends Error {}

const verdictsOf = (answer: unknown): Verdicts => ({
  director: name(answer, 'director', ''),
  version: name(answer, 'version', ''),
  at: date(answer, 'at', ''),
  services: list(answer, 'services', '').map((service, i) => serviceOf(service, `services[${i}].`)),
});

const serviceOf = (service: unknown, where: string): ServiceVerdicts => ({
  name: name(service, 'name', where),
  servers: list(service, 'servers', where).map((server, i) => serverOf(server, `${where}servers[${i}].`)),
});

function serverOf(server: unknown, where: string): ServerVerdict {
  const state = field(server, 'state');
  if (typeof state !== 'string') throw new Missing(`${where}state`);
  return {
    name: name(server, 'name', where),
    address: name(server, 'address', where),
    // One that is not known here says neither.
    state: state === 'up' || state === 'down' ? state : 'unknown',
    since: date(server, 'since', where),
    reason: reasonOf(field(server, 'reason')),
  };
}

const field = (of: unknown, key: string): unknown =>
  typeof of === 'object' && of !== null ? (of as Readonly<Record<string, unknown>>)[key] : undefined;

function name(of: unknown, key: string, where: string): string {
  const value = field(of, key);
  if (typeof value !== 'string' || value === '' || value.length > MOST_TEXT) throw new Missing(where + key);
  return printable(value);
}

function date(of: unknown, key: string, where: string): string {
  const value = field(of, key);
  if (typeof value !== 'string' || Number.isNaN(Date.parse(value))) throw new Missing(where + key);
  return new Date(value).toISOString();
}

function list(of: unknown, key: string, where: string): readonly unknown[] {
  const value = field(of, key);
  if (!Array.isArray(value)) throw new Missing(where + key);
  return value;
}

const reasonOf = (value: unknown): string =>
  typeof value === 'string' ? printable(value.slice(0, MOST_TEXT)).trim() : '';
