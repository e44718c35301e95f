/** Hears the answer of gRPC's health service out, and settles on what it says of the server. */

import { excerpt } from '../../base/printable.ts';
import { decodeResponse, REFUSALS } from '../../wire/grpc-health.ts';
import { down, type Finding, up } from '../attempt.ts';
import type { Fields, Head, Listener } from '../exchange.ts';
import { quote } from '../http/http1-head.ts';

/** An answer is a few bytes long; what is longer is none. */
const LIMIT = 4096;

/** Codes of `grpc-status` by number (grpc/doc/statuscodes.md). */
const CODES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

export type Hearing = Listener & { waitingFor(): string };

export function createHearing(service: string, settle: (finding: Finding) => void): Hearing {
  let head: Head | null = null;
  let size = 0;
  const chunks: Buffer[] = [];
  return {
    head(found) {
      head = found;
      const finding = judgeHead(found);
      if (finding) settle(finding);
    },
    body(bytes) {
      size += bytes.length;
      if (size > LIMIT) settle(down(`the answer is longer than ${LIMIT} bytes`));
      else chunks.push(bytes);
    },
    end(trailers) {
      // An answer without a message has its trailers in its head ("Trailers-Only").
      const status = trailers.get('grpc-status') === undefined ? (head?.fields ?? trailers) : trailers;
      settle(judge(service, status, Buffer.concat(chunks)));
    },
    failed(failure) {
      if (failure.kind === 'fault') return settle(failure.finding);
      settle(down(`${failure.why} ${head === null ? 'before an answer' : 'in the middle of the answer'}`));
    },
    waitingFor: () => (head === null ? 'connected, but no answer' : 'the answer has begun, but not ended'),
  };
}

/** What is no gRPC at all: gRPC answers HTTP 200 whatever it has to say. */
function judgeHead({ code, fields }: Head): Finding | undefined {
  if (code !== 200) return down(`HTTP ${code}, expected 200, as gRPC always answers`);
  const type = fields.get('content-type');
  if (type === undefined) return down('no content-type, expected application/grpc');
  if (!/^application\/grpc([+;]|$)/i.test(type)) return down(`content-type ${quote(type)}, expected application/grpc`);
  return undefined;
}

function judge(service: string, trailers: Fields, body: Buffer): Finding {
  const code = trailers.get('grpc-status');
  const asked = service === '' ? 'the server' : `service ${quote(service)}`;
  if (code === undefined) return down('the answer has no grpc-status');
  if (code === '5') return down(`the server does not know ${asked} (grpc-status 5, NOT_FOUND)`);
  if (code === '12') return down('the server has no health service (grpc-status 12, UNIMPLEMENTED)');
  if (code !== '0') return down(statusInWords(code, trailers.get('grpc-message')));
  const status = decodeResponse(body);
  if (!status.ok) return down(`the answer ${REFUSALS[status.error]}`);
  return status.value === 'SERVING' ? up(`${asked} is SERVING`) : down(`${asked} is ${nameOf(status.value)}`);
}

const nameOf = (status: string | number): string =>
  typeof status === 'string' ? status : `in state ${status}, which there is not in grpc.health.v1`;

/** `message` is percent-encoded (grpc/doc/PROTOCOL-HTTP2.md), and may be anything at all. */
function statusInWords(code: string, message: string | undefined): string {
  if (!/^\d{1,9}$/.test(code)) return `grpc-status ${quote(code)}, which is no number`;
  const name = CODES[Number(code)];
  return `grpc-status ${code}${name ? `, ${name}` : ''}${message ? `: ${excerpt(unescaped(message))}` : ''}`;
}
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
