/** The operator's orders for real servers: one for each server of each service. */

import type { ServerConfig, ServiceConfig } from '../config/config.ts';
import { writeServerAddress } from '../config/options-service.ts';
import { describeServer } from '../config/service-words.ts';
import type { OrderTerms } from '../control/director.ts';
import type { Happening } from '../control/event.ts';
import type { ServerOrder } from '../control/status.ts';
import type { ServerWord } from '../pool/ordered.ts';
import { createOrderStore, dated, isOver, type Orders, type OrderTools } from './order-store.ts';

/** Those in force, by `serverOrderKey`. */
export type ServerOrders = Orders<ServerOrder>;

/** A server of a service, as an order names it. */
export type Orderable = {
  readonly key: string;
  readonly service: string;
  readonly server: string;
  readonly address: string;
};

/** By the service's name and the server's address: the machine that is worked on, whatever it is called. */
export const serverOrderKey = ({ name }: Pick<ServiceConfig, 'name'>, { address }: ServerConfig): string =>
  `${name} ${writeServerAddress(address)}`;

export const orderable = (service: ServiceConfig, server: ServerConfig): Orderable => ({
  key: serverOrderKey(service, server),
  service: service.name,
  server: server.name,
  address: describeServer(service, server.address),
});

export type ServerOrderBook = {
  current(): ServerOrders;
  /** Takes the services of a config, the first time also the orders of the run before. `trial`: as of `OrderStore.refresh`. */
  configure(services: readonly ServiceConfig[], trial?: boolean): void;
  /** Gives an order to these servers, in place of the ones before. */
  give(servers: readonly Orderable[], request: OrderTerms & ServerWord): ServerOrder;
  takeBack(servers: readonly Orderable[], by: string): void;
  close(): void;
};

export function createServerOrders(tools: OrderTools<ServerOrder>): ServerOrderBook {
  let there = serversOf([]);
  /** Those of the config before, for the names of what leaves. */
  let gone = there;
  const store = createOrderStore<ServerOrder>(tools, {
    isOrder,
    isThere: (key) => there().has(key),
    inForce: (orders, now) => new Map([...orders].filter(([key, order]) => there().has(key) && !isOver(order, now))),
    happening: (key, order, ...what) => happening(there().get(key) ?? gone().get(key) ?? namedBy(key), order, ...what),
  });
  const keysOf = (servers: readonly Orderable[]): string[] => servers.map(({ key }) => key);

  return {
    current: store.current,
    configure(services, trial = false) {
      gone = there;
      there = serversOf(services);
      store.refresh(trial);
    },
    give(servers, request) {
      const { kind, weight } = request;
      const order = { kind, weight, ...dated(request, tools.now()) } as ServerOrder;
      store.give(keysOf(servers), order);
      return order;
    },
    takeBack: (servers, by) => store.takeBack(keysOf(servers), by),
    close: store.close,
  };
}

/** All of them, by their keys. They are worked out when the first order asks for them: mostly there is none. */
function serversOf(services: readonly ServiceConfig[]): () => ReadonlyMap<string, Orderable> {
  let known: ReadonlyMap<string, Orderable> | undefined;
  return () => {
    known ??= new Map(
      services.flatMap((service) =>
        service.servers.map((server) => {
          const one = orderable(service, server);
          return [one.key, one] as const;
        }),
      ),
    );
    return known;
  };
}

/** No address has a space. */
function namedBy(key: string): Omit<Orderable, 'key'> {
  const at = key.lastIndexOf(' ');
  const address = key.slice(at + 1);
  return { service: key.slice(0, at), server: address, address };
}

const happening = (
  { service, server, address }: Omit<Orderable, 'key'>,
  { kind, weight, by, until }: ServerOrder,
  what: 'given' | 'ended',
  reason: string,
): Happening => ({ kind: 'server-order', service, server, address, order: kind, weight, what, by, reason, until });

function isOrder({ kind, weight }: Readonly<Record<string, unknown>>): boolean {
  if (kind === 'weight') return Number.isInteger(weight) && Number(weight) >= 1 && Number(weight) <= 65535;
  return (kind === 'drain' || kind === 'disable') && weight === null;
}
