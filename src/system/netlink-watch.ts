/** Netlink multicast notifications, and the certainty of hearing when some were lost. */

import { err, ok, type Result } from '../base/result.ts';
import { type Duration, milliseconds } from '../base/time.ts';
import { decodeMessages, type Message } from '../wire/netlink.ts';
import { drops, failure, type NetlinkError, openSocket } from './netlink-socket.ts';

export type Watch = { close(): void };

/**
 * A loss needs a full buffer, so notifications are still to come when it happens: counting drops this long after one
 * finds every loss.
 */
const COUNT_AFTER: Duration = milliseconds(100);

/** `onOverrun`: notifications were lost, so what they told of must be read anew. */
export function watchNetlink(
  protocol: number,
  groups: readonly number[],
  onMessage: (message: Message) => void,
  onOverrun: () => void,
): Result<Watch, NetlinkError> {
  const opened = openSocket(protocol);
  if (!opened.ok) return opened;
  const { socket } = opened.value;
  const { port } = socket.address();
  let known = 0;
  let timer: NodeJS.Timeout | undefined;

  const count = (): void => {
    timer = undefined;
    const now = drops(protocol, port);
    if (now === known) return;
    known = now;
    onOverrun();
  };
  socket.on('message', (bytes, { port: sender }) => {
    if (sender !== KERNEL) return;
    timer ??= setTimeout(count, COUNT_AFTER);
    const messages = decodeMessages(bytes);
    if (messages.ok) for (const message of messages.value) onMessage(message);
    else onOverrun();
  });
  socket.on('error', onOverrun);

  try {
    for (const group of groups) socket.addMembership(group);
  } catch (thrown) {
    socket.close();
    return err(failure(thrown));
  }
  return ok({
    close() {
      clearTimeout(timer);
      socket.close();
    },
  });
}

/** The kernel's own port. */
const KERNEL = 0;
