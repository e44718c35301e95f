/** How the director is, put together from all its processes and desks: what `status`, `/verdicts` and `/healthz` say. */

import type { Duration } from '../base/time.ts';
import type { Health } from '../control/director.ts';
import type { ProcessStatus, ServiceStatus, Status } from '../control/status.ts';
import type { Verdicts } from '../control/verdicts.ts';
import { VERSION } from '../control/version.ts';
import type { Child } from './children.ts';
import type { ConfigDesk } from './config-desk.ts';
import type { DiscoveryDesk } from './discovery-desk.ts';
import type { CheckerAnswers, ToldCheckerOrders, VrrpAnswers, VrrpOrders } from './messages.ts';
import type { PeerVerdicts } from './peer-verdicts.ts';
import type { RouterOrders } from './router-orders.ts';
import { namedIn, type ServerChangeBook } from './server-changes.ts';
import { marked } from './server-marks.ts';
import type { ServerOrderBook } from './server-orders.ts';
import { unansweredRouters, unansweredService } from './unanswered.ts';

export type Sight = {
  status(): Promise<Status>;
  /** `undefined`: the checker process does not answer. */
  verdicts(): Promise<Verdicts | undefined>;
  healthy(): Promise<Health>;
  /** Every process that is to run is ready. */
  allReady(): boolean;
};

export type SightTools = {
  readonly started: Date;
  readonly configs: Pick<ConfigDesk, 'config' | 'configStatus' | 'loaded'>;
  readonly vrrp: Pick<Child<VrrpOrders, VrrpAnswers>, 'ask' | 'status'>;
  readonly checker: Pick<Child<ToldCheckerOrders, CheckerAnswers>, 'ask' | 'status'>;
  readonly orders: Pick<RouterOrders, 'current'>;
  readonly serverOrders: Pick<ServerOrderBook, 'current'>;
  readonly serverChanges: Pick<ServerChangeBook, 'services' | 'current'>;
  readonly discovery: Pick<DiscoveryDesk, 'marked'>;
  readonly peers: Pick<PeerVerdicts, 'status' | 'marked'>;
  /** How long a process may take to answer. */
  readonly answerWithin: Duration;
};

export function createSight(tools: SightTools): Sight {
  const { started, configs, vrrp, checker, orders, serverOrders, serverChanges, discovery, peers, answerWithin } =
    tools;
  const { config } = configs;

  async function status(): Promise<Status> {
    // As they are when they are asked: one that is ready by the end of this may not have answered.
    const asked = processes();
    const [routers, services] = await Promise.all([
      vrrp.ask('status', answerWithin),
      checker.ask('status', answerWithin),
    ]);
    return {
      director: config().director.name,
      version: VERSION,
      started: started.toISOString(),
      config: configs.configStatus(),
      processes: asked,
      ipvsTrouble: config().services.length === 0 ? null : (services?.trouble ?? null),
      cutOff: services?.cutOff ?? null,
      sync: services?.sync ?? null,
      probeServices: services?.probeServices ?? [],
      routers:
        routers?.routers ??
        config().vrrp.flatMap((router) =>
          unansweredRouters(router, configs.loaded(), orders.current().get(router.name) ?? null),
        ),
      peers: peers.status(),
      services: whole(services?.services ?? unanswered()),
    };
  }

  /** With what the supervisor alone knows of them. */
  function whole(services: readonly ServiceStatus[]): readonly ServiceStatus[] {
    const changed = marked(services, serverChanges.current(), (change) => namedIn(config().services, change));
    return peers.marked(discovery.marked(changed), serverChanges.services());
  }

  const unanswered = (): readonly ServiceStatus[] =>
    serverChanges.services().map((service) => unansweredService(service, configs.loaded(), serverOrders.current()));

  async function verdicts(): Promise<Verdicts | undefined> {
    const answer = config().services.length === 0 ? { services: [] } : await checker.ask('verdicts', answerWithin);
    return answer && { director: config().director.name, version: VERSION, at: new Date().toISOString(), ...answer };
  }

  function processes(): readonly ProcessStatus[] {
    const own: ProcessStatus = {
      name: 'supervisor',
      pid: process.pid,
      state: 'ready',
      started: started.toISOString(),
      restarts: 0,
    };
    return [own, vrrp.status(), checker.status()].filter((s) => s !== undefined);
  }

  async function healthy(): Promise<Health> {
    const reasons = processes()
      .filter(({ state }) => state !== 'ready')
      .map(({ name, state }) => `the ${name} process is ${state}`);
    const table = config().services.length === 0 ? undefined : await checker.ask('trouble', answerWithin);
    if (table?.trouble != null) reasons.push(`IPVS: ${table.trouble}; no service is carried`);
    if (table?.cutOff != null) reasons.push(`cut off from the servers: ${table.cutOff}`);
    return { ok: reasons.length === 0, reasons };
  }

  return { status, verdicts, healthy, allReady: () => processes().every(({ state }) => state === 'ready') };
}
