/**
 * Requests in HTTP/2 over one open connection: over TLS when ALPN chose it, else by prior knowledge (RFC 9113, 3.3).
 *
 * Node's HTTP/2 is loaded when the first check wants it: it costs memory and time that most directors need not spend.
 */

import type http2 from 'node:http2';
import type net from 'node:net';
import { down } from './attempt.ts';
import { type Connection, explainConnectionError } from './connection.ts';
import { type Asked, type Failure, type Fields, isReset, type Link, type Listener } from './exchange.ts';
import { codeOf } from './socket-error.ts';

type Http2 = typeof http2;
let loaded: Http2 | undefined;
const library = (): Http2 => {
  loaded ??= process.getBuiltinModule('node:http2');
  return loaded;
};

/** `connection` is that of the socket: it ends with the link. */
export function http2Link(socket: net.Socket, connection: Connection, scheme: 'http' | 'https'): Link {
  const session = library().connect(`${scheme}://server`, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  let busy: Conversation | null = null;
  let gone = false;
  const lose = (failure: Failure): void => {
    gone = true;
    busy?.fail(failure);
  };
  session.on('error', (error) => lose(explain(error, busy)));
  session.on('goaway', () => {
    gone = true;
  });
  session.on('close', () => lose(closed(busy)));
  socket.on('error', (error: Error) => lose(explain(error, busy)));

  return {
    ask(asked, _last, listener) {
      busy = createConversation(listener, () => session.destroyed || socket.destroyed);
      const fail = busy.fail;
      try {
        const stream = session.request(headersOf(asked, scheme), { endStream: asked.body === null });
        busy.follow(stream);
        if (asked.body !== null) stream.end(asked.body);
      } catch (error) {
        // A session that has ended in this very turn refuses so.
        setImmediate(() => fail(explain(error as Error, null)));
      }
    },
    usable: () => !gone && !session.closed && !session.destroyed && (busy === null || busy.done()),
    rest() {
      busy = null;
    },
    end() {
      gone = true;
      busy?.stop();
      connection.end();
      session.destroy();
    },
    learned: connection.learned,
  };
}

/** Whether a server was offered HTTP/2 over TLS and did not choose it (RFC 9113, 3.2). */
export const refusesHttp2 = (socket: net.Socket): boolean =>
  !('alpnProtocol' in socket && socket.alpnProtocol === 'h2');

type Conversation = {
  follow(stream: http2.ClientHttp2Stream): void;
  fail(failure: Failure): void;
  stop(): void;
  /** The answer is complete. */
  done(): boolean;
  untouched(): boolean;
};

/** `isGone`: whether the connection has ended. Its streams are then cancelled, as if by the server. */
function createConversation(listener: Listener, isGone: () => boolean): Conversation {
  let over = false;
  let done = false;
  let touched = false;
  let trailers: http2.IncomingHttpHeaders = {};

  function fail(failure: Failure): void {
    if (over) return;
    over = true;
    listener.failed(failure);
  }
  function follow(stream: http2.ClientHttp2Stream): void {
    stream.on('response', (headers) => {
      touched = true;
      if (!over) listener.head({ code: Number(headers[':status']), phrase: '', fields: fieldsOf(headers) });
    });
    stream.on('data', (bytes: Buffer) => {
      if (!over) listener.body(bytes);
    });
    stream.on('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('error', (error) => fail(isGone() && stream.rstCode === CANCEL ? closed(self) : explain(error, self)));
    stream.on('end', () => {
      // A stream that is reset ends too, and tells why when it closes.
      if (over || !touched || stream.rstCode !== 0) return;
      over = true;
      done = true;
      listener.end(fieldsOf(trailers));
    });
    stream.on('close', () => {
      if (stream.rstCode === 0 || (stream.rstCode === CANCEL && isGone())) fail(closed(self));
      else fail(streamReset(nameOf(stream.rstCode), self));
    });
  }
  const self: Conversation = {
    ...{ follow, fail },
    stop: () => {
      over = true;
    },
    done: () => done,
    untouched: () => !touched,
  };
  return self;
}

const fieldsOf = (headers: http2.IncomingHttpHeaders): Fields => ({
  get(name) {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  },
});

function headersOf({ method, path, authority, fields, body }: Asked, scheme: string): http2.OutgoingHttpHeaders {
  const headers: http2.OutgoingHttpHeaders = {
    ':method': method,
    ':path': path,
    ':scheme': scheme,
    ':authority': authority,
  };
  for (const [name, value] of fields) headers[name.toLowerCase()] = value;
  if (body !== null) headers['content-length'] = String(body.length);
  return headers;
}

const closed = (busy: Conversation | null): Failure => lost('connection closed', busy);
const lost = (why: string, busy: Conversation | null): Failure => ({
  kind: 'lost',
  why,
  untouched: busy?.untouched() ?? true,
});
const fault = (why: string): Failure => ({ kind: 'fault', finding: down(why) });

/** What is refused so was not looked at, and may be asked again on another connection (RFC 9113, 8.7). */
const streamReset = (name: string, busy: Conversation | null): Failure =>
  name === 'REFUSED_STREAM'
    ? lost('request refused (REFUSED_STREAM)', busy)
    : fault(`the server reset the stream: ${name}`);

/** `ERR_HTTP2_STREAM_ERROR`: "Stream closed with error code NGHTTP2_REFUSED_STREAM"; of a session a number stands there. */
function explain(error: Error, busy: Conversation | null): Failure {
  if (isReset(error)) return lost('connection reset', busy);
  const code = codeOf(error);
  const told = /error code (?:NGHTTP2_)?(\w+)$/.exec(error.message)?.[1];
  if (code === 'ERR_HTTP2_STREAM_ERROR' && told) return streamReset(told, busy);
  if (code === 'ERR_HTTP2_SESSION_ERROR' && told) return fault(`the server ended the session: ${nameOf(Number(told))}`);
  if (code === 'ERR_HTTP2_ERROR') return fault(`not HTTP/2: ${error.message}`);
  if (code.startsWith('ERR_HTTP2_')) return closed(busy);
  return { kind: 'fault', finding: explainConnectionError(error, null) };
}

/** RFC 9113, 7. */
const CODES =
  'NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED'.split(
    ' ',
  );
const nameOf = (code: number): string => CODES[code] ?? `error code ${code}`;
const CANCEL = CODES.indexOf('CANCEL');
