/**
 * The control API: HTTP and JSON on the unix socket, for the command line and for `curl --unix-socket`. The routes are the
 * table at the end; `GET /` prints it.
 */

import type { Server, ServerResponse } from 'node:http';
import type { Log } from '../system/log.ts';
import type {
  AcceptResult,
  ConfirmResult,
  Director,
  OrderRefusal,
  OrderResult,
  ServerChangeResult,
  ServerOrderResult,
  TrialRefusal,
} from './director.ts';
import type { Event, EventKind } from './event.ts';
import { parseKind, parseLimit, parseSince } from './event-query.ts';
import { HttpError, type Request, type Route, send, sendJson, serverFor } from './http.ts';
import { EVENT_KINDS, type EventQuery } from './journal.ts';
import {
  addServerRequest,
  applyRequest,
  failoverRequest,
  orderRequest,
  reloadRequest,
  removeServerRequest,
  serverOrderRequest,
  serverTakeBack,
} from './order-request.ts';

/** Bytes of events that may wait for a follower that does not read; then it is cut off, and may come back with `since`. */
const FOLLOWER_LIMIT = 8 << 20;

/** A server with the routes of the control socket; `listenUnix` gives it its place. */
export function controlServer(director: Director, log: Log): Server {
  const routes: Route[] = [
    {
      method: 'GET',
      path: '/',
      summary: 'this list',
      handle: (_, response) =>
        sendJson(response, 200, {
          name: 'lvskeeper',
          pid: process.pid,
          endpoints: routes.map(({ method, path, summary }) => ({ method, path, summary })),
        }),
    },
    {
      method: 'GET',
      path: '/status',
      summary: 'processes, virtual routers, services and servers as they are now',
      handle: async (_, response) => sendJson(response, 200, await director.status()),
    },
    verdictsRoute(director),
    {
      method: 'GET',
      path: '/events',
      summary: `what happened: ?since=SEQ|TIME, kind=${EVENT_KINDS.join('|')} (may be repeated), limit=N (the latest), follow=1 (JSON lines)`,
      handle: ({ query }, response) => events(director, query, response),
    },
    {
      method: 'POST',
      path: '/reload',
      summary:
        'read the config file again; refused (422) when it has an error: ?discard=1 (drop what was changed of the servers at run time), by=api',
      handle: async ({ query }, response) => {
        const answer = await director.reload(reloadRequest(query));
        sendJson(response, answer.outcome === 'refused' ? 422 : 200, answer);
      },
    },
    {
      method: 'POST',
      path: '/restart',
      summary:
        'start the program of the daemon anew (202), which keeps its roles; refused (422) when the file has an error',
      handle: async (_, response) => {
        const answer = await director.restart();
        sendJson(response, answer.outcome === 'refused' ? 422 : 202, answer);
      },
    },
    {
      method: 'POST',
      path: '/plan',
      summary:
        'what the TOML text in the body, or without one the file on disk, would change; 422 with the issues when it is wrong',
      handle: async (request: Request, response) => {
        const text = await request.body();
        const answer = await director.plan(text === '' ? null : text);
        sendJson(response, answer.issues === undefined ? 200 : 422, answer);
      },
    },
    {
      method: 'POST',
      path: '/apply',
      summary:
        'run a config on trial: {"text":TOML, "confirm_ms":300000, "by":"api"}; without /confirm by then, what ran before runs again; 422 with the issues when it is wrong, 409 while another is on trial',
      handle: async ({ body }, response) => {
        const result = await director.apply(applyRequest(await body()));
        if (!result.ok) return refuseTrial(response, result);
        sendJson(response, result.value.outcome === 'refused' ? 422 : 200, result.value);
      },
    },
    {
      method: 'GET',
      path: '/trial',
      summary: 'the config that is on trial, and the one before it; 404 when there is none',
      handle: (_, response) => {
        const trial = director.trial();
        if (trial === null)
          throw new HttpError(
            ...([404, 'no-trial', 'no config is on trial'] as const),
            '`lvskeeper apply FILE --confirm 5m` tries one; `lvskeeper events --kind trial` shows what has become of others.',
          );
        sendJson(response, 200, trial);
      },
    },
    {
      method: 'POST',
      path: '/confirm',
      summary: 'keep the config on trial, which by now is in the config file (409 when it is not): ?by=api',
      handle: async ({ query }, response) => sendTrial(response, await director.confirm(query.get('by') ?? 'api')),
    },
    {
      method: 'POST',
      path: '/rollback',
      summary: 'go back at once to what ran before the config on trial: ?by=api',
      handle: async ({ query }, response) => sendTrial(response, await director.rollback(query.get('by') ?? 'api')),
    },
    {
      method: 'POST',
      path: '/routers/NAME/order',
      summary:
        'promotes or demotes a virtual router and its sync group: {"kind":"promote"|"demote", "for_ms":null, "reason":"", "by":"api"}',
      handle: async ({ name, body }, response) =>
        sendOrder(response, await director.order(name, orderRequest(await body()))),
    },
    {
      method: 'DELETE',
      path: '/routers/NAME/order',
      summary: 'takes the order to a virtual router and its sync group back: ?by=api',
      handle: async ({ name, query }, response) =>
        sendOrder(response, await director.takeBack(name, query.get('by') ?? 'api')),
    },
    {
      method: 'POST',
      path: '/failover',
      summary:
        'moves the role to the other director: {"router":null (all), "to_backup":false, "for_ms":600000, "reason":"", "by":"api"}',
      handle: async ({ body }, response) => sendOrder(response, await director.failover(failoverRequest(await body()))),
    },
    {
      method: 'POST',
      path: '/servers/order',
      summary:
        'drains or disables a server, or gives it another weight: {"server":NAME|ADDRESS, "service":null (all), "kind":"drain"|"disable"|"weight", "weight":null, "for_ms":null, "reason":"", "by":"api"}',
      handle: async ({ body }, response) =>
        sendOrder(response, await director.orderServer(serverOrderRequest(await body()))),
    },
    {
      method: 'DELETE',
      path: '/servers/order',
      summary:
        'takes the order for a server back: ?server=NAME|ADDRESS, service=NAME, kind=drain|disable|weight, by=api',
      handle: async ({ query }, response) => sendOrder(response, await director.takeBackServer(serverTakeBack(query))),
    },
    {
      method: 'POST',
      path: '/services/NAME/servers',
      summary:
        'adds a server at run time: the keys of [[service.server]], as {"address":"10.0.0.23:80", "weight":1}, and "reason":"", "by":"api"; 422 with the issues when it is wrong',
      handle: async ({ name, body }, response) =>
        sendOrder(response, await director.addServer(name, addServerRequest(await body()))),
    },
    {
      method: 'DELETE',
      path: '/services/NAME/servers',
      summary: 'removes a server at run time: ?server=NAME|ADDRESS, reason=TEXT, by=api',
      handle: async ({ name, query }, response) =>
        sendOrder(response, await director.removeServer(name, removeServerRequest(query))),
    },
    {
      method: 'POST',
      path: '/services/NAME/discovery/accept',
      summary: 'follows what a discovery holds back: ?discovery=NAME (all of the service), by=api',
      handle: async ({ name, query }, response) =>
        sendOrder(
          response,
          await director.acceptServers(name, { discovery: query.get('discovery'), by: query.get('by') ?? 'api' }),
        ),
    },
    { method: 'GET', path: '/healthz', summary: HEALTH, handle: (_, response) => health(director, response) },
  ];
  return serverFor(routes, (path, error) => log.error('control request failed', { path, error }));
}

/** A server with the routes of the TCP listener, none of which changes anything; `listenTcp` gives it its place. */
export function metricsServer(
  director: Director,
  metrics: () => Promise<{ type: string; text: string }>,
  log: Log,
): Server {
  const routes: Route[] = [
    {
      method: 'GET',
      path: '/metrics',
      summary: 'everything that can be counted, for Prometheus',
      handle: async (_, response) => {
        const { type, text } = await metrics();
        send(response, 200, type, text);
      },
    },
    verdictsRoute(director),
    { method: 'GET', path: '/healthz', summary: HEALTH, handle: (_, response) => health(director, response) },
  ];
  return serverFor(routes, (path, error) => log.error('metrics request failed', { path, error }));
}

const verdictsRoute = (director: Pick<Director, 'verdicts'>): Route => ({
  method: 'GET',
  path: '/verdicts',
  summary:
    'what the checks find of each server, for the other directors; 503 while the checker process does not answer',
  handle: async (_, response) => {
    const verdicts = await director.verdicts();
    if (verdicts === undefined)
      throw new HttpError(503, 'no-answer', 'the checker process does not answer', 'Ask again in a few seconds.');
    sendJson(response, 200, verdicts);
  },
});

const REFUSED: Readonly<Record<OrderRefusal['error'], number>> = {
  'no-such-router': 404,
  'no-routers': 404,
  'no-such-server': 404,
  'no-such-service': 404,
  'no-services': 404,
  'no-answer': 503,
  'server-exists': 409,
  'already-removed': 409,
  'several-servers': 409,
  'wrong-server': 422,
  'no-such-discovery': 404,
  'nothing-held': 409,
};

function sendOrder(
  response: ServerResponse,
  result: OrderResult | ServerOrderResult | ServerChangeResult | AcceptResult,
): void {
  if (result.ok) return sendJson(response, 200, result.value);
  sendJson(response, REFUSED[result.error.error], result.error);
}

function sendTrial(response: ServerResponse, result: ConfirmResult): void {
  if (result.ok) sendJson(response, 200, result.value);
  else refuseTrial(response, result);
}

const refuseTrial = (response: ServerResponse, { error }: { readonly error: TrialRefusal }): void =>
  sendJson(response, error.error === 'no-trial' ? 404 : 409, error);

const HEALTH = '200 "ok", or 503 and the reasons: a process that is not ready, an IPVS table that cannot be read';

async function health(director: Director, response: ServerResponse): Promise<void> {
  const { ok, reasons } = await director.healthy();
  if (ok) send(response, 200, 'text/plain; charset=utf-8', 'ok\n');
  else sendJson(response, 503, { ok, reasons });
}

function events(director: Director, parameters: URLSearchParams, response: ServerResponse): void {
  const query = eventQuery(parameters);
  if (parameters.get('follow') !== '1') return sendJson(response, 200, director.journal.query(query));

  response.writeHead(200, { 'content-type': 'application/jsonl', 'cache-control': 'no-store' });
  response.flushHeaders();
  const line = (event: Event): void => {
    response.write(`${JSON.stringify(event)}\n`);
    if (response.writableLength > FOLLOWER_LIMIT) response.destroy();
  };
  const past = parameters.has('since') || parameters.has('limit') ? director.journal.query(query) : [];
  for (const event of past) line(event);
  const stop = director.journal.subscribe((event) => {
    if (query.kinds === undefined || query.kinds.includes(event.kind)) line(event);
  });
  response.on('close', stop);
}

function eventQuery(parameters: URLSearchParams): EventQuery {
  const unknown = [...parameters.keys()].find((key) => !['since', 'kind', 'limit', 'follow'].includes(key));
  if (unknown !== undefined) throw bad(`there is no parameter ${unknown}`, 'Use since, kind, limit, follow.');
  const since = parameters.get('since');
  const limit = parameters.get('limit');
  const kinds = parameters.getAll('kind').flatMap((kind) => kind.split(','));
  return {
    ...(since !== null && { since: sinceOf(since) }),
    ...(limit !== null && { limit: limitOf(limit) }),
    ...(kinds.length > 0 && { kinds: kinds.map(kindOf) }),
  };
}

function sinceOf(text: string): number | Date {
  const since = parseSince(text);
  if (since === undefined)
    throw bad(
      `since=${text} is neither a number nor a time`,
      'Give the seq of the last event known, or an RFC 3339 time.',
    );
  return since;
}

function limitOf(text: string): number {
  const limit = parseLimit(text);
  if (limit === undefined) throw bad(`limit=${text} is not a count`, 'Give a whole number, 0 and up.');
  return limit;
}

function kindOf(text: string): EventKind {
  const kind = parseKind(text);
  if (kind === undefined) throw bad(`kind=${text} is unknown`, `Use one of ${EVENT_KINDS.join(', ')}.`);
  return kind;
}

const bad = (what: string, todo: string): HttpError => new HttpError(400, 'bad-parameter', what, todo);
