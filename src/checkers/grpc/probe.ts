/** The `grpc` check: the health service of gRPC (grpc.health.v1.Health/Check) over HTTP/2, on a connection of its own. */

import type { GrpcCheckConfig } from '../../config/config.ts';
import { encodeRequest } from '../../wire/grpc-health.ts';
import { type Attempt, attempt, down, type Finding, type Opened } from '../attempt.ts';
import { MISSING, open } from '../connection.ts';
import { type Asked, authorityOf, type Link, nameOf } from '../exchange.ts';
import { http2Link, refusesHttp2 } from '../http2-link.ts';
import type { Prober, ProbeTarget } from '../probe.ts';
import { type Trust, trustOf } from '../trust.ts';
import { createHearing } from './hearing.ts';

const PATH = '/grpc.health.v1.Health/Check';
const FIELDS = [
  ['te', 'trailers'],
  ['content-type', 'application/grpc'],
  ['user-agent', 'lvskeeper'],
] as const;

export function createGrpcProber(check: GrpcCheckConfig, target: ProbeTarget): Prober {
  const trust = check.tls ? trustOf(check, nameOf(check.host, target), ['h2']) : null;
  const authority = authorityOf(check.host, target);
  const asked: Asked = {
    ...{ method: 'POST', path: PATH, authority, fields: FIELDS },
    body: encodeRequest(check.service),
  };
  let current: Attempt | undefined;

  function run() {
    current = attempt(check.timeout, (settle) => call(check, target, trust, asked, settle));
    return current.result;
  }
  return { run, close: () => current?.giveUp() };
}

function call(
  check: GrpcCheckConfig,
  target: ProbeTarget,
  trust: Trust | null,
  asked: Asked,
  settle: (finding: Finding) => void,
): Opened {
  const hearing = createHearing(check.service, settle);
  let link: Link | null = null;
  const connection = open(target, trust, check, (result) => {
    if (!result.ok) return settle(result.error);
    if (trust !== null && refusesHttp2(result.value)) return settle(down('TLS: the server does not offer HTTP/2'));
    link = http2Link(result.value, connection, trust === null ? 'http' : 'https');
    link.ask(asked, true, hearing);
  });
  return {
    waitingFor: () => MISSING[connection.phase()] ?? hearing.waitingFor(),
    learned: connection.learned,
    release: () => (link ?? connection).end(),
  };
}
