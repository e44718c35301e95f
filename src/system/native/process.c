/* What a process asks of the scheduler and the memory manager for itself. */

#include "native.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* setScheduler(policy, priority): of the calling thread (sched_setscheduler(2)). */
static napi_value set_scheduler(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  int policy;
  struct sched_param parameters = {0};
  if (!take_int(env, args[0], &policy) || !take_int(env, args[1], &parameters.sched_priority)) return NULL;
  return done_or_refuse(env, sched_setscheduler(0, policy, &parameters), "sched_setscheduler");
}

/* getScheduler(): the calling thread's policy, SCHED_RESET_ON_FORK included. */
static napi_value get_scheduler(napi_env env, napi_callback_info info) {
  (void)info;
  return descriptor_or_refuse(env, sched_getscheduler(0), "sched_getscheduler");
}

static napi_value lock_memory(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int flags;
  if (!take_int(env, args[0], &flags)) return NULL;
  return done_or_refuse(env, mlockall(flags), "mlockall");
}

/* setParentDeathSignal(signal): PR_SET_PDEATHSIG (prctl(2)); 0 clears it. */
static napi_value set_parent_death_signal(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  int number;
  if (!take_int(env, args[0], &number)) return NULL;
  return done_or_refuse(env, prctl(PR_SET_PDEATHSIG, (unsigned long)number), "prctl");
}

const struct method process_methods[] = {
    {"setScheduler", set_scheduler},
    {"getScheduler", get_scheduler},
    {"lockMemory", lock_memory},
    {"setParentDeathSignal", set_parent_death_signal},
    {NULL, NULL},
};
