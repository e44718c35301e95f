/** Rules of what the checks share that open a connection: the limits of its phases, and TLS. */

import { placeOf } from '../base/option.ts';
import type { PhaseLimits, TlsConfig } from './config.ts';
import type { CheckDraft, Rules } from './rules.ts';
import { say } from './say.ts';

/** A check of any kind: what it does not have, nothing is said of. */
type Connecting = { readonly type?: string } & {
  readonly [K in keyof (PhaseLimits & TlsConfig)]?: (PhaseLimits & TlsConfig)[K];
};

const ONLY_OVER_TLS = ['sni', 'verify', 'ca', 'certificate', 'key', 'tlsTimeout'] as const;

export function checkConnection(check: CheckDraft, rules: Rules): void {
  const given: Connecting = check;
  const { ca, verify, certificate, key, connectTimeout, tlsTimeout } = given;
  const at = (name: string): number => placeOf(rules, check, name);
  const plain = plainBecause(check);
  if (plain !== undefined) {
    // What is as by default is written out in the effective config of a plain check too.
    for (const name of ONLY_OVER_TLS)
      if (name === 'verify' ? verify === false : given[name]) rules.error(at(name), say.tlsOnly(keyOf(name), plain));
  } else if (ca && verify === false) rules.warn(at('ca'), say.caUnused());
  if (certificate && key === null) rules.error(at('certificate'), say.halfCertificate('certificate', 'key'));
  if (key && certificate === null) rules.error(at('key'), say.halfCertificate('key', 'certificate'));
  for (const [name, limit] of Object.entries({ connectTimeout, tlsTimeout }))
    if (limit && check.timeout !== undefined && limit > check.timeout)
      rules.error(at(name), say.phaseTooLong(keyOf(name), limit, check.timeout));
}

/** What to write for TLS, when the check does not speak it. */
function plainBecause(check: CheckDraft): string | undefined {
  if (check.type === 'http') return 'type = "https"';
  if ('starttls' in check && check.starttls === false && check.tls === false) return 'starttls = true or tls = true';
  return !('starttls' in check) && 'tls' in check && check.tls === false ? 'tls = true' : undefined;
}

/** As it is written: the name in the program is the key in camel case. */
const keyOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
