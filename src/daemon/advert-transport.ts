/**
 * How adverts of one interface and one family leave and arrive: as IP protocol 112, or in UDP. What differs between the
 * two ends here: to the rest an advert is bytes with a source, a destination, and, where the kernel tells it, a TTL.
 */

import type { Socket } from 'node:dgram';
import { type Family, type IpAddress, parseIp } from '../base/address.ts';
import { isMulticast } from '../base/prefix.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import type { VrrpConfig } from '../config/config.ts';
import { groupOf, peersOf, sourceOf } from '../config/families.ts';
import { now } from '../system/clock.ts';
import { createRawSocket, type RawSocket } from '../system/raw-socket.ts';
import { isScoped, openUdpSocket } from '../system/udp-socket.ts';
import { PROTOCOL, TTL } from '../wire/vrrp.ts';

/** A network interface as sockets are bound to it: the router's own, or the macvlan above it. */
export type Device = { readonly name: string; readonly index: number };

/** Where the adverts of one virtual router go and come from. */
export type AdvertPath = {
  readonly family: Family;
  readonly routerId: number;
  readonly transport: 'ip' | 'udp';
  /** Of UDP; 0 for `ip`. */
  readonly port: number;
  /** The multicast group; `null`: unicast, to and from `peers` alone. */
  readonly group: IpAddress | null;
  readonly peers: readonly IpAddress[];
  /** The source that the config names; `null`: the interface's first own address. */
  readonly wanted: IpAddress | null;
};

/** The path of a config's router of one family. */
export function pathOf(config: VrrpConfig, family: Family): AdvertPath {
  const { routerId, transport } = config;
  return {
    ...{ family, routerId, transport },
    port: transport === 'udp' ? config.port : 0,
    group: config.peers.length > 0 ? null : groupOf(config, family),
    peers: peersOf(config, family).map(({ address }) => address),
    wanted: sourceOf(config, family),
  };
}

/** Where its adverts are sent to: the group, or each peer. */
export const destinationsOf = ({ group, peers }: AdvertPath): readonly IpAddress[] =>
  group === null ? peers : [group];

/** What the IP layer tells of a packet. `ttl`: `null` where the socket cannot tell (UDP). */
export type Arrival = {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly ttl: number | null;
  readonly interfaceIndex: number;
  readonly receivedAt: Instant;
};

export type TransportOptions = {
  readonly device: Device;
  readonly family: Family;
  readonly transport: 'ip' | 'udp';
  /** Of UDP, at both ends. */
  readonly port: number;
};

export type TransportHandlers = {
  readonly packet: (bytes: Uint8Array, arrival: Arrival) => void;
  /** A packet could not be sent. */
  readonly refused: (error: Error) => void;
};

export type AdvertTransport = {
  /** Hears what is sent to `destination`: a multicast group, or an own address. Counted: each has its `unlisten`. */
  listen(destination: IpAddress): Result<void, Error>;
  unlisten(destination: IpAddress): void;
  /** Sends at once; by UDP only from an address that is listened to. A refusal goes to the handler, in a later turn. */
  send(bytes: Uint8Array, path: { readonly source: IpAddress; readonly destination: IpAddress }): void;
  close(): void;
};

/** `ip` needs CAP_NET_RAW, `udp` nothing. */
export const openAdvertTransport = (
  options: TransportOptions,
  handlers: TransportHandlers,
): Result<AdvertTransport, Error> =>
  options.transport === 'ip' ? openIp(options, handlers) : ok(openUdp(options, handlers));

/** Protocol 112 on one socket, which hears every unicast packet and the groups that it is told to. */
function openIp({ device, family }: TransportOptions, handlers: TransportHandlers): Result<AdvertTransport, Error> {
  let raw: RawSocket;
  try {
    raw = createRawSocket({ family, protocol: PROTOCOL, anySource: true });
  } catch (error) {
    return err(asError(error));
  }
  raw.on('error', ignore);
  try {
    raw.setTTL(TTL);
    raw.setMulticastTTL(TTL);
    raw.setMulticastLoopback(false);
    raw.setMulticastInterface(device.index);
    raw.bind({ device: device.name });
    // A refusal comes as an event, too late for whoever asked.
    if (raw.device !== device.index) throw new Error(`${device.name} is not interface ${device.index} any more`);
  } catch (error) {
    raw.close();
    return err(asError(error));
  }
  raw.on('message', (bytes, { address, destination, ttl, interfaceIndex, receivedAt }) =>
    handlers.packet(bytes, { source: address, destination, ttl, interfaceIndex, receivedAt }),
  );
  const counts = createCounts<void>(
    (destination) => isMulticast(destination) && raw.addMembership(destination, device.index),
    (destination) => {
      try {
        if (isMulticast(destination)) raw.dropMembership(destination, device.index);
      } catch {
        // A device that is gone took its memberships along.
      }
    },
  );
  return ok({
    listen: counts.take,
    unlisten: counts.give,
    send(bytes, { source, destination }) {
      raw.send(bytes, { address: destination, source }, (error) => error && handlers.refused(error));
    },
    close: () => void raw.close(),
  });
}

/** UDP has a socket for each address that it hears, as `node:dgram` does not tell where a datagram was sent to. */
function openUdp({ device, port }: TransportOptions, handlers: TransportHandlers): AdvertTransport {
  const counts = createCounts<Socket>(
    (destination) => {
      const opened = openUdpSocket({ device, address: destination, port });
      if (!opened.ok) throw opened.error;
      const socket = opened.value;
      socket.on('error', ignore);
      socket.on('message', (bytes, info) => {
        const source = parseIp(info.address.replace(/%.*$/, ''));
        if (source === undefined) return;
        handlers.packet(bytes, { source, destination, ttl: null, interfaceIndex: device.index, receivedAt: now() });
      });
      return socket;
    },
    (_, socket) => socket.close(),
  );
  return {
    listen: counts.take,
    unlisten: counts.give,
    send(bytes, { source, destination }) {
      const socket = counts.get(source);
      if (socket === undefined) return handlers.refused(new Error(`no UDP socket has the address ${source}`));
      const zone = isScoped(destination) ? `%${device.name}` : '';
      socket.send(bytes, port, destination + zone, (error) => error && handlers.refused(error));
    },
    close: counts.close,
  };
}

type Counts<T> = {
  take(destination: IpAddress): Result<void, Error>;
  give(destination: IpAddress): void;
  get(destination: IpAddress): T | undefined;
  /** Gives back all that is taken. */
  close(): void;
};

/** What is opened for the first who wants it and closed after the last. `open` throws what refuses it. */
function createCounts<T>(
  open: (destination: IpAddress) => T,
  close: (destination: IpAddress, value: T) => void,
): Counts<T> {
  const taken = new Map<IpAddress, { readonly value: T; users: number }>();
  return {
    take(destination) {
      const known = taken.get(destination);
      if (known !== undefined) known.users += 1;
      else {
        try {
          taken.set(destination, { value: open(destination), users: 1 });
        } catch (error) {
          return err(asError(error));
        }
      }
      return ok(undefined);
    },
    give(destination) {
      const known = taken.get(destination);
      if (known === undefined) return;
      known.users -= 1;
      if (known.users > 0) return;
      taken.delete(destination);
      close(destination, known.value);
    },
    get: (destination) => taken.get(destination)?.value,
    close() {
      for (const [destination, { value }] of taken) close(destination, value);
      taken.clear();
    },
  };
}

/** ENETDOWN when the link goes down: rtnetlink tells that too, and the socket hears again once the link is back. */
const ignore = (): void => {};

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
