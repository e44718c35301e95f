/*
 * Many connections under way on one descriptor: connect(2) without waiting, and epoll(7), which tells the sockets apart
 * by a number that is given with each. One handle of libuv for all of them costs less than one for each.
 */

#include "native.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Told at once; those that are left are told in the next turn of the event loop, when their deadlines may be over. */
#define MOST_READY 4096

static napi_value open_epoll(napi_env env, napi_callback_info info) {
  (void)info;
  return descriptor_or_refuse(env, epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
}

/* startConnect(fd, address): of a non-blocking stream socket. */
static napi_value start_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uint8_t *address;
  size_t length;
  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &address, &length)) return NULL;
  const int result = connect(fd, (struct sockaddr *)address, (socklen_t)length);
  return done_or_refuse(env, result < 0 && errno == EINPROGRESS ? 0 : result, "connect");
}

/* watchConnect(epoll, fd, id): once, when the connection is there or has failed. */
static napi_value watch_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int epoll, fd;
  double id;
  if (!take_int(env, args[0], &epoll) || !take_int(env, args[1], &fd) || !take_double(env, args[2], &id)) return NULL;
  struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT, .data.u64 = (uint64_t)id};
  return done_or_refuse(env, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/*
 * readyConnects(epoll, ids): writes the numbers of those that are over into a Float64Array, those with an error (EPOLLERR,
 * EPOLLHUP) as negative ones, and gives how many.
 */
static napi_value ready_connects(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int epoll;
  napi_typedarray_type type;
  size_t room;
  void *ids;
  struct epoll_event events[MOST_READY];
  if (!take_int(env, args[0], &epoll)) return NULL;
  if (napi_get_typedarray_info(env, args[1], &type, &room, &ids, NULL, NULL) != napi_ok || type != napi_float64_array || room == 0) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a Float64Array");
    return NULL;
  }
  const int count = epoll_wait(epoll, events, room < MOST_READY ? (int)room : MOST_READY, 0);
  for (int i = 0; i < count; i++) {
    const double id = (double)events[i].data.u64;
    ((double *)ids)[i] = events[i].events & (EPOLLERR | EPOLLHUP) ? -id : id;
  }
  return descriptor_or_refuse(env, count < 0 && errno == EINTR ? 0 : count, "epoll_wait");
}

/* endConnect(fd): throws why the connection has failed, unless it is there (SO_ERROR, socket(7)). */
static napi_value end_connect(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd, error = 0;
  socklen_t length = sizeof error;
  if (!take_int(env, args[0], &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return refuse(env, "getsockopt");
  errno = error;
  return done_or_refuse(env, error == 0 ? 0 : -1, "connect");
}

/* reset(fd): closes a TCP socket, with a reset instead of FIN where it is connected (SO_LINGER, socket(7)). */
static napi_value reset(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  const struct linger none = {.l_onoff = 1, .l_linger = 0};
  if (!take_int(env, args[0], &fd)) return NULL;
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0) return refuse(env, "setsockopt");
  if (close(fd) < 0 && errno != EINTR) return refuse(env, "close");
  return undefined(env);
}

const struct method dial_methods[] = {
    {"openEpoll", open_epoll},     {"startConnect", start_connect}, {"watchConnect", watch_connect},
    {"readyConnects", ready_connects}, {"endConnect", end_connect}, {"reset", reset}, {NULL, NULL},
};
