/* timerfd_create(2) on CLOCK_MONOTONIC: one-shot, absolute, to the nanosecond where Node's timers count milliseconds. */

#include "native.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

static napi_value open_timer(napi_env env, napi_callback_info info) {
  (void)info;
  return descriptor_or_refuse(env, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create");
}

/*
 * armTimer(fd, at): milliseconds of the monotonic clock; the past fires at once; without `at` the timer is disarmed.
 * Rounded up to the next nanosecond: it never fires early.
 */
static napi_value arm_timer(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  double at;
  struct itimerspec setting = {0};
  if (!take_int(env, args[0], &fd)) return NULL;
  if (!is_undefined(env, args[1])) {
    if (!take_double(env, args[1], &at)) return NULL;
    /* All zero would disarm, so the earliest is 1 ns; the latest is what a 64-bit clock of nanoseconds can hold. */
    if (!(at > 0)) at = 0;
    if (at > 9e15) at = 9e15;
    time_t seconds = (time_t)(at / 1e3);
    long nanoseconds = (long)((at - (double)seconds * 1e3) * 1e6) + 1;
    if (nanoseconds >= 1000000000L) seconds += 1, nanoseconds -= 1000000000L;
    setting.it_value = (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
  }
  return done_or_refuse(env, timerfd_settime(fd, TFD_TIMER_ABSTIME, &setting, NULL), "timerfd_settime");
}

/* expired(fd): whether the timer has fired since it was last armed or asked. */
static napi_value expired(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int fd;
  uint64_t times;
  napi_value fired;
  if (!take_int(env, args[0], &fd)) return NULL;
  ssize_t length = read(fd, &times, sizeof times);
  if (length < 0 && errno != EAGAIN && errno != EINTR) return refuse(env, "read");
  return napi_get_boolean(env, length == sizeof times, &fired) == napi_ok ? fired : NULL;
}

const struct method timer_methods[] = {
    {"openTimer", open_timer}, {"armTimer", arm_timer}, {"expired", expired}, {NULL, NULL},
};
