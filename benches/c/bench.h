/* The C interface beside its peers, in one process. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* With a key of `spec`, a KeySpec of the API whoever has it, on messages of
   `size` bytes; 0 where a job has no size. */
typedef struct {
  const char *spec;
  size_t size;
} job;

/* Who does a job. `make` makes what one thread needs for it, which lives as
   long as the process; NULL if it cannot take part, and `why` not. `run` does
   the job once. */
typedef struct {
  const char *name, *peer;
  void *(*make)(const job *job, const char **why);
  void (*run)(void *own);
} contestant;

/* What everybody signs. */
enum { DIGEST = 32 };
extern const uint8_t digest[DIGEST];

extern const contestant ours_encrypt, ours_decrypt, ours_data_key, ours_sign,
    ours_verify, ours_random;
extern const contestant openssl_encrypt, openssl_decrypt, openssl_sign,
    openssl_random, openssl_encrypt_cached, openssl_decrypt_cached;
extern const contestant gcrypt_encrypt, gcrypt_decrypt, gcrypt_encrypt_cached,
    gcrypt_decrypt_cached;
extern const contestant softhsm_encrypt, softhsm_decrypt, softhsm_sign,
    softhsm_encrypt_passing, softhsm_decrypt_passing, softhsm_sign_passing,
    softhsm_random;
extern const contestant kernel_random;

/* What the report says of a peer's version; "" if it is not there. */
const char *openssl_version(void);
const char *gcrypt_version(void);
const char *softhsm_version(void);
const char *kernel_version(void);

/* Says what went wrong, and ends the program: a figure of a job that was not
   done is none. */
void must(int done, const char *what);
/* Memory for as long as the process lives, with the byte 7 all over. */
void *room(size_t size);

#endif
