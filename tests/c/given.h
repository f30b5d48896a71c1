/* The parameters of a step as a typed function takes them. */
#ifndef GIVEN_H
#define GIVEN_H

#include <kmshsm.h>

#include "json.h"

/* What is absent is NULL, empty or 0. */
typedef struct given {
  const kmshsm_session *session;
  const char *key, *version, *algorithm;
  const char *wrapping_spec, *wrapping_algorithm;
  const char *source_key, *source_version, *source_algorithm;
  const char *destination_key;
  char *context; /* EncryptionContext or SourceEncryptionContext */
  char *destination_context;
  buffer in;    /* the bytes that the call is about */
  buffer other; /* a signature, a public key or an import token */
  uint64_t number;
} given;

/* Whether `with` has all of the first words and none beyond the second. */
int has_just(const json *with, const char *needed, const char *more);
/* 0 if a parameter is of another type; a Plaintext that is not Base64 may be
   text if `takes_text`. To be freed either way. */
int given_read(given *g, const json *with, int takes_text);
void given_free(given *g);

#endif
