/*
 * answering FILE COUNT [PORT]: real servers for the bench, all of a host's addresses at once. It accepts every connection,
 * answers every request of HTTP with a 200, and closes where it is asked to, or when the other end has closed.
 *
 * What it has seen stands in FILE at any moment, as three numbers of 64 bits in the byte order of the machine: probes so
 * far (connections that were opened, and on each the requests after its first), different addresses that were probed,
 * of COUNT, and the nanosecond of CLOCK_MONOTONIC at which COUNT was reached, 0 until then.
 */

#define _GNU_SOURCE

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_READY 512
#define MOST_OPEN 65536
/* Addresses are told apart by their last 16 bits. */
#define ADDRESSES 65536

struct seen {
  uint64_t probes, addresses, complete;
};

static const char closing[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
static const char staying[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";

static struct seen *seen;
static uint64_t wanted;
static bool known[ADDRESSES];
/* Of each descriptor: whether a request has been answered on it. */
static bool answered[MOST_OPEN];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Looked at until each was probed once, and not afterwards: it is a system call for each connection. */
static void note_address(int fd) {
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  if (seen->complete != 0 || getsockname(fd, (struct sockaddr *)&own, &length) < 0) return;
  bool *one = &known[ntohl(own.sin_addr.s_addr) % ADDRESSES];
  if (*one) return;
  *one = true;
  if (++seen->addresses < wanted) return;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  seen->complete = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void accept_all(int epoll, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MOST_OPEN) {
      close(fd);
      continue;
    }
    note_address(fd);
    seen->probes++;
    answered[fd] = false;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  }
}

/* A request is short and comes whole. */
static void hear(int fd) {
  char request[4096];
  const ssize_t length = recv(fd, request, sizeof request - 1, 0);
  if (length <= 0) {
    close(fd);
    return;
  }
  request[length] = 0;
  if (answered[fd]) seen->probes++;
  answered[fd] = true;
  const bool stays = strstr(request, "HTTP/1.1") != NULL && strcasestr(request, "\r\nConnection: close") == NULL;
  const char *answer = stays ? staying : closing;
  const bool sent = send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0;
  if (!stays || !sent) close(fd);
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: answering FILE COUNT [PORT]\n");
    return 2;
  }
  wanted = strtoull(arguments[2], NULL, 10);
  const int file = open(arguments[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof *seen) < 0) fail(arguments[1]);
  seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (seen == MAP_FAILED) fail("mmap");

  struct rlimit open_files;
  if (getrlimit(RLIMIT_NOFILE, &open_files) < 0) fail("getrlimit");
  open_files.rlim_cur = open_files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &open_files) < 0) fail("setrlimit");
  const int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), epoll = epoll_create1(0);
  const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(count > 3 ? atoi(arguments[3]) : 80)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (const struct sockaddr *)&any, sizeof any) < 0 || listen(listener, 65535) < 0) fail("listen");
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[MOST_READY];
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
  printf("listening\n");
  fflush(stdout);
  for (;;) {
    const int many = epoll_wait(epoll, ready, MOST_READY, -1);
    for (int i = 0; i < many; i++) {
      if (ready[i].data.fd == listener) accept_all(epoll, listener);
      else hear(ready[i].data.fd);
    }
  }
}
