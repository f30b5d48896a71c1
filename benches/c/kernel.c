/* The kernel's random bytes; and what programs of ours have from the system.
 */
#include "bench.h"

#include <sys/random.h>
#include <sys/utsname.h>

typedef struct {
  size_t len;
  uint8_t *out;
} bytes;

static void random_bytes(void *with)
{
  bytes *own = with;
  must(getrandom(own->out, own->len, 0) == (ssize_t)own->len, "getrandom");
}

static void *make_random(const job *job, const char **why)
{
  bytes *own = room(sizeof *own);
  (void)why;
  own->len = job->size;
  own->out = room(job->size);
  return own;
}

const char *kernel_version(void)
{
  static struct utsname name;
  must(uname(&name) == 0, "uname");
  return name.release;
}

const contestant kernel_random = {"getrandom", "kernel", make_random,
                                  random_bytes};
