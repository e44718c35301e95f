/**
 * Trust for checks over TLS, and what is wrong with a certificate, in words.
 *
 * One `SecureContext` serves all probes that trust the same authorities: making one costs more than a handshake's share
 * of it. It is made again when the file of authorities has changed, so a renewed file needs no reload; while that file
 * cannot be read, the last good context stays.
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import tls from 'node:tls';
import { err, ok, type Result } from '../base/result.ts';

/** How the server is to prove who it is. */
export type Trust = {
  readonly verify: boolean;
  /** File with the certificates to trust, PEM; `null`: the system's. */
  readonly ca: string | null;
  /** Name sent as SNI; `null`: none. */
  readonly serverName: string | null;
  /** Name or address the certificate must be for. */
  readonly identity: string;
  /** Protocols offered by ALPN, the preferred one first; none is offered when empty. */
  readonly alpn: readonly string[];
};

type Kept = { readonly stamp: string; readonly context: tls.SecureContext };

const kept = new Map<string, Kept>();

/** The context to connect with; the error says which file could not be used and why. */
export function contextFor(trust: Trust): Result<tls.SecureContext, string> {
  if (!trust.verify) return ok(keep('unverified', '', () => []));
  if (trust.ca === null) return ok(keep('system', '', systemAuthorities));
  const file = trust.ca;
  const key = `file ${file}`;
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return ok(keep(key, `${mtimeMs} ${size} ${ino}`, () => authoritiesIn(file)));
  } catch (error) {
    const last = kept.get(key);
    return last ? ok(last.context) : err(`ca ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function keep(key: string, stamp: string, authorities: () => string[]): tls.SecureContext {
  const before = kept.get(key);
  if (before?.stamp === stamp) return before.context;
  const context = tls.createSecureContext({ ca: authorities() });
  kept.set(key, { stamp, context });
  return context;
}

/** The system's store, or, on a machine that has none, the one built into Node. */
function systemAuthorities(): string[] {
  const system = tls.getCACertificates('system');
  return system.length > 0 ? system : tls.getCACertificates('bundled');
}

/** The certificates of a PEM bundle; throws when there are none, or one is damaged, which OpenSSL would pass over. */
function authoritiesIn(file: string): string[] {
  const blocks = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error('no PEM certificate in it');
  return blocks.map((block) => new X509Certificate(block).toString());
}

/** Why a certificate was refused. `code` is OpenSSL's name for it (x509_vfy.h, without X509_V_ERR_) or Node's. */
export function explainRefusal(code: string, socket: tls.TLSSocket, trust: Trust): string {
  const certificate = socket.getPeerCertificate();
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const leaf = Date.parse(certificate.valid_to) < Date.now();
      return leaf ? `certificate has expired (${day(certificate.valid_to)})` : `the issuer's certificate has expired`;
    }
    case 'CERT_NOT_YET_VALID':
      return `certificate is not valid before ${day(certificate.valid_from)}`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `certificate is not for ${trust.identity} but for ${certificate.subjectaltname ?? 'no name at all'}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'certificate is self-signed and not among the trusted ones';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'certificate is not from a trusted authority';
    default:
      return `certificate refused: ${code}`;
  }
}

const day = (date: string): string => {
  const time = Date.parse(date);
  return Number.isNaN(time) ? date : new Date(time).toISOString().slice(0, 10);
};
