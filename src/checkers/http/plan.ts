/** What of a check is made once, for all servers that it probes: they can be thousands. */

import { parsePointer } from '../../base/json-pointer.ts';
import { toLinear } from '../../base/linear-pattern.ts';
import type { HttpCheckConfig } from '../../config/config.ts';
import { MOST_SAID } from '../../system/tcp-line.ts';

export type Plan = {
  readonly check: HttpCheckConfig;
  /** Those of `headers`, and ours where they have none of that name. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly requestBody: Buffer | null;
  readonly body: RegExp | null;
  readonly bodyAbsent: RegExp | null;
  readonly json: readonly Expected[];
  /** Whether every request fits into what a bare line may say at once. */
  readonly brief: boolean;
  /** Lower case. */
  readonly weightHeader: string | null;
  readonly weightJson: Pointer | null;
  /** Whether anything depends on the body of the answer. */
  readonly reads: boolean;
};
export type Pointer = { readonly written: string; readonly parts: readonly string[] };
export type Expected = { readonly at: Pointer; readonly value: string | number | boolean };

const plans = new WeakMap<HttpCheckConfig, Plan>();

export function planOf(check: HttpCheckConfig): Plan {
  const made = plans.get(check) ?? makePlan(check);
  plans.set(check, made);
  return made;
}

/** Room for what is the check's own: the method, `Host`, `Connection` and such. */
const OWN = 300;
const OURS = { 'User-Agent': 'lvskeeper', Accept: '*/*' };

function makePlan(check: HttpCheckConfig): Plan {
  const written = [...Object.entries(check.headers).flat(), ...check.paths, check.host ?? ''];
  const given = new Set(Object.keys(check.headers).map((name) => name.toLowerCase()));
  const json = Object.entries(check.json).map(([at, value]): Expected => ({ at: pointerOf(at), value }));
  const weightJson = check.weightJson === null ? null : pointerOf(check.weightJson);
  return {
    check,
    fields: [
      ...Object.entries(OURS).filter(([name]) => !given.has(name.toLowerCase())),
      ...Object.entries(check.headers),
    ],
    requestBody: check.requestBody === null ? null : Buffer.from(check.requestBody),
    body: check.body && toLinear(check.body),
    bodyAbsent: check.bodyAbsent && toLinear(check.bodyAbsent),
    json,
    brief: check.requestBody === null && written.reduce((sum, { length }) => sum + length + 4, OWN) <= MOST_SAID,
    weightHeader: check.weightHeader?.toLowerCase() ?? null,
    weightJson,
    reads: check.body !== null || check.bodyAbsent !== null || json.length > 0 || weightJson !== null,
  };
}

const pointerOf = (written: string): Pointer => ({ written, parts: parsePointer(written) ?? [] });
