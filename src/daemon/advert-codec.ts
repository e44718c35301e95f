/**
 * Adverts of one virtual router as bytes, both ways: what its config says of version, checksum, peers and authentication,
 * made ready once. The stamps of signed adverts are the only thing it remembers from one advert to the next.
 */

import type { Family, IpAddress } from '../base/address.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Duration } from '../base/time.ts';
import type { HmacAuthConfig, PassAuthConfig, VrrpConfig } from '../config/config.ts';
import { groupOf, peersOf } from '../config/families.ts';
import { readSecret, type SecretKind } from '../system/key-file.ts';
import { type DropReason, explain, type Received, type ReceivePolicy, receive } from '../vrrp/receive.ts';
import { type Marks, NO_MARKS, nextStamp, type ReplayRule } from '../vrrp/replay.ts';
import { type Advert, AUTH_LENGTH, AUTH_TYPE, type Auth, type Envelope, encode, type Path } from '../wire/vrrp.ts';
import { type Key, type Mac, type Stamp, sign } from '../wire/vrrp-auth.ts';

export type AdvertCodec = {
  /** What follows the IP or UDP header. Not to be written to: the same bytes are given again where they may be. */
  encode(advert: Advert, path: Path): Uint8Array;
  /** An advert that counts, or the reason that it does not. */
  decode(bytes: Uint8Array, envelope: Envelope): Result<Received, DropReason>;
  /** A sentence on a packet that `decode` refused: what is wrong, the clause, the values, what to do. */
  explain(reason: DropReason, bytes: Uint8Array, envelope: Envelope): string;
  /** Most that clocks may differ, in seconds, where the date of adverts counts; `null`: it does not. */
  readonly window: number | null;
  /** For the next codec of this router, when its config changes. */
  memory(): CodecMemory;
};

/** The last stamp sent, the highest one heard of each sender, and how the date is reckoned (`createDating`). */
export type CodecMemory = { readonly sent: Stamp | null; readonly marks: Marks; readonly epoch: number };

export type CodecDependencies = {
  /** Reads a password or key file; an error is a sentence that names the file. */
  readonly readSecret: (file: string, kind: SecretKind) => Result<Uint8Array, string>;
  readonly mac: Mac;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Milliseconds of a clock that nobody sets. */
  readonly steadyClock: () => number;
  /** Of the codec before, so that a reload neither sends an old stamp nor accepts one. */
  readonly memory?: CodecMemory;
};

/** Reads the secrets that the config names. An error is a sentence for people, of what keeps the router from running. */
export function createAdvertCodec(
  config: VrrpConfig,
  family: Family,
  deps: CodecDependencies,
): Result<AdvertCodec, string> {
  const secrets = readSecrets(config, deps);
  if (!secrets.ok) return err(`[[vrrp]] ${config.name}: ${secrets.error}`);
  const { policy: auth, passAuth, signing } = secrets.value;
  const { version, routerId, interval } = config;
  const peers =
    config.peers.length === 0 ? null : new Map(peersOf(config, family).map((peer) => [peer.address, peer] as const));
  const policy: ReceivePolicy = { family, version, routerId, interval, group: groupOf(config, family), peers, auth };
  let { sent, marks } = deps.memory ?? { sent: null, marks: NO_MARKS };
  const dating = createDating(deps);
  const plain = createCache((advert, path) => encode(advert, path, config.checksum, passAuth));

  return ok({
    encode(advert, path) {
      const message = plain(advert, path);
      if (signing === null) return message;
      sent = nextStamp(sent, dating.now(), signing.replay);
      return sign(message, path, signing.key, sent, deps.mac);
    },
    decode(bytes, envelope) {
      let reception = receive(policy, marks, bytes, envelope, dating.now());
      for (const other of wrongDate(reception.result) ? dating.others() : []) {
        const again = receive(policy, marks, bytes, envelope, dating.now(other));
        if (wrongDate(again.result)) continue;
        if (again.result.ok) dating.take(other);
        reception = again;
        break;
      }
      marks = reception.marks;
      return reception.result;
    },
    explain: (reason, bytes, envelope) => explain(reason, { policy, bytes, envelope, wallClock: dating.now() }),
    window: auth?.type === 'hmac' && auth.replay.mode === 'time' ? auth.replay.window : null,
    memory: () => ({ sent, marks, epoch: dating.epoch() }),
  });
}

const wrongDate = (result: Result<Received, DropReason>): boolean => !result.ok && result.error === 'hmac-date';

/**
 * The date of adverts, which must agree with that of the other directors. When the wall clock is set, that may be right or
 * wrong, so the date goes on as it was, by the steady clock, until an advert shows that the others have the new one; and
 * back to the one before it likewise. An epoch is what the steady clock is behind the date.
 */
function createDating({ wallClock, steadyClock, memory }: CodecDependencies) {
  let epoch = memory?.epoch ?? wallClock() - steadyClock();
  let before = epoch;
  return {
    now: (by = epoch) => by + steadyClock(),
    /** Other epochs that may be right. */
    others: () => [wallClock() - steadyClock(), before],
    take(next: number) {
      before = epoch;
      epoch = next;
    },
    epoch: () => epoch,
  };
}

type Signing = { readonly key: Key; readonly replay: ReplayRule };
type Secrets = {
  readonly policy: ReceivePolicy['auth'];
  /** Version 2's authentication data; `undefined`: none. */
  readonly passAuth: Auth | undefined;
  /** `null`: adverts are not signed. */
  readonly signing: Signing | null;
};

function readSecrets({ auth, version, interval }: VrrpConfig, deps: CodecDependencies): Result<Secrets, string> {
  if (auth === null) return ok({ policy: null, passAuth: undefined, signing: null });
  if (auth.type === 'hmac') return readKeys(auth, interval, deps);
  if (version !== 2) return err('auth type "pass" is part of version 2 only: use "hmac", or version = 2');
  return readPassword(auth, deps);
}

function readPassword({ file }: PassAuthConfig, { readSecret }: CodecDependencies): Result<Secrets, string> {
  const secret = readSecret(file, 'pass');
  if (!secret.ok) return secret;
  const password = new Uint8Array(AUTH_LENGTH);
  password.set(secret.value);
  const passAuth = { type: AUTH_TYPE.password, data: password };
  return ok({ policy: { type: 'pass', password }, passAuth, signing: null });
}

function readKeys(auth: HmacAuthConfig, interval: Duration, deps: CodecDependencies): Result<Secrets, string> {
  const keys = new Map<number, Uint8Array>();
  for (const { id, file } of auth.keys) {
    const secret = deps.readSecret(file, 'hmac');
    if (!secret.ok) return secret;
    keys.set(id, secret.value);
  }
  const id = auth.active ?? auth.keys[0]?.id;
  const bytes = id === undefined ? undefined : keys.get(id);
  if (id === undefined || bytes === undefined) return err(`auth: there is no key ${id ?? 'at all'}: add it to keys`);
  const replay = replayRule(auth, interval);
  const policy = { type: 'hmac', keys, required: auth.mode === 'enforce', replay, mac: deps.mac } as const;
  return ok({
    policy,
    passAuth: undefined,
    signing: auth.mode === 'receive-only' ? null : { key: { id, bytes }, replay },
  });
}

/** Of the files that its authentication needs, what is wrong with each; none: all can be read. */
export function unreadableSecrets({ auth }: Pick<VrrpConfig, 'auth'>): readonly string[] {
  if (auth === null) return [];
  const files = auth.type === 'pass' ? [auth.file] : auth.keys.map(({ file }) => file);
  return files.flatMap((file) => {
    const secret = readSecret(file, auth.type);
    return secret.ok ? [] : [secret.error];
  });
}

/** keepalived's bounds of the window, in seconds. */
const WINDOW = { least: 5, most: 300 } as const;

function replayRule({ replay, window }: HmacAuthConfig, interval: Duration): ReplayRule {
  if (replay === 'monotonic') return { mode: 'monotonic' };
  if (window !== null) return { mode: 'time', window: Math.ceil(window / 1000) };
  const three = Math.ceil((3 * interval) / 1000);
  return { mode: 'time', window: Math.min(WINDOW.most, Math.max(WINDOW.least, three)) };
}

/** Entries of the cache: a master has one path a peer and one or two priorities. */
const CACHED = 512;

/** The bytes of an advert that is sent again and again. `make` must give the same for the same. */
function createCache(make: (advert: Advert, path: Path) => Uint8Array): (advert: Advert, path: Path) => Uint8Array {
  const made = new Map<string, { readonly advert: Advert; readonly bytes: Uint8Array }>();
  return (advert, path) => {
    const key = `${advert.priority} ${path.source} ${path.destination}`;
    const hit = made.get(key);
    if (hit !== undefined && isSame(hit.advert, advert)) return hit.bytes;
    if (made.size >= CACHED) made.clear();
    const bytes = make(advert, path);
    made.set(key, { advert, bytes });
    return bytes;
  };
}

const isSame = (a: Advert, b: Advert): boolean =>
  a.priority === b.priority &&
  a.interval === b.interval &&
  a.routerId === b.routerId &&
  a.version === b.version &&
  sameList(a.addresses, b.addresses);

const sameList = (a: readonly IpAddress[], b: readonly IpAddress[]): boolean =>
  a === b || (a.length === b.length && a.every((address, i) => address === b[i]));
