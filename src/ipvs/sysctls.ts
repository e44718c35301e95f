/**
 * The settings of IPVS below /proc/sys/net/ipv4/vs (Documentation/networking/ipvs-sysctl.rst; ip_vs_ctl.c): what each may
 * be, how it is written, and which two texts say the same. `null` everywhere: left as it is.
 */

import type { Duration } from '../base/time.ts';

/** `automatic`: only while memory is short. */
export type Defence = 'never' | 'automatic' | 'always';

/** By the kernel's names, in camel case. */
export type Sysctls = {
  /** A packet of a connection whose server is gone ends the connection, rather than to be dropped. */
  readonly expireNodestConn: boolean | null;
  /** A client that persistence keeps at a server of weight 0 goes to another one. */
  readonly expireQuiescentTemplate: boolean | null;
  /** What becomes of a new connection from a port that an old one had: 0 to 3, a bitmap. */
  readonly connReuseMode: number | null;
  /** A connection begins with any packet but RST, not with SYN alone. */
  readonly sloppyTcp: boolean | null;
  /** A connection begins with any chunk, not with INIT alone. */
  readonly sloppySctp: boolean | null;
  /** ICMP errors are scheduled like a packet of the connection that they are about. */
  readonly scheduleIcmp: boolean | null;
  /** Connections are in the connection tracking of netfilter too. */
  readonly conntrack: boolean | null;
  /** No packet is directed while a backup daemon of the connection synchronization runs. */
  readonly backupOnly: boolean | null;
  /** A connection is sent once it has `threshold` packets, and again every `period` packets; period 0: only then. */
  readonly syncThreshold: SyncThreshold | null;
  /** A connection that goes on as it is is not sent again for so long, whole seconds; 0: as the threshold says. */
  readonly syncRefreshPeriod: Duration | null;
  /** 0 to 3 */
  readonly syncRetries: number | null;
  /** Threads and ports of each daemon, a power of 2 up to 64. */
  readonly syncPorts: number | null;
  /** 0, or 1: of persistent services the templates alone are sent. */
  readonly syncPersistMode: number | null;
  /** ICMP errors to servers of NAT whose connection is not known. */
  readonly natIcmpSend: boolean | null;
  readonly dropEntry: Defence | null;
  readonly dropPacket: Defence | null;
  /** One packet of so many is dropped by `dropPacket` = `always`. */
  readonly amDroprate: number | null;
  readonly secureTcp: Defence | null;
  /** Without a server a packet goes to where it was sent. */
  readonly cacheBypass: boolean | null;
  /** Packets of protocols that IPVS does not know are not looked at again. */
  readonly ignoreTunneled: boolean | null;
  /** Rates are estimated. */
  readonly runEstimation: boolean | null;
  /** CPUs of the estimating threads, as in cpuset(7). */
  readonly estCpulist: string | null;
  /** -20 to 19 */
  readonly estNice: number | null;
  /** Pages of memory below which it is short. */
  readonly amemthresh: number | null;
  /** Packets that are too large and must not be cut are refused with ICMP. */
  readonly pmtuDisc: boolean | null;
  /** Replies of NAT are routed as if they were sent from here. */
  readonly snatReroute: boolean | null;
};
export type SyncThreshold = { readonly threshold: number; readonly period: number };

type Form<T> = {
  write(value: T): string;
  /** What two texts have in common that say the same to the kernel. */
  readonly meaning: (text: string) => string;
};

const plain: Form<number | string> = { write: String, meaning: (text) => text };
/** Whatever is not 0 is yes. */
const yesNo: Form<boolean> = {
  write: (value) => (value ? '1' : '0'),
  meaning: (text) => (text === '0' ? '0' : '1'),
};
/** 1 and 2 are both automatic: the kernel itself changes the one for the other as memory comes and goes. */
const defence: Form<Defence> = {
  write: (value) => ({ never: '0', automatic: '1', always: '3' })[value],
  meaning: (text) => (text === '2' ? '1' : text),
};
const wholeSeconds: Form<Duration> = { write: (value) => String(Math.round(value / 1000)), meaning: (text) => text };
/** Read with a tab between the two. */
const pair: Form<SyncThreshold> = {
  write: ({ threshold, period }) => `${threshold} ${period}`,
  meaning: (text) => text.replace(/\s+/g, ' '),
};

const FORMS: { readonly [K in keyof Sysctls]: Form<NonNullable<Sysctls[K]>> } = {
  ...{ expireNodestConn: yesNo, expireQuiescentTemplate: yesNo, connReuseMode: plain },
  ...{ sloppyTcp: yesNo, sloppySctp: yesNo, scheduleIcmp: yesNo, conntrack: yesNo, backupOnly: yesNo },
  ...{
    syncThreshold: pair,
    syncRefreshPeriod: wholeSeconds,
    syncRetries: plain,
    syncPorts: plain,
    syncPersistMode: plain,
  },
  ...{ natIcmpSend: yesNo, dropEntry: defence, dropPacket: defence, amDroprate: plain, secureTcp: defence },
  ...{ cacheBypass: yesNo, ignoreTunneled: yesNo, runEstimation: yesNo, estCpulist: plain, estNice: plain },
  ...{ amemthresh: plain, pmtuDisc: yesNo, snatReroute: yesNo },
};

/** `net.ipv4.vs.sync_ports`, as sysctl(8) calls it. */
const fullName = (name: string): string => `net.ipv4.vs.${name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`;

const byFullName = new Map(Object.entries(FORMS).map(([name, form]) => [fullName(name), form] as const));

/** Every setting by its full name. */
export const SYSCTL_NAMES: readonly string[] = [...byFullName.keys()];

/** Those that are not left as they are, by full name, as they are written. */
export function writeSysctls(sysctls: Sysctls): ReadonlyMap<string, string> {
  const out = new Map<string, string>();
  for (const [name, value] of Object.entries(sysctls))
    if (value !== null) out.set(fullName(name), (FORMS[name as keyof Sysctls] as Form<unknown>).write(value));
  return out;
}

/** Whether two texts of one setting say the same. A name that is none of them has a meaning as it is written. */
export function sameSysctl(name: string, a: string, b: string): boolean {
  const { meaning } = byFullName.get(name) ?? plain;
  return meaning(a) === meaning(b);
}
