/** One line of the table: a check, a manner, and what is to come of it; and how that is found out. */

import assert from 'node:assert/strict';
import { ip } from '../../src/base/address.ts';
import type { Advice, ProbeResult, ProbeTarget } from '../../src/checkers/probe.ts';
import { createProber } from '../../src/checkers/registry.ts';
import type { CheckConfig } from '../../src/config/config.ts';
import { load } from '../../src/config/load.ts';
import { probedAt } from '../../src/config/service-words.ts';
import type { Manner, Place } from './places.ts';

/**
 * Outcome and reason, as in `down: connection refused`. `{path}` and other names in braces are of the place. Where it has
 * `{timeout}` the probe has a short one, which is to expire; any other ends by itself.
 */
export type Verdict = `${'up' | 'down' | 'local-error'}: ${string}`;

export type Row = {
  readonly what: string;
  readonly toml: string;
  readonly manner: Manner;
  readonly verdict: Verdict | RegExp;
  /** What the server asks for besides, where that matters. */
  readonly advice?: Advice;
};

/** Far more than any answer takes, and what is waited for where none comes: no shorter, as some have to come before it. */
const LONG = '10s';
const SHORT = '400 ms';

/** The address of a server whose place does not say. */
const HERE = '127.0.0.1';

export type Aimed = { readonly check: CheckConfig; readonly target: ProbeTarget };

/** The check as `lvskeeper` reads it from a file, and where it goes. */
export function aim(toml: string, place: Place, timeout: string): Aimed {
  const address = String(place.address ?? HERE);
  const text = `
    [[service]]
    name      = "checked"
    address   = "${address.includes(':') ? '[2001:db8::10]' : '192.0.2.10'}:80"
    forward   = "nat"
    scheduler = "rr"
    [service.check]
    interval = "10s"
    timeout  = "${timeout}"
    ${fillIn(toml, place)}
    [[service.server]]
    address = "${address.includes(':') ? `[${address}]` : address}:${place.port ?? 80}"`;
  const { config: read, issues } = load(text, { hostName: 'lb1' });
  const [service] = read?.services ?? [];
  const [check] = service?.checks ?? [];
  const [server] = service?.servers ?? [];
  assert.ok(service && check && server, `${issues.map(({ message }) => message).join('\n')}\n${text}`);
  const at = probedAt(service, check, server.address);
  const target = { address: at, source: place.source === undefined ? null : ip(String(place.source)) };
  return { check, target: { ...target, sourcePort: null, device: null, mark: null } };
}

export const fillIn = (text: string, place: Place): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => String(place[name] ?? whole));

export const isToExpire = ({ verdict }: Pick<Row, 'verdict'>): boolean => String(verdict).includes('{timeout}');
export const timeoutOf = (row: Pick<Row, 'verdict'>): string => (isToExpire(row) ? SHORT.replace(' ', '') : LONG);

/** Runs the check once. */
export async function probe({ check, target }: Aimed): Promise<ProbeResult> {
  const prober = createProber(check, target);
  const result = await prober.run();
  prober.close();
  return result;
}

/** What came of it must be what the row says. */
export function judge(
  row: Pick<Row, 'verdict' | 'advice'>,
  place: Place,
  { outcome, reason, advice }: ProbeResult,
): void {
  const said = `${outcome}: ${reason}`;
  if (row.verdict instanceof RegExp) assert.match(said, row.verdict);
  else assert.equal(said, fillIn(row.verdict, { ...place, timeout: SHORT }));
  if (row.advice !== undefined) assert.deepEqual(advice, row.advice);
}

/** A probe that was held up says nothing of anybody; on a machine that is so busy it is made again. */
export const wasHeldUp = ({ outcome, reason }: ProbeResult): boolean =>
  outcome === 'local-error' && reason.includes('this process was held up');
