/*
 * The system calls that Node has no name for, given to TypeScript one by one. Nothing here decides: which socket, which
 * option, what an address means and what a refusal leads to is written in src/system/ beside this folder.
 *
 * Every function throws what a refused system call throws in Node: an Error with `code` ('EPERM'), `errno` (negative)
 * and `syscall`; and a TypeError when an argument is not of the kind it must be.
 */

#ifndef LVSKEEPER_NATIVE_H
#define LVSKEEPER_NATIVE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The call's arguments as `args[n]`; the missing ones are undefined. */
#define ARGUMENTS(n)     \
  napi_value args[n];    \
  size_t given = (n);    \
  if (napi_get_cb_info(env, info, &given, args, NULL, NULL) != napi_ok) return NULL

/* Reads a number into 32 bits, wrapping as ECMAScript's ToInt32 does, so that unsigned 32-bit values pass whole. */
bool take_int(napi_env env, napi_value value, int *out);
bool take_double(napi_env env, napi_value value, double *out);
/* Borrows the bytes of a Uint8Array: good until control returns to JavaScript. */
bool take_bytes(napi_env env, napi_value value, uint8_t **bytes, size_t *length);
/* The text with its closing zero; false, and an exception, when it does not fit into `size`. */
bool take_text(napi_env env, napi_value value, char *text, size_t size);
bool is_undefined(napi_env env, napi_value value);

/* Throws errno as the refusal of `syscall`, and returns NULL: `return refuse(env, "bind")`. */
napi_value refuse(napi_env env, const char *syscall);
napi_value undefined(napi_env env);
/* `result` of a system call that gives a descriptor or -1. */
napi_value descriptor_or_refuse(napi_env env, int result, const char *syscall);
/* `result` of a system call that gives 0 or -1. */
napi_value done_or_refuse(napi_env env, int result, const char *syscall);

/* One function of the addon, by the name TypeScript calls it. */
struct method {
  const char *name;
  napi_callback call;
};

/* Each file's functions; the last row has no name. */
extern const struct method socket_methods[];
extern const struct method dial_methods[];
extern const struct method stream_methods[];
extern const struct method poll_methods[];
extern const struct method timer_methods[];
extern const struct method process_methods[];

/* The kernel's numbers, from its own headers: an object of name to number. */
napi_value constants(napi_env env);

#endif
