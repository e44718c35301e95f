/* The addon as JavaScript sees it: the functions of the other files, and `constants`. */

#include "native.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "src/system/sockaddr.ts packs host-order fields as little-endian");

static bool add_methods(napi_env env, napi_value exports, const struct method *methods) {
  for (const struct method *m = methods; m->name != NULL; m++) {
    napi_value function;
    if (napi_create_function(env, m->name, NAPI_AUTO_LENGTH, m->call, NULL, &function) != napi_ok) return false;
    if (napi_set_named_property(env, exports, m->name, function) != napi_ok) return false;
  }
  return true;
}

NAPI_MODULE_INIT() {
  const bool done = add_methods(env, exports, socket_methods) && add_methods(env, exports, dial_methods) &&
                    add_methods(env, exports, stream_methods) && add_methods(env, exports, poll_methods) &&
                    add_methods(env, exports, timer_methods) && add_methods(env, exports, process_methods) &&
                    napi_set_named_property(env, exports, "constants", constants(env)) == napi_ok;
  return done ? exports : NULL;
}
