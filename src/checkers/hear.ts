/** What a server says on an open connection, for the kinds of check that talk by lines or bytes. */

import type net from 'node:net';
import type { IpAddress } from '../base/address.ts';
import { down, type Finding } from './attempt.ts';
import { explainConnectionError } from './connection.ts';

export type Ear = {
  heard(bytes: Buffer): void;
  /** The server has closed or reset, or the connection has failed: once, and nothing is heard after it. */
  lost(finding: Finding): void;
};

/** Listens on a connection until the function returned is called: then others may. `source` as in `explainSocketError`. */
export function hear(socket: net.Socket, source: IpAddress | null, ear: Ear): () => void {
  const heard = (bytes: Buffer): void => ear.heard(bytes);
  const ended = (): void => lose(down('connection closed'));
  const failed = (error: Error): void => lose(explainConnectionError(error, source));
  function stop(): void {
    socket.off('data', heard);
    socket.off('end', ended);
    socket.off('error', failed);
  }
  function lose(finding: Finding): void {
    stop();
    ear.lost(finding);
  }
  socket.on('error', failed);
  socket.on('end', ended);
  socket.on('data', heard);
  return stop;
}
