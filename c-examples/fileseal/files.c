#include "files.h"
#include "../store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CRYPTOGRAPHY 5 /* the exit code for what is not authentic */

int input_open(input *in, const char *path)
{
  int is_stdin = !strcmp(path, "-");
  in->name = is_stdin ? "standard input" : path;
  in->file = is_stdin ? stdin : fopen(path, "rb");
  return in->file ? 0 : failed(path, "cannot be opened", errno);
}

void input_close(input *in)
{
  if(in->file && in->file != stdin)
    fclose(in->file);
}

int input_read(input *in, uint8_t *to, size_t capacity, size_t *len, int *last)
{
  *len = fread(to, 1, capacity, in->file);
  if(last) {
    int next = getc(in->file);
    *last = next == EOF || ungetc(next, in->file) == EOF;
  }
  return ferror(in->file) ? failed(in->name, "cannot be read", errno) : 0;
}

int input_damaged(const input *in, const char *why)
{
  failed(in->name, why, 0);
  return CRYPTOGRAPHY;
}

/* What a signal that ends the program removes first. */
static char *volatile unfinished;

static void on_signal(int number)
{
  if(unfinished)
    unlink(unfinished);
  raise(number); /* its action is the default again: SA_RESETHAND */
}

static void catch_signals(void)
{
  static const int numbers[] = {SIGHUP, SIGINT, SIGTERM};
  struct sigaction action, before;
  size_t i;
  memset(&action, 0, sizeof(action));
  action.sa_handler = on_signal;
  action.sa_flags = (int)SA_RESETHAND;
  for(i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
    if(!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
      sigaction(numbers[i], &action, NULL);
}

/* Makes a file that is not there yet and that only its owner may read. */
static FILE *create(char *path)
{
  sigset_t all, before;
  FILE *file;
  int fd;
  catch_signals();
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  fd = open(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
  if(fd >= 0)
    unfinished = path;
  sigprocmask(SIG_SETMASK, &before, NULL);
  file = fd < 0 ? NULL : fdopen(fd, "wb");
  if(fd >= 0 && !file) {
    close(fd);
    unfinished = NULL;
    unlink(path);
  }
  return file;
}

int output_open(output *out, const char *path)
{
  struct stat there;
  size_t len = strlen(path) + sizeof(".part");
  signal(SIGPIPE, SIG_IGN); /* a reader that leaves is a failure to write */
  out->path = NULL;
  out->part = NULL;
  out->wrote = 0;
  out->file = stdout;
  if(!strcmp(path, "-"))
    return 0;
  out->path = path;
  out->file = NULL;
  /* A rename would put a file in place of a device. */
  if(!lstat(path, &there) && !S_ISREG(there.st_mode))
    return failed(path, "is not a regular file", 0);
  out->part = malloc(len);
  if(!out->part)
    return failed(path, "no memory", 0);
  snprintf(out->part, len, "%s.part", path);
  out->file = create(out->part);
  if(out->file)
    return 0;
  failed(out->part, "cannot be made", errno);
  free(out->part);
  return 1;
}

int output_write(output *out, const uint8_t *from, size_t len)
{
  out->wrote = 1;
  return fwrite(from, 1, len, out->file) == len
             ? 0
             : failed(out->path ? out->part : "standard output",
                      "cannot be written", errno);
}

/* Brings the name of a file to the disk. */
static int sync_directory(const char *path)
{
  char *copy = strdup(path);
  int fd = copy ? open(dirname(copy), O_RDONLY) : -1;
  int done = fd >= 0 && !fsync(fd);
  if(fd >= 0)
    close(fd);
  free(copy);
  return done;
}

int output_close(output *out, int code)
{
  if(!out->path) {
    if(out->file && fflush(out->file) && !code)
      code = failed("standard output", "cannot be written", errno);
    if(code && out->wrote)
      failed("standard output", "is not whole: do not use it", 0);
    return code;
  }
  if(out->file) {
    if(!code && (fflush(out->file) || fsync(fileno(out->file))))
      code = failed(out->part, "cannot be written", errno);
    if(fclose(out->file) && !code)
      code = failed(out->part, "cannot be written", errno);
    if(!code && rename(out->part, out->path))
      code = failed(out->path, "cannot be made", errno);
    if(code)
      unlink(out->part);
    else if(!sync_directory(out->path))
      code = failed(out->path, "is whole, but its name is not on the disk",
                    errno);
  }
  unfinished = NULL;
  free(out->part);
  return code;
}
