/** What is wrong with the director's own way to its servers, as far as it can be seen from here: the link, and the router on it. */

import type { IpAddress } from '../base/address.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import type { Route, Rtnetlink } from '../system/rtnetlink.ts';
import { type GatewayTools, watchGateway } from '../trackers/gateway/watch.ts';
import type { Clock, Finding } from '../trackers/watch.ts';

export type UplinkTools = Omit<GatewayTools, 'rtnetlink'> & {
  readonly rtnetlink: GatewayTools['rtnetlink'] & Pick<Rtnetlink, 'routesTo'>;
};

/** Time for one question to a router, and how many are put until its silence counts. */
const ANSWER_WITHIN: Duration = milliseconds(200);
const QUESTIONS = 2;
/** Of the servers on the link, how many are asked. */
const NEIGHBOURS = 8;

/** In words, to go on a sentence; `null`: nothing is wrong that can be seen. Looks at the way that most of them take. */
export async function uplinkTrouble(
  to: readonly IpAddress[],
  clock: Clock,
  tools: UplinkTools,
): Promise<string | null> {
  const found = await tools.rtnetlink.routesTo(to);
  const way = mostUsed(found.flatMap((route) => (route.ok ? [route.value] : [])));
  if (way === undefined) return null;
  const links = await tools.rtnetlink.links();
  const link = links.ok ? links.value.find(({ index }) => index === way.interfaceIndex) : undefined;
  if (link === undefined || link.loopback) return null;
  if (!link.up) return `${link.name} is down`;
  if (!link.lowerUp) return `${link.name} has no carrier`;
  if (way.gateway !== undefined) return silenceOf(way.gateway, clock, tools);
  const router = await defaultRouterOn(link.name, tools);
  if (router === null) return null;
  const silent = await silenceOf(router, clock, tools);
  // It may be the router alone that has failed, or that never answers.
  const there = to.filter((_, i) => found[i]?.ok === true && found[i].value.interfaceIndex === way.interfaceIndex);
  return silent === null || (await anyAnswers(there.slice(0, NEIGHBOURS), clock, tools)) ? null : silent;
}

/** Whether the link carries answers of any of these servers that are on it, though their probes fail. */
async function anyAnswers(servers: readonly IpAddress[], clock: Clock, tools: UplinkTools): Promise<boolean> {
  const answers = await Promise.all(servers.map((server) => ask(server, clock, tools)));
  return answers.some(({ outcome }) => outcome === 'up');
}

/** The route of the interface that most packets leave by. */
function mostUsed(routes: readonly Route[]): Route | undefined {
  const count = new Map<number, number>();
  for (const { interfaceIndex } of routes) count.set(interfaceIndex, (count.get(interfaceIndex) ?? 0) + 1);
  const [[most] = []] = [...count].sort(([, a], [, b]) => b - a);
  const theirs = routes.filter(({ interfaceIndex }) => interfaceIndex === most);
  return theirs.find(({ gateway }) => gateway !== undefined) ?? theirs[0];
}

/** Servers on the link itself: the router that is on it too, if there is one, would answer if the link were well. */
async function defaultRouterOn(name: string, { defaultRoute }: UplinkTools): Promise<IpAddress | null> {
  const route = await defaultRoute();
  return route.ok && route.value?.interface === name ? route.value.gateway : null;
}

/** In words, that the router does not answer; `null`: it does, or that cannot be told. */
async function silenceOf(gateway: IpAddress, clock: Clock, tools: UplinkTools): Promise<string | null> {
  const { outcome, reason } = await ask(gateway, clock, tools);
  return outcome === 'down' ? `the gateway ${gateway} ${reason}` : null;
}

function ask(gateway: IpAddress, clock: Clock, tools: UplinkTools): Promise<Finding> {
  const { promise, resolve } = Promise.withResolvers<Finding>();
  let silent = 0;
  const found = (finding: Finding): void => {
    silent += 1;
    if (finding.outcome === 'down' && silent < QUESTIONS) return;
    watcher.close();
    resolve(finding);
  };
  const question = { type: 'gateway', gateway, interval: milliseconds(250), timeout: ANSWER_WITHIN } as const;
  const watcher = watchGateway({ ...question, rise: 1, fall: 1, weight: 0 }, clock, tools, found);
  return promise;
}
