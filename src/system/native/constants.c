/* The kernel's numbers by the kernel's names, for src/system/native.ts. */

#include "native.h"

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_packet.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* Of linux/in.h and linux/in6.h, which cannot be included beside netinet/in.h; missing in older C libraries. */
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif

#define ROW(name) {#name, name}

static const struct {
  const char *name;
  int32_t value;
} rows[] = {
    ROW(AF_INET), ROW(AF_INET6), ROW(AF_PACKET), ROW(AF_UNIX),
    ROW(SOCK_RAW), ROW(SOCK_STREAM), ROW(SOCK_DGRAM), ROW(SOCK_NONBLOCK), ROW(SOCK_CLOEXEC),
    ROW(IPPROTO_IP), ROW(IPPROTO_ICMP), ROW(IPPROTO_IPV6), ROW(IPPROTO_ICMPV6), ROW(SOL_RAW),

    ROW(SOL_SOCKET), ROW(SO_BINDTODEVICE), ROW(SO_MARK), ROW(SO_REUSEADDR), ROW(SO_RCVBUF), ROW(SO_RCVBUFFORCE), ROW(SO_SNDTIMEO),
    ROW(SO_TIMESTAMPNS),

    ROW(IP_TOS), ROW(IP_TTL), ROW(IP_RECVTTL), ROW(IP_PKTINFO), ROW(IP_MULTICAST_IF), ROW(IP_MULTICAST_TTL),
    ROW(IP_MULTICAST_LOOP), ROW(IP_MULTICAST_ALL), ROW(IP_ADD_MEMBERSHIP), ROW(IP_DROP_MEMBERSHIP),
    ROW(IP_BIND_ADDRESS_NO_PORT), ROW(IP_RECVERR), ROW(ICMP_FILTER),

    ROW(IPV6_TCLASS), ROW(IPV6_UNICAST_HOPS), ROW(IPV6_RECVHOPLIMIT), ROW(IPV6_PKTINFO), ROW(IPV6_RECVPKTINFO),
    ROW(IPV6_MULTICAST_IF), ROW(IPV6_MULTICAST_HOPS), ROW(IPV6_MULTICAST_LOOP), ROW(IPV6_MULTICAST_ALL),
    ROW(IPV6_ADD_MEMBERSHIP), ROW(IPV6_DROP_MEMBERSHIP), ROW(IPV6_FREEBIND), ROW(IPV6_RECVERR),
    ROW(ICMPV6_FILTER),

    ROW(SCHED_OTHER), ROW(SCHED_FIFO), ROW(SCHED_RESET_ON_FORK), ROW(MCL_CURRENT), ROW(MCL_FUTURE), ROW(MCL_ONFAULT),
};

napi_value constants(napi_env env) {
  napi_value object, value;
  if (napi_create_object(env, &object) != napi_ok) return NULL;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (napi_create_int32(env, rows[i].value, &value) != napi_ok ||
        napi_set_named_property(env, object, rows[i].name, value) != napi_ok)
      return NULL;
  return object;
}
