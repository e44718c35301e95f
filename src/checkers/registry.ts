/** Every kind of check, and what makes its prober. A new kind is a folder beside this file and a line here. */

import { unreachable } from '../base/invariant.ts';
import type { CheckConfig } from '../config/config.ts';
import { createAgentProber } from './agent/probe.ts';
import { createDnsProber } from './dns/probe.ts';
import { createExecProber } from './exec/probe.ts';
import { createFileProber } from './file/probe.ts';
import { createGrpcProber } from './grpc/probe.ts';
import { createHttpProber } from './http/probe.ts';
import { createPingProber } from './ping/probe.ts';
import type { Prober, ProbeTarget } from './probe.ts';
import { createSmtpProber } from './smtp/probe.ts';
import { createTcpProber } from './tcp/probe.ts';
import { createUdpProber } from './udp/probe.ts';

export function createProber(check: CheckConfig, target: ProbeTarget): Prober {
  switch (check.type) {
    case 'tcp':
      return createTcpProber(check, target);
    case 'http':
    case 'https':
      return createHttpProber(check, target);
    case 'smtp':
      return createSmtpProber(check, target);
    case 'grpc':
      return createGrpcProber(check, target);
    case 'dns':
      return createDnsProber(check, target);
    case 'udp':
      return createUdpProber(check, target);
    case 'ping':
      return createPingProber(check, target);
    case 'exec':
      return createExecProber(check, target);
    case 'agent':
      return createAgentProber(check, target);
    case 'file':
      return createFileProber(check, target);
    default:
      return unreachable(check);
  }
}
