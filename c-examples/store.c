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
  return place_open_as(p, directory, KMSHSM_UNLOCK_PASSPHRASE, passphrase_file,
                       ACCOUNT, region, flags);
}

int place_open_as(place *p, const char *directory, uint32_t unlock,
                  const char *secret_file, const char *account,
                  const char *region, uint32_t flags)
{
  uint8_t secret[1024];
  size_t len = 0;
  kmshsm_status status;
  int code = read_file(secret_file, secret, sizeof(secret), &len);
  p->store = NULL;
  p->session = NULL;
  if(code)
    return code;
  if(unlock == KMSHSM_UNLOCK_PASSPHRASE && len && secret[len - 1] == '\n')
    len--;
  status = kmshsm_open(directory, unlock, secret, len, flags, &p->store);
  OPENSSL_cleanse(secret, sizeof(secret));
  if(status)
    return refused("open the store", status);
  status = kmshsm_session_open(p->store, account, region, &p->session);
  if(status) {
    code = refused("open a session", status);
    place_close(p);
  }
  return code;
}

int place_in_memory(place *p)
{
  kmshsm_status status =
      kmshsm_open("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL, 0,
                  KMSHSM_ALLOW_UNPROTECTED_MEMORY, &p->store);
  if(!status)
    status =
        kmshsm_session_open(p->store, ACCOUNT, "cn-hongkong", &p->session);
  return status ? refused("open a store", status) : 0;
}

void place_close(place *p)
{
  kmshsm_session_free(p->session);
  kmshsm_close(p->store);
}

int text_of(const char *answer, const char *name, char *out, size_t capacity)
{
  char pattern[64];
  const char *found;
  size_t len;
  snprintf(pattern, sizeof(pattern), "\"%s\":\"", name);
  found = strstr(answer, pattern);
  if(!found)
    return 0;
  found += strlen(pattern);
  len = strcspn(found, "\"");
  if(len >= capacity)
    return 0;
  memcpy(out, found, len);
  out[len] = '\0';
  return 1;
}

int ask(const place *p, const char *action, const char *parameters,
        const char *name, char *out, size_t capacity)
{
  char *answer = NULL;
  int found;
  kmshsm_status status = kmshsm_call(p->session, action, parameters, &answer);
  if(status)
    return refused(action, status);
  found = !name || text_of(answer, name, out, capacity);
  kmshsm_string_free(answer); /* wipes it */
  return found ? 0 : failed(action, "answers something else", 0);
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
