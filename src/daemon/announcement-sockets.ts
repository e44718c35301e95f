/** Sends announcements of addresses: a packet socket an interface for ARP, one ICMPv6 socket for neighbour advertisements. */

import { familyOf } from '../base/address.ts';
import { ok, type Result } from '../base/result.ts';
import { after, type Instant, milliseconds } from '../base/time.ts';
import { now } from '../system/clock.ts';
import type { SystemError } from '../system/native.ts';
import { type NeighbourSocket, openNeighbourSocket } from '../system/neighbour-socket.ts';
import { openPacketSocket, type PacketSocket } from '../system/packet-socket.ts';
import { openSysctl } from '../system/sysctl.ts';
import * as arp from '../wire/arp.ts';
import * as ndp from '../wire/ndp.ts';
import type { OnLink } from './announcer.ts';

export type AnnouncementSockets = {
  /**
   * Opens the sockets ahead, so that a take-over does not wait for them and a missing right (CAP_NET_RAW) is told at the
   * start. To be called again when the interface comes back as another one.
   */
  prepare(on: { readonly interface: string; readonly interfaceIndex: number }): void;
  /** Opens what is not open. Refused: EPERM; ENETDOWN, ENXIO, ENODEV: the link is down or gone. */
  send(at: OnLink): Result<void, SystemError>;
  /** The interface is of no more use. */
  forget(name: string): void;
  close(): void;
};

type OnInterface = { readonly index: number; readonly socket: PacketSocket };

export function openAnnouncementSockets(
  trouble: (what: string, detail: string) => void,
  { openNeighbours = openNeighbourSocket } = {},
): AnnouncementSockets {
  const arpSockets = new Map<string, OnInterface>();
  let neighbours: NeighbourSocket | undefined;
  const forwards = createForwarding();

  function arpOn(name: string, index: number): Result<PacketSocket, SystemError> {
    const known = arpSockets.get(name);
    if (known?.index === index) return ok(known.socket);
    forget(name);
    const opened = openPacketSocket(index);
    if (opened.ok) arpSockets.set(name, { index, socket: opened.value });
    return opened;
  }

  function neighbourSocket(): Result<NeighbourSocket, SystemError> {
    if (neighbours !== undefined) return ok(neighbours);
    const opened = openNeighbours();
    if (opened.ok) neighbours = opened.value;
    return opened;
  }

  function forget(name: string): void {
    arpSockets.get(name)?.socket.close();
    arpSockets.delete(name);
  }

  return {
    prepare({ interface: name, interfaceIndex }) {
      // A kernel without IPv6 has no such addresses either.
      for (const opened of [arpOn(name, interfaceIndex), neighbourSocket()])
        if (!opened.ok && opened.error.code !== 'EAFNOSUPPORT')
          return trouble(`addresses cannot be announced on ${name}`, opened.error.message);
    },
    send({ address, interface: name, interfaceIndex, mac }) {
      if (familyOf(address) === 4) {
        const socket = arpOn(name, interfaceIndex);
        return socket.ok ? socket.value.send(arp.encode(arp.announcement(mac, address))) : socket;
      }
      const socket = neighbourSocket();
      if (!socket.ok) return socket;
      const message = ndp.encode(ndp.announcement(mac, address, forwards(name)));
      return socket.value.send(message, { source: address, destination: ndp.ALL_NODES, interfaceIndex });
    },
    forget,
    close() {
      for (const name of [...arpSockets.keys()]) forget(name);
      neighbours?.close();
      neighbours = undefined;
    },
  };
}

/** It is read again this soon: a burst of many addresses reads it once. */
const KEPT = milliseconds(1000);

/** Whether the machine forwards IPv6 that comes in by the interface (ip-sysctl: conf/INTERFACE/forwarding). */
function createForwarding(): (name: string) => boolean {
  const sysctl = openSysctl();
  const known = new Map<string, { readonly until: Instant; readonly value: boolean }>();
  return (name) => {
    const at = now();
    const last = known.get(name);
    if (last !== undefined && at < last.until) return last.value;
    const setting = sysctl.read(['ipv6', 'conf', name, 'forwarding']);
    // Without the setting the interface is gone, or has no IPv6: then nobody hears the announcement either.
    const value = setting.ok && setting.value !== '0';
    known.set(name, { until: after(at, KEPT), value });
    return value;
  };
}
