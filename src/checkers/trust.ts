/**
 * Trust for checks over TLS, and what is wrong with a certificate, in words.
 *
 * One `SecureContext` serves all probes that trust the same authorities and show the same certificate: making one costs
 * more than a handshake's share of it. It is made again when one of its files has changed, so a renewed file needs no
 * reload; while a file cannot be used, or a key is not yet that of the renewed certificate, the last good context stays.
 */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { err, ok, type Result } from '../base/result.ts';
import type { TlsConfig } from '../config/config.ts';

/** How the server is to prove who it is, and what we show it. */
export type Trust = {
  readonly verify: boolean;
  /** File with the certificates to trust, PEM; `null`: the system's. */
  readonly ca: string | null;
  /** Files with our certificate and its key, PEM; `null`, both: none is shown. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** Name sent as SNI; `null`: none. */
  readonly serverName: string | null;
  /** Name or address the certificate must be for. */
  readonly identity: string;
  /** Protocols offered by ALPN, the preferred one first; none is offered when empty. */
  readonly alpn: readonly string[];
};

/** The trust that a check asks for. The certificate must be for `sni`, or else for `host`, a name or an address; only names are sent. */
export function trustOf(check: TlsConfig, host: string, alpn: readonly string[] = []): Trust {
  const { verify, ca, certificate, key, sni } = check;
  const identity = sni ?? host;
  return { verify, ca, certificate, key, identity, serverName: isIP(identity) === 0 ? identity : null, alpn };
}

type Kept = { readonly stamp: string; readonly context: tls.SecureContext };

const kept = new Map<string, Kept>();

/** The context to connect with; the error says which file could not be used and why. */
export function contextFor({ verify, ca, certificate, key }: Trust): Result<tls.SecureContext, string> {
  const files = { ca: verify ? ca : null, certificate, key };
  const name = JSON.stringify([verify, files]);
  const last = kept.get(name);
  try {
    // A new key has a new certificate.
    const stamp = JSON.stringify([using(files, 'ca', stampOf), using(files, 'certificate', stampOf)]);
    if (last?.stamp === stamp) return ok(last.context);
    const context = tls.createSecureContext({
      ca: using(files, 'ca', (file) => certificatesIn(file)) ?? (verify ? systemAuthorities() : []),
      ...ourCertificate(files),
    });
    kept.set(name, { stamp, context });
    return ok(context);
  } catch (error) {
    return last ? ok(last.context) : err(wordsOf(error));
  }
}

type Files = Readonly<Record<'ca' | 'certificate' | 'key', string | null>>;

/** What a file gives, if there is one; what is thrown names the option and the file. */
function using<T>(files: Files, option: keyof Files, use: (file: string) => T): T | undefined {
  const file = files[option];
  if (file === null) return undefined;
  try {
    return use(file);
  } catch (error) {
    throw new Error(`${option} ${file}: ${wordsOf(error)}`);
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function stampOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file);
  return `${mtimeMs} ${size} ${ino}`;
}

/** The certificate that we show, with its key; throws when they do not belong together. */
function ourCertificate(files: Files): { cert: string; key: Buffer } | undefined {
  const chain = using(files, 'certificate', certificatesIn);
  const key = using(files, 'key', (file) => {
    const pem = readFileSync(file);
    const secret = createPrivateKey(pem);
    if (chain?.[0] !== undefined && !new X509Certificate(chain[0]).checkPrivateKey(secret))
      throw new Error(`not the key of the certificate in ${files.certificate}`);
    return pem;
  });
  return chain && key && { cert: chain.join(''), key };
}

/** The system's store, or, on a machine that has none, the one built into Node. */
function systemAuthorities(): string[] {
  const system = tls.getCACertificates('system');
  return system.length > 0 ? system : tls.getCACertificates('bundled');
}

/** The certificates of a PEM bundle; throws when there are none, or one is damaged, which OpenSSL would pass over. */
function certificatesIn(file: string): string[] {
  const blocks = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null) throw new Error('no PEM certificate in it');
  return blocks.map((block) => new X509Certificate(block).toString());
}

/** Why a certificate was refused. `code` is OpenSSL's name for it (x509_vfy.h, without X509_V_ERR_) or Node's. */
export function explainRefusal(code: string, certificate: X509Certificate | undefined, trust: Trust): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const leaf = certificate === undefined || Date.parse(certificate.validTo) < Date.now();
      return leaf ? `certificate has expired (${day(certificate?.validTo)})` : `the issuer's certificate has expired`;
    }
    case 'CERT_NOT_YET_VALID':
      return `certificate is not valid before ${day(certificate?.validFrom)}`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `certificate is not for ${trust.identity} but for ${certificate?.subjectAltName ?? 'no name at all'}`;
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

const day = (date = ''): string => {
  const time = Date.parse(date);
  return Number.isNaN(time) ? date : new Date(time).toISOString().slice(0, 10);
};
