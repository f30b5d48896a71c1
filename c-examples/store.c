#include "store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

uint32_t take_flags(int *argc, char ***argv)
{
  if(*argc < 2 || strcmp((*argv)[1], "--allow-unprotected-memory"))
    return 0;
  (*argv)[1] = (*argv)[0];
  ++*argv;
  --*argc;
  return KMSHSM_ALLOW_UNPROTECTED_MEMORY;
}

int place_open(place *p, const char *directory, const char *passphrase_file,
               const char *region, uint32_t flags)
{
  uint8_t passphrase[1024];
  size_t len = 0;
  kmshsm_status status;
  int code = read_file(passphrase_file, passphrase, sizeof(passphrase), &len);
  p->store = NULL;
  p->session = NULL;
  if(code)
    return code;
  if(len && passphrase[len - 1] == '\n')
    len--;
  status = kmshsm_open(directory, KMSHSM_UNLOCK_PASSPHRASE, passphrase, len,
                       flags, &p->store);
  OPENSSL_cleanse(passphrase, sizeof(passphrase));
  if(status)
    return refused("open the store", status);
  status = kmshsm_session_open(p->store, ACCOUNT, region, &p->session);
  if(status) {
    code = refused("open a session", status);
    place_close(p);
  }
  return code;
}

void place_close(place *p)
{
  kmshsm_session_free(p->session);
  kmshsm_close(p->store);
}

int refused(const char *what, kmshsm_status status)
{
  /* The text begins with kmshsm_status_name(status). */
  fprintf(stderr, "%s: %s\n", what, kmshsm_last_error());
  return (int)(status / 100);
}

int failed(const char *what, const char *why, int error)
{
  fprintf(stderr, "%s: %s%s%s\n", what, why, error ? ": " : "",
          error ? strerror(error) : "");
  return 1;
}

int read_all(FILE *in, const char *what, uint8_t *out, size_t capacity,
             size_t *len)
{
  *len = fread(out, 1, capacity, in);
  if(ferror(in))
    return failed(what, "cannot be read", errno);
  if(getc(in) != EOF)
    return failed(what, "is too long", 0);
  return 0;
}

int read_file(const char *path, uint8_t *out, size_t capacity, size_t *len)
{
  FILE *in;
  int code;
  in = fopen(path, "rb");
  if(!in)
    return failed(path, "cannot be opened", errno);
  /* A buffer of stdio's would keep a copy of a secret. */
  setvbuf(in, NULL, _IONBF, 0);
  code = read_all(in, path, out, capacity, len);
  fclose(in);
  return code;
}

int write_file(const char *path, const uint8_t *bytes, size_t len)
{
  FILE *out;
  size_t written;
  out = fopen(path, "wb");
  if(!out)
    return failed(path, "cannot be opened", errno);
  written = fwrite(bytes, 1, len, out);
  if(fclose(out) || written != len)
    return failed(path, "cannot be written", errno);
  return 0;
}
