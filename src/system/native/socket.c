/*
 * Sockets by descriptor: socket(2), setsockopt(2), bind(2), connect(2), getsockname(2), sendmsg(2), recvmsg(2), close(2).
 * Addresses are the kernel's structures as bytes, packed and read in src/system/sockaddr.ts.
 */

#include "native.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The largest IP datagram, and room for the link header of a frame. */
#define LARGEST (65535 + 64)
/* Of the data of a control message that is sent; struct in6_pktinfo has 20 bytes. */
#define LARGEST_CONTROL 64

static napi_value open_socket(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int domain, type, protocol;
  if (!take_int(env, args[0], &domain) || !take_int(env, args[1], &type) || !take_int(env, args[2], &protocol)) return NULL;
  return descriptor_or_refuse(env, socket(domain, type, protocol), "socket");
}

static napi_value close_descriptor(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  if (!take_int(env, args[0], &fd)) return NULL;
  /* After EINTR the descriptor is gone all the same (close(2), NOTES): no second try. */
  if (close(fd) < 0 && errno != EINTR) return refuse(env, "close");
  return undefined(env);
}

/* setOption(fd, level, name, value): a number is passed as an int, a Uint8Array as it lies. */
static napi_value set_option(napi_env env, napi_callback_info info) {
  ARGUMENTS(4);
  int fd, level, name, number;
  if (!take_int(env, args[0], &fd) || !take_int(env, args[1], &level) || !take_int(env, args[2], &name)) return NULL;
  napi_valuetype type;
  if (napi_typeof(env, args[3], &type) != napi_ok) return NULL;
  if (type == napi_number) {
    if (!take_int(env, args[3], &number)) return NULL;
    return done_or_refuse(env, setsockopt(fd, level, name, &number, sizeof number), "setsockopt");
  }
  uint8_t *bytes;
  size_t length;
  if (!take_bytes(env, args[3], &bytes, &length)) return NULL;
  return done_or_refuse(env, setsockopt(fd, level, name, bytes, (socklen_t)length), "setsockopt");
}

static napi_value bind_address(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uint8_t *address;
  size_t length;
  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &address, &length)) return NULL;
  return done_or_refuse(env, bind(fd, (struct sockaddr *)address, (socklen_t)length), "bind");
}

/* connect(fd, address): of datagram sockets, where it is done when it returns. */
static napi_value connect_address(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uint8_t *address;
  size_t length;
  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &address, &length)) return NULL;
  return done_or_refuse(env, connect(fd, (struct sockaddr *)address, (socklen_t)length), "connect");
}

static napi_value socket_name(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  napi_value bytes = NULL;
  if (!take_int(env, args[0], &fd)) return NULL;
  if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return refuse(env, "getsockname");
  napi_create_buffer_copy(env, length, &name, NULL, &bytes);
  return bytes;
}

/* send(fd, payload, address | undefined, level?, type?, data?): the last three are one control message (cmsg(3)). */
static napi_value send_message(napi_env env, napi_callback_info info) {
  ARGUMENTS(6);
  int fd, level, type;
  uint8_t *payload, *address = NULL, *data;
  size_t payload_length, address_length = 0, data_length;
  char control[CMSG_SPACE(LARGEST_CONTROL)] __attribute__((aligned(sizeof(size_t))));

  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &payload, &payload_length)) return NULL;
  if (!is_undefined(env, args[2]) && !take_bytes(env, args[2], &address, &address_length)) return NULL;
  struct iovec part = {.iov_base = payload, .iov_len = payload_length};
  struct msghdr message = {.msg_name = address, .msg_namelen = (socklen_t)address_length, .msg_iov = &part, .msg_iovlen = 1};

  if (!is_undefined(env, args[3])) {
    if (!take_int(env, args[3], &level) || !take_int(env, args[4], &type)) return NULL;
    if (!take_bytes(env, args[5], &data, &data_length)) return NULL;
    if (data_length > LARGEST_CONTROL) {
      errno = EMSGSIZE;
      return refuse(env, "sendmsg");
    }
    memset(control, 0, sizeof control);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(data_length);
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    first->cmsg_level = level;
    first->cmsg_type = type;
    first->cmsg_len = CMSG_LEN(data_length);
    memcpy(CMSG_DATA(first), data, data_length);
  }

  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return done_or_refuse(env, sent < 0 ? -1 : 0, "sendmsg");
}

static void set_number(napi_env env, napi_value object, const char *name, double number) {
  napi_value value;
  if (napi_create_double(env, number, &value) == napi_ok) napi_set_named_property(env, object, name, value);
}

static void set_bytes(napi_env env, napi_value object, const char *name, const void *bytes, size_t length) {
  napi_value value;
  if (napi_create_buffer_copy(env, length, bytes, NULL, &value) == napi_ok)
    napi_set_named_property(env, object, name, value);
}

static double milliseconds(struct timespec t) { return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6; }

/* What recvmsg(2) told beside the payload. SCM_TIMESTAMPNS is on CLOCK_REALTIME: moved to CLOCK_MONOTONIC here, where
   both can be read at one moment; src/system/receiver.ts bounds what a step of the clock makes of it. */
static void set_control(napi_env env, napi_value object, struct msghdr *message) {
  int number;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec stamp, real, monotonic;
      memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
      clock_gettime(CLOCK_REALTIME, &real);
      clock_gettime(CLOCK_MONOTONIC, &monotonic);
      set_number(env, object, "at", milliseconds(monotonic) - (milliseconds(real) - milliseconds(stamp)));
    } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
               (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
      memcpy(&number, CMSG_DATA(c), sizeof number);
      set_number(env, object, "ttl", number);
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo to;
      memcpy(&to, CMSG_DATA(c), sizeof to);
      set_bytes(env, object, "destination", &to.ipi_addr, sizeof to.ipi_addr);
      set_number(env, object, "interfaceIndex", to.ipi_ifindex);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      struct in6_pktinfo to;
      memcpy(&to, CMSG_DATA(c), sizeof to);
      set_bytes(env, object, "destination", &to.ipi6_addr, sizeof to.ipi6_addr);
      set_number(env, object, "interfaceIndex", to.ipi6_ifindex);
    }
  }
}

/* receive(fd): the next datagram waiting, or undefined when there is none; never waits. */
static napi_value receive_message(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  uint8_t payload[LARGEST];
  struct sockaddr_storage from;
  char control[256] __attribute__((aligned(sizeof(size_t))));
  napi_value object;
  if (!take_int(env, args[0], &fd)) return NULL;

  struct iovec part = {.iov_base = payload, .iov_len = sizeof payload};
  struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1,
                           .msg_control = control, .msg_controllen = sizeof control};
  ssize_t length;
  do length = recvmsg(fd, &message, MSG_DONTWAIT);
  while (length < 0 && errno == EINTR);
  if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return undefined(env);
  if (length < 0) return refuse(env, "recvmsg");

  if (napi_create_object(env, &object) != napi_ok) return NULL;
  set_bytes(env, object, "payload", payload, (size_t)length);
  set_bytes(env, object, "from", &from, message.msg_namelen);
  set_control(env, object, &message);
  return object;
}

/* interfaceIndex(name): 1 and up. */
static napi_value interface_index(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  char name[IF_NAMESIZE];
  if (!take_text(env, args[0], name, sizeof name)) return NULL;
  unsigned index = if_nametoindex(name);
  if (index == 0) return refuse(env, "if_nametoindex");
  return descriptor_or_refuse(env, (int)index, "if_nametoindex");
}

const struct method socket_methods[] = {
    {"socket", open_socket},    {"close", close_descriptor},   {"setOption", set_option},
    {"bind", bind_address},     {"connect", connect_address},  {"socketName", socket_name},
    {"send", send_message},     {"receive", receive_message},  {"interfaceIndex", interface_index},
    {NULL, NULL},
};
