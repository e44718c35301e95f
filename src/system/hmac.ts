/** HMAC-SHA256 (RFC 2104, FIPS 180-4) by OpenSSL, as `wire/vrrp-auth.ts` takes it. */

import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** Keys as OpenSSL has them: to make one of bytes costs several times what the HMAC of an advert does. */
const known = new WeakMap<Uint8Array, KeyObject>();

/** 32 bytes. The bytes of `key` must not be written to afterwards. */
export const hmacSha256 = (key: Uint8Array, message: Uint8Array): Uint8Array =>
  createHmac('sha256', known.get(key) ?? learn(key))
    .update(message)
    .digest();

function learn(key: Uint8Array): KeyObject {
  const object = createSecretKey(key);
  known.set(key, object);
  return object;
}
