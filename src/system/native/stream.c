/* Bytes over a connected stream socket that does not wait, and when there are any: beside `dial.c`, on the same descriptor of epoll(7). */

#include "native.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* watchInput(epoll, fd, id): from now on, of a socket that `watchConnect` was asked of before. */
static napi_value watch_input(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  int epoll, fd;
  double id;
  if (!take_int(env, args[0], &epoll) || !take_int(env, args[1], &fd) || !take_double(env, args[2], &id)) return NULL;
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)id};
  return done_or_refuse(env, epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

/* sendBytes(fd, bytes): how many of them the kernel has taken. */
static napi_value send_bytes(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uint8_t *bytes;
  size_t length;
  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &bytes, &length)) return NULL;
  const ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  const bool full = sent < 0 && (errno == EAGAIN || errno == EINTR);
  return descriptor_or_refuse(env, full ? 0 : (int)sent, "send");
}

/* receiveBytes(fd, room): how many bytes were written into it, 0 at the end of the stream; undefined when there is nothing. */
static napi_value receive_bytes(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uint8_t *room;
  size_t size;
  if (!take_int(env, args[0], &fd) || !take_bytes(env, args[1], &room, &size)) return NULL;
  const ssize_t received = recv(fd, room, size, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return undefined(env);
  return descriptor_or_refuse(env, (int)received, "recv");
}

const struct method stream_methods[] = {
    {"watchInput", watch_input}, {"sendBytes", send_bytes}, {"receiveBytes", receive_bytes}, {NULL, NULL},
};
