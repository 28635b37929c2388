/*
 * Shifts the wall clock of every program that loads it (LD_PRELOAD) by CLOCK_SHIFT_SECONDS. Monotonic clocks, and with
 * them sleeps and timeouts, stay as they are: libfaketime 0.9.10 cannot do that, because it also moves the absolute
 * deadlines of clock_nanosleep on a monotonic clock, with which Python sleeps.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
  static _Thread_local int known = 0;
  static _Thread_local time_t seconds = 0;
  if (!known) {
    const char *given = getenv("CLOCK_SHIFT_SECONDS");
    seconds = given ? atoll(given) : 0;
    known = 1;
  }
  return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, at);
  if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
  return failed;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  (void)zone;
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
