/** Orders as the control API takes them, JSON to a value. Throws an `HttpError` that names the field. */

import { nearest } from '../base/nearest.ts';
import { type Duration, milliseconds, seconds } from '../base/time.ts';
import type {
  AddServerRequest,
  ApplyRequest,
  FailoverRequest,
  OrderRequest,
  ReloadRequest,
  RemoveServerRequest,
  ServerOrderRequest,
  ServerTakeBack,
} from './director.ts';
import { HttpError } from './http.ts';

/** How long a failover lasts unless said otherwise: long enough to work on the other director, short enough to be forgotten. */
const FAILOVER_LIFETIME = seconds(600);
const LONGEST_LIFETIME = seconds(366 * 86_400);

/** `absent`: what a missing field counts as; a field without it is required. */
type Field<T> = {
  readonly read: (value: unknown) => T | undefined;
  readonly expected: string;
  readonly absent?: T;
};
type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

const text = (absent: string): Field<string> => ({
  read: (value) => (typeof value === 'string' && value.length <= 200 ? value : undefined),
  expected: 'a text of at most 200 characters',
  absent,
});
const lifetime = (absent: Duration | null): Field<Duration | null> => ({
  read: (value) => {
    if (value === null) return null;
    const good = typeof value === 'number' && value > 0 && value <= LONGEST_LIFETIME;
    return good ? milliseconds(value) : undefined;
  },
  expected: 'a number of milliseconds, more than 0 and at most a year, or null: until it is taken back',
  absent,
});
const kind: Field<OrderRequest['kind']> = {
  read: (value) => (value === 'promote' || value === 'demote' ? value : undefined),
  expected: '"promote" or "demote"',
};
const routerName: Field<string | null> = {
  read: (value) => (typeof value === 'string' || value === null ? value : undefined),
  expected: 'the name of a virtual router, or null: all of them',
  absent: null,
};
const toBackup: Field<boolean> = {
  read: (value) => (typeof value === 'boolean' ? value : undefined),
  expected: 'true or false',
  absent: false,
};

const SERVER_KINDS = ['drain', 'disable', 'weight'] as const;
const serverKind: Field<ServerOrderRequest['kind']> = {
  read: (value) => SERVER_KINDS.find((one) => one === value),
  expected: '"drain", "disable" or "weight"',
};
const weight: Field<number | null> = {
  read: (value) => {
    if (value === null) return null;
    return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65535 ? Number(value) : undefined;
  },
  expected: 'a whole number, 1 to 65535, with the kind "weight"; a weight of 0 is the kind "drain"',
  absent: null,
};
const server: Field<string> = {
  read: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
  expected: 'the name or the address of a server',
};
const serviceName: Field<string | null> = {
  read: (value) => (typeof value === 'string' || value === null ? value : undefined),
  expected: 'the name of a service, or null: every one that has the server',
  absent: null,
};

const SERVER_ORDER = {
  server,
  service: serviceName,
  kind: serverKind,
  weight,
  for_ms: lifetime(null),
  reason: text(''),
  by: text('api'),
};
const SERVER_TAKE_BACK = { server, service: serviceName, kind: { ...serverKind, absent: null }, by: text('api') };

/** Long enough to look at what a change has done; no forgotten trial lasts for ever. */
const LONGEST_TRIAL = seconds(86_400);
const SHORTEST_TRIAL = seconds(1);
const trialTime: Field<Duration> = {
  read: (value) => {
    const good = typeof value === 'number' && value >= SHORTEST_TRIAL && value <= LONGEST_TRIAL;
    return good ? milliseconds(value) : undefined;
  },
  expected: 'a number of milliseconds, 1000 (1 s) to 86400000 (24 h)',
};
const toml: Field<string> = {
  // As a file gives it back, without a byte order mark and half surrogate pairs: else it could never be confirmed.
  read: (value) => (typeof value === 'string' && value.isWellFormed() ? value.replace(/^\uFEFF/, '') : undefined),
  expected: 'the config, TOML in whole Unicode characters',
};

const AUTHOR = { reason: text(''), by: text('api') };
const switchedOn: Field<'0' | '1'> = {
  read: (value) => (value === '0' || value === '1' ? value : undefined),
  expected: '1, or 0',
  absent: '0',
};

const ORDER = { kind, for_ms: lifetime(null), reason: text(''), by: text('api') };
const FAILOVER = {
  router: routerName,
  to_backup: toBackup,
  for_ms: lifetime(FAILOVER_LIFETIME),
  reason: text(''),
  by: text('api'),
};

export function orderRequest(body: string): OrderRequest {
  const { for_ms, ...rest } = read(ORDER, body);
  return { ...rest, lifetime: for_ms };
}

export function failoverRequest(body: string): FailoverRequest {
  const { for_ms, to_backup, ...rest } = read(FAILOVER, body === '' ? '{}' : body);
  return { ...rest, lifetime: for_ms, toBackup: to_backup };
}

export function serverOrderRequest(body: string): ServerOrderRequest {
  const { for_ms, kind: sort, weight: to, ...rest } = read(SERVER_ORDER, body);
  const terms = { ...rest, lifetime: for_ms };
  if (sort !== 'weight') {
    if (to !== null) throw bad(`weight does not go with ${sort}`, 'Leave it out.');
    return { ...terms, kind: sort, weight: null };
  }
  if (to === null) throw bad('weight is missing', `Give ${weight.expected}.`);
  return { ...terms, kind: sort, weight: to };
}

export const serverTakeBack = (query: URLSearchParams): ServerTakeBack =>
  valuesOf(SERVER_TAKE_BACK, Object.fromEntries(query));

/** What is in it besides who asks, and why, is judged by the rules of the config file. */
export function addServerRequest(body: string): AddServerRequest {
  const { reason, by, ...table } = objectOf(body, '{"address":"10.0.0.23:80","reason":"more load"}');
  return { table, ...valuesOf(AUTHOR, { ...(reason !== undefined && { reason }), ...(by !== undefined && { by }) }) };
}

export const removeServerRequest = (query: URLSearchParams): RemoveServerRequest =>
  valuesOf({ server, ...AUTHOR }, Object.fromEntries(query));

export function applyRequest(body: string): ApplyRequest {
  const values = valuesOf(
    { text: toml, confirm_ms: trialTime, by: text('api') },
    objectOf(body, '{"text":"…","confirm_ms":300000}'),
  );
  return { text: values.text, lifetime: values.confirm_ms, by: values.by };
}

export function reloadRequest(query: URLSearchParams): ReloadRequest {
  const values = valuesOf({ discard: switchedOn, by: text('api') }, Object.fromEntries(query));
  return { ...values, discard: values.discard === '1' };
}

const read = <F extends Fields>(fields: F, body: string): Values<F> => valuesOf(fields, objectOf(body));

function valuesOf<F extends Fields>(fields: F, given: Readonly<Record<string, unknown>>): Values<F> {
  const names = Object.keys(fields);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = nearest(unknown, names);
    throw bad(
      `there is no field ${unknown}`,
      near === undefined ? `Use ${names.join(', ')}.` : `Did you mean ${near}?`,
    );
  }
  const entries = Object.entries(fields).map(([name, { read: readOne, expected, absent }]) => {
    const there = Object.hasOwn(given, name);
    const value = there ? readOne(given[name]) : absent;
    if (value === undefined) throw bad(there ? `${name} is wrong` : `${name} is missing`, `Give ${expected}.`);
    return [name, value];
  });
  return Object.fromEntries(entries) as Values<F>;
}

function objectOf(
  body: string,
  example = '{"kind":"demote","reason":"kernel upgrade"}',
): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Said below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad('the body is not a JSON object', `Send one, such as ${example}.`);
  return value as Readonly<Record<string, unknown>>;
}

const bad = (what: string, todo: string): HttpError => new HttpError(400, 'bad-request', what, todo);
