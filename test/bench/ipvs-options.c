/*
 * For a kernel without IPVS: a library to be preloaded, by which a director finds the socket options of IPVS (linux/ip_vs.h)
 * as if they were there, over an empty table. What it sets is taken and forgotten; its checks run as they do elsewhere.
 *
 * Of each destination that is set, a line goes to the file that IPVS_CHANGES names: nanosecond of CLOCK_MONOTONIC, address,
 * port, and the weight, 0 for one that is deleted.
 */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/ip_vs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A service, and the destination behind it, as they are handed over together. */
struct pair {
  struct ip_vs_service_user service;
  struct ip_vs_dest_user destination;
};

static bool is_ours(int level, int name) { return level == IPPROTO_IP && name >= IP_VS_BASE_CTL && name <= IP_VS_SO_SET_MAX; }

int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
  if (!is_ours(level, name)) {
    static int (*real)(int, int, int, void *, socklen_t *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "getsockopt");
    return real(fd, level, name, value, length);
  }
  memset(value, 0, *length);
  return 0;
}

static void write_down(int name, const struct pair *pair) {
  static int file = -1;
  const char *path = getenv("IPVS_CHANGES");
  if (file < 0 && path != NULL) file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  char address[INET_ADDRSTRLEN], line[128];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  inet_ntop(AF_INET, &pair->destination.addr, address, sizeof address);
  const int weight = name == IP_VS_SO_SET_DELDEST ? 0 : pair->destination.weight;
  const int length = snprintf(line, sizeof line, "%lld%09ld %s %d %d\n", (long long)now.tv_sec, now.tv_nsec, address,
                              ntohs(pair->destination.port), weight);
  if (write(file, line, (size_t)length) < 0) perror(path);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
  if (!is_ours(level, name)) {
    static int (*real)(int, int, int, const void *, socklen_t);
    if (real == NULL) real = dlsym(RTLD_NEXT, "setsockopt");
    return real(fd, level, name, value, length);
  }
  const bool destination = name == IP_VS_SO_SET_ADDDEST || name == IP_VS_SO_SET_EDITDEST || name == IP_VS_SO_SET_DELDEST;
  if (destination && length >= sizeof(struct pair)) write_down(name, value);
  return 0;
}
