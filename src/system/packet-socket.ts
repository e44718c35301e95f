/** Whole Ethernet frames on one interface (packet(7)): what is sent is what goes onto the wire. */

import type { Result } from '../base/result.ts';
import type { Instant } from '../base/time.ts';
import { attempt, constants as c, native, type SystemError } from './native.ts';
import { createReceiver } from './receiver.ts';
import { packLinkAddress } from './sockaddr.ts';

export type PacketSocket = {
  /** Sends one frame, from the destination's hardware address on, without the check sequence. Refused: ENETDOWN, ENXIO, ENOBUFS. */
  send(frame: Uint8Array): Result<void, SystemError>;
  close(): void;
};

export type FrameListener = {
  /** Frames of this EtherType only. */
  readonly etherType: number;
  /** A frame that came in, or that this machine sent. */
  readonly frame: (frame: Uint8Array, receivedAt: Instant) => void;
  /** ENETDOWN: the link went down. It hears again once the link is back. */
  readonly error: (error: SystemError) => void;
};

/** Needs CAP_NET_RAW. Without a listener it only sends, and the kernel spends nothing on what comes in. */
export function openPacketSocket(interfaceIndex: number, listener?: FrameListener): Result<PacketSocket, SystemError> {
  return attempt(() => {
    const fd = native.socket(c.AF_PACKET, c.SOCK_RAW | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, 0);
    try {
      if (listener !== undefined) native.setOption(fd, c.SOL_SOCKET, c.SO_TIMESTAMPNS, 1);
      native.bind(fd, packLinkAddress(interfaceIndex, listener?.etherType ?? 0));
    } catch (error) {
      native.close(fd);
      throw error;
    }
    const receiver =
      listener && createReceiver(fd, ({ payload }, receivedAt) => listener.frame(payload, receivedAt), listener.error);
    let closed = false;
    return {
      send: (frame) => attempt(() => native.send(fd, frame, undefined)),
      close() {
        if (closed) return;
        closed = true;
        receiver?.close();
        native.close(fd);
      },
    };
  });
}
