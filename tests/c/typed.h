/* The typed functions as the conformance table calls them: once without room,
   which must ask for it, then with just as much as was asked. */
#ifndef TYPED_H
#define TYPED_H

#include "given.h"

/* An output buffer, sized as the library asks. */
typedef struct output {
  uint8_t *data;
  size_t capacity;
  size_t len;
} output;

/* After the first call: makes as much as was asked for. */
int grow(kmshsm_status status, output *one, output *two);
/* Files an output, if the call succeeded, and frees it. */
void put_base64(kmshsm_status status, json *answer, const char *name,
                output *out);

/* Calls the function and files what it returns. */
typedef kmshsm_status typed_function(const given *g, json *answer);

typed_function do_encrypt, do_decrypt, do_data_key, do_sealed_key, do_random,
    do_parameters, do_import;
typed_function do_sign, do_verify, do_asymmetric_encrypt,
    do_asymmetric_decrypt, do_public_key, do_re_encrypt, do_export,
    do_generate_and_export;

#endif
