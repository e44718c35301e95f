/* JavaScript values to C and back, and refusals as errors. */

#include "native.h"

#include <errno.h>
#include <stdio.h>
#include <uv.h>

static bool expected(napi_env env, bool held, const char *what) {
  if (!held) napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", what);
  return held;
}

bool take_int(napi_env env, napi_value value, int *out) {
  int32_t number;
  if (!expected(env, napi_get_value_int32(env, value, &number) == napi_ok, "expected a number")) return false;
  *out = number;
  return true;
}

bool take_double(napi_env env, napi_value value, double *out) {
  return expected(env, napi_get_value_double(env, value, out) == napi_ok, "expected a number");
}

bool take_bytes(napi_env env, napi_value value, uint8_t **bytes, size_t *length) {
  bool is_view = false;
  void *data = NULL;
  if (!expected(env, napi_is_buffer(env, value, &is_view) == napi_ok && is_view, "expected a Uint8Array")) return false;
  if (!expected(env, napi_get_buffer_info(env, value, &data, length) == napi_ok, "expected a Uint8Array")) return false;
  *bytes = data;
  return true;
}

bool take_text(napi_env env, napi_value value, char *text, size_t size) {
  size_t length = 0;
  if (!expected(env, napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok, "expected a string")) return false;
  if (!expected(env, length < size, "the string is too long")) return false;
  return expected(env, napi_get_value_string_utf8(env, value, text, size, &length) == napi_ok, "expected a string");
}

bool is_undefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

napi_value undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

static void set_text(napi_env env, napi_value object, const char *name, const char *text) {
  napi_value value;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok)
    napi_set_named_property(env, object, name, value);
}

napi_value refuse(napi_env env, const char *syscall) {
  int number = -errno;
  char name[32], reason[128], text[256];
  uv_err_name_r(number, name, sizeof name);
  uv_strerror_r(number, reason, sizeof reason);
  snprintf(text, sizeof text, "%s %s: %s", syscall, name, reason);

  napi_value message, error, code;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return NULL;
  if (napi_create_error(env, NULL, message, &error) != napi_ok) return NULL;
  if (napi_create_int32(env, number, &code) == napi_ok) napi_set_named_property(env, error, "errno", code);
  set_text(env, error, "code", name);
  set_text(env, error, "syscall", syscall);
  napi_throw(env, error);
  return NULL;
}

napi_value descriptor_or_refuse(napi_env env, int result, const char *syscall) {
  if (result < 0) return refuse(env, syscall);
  napi_value value = NULL;
  napi_create_int32(env, result, &value);
  return value;
}

napi_value done_or_refuse(napi_env env, int result, const char *syscall) {
  return result < 0 ? refuse(env, syscall) : undefined(env);
}
