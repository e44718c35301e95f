/** Every kind of check, and what makes its prober. A new kind is a folder beside this file and a line here. */

import { unreachable } from '../base/invariant.ts';
import type { CheckConfig } from '../config/config.ts';
import { createHttpProber } from './http/probe.ts';
import type { Prober, ProbeTarget } from './probe.ts';
import { createTcpProber } from './tcp/probe.ts';

export function createProber(check: CheckConfig, target: ProbeTarget): Prober {
  switch (check.type) {
    case 'tcp':
      return createTcpProber(check, target);
    case 'http':
    case 'https':
      return createHttpProber(check, target);
    default:
      return unreachable(check);
  }
}
