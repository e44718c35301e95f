/*
 * A callback for each time a descriptor becomes readable, on Node's own event loop.
 *
 * Lifetime: the handle lives until libuv has let go of it (`released`) and JavaScript has let go of the external that
 * stands for it (`collected`), whichever comes last. Between poll() and closePoll() the callback is held strongly.
 * When the environment ends, the cleanup hook closes what is still open; `on_released` then runs after the environment
 * is gone and must not touch it.
 *
 * libuv's struct layout is stable within its major version; Node-API promises nothing about it.
 */

#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct poll {
  uv_poll_t handle;
  napi_env env;
  napi_ref callback;
  napi_async_cleanup_hook_handle hook;
  bool closed, released, collected;
};

static void free_when_unused(struct poll *poll) {
  if (poll->released && poll->collected) free(poll);
}

static void on_released(uv_handle_t *handle) {
  struct poll *poll = handle->data;
  poll->released = true;
  napi_remove_async_cleanup_hook(poll->hook);
  free_when_unused(poll);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)hint;
  struct poll *poll = data;
  poll->collected = true;
  free_when_unused(poll);
}

static void close_poll(struct poll *poll) {
  if (poll->closed) return;
  poll->closed = true;
  napi_delete_reference(poll->env, poll->callback);
  uv_close((uv_handle_t *)&poll->handle, on_released);
}

static void on_environment_end(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook;
  close_poll(data);
}

static void on_readable(uv_poll_t *handle, int status, int events) {
  (void)events;
  struct poll *poll = handle->data;
  napi_env env = poll->env;
  napi_handle_scope scope;
  napi_value callback, receiver, exception;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  if (napi_get_reference_value(env, poll->callback, &callback) == napi_ok && napi_get_global(env, &receiver) == napi_ok &&
      napi_make_callback(env, NULL, receiver, callback, 0, NULL, NULL) == napi_pending_exception &&
      napi_get_and_clear_last_exception(env, &exception) == napi_ok)
    napi_fatal_exception(env, exception);
  /* On an error of the socket (its link went down) libuv stops polling. The callback has read the error by now, which
     clears it: go on, so that the descriptor works again when the link is back. */
  if (status < 0 && !poll->closed) uv_poll_start(handle, UV_READABLE, on_readable);
  napi_close_handle_scope(env, scope);
}

/* poll(fd, callback): an external for the functions below. The descriptor must stay open until closePoll(). */
static napi_value start(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int fd;
  uv_loop_t *loop;
  napi_valuetype type;
  napi_value external;
  if (!take_int(env, args[0], &fd)) return NULL;
  if (napi_typeof(env, args[1], &type) != napi_ok || type != napi_function) {
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected a function");
    return NULL;
  }
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return NULL;

  struct poll *poll = calloc(1, sizeof *poll);
  if (poll == NULL) return refuse(env, "calloc");
  int refused = uv_poll_init(loop, &poll->handle, fd);
  if (refused != 0) {
    free(poll);
    errno = -refused;
    return refuse(env, "epoll_ctl");
  }
  poll->env = env;
  poll->handle.data = poll;
  if (napi_create_reference(env, args[1], 1, &poll->callback) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_environment_end, poll, &poll->hook) != napi_ok ||
      napi_create_external(env, poll, on_collected, NULL, &external) != napi_ok)
    napi_fatal_error("poll", NAPI_AUTO_LENGTH, "out of memory", NAPI_AUTO_LENGTH);
  uv_poll_start(&poll->handle, UV_READABLE, on_readable);
  return external;
}

static struct poll *take_poll(napi_env env, napi_callback_info info) {
  napi_value args[1];
  size_t given = 1;
  void *poll = NULL;
  if (napi_get_cb_info(env, info, &given, args, NULL, NULL) != napi_ok) return NULL;
  if (napi_get_value_external(env, args[0], &poll) != napi_ok)
    napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "expected what poll() returned");
  return poll;
}

static napi_value stop(napi_env env, napi_callback_info info) {
  struct poll *poll = take_poll(env, info);
  if (poll == NULL) return NULL;
  close_poll(poll);
  return undefined(env);
}

static napi_value ref(napi_env env, napi_callback_info info) {
  struct poll *poll = take_poll(env, info);
  if (poll == NULL) return NULL;
  if (!poll->closed) uv_ref((uv_handle_t *)&poll->handle);
  return undefined(env);
}

static napi_value unref(napi_env env, napi_callback_info info) {
  struct poll *poll = take_poll(env, info);
  if (poll == NULL) return NULL;
  if (!poll->closed) uv_unref((uv_handle_t *)&poll->handle);
  return undefined(env);
}

const struct method poll_methods[] = {
    {"poll", start}, {"closePoll", stop}, {"refPoll", ref}, {"unrefPoll", unref}, {NULL, NULL},
};
