// Faults at chosen calls: loaded before the C library (LD_PRELOAD), it counts
// the calls that change files below a directory, from the moment it is armed,
// and does at the n-th of them what it was told. Or it refuses every lock
// there, as file systems do that have none.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
  NOTHING,
  KILL,
  TORN,
  FAIL_IO,
  FAIL_SPACE,
  SHORT,
  NO_SPACE_LEFT,
  SYNCS_FAIL,
  NO_LOCKS
};
enum { WRITE, SYNC, OTHER };

static char below[PATH_MAX];
static atomic_int what;
static atomic_long count, target, hits;

// Arms it: the calls below `directory` are counted from 0, and the call `at`
// meets `fault`.
void inject_arm(const char *directory, long at, int fault)
{
  snprintf(below, sizeof below, "%s", directory);
  atomic_store(&count, 0);
  atomic_store(&hits, 0);
  atomic_store(&target, at);
  atomic_store(&what, fault);
}

// Disarms it; how many calls there were, or -1 - that if the fault was met.
long inject_disarm(void)
{
  atomic_store(&what, NOTHING);
  long seen = atomic_load(&count);
  return atomic_load(&hits) > 0 ? -1 - seen : seen;
}

static int is_below(const char *path)
{
  size_t length = strlen(below);
  return length > 0 && strncmp(path, below, length) == 0;
}

static int is_watched(int fd)
{
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int saved = errno;
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if(length < 0)
    return 0;
  path[length] = 0;
  return is_below(path);
}

// Whether this call meets the fault: what it is then.
static int meets(int kind, int is_there)
{
  int fault = atomic_load(&what);
  if(!is_there || fault == NO_LOCKS)
    return NOTHING;
  long number = atomic_fetch_add(&count, 1), at = atomic_load(&target);
  int lasts = fault == NO_SPACE_LEFT || fault == SYNCS_FAIL;
  if(lasts ? number < at : number != at)
    return NOTHING;
  if(fault == SYNCS_FAIL && kind != SYNC)
    return NOTHING;
  if(fault == NO_SPACE_LEFT && kind != WRITE)
    return NOTHING;
  atomic_fetch_add(&hits, 1);
  if(fault == KILL || (fault == TORN && kind != WRITE))
    kill(getpid(), SIGKILL);
  return fault;
}

static int fail(int fault)
{
  errno = fault == FAIL_SPACE || fault == NO_SPACE_LEFT ? ENOSPC : EIO;
  return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define ARMED(is_there) (atomic_load(&what) != NOTHING && is_there)
#define NONE
#define COMMA ,

// Writes only half of what it was given.
#define WRITES(name, parameter, argument) \
  ssize_t name(int fd, const void *bytes, size_t length parameter) \
  { \
    __typeof__(&name) real = REAL(name); \
    int fault = meets(WRITE, ARMED(is_watched(fd))); \
    if(fault == NOTHING) \
      return real(fd, bytes, length argument); \
    if(fault != SHORT && fault != TORN) \
      return fail(fault); \
    ssize_t written = real(fd, bytes, length / 2 argument); \
    if(fault == TORN) \
      kill(getpid(), SIGKILL); \
    return written; \
  }
WRITES(write, NONE, NONE)
WRITES(pwrite, COMMA off_t at, COMMA at)
WRITES(pwrite64, COMMA off64_t at, COMMA at)

// Does nothing.
#define CHANGES(kind, name, parameters, arguments, is_there) \
  int name parameters \
  { \
    __typeof__(&name) real = REAL(name); \
    int fault = meets(kind, ARMED(is_there)); \
    return fault == NOTHING ? real arguments : fail(fault); \
  }
CHANGES(SYNC, fsync, (int fd), (fd), is_watched(fd))
CHANGES(SYNC, fdatasync, (int fd), (fd), is_watched(fd))
CHANGES(OTHER, ftruncate, (int fd, off_t size), (fd, size), is_watched(fd))
CHANGES(OTHER, ftruncate64, (int fd, off64_t size), (fd, size), is_watched(fd))
CHANGES(OTHER, rename, (const char *from, const char *to), (from, to),
        is_below(to))
CHANGES(OTHER, mkdir, (const char *path, mode_t mode), (path, mode),
        is_below(path))

static int refuses_lock(int fd)
{
  return atomic_load(&what) == NO_LOCKS && is_watched(fd);
}

int flock(int fd, int operation)
{
  if(refuses_lock(fd)) {
    errno = atomic_load(&target) ? EOPNOTSUPP : ENOLCK;
    return -1;
  }
  return REAL(flock)(fd, operation);
}

#define LOCKS(name) \
  int name(int fd, int command, ...) \
  { \
    va_list list; \
    va_start(list, command); \
    void *argument = va_arg(list, void *); \
    va_end(list); \
    int locks = command == F_SETLK || command == F_SETLKW || \
                command == F_OFD_SETLK || command == F_OFD_SETLKW; \
    if(locks && refuses_lock(fd)) { \
      errno = atomic_load(&target) ? EOPNOTSUPP : ENOLCK; \
      return -1; \
    } \
    return REAL(name)(fd, command, argument); \
  }
LOCKS(fcntl)
LOCKS(fcntl64)
