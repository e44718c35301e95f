/** Opens the connection of a check and gives it as a link: a bare line where that will do, a socket, or a session of HTTP/2. */

import { err, ok, type Result } from '../../base/result.ts';
import type { Course } from '../../system/course.ts';
import { openLine } from '../../system/tcp-line.ts';
import { deadline, down, type Finding } from '../attempt.ts';
import { type Connection, NO_CONNECTION, open } from '../connection.ts';
import type { Link } from '../exchange.ts';
import { http2Link, refusesHttp2 } from '../http2-link.ts';
import type { ProbeTarget } from '../probe.ts';
import { explainNetworkError, explainSocketError } from '../socket-error.ts';
import type { Trust } from '../trust.ts';
import { http1Link, socketLink } from './http1-link.ts';
import type { Plan } from './plan.ts';

type Done = (result: Result<Link, Finding>) => void;

/** The other end of a link. */
export type Peer = {
  readonly plan: Plan;
  readonly target: ProbeTarget;
  readonly course: Course;
  readonly trust: Trust | null;
};

/** `done` is called once, later, unless the connection is ended first. */
export function openLink(peer: Peer, done: Done): Connection {
  const { plan, target, trust } = peer;
  const { check } = plan;
  if (trust === null && check.version === '1.1' && plan.brief) return openBare(peer, done);
  const opening = open(target, trust, check, (result) => {
    if (!result.ok) return done(result);
    if (check.version === '1.1') return done(ok(socketLink(result.value, opening)));
    if (trust !== null && refusesHttp2(result.value)) return done(err(NO_HTTP2));
    done(ok(http2Link(result.value, opening, trust === null ? 'http' : 'https')));
  });
  return opening;
}

const NO_HTTP2 = down('TLS: the server does not offer HTTP/2');
const NOTHING = () => ({});

/** Over a line: most checks are so, and it costs them the least. */
function openBare({ plan: { check }, target, course }: Peer, done: Done): Connection {
  let phase: 'connecting' | 'open' | 'over' = 'connecting';
  let callOff = (): void => undefined;
  function begin(result: Result<Link, Finding>): void {
    if (phase !== 'connecting') return;
    phase = result.ok ? 'open' : 'over';
    callOff();
    done(result);
  }
  const line = openLine(course, {
    connected: () => begin(ok(link)),
    heard: (bytes) => link.heard(bytes),
    ended: () => link.closed(),
    failed(error) {
      if (phase === 'connecting') begin(err(explainNetworkError(error, target.source)));
      else link.failed(error);
    },
  });
  const connection: Connection = {
    phase: () => (phase === 'connecting' ? 'connecting' : 'open'),
    learned: NOTHING,
    end() {
      phase = 'over';
      callOff();
      if (line.ok) line.value.end();
    },
  };
  const link = http1Link((head) => line.ok && line.value.say(head), connection);
  if (!line.ok) setImmediate(() => begin(err(explainSocketError(line.error, target.source))));
  else if (check.connectTimeout !== null)
    callOff = deadline(check.connectTimeout, NO_CONNECTION, (finding) => begin(err(finding)));
  return connection;
}
