/* Seals files of any size under keys that never leave a store, and opens them.
 *
 *   fileseal seal --key KEY [--chunk-size BYTES] [OPTIONS] IN OUT
 *   fileseal open [OPTIONS] IN OUT
 *   fileseal rewrap --key KEY [OPTIONS] IN OUT
 *   fileseal info [OPTIONS] IN
 *
 * IN and OUT are files, or - for standard input and output. `rewrap` encrypts
 * the data key under another key, or the newest version of its own, and copies
 * the rest; `info` needs no store, and tells more with one. See
 * ../../docs/fileseal.md for the options, the format and what it protects;
 * ../../python/examples/fileseal.py is its twin.
 *
 * Build: see ../Makefile. Exit codes: 0, or the family of the error
 * (kmshsm.h): 5 if the file is not as it was sealed; 1 for what concerns
 * arguments and files.
 */
#include "../store.h"
#include "format.h"
#include "options.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/* Where the service's ciphertext has the version of its key. */
#define VERSION_AT 3
#define DEFAULT_CHUNK 65536

typedef struct {
  options options;
  place place;
  head head;
  input in;
  output out;
} job;

/* Says why the data key could not be had. */
static int no_data_key(const job *j, const char *what, kmshsm_status status)
{
  if(status == KMSHSM_ERROR_INVALID_CIPHERTEXT)
    return input_damaged(&j->in, "has a data key that does not open: it has "
                                 "been changed, or sealed with another "
                                 "context");
  return refused(what, status);
}

static int seal(job *j)
{
  const options *o = &j->options;
  uint8_t data_key[DATA_KEY_LEN];
  size_t len;
  kmshsm_status status = kmshsm_generate_data_key(
      j->place.session, o->key, DATA_KEY_LEN, o->context, data_key,
      sizeof(data_key), &len, j->head.blob, BLOB_MAX, &j->head.blob_len);
  int code;
  if(!status)
    status = kmshsm_random(j->place.session, PREFIX_LEN, j->head.prefix,
                           PREFIX_LEN, &len);
  code = status ? refused("make a data key", status)
                : output_open(&j->out, o->out);
  if(!code) {
    head_begin(&j->head, o->chunk ? o->chunk : DEFAULT_CHUNK);
    code = head_write(&j->head, &j->out);
    if(!code)
      code = seal_body(&j->head, data_key, &j->in, &j->out);
    code = output_close(&j->out, code);
  }
  OPENSSL_cleanse(data_key, sizeof(data_key));
  return code;
}

static int open_sealed(job *j)
{
  uint8_t data_key[DATA_KEY_LEN];
  size_t len;
  kmshsm_status status =
      kmshsm_decrypt(j->place.session, j->head.blob, j->head.blob_len,
                     j->options.context, data_key, sizeof(data_key), &len);
  int code;
  if(status)
    return no_data_key(j, "open the data key", status);
  code = len == DATA_KEY_LEN
             ? output_open(&j->out, j->options.out)
             : input_damaged(&j->in, "has a data key of another length");
  if(!code)
    code =
        output_close(&j->out, open_body(&j->head, data_key, &j->in, &j->out));
  OPENSSL_cleanse(data_key, sizeof(data_key));
  return code;
}

/* What lies behind the head is copied as it is. */
static int copy(input *in, output *out)
{
  uint8_t piece[65536];
  int last = 0, code = 0;
  while(!code && !last) {
    size_t len;
    code = input_read(in, piece, sizeof(piece), &len, &last);
    if(!code)
      code = output_write(out, piece, len);
  }
  return code;
}

static int rewrap(job *j)
{
  const options *o = &j->options;
  uint8_t blob[BLOB_MAX];
  size_t len;
  int code;
  kmshsm_status status = kmshsm_re_encrypt(
      j->place.session, j->head.blob, j->head.blob_len, NULL, NULL, NULL,
      o->context, o->key, o->context, blob, sizeof(blob), &len);
  if(status)
    return no_data_key(j, "move the data key", status);
  memcpy(j->head.blob, blob, len);
  j->head.blob_len = len;
  code = output_open(&j->out, o->out);
  if(code)
    return code;
  code = head_write(&j->head, &j->out);
  return output_close(&j->out, code ? code : copy(&j->in, &j->out));
}

/* Has the store open the data key, and tell whose it is. The answer is wiped.
 */
static int ask_for_key(const job *j)
{
  char blob[4 * (BLOB_MAX / 3 + 1) + 1], key[37];
  char with[sizeof(blob) + sizeof(j->options.context) + 64];
  int code;
  EVP_EncodeBlock((uint8_t *)blob, j->head.blob, (int)j->head.blob_len);
  snprintf(with, sizeof(with),
           "{\"CiphertextBlob\":\"%s\",\"EncryptionContext\":%s}", blob,
           j->options.context);
  code = ask(&j->place, "Decrypt", with, "KeyId", key, sizeof(key));
  if(!code)
    printf("key_id       %s\n", key);
  return code;
}

/* How long the contents are, as far as the length of the file tells. */
static void tell_length(const job *j)
{
  const uint64_t sealed_chunk = j->head.chunk + TAG_LEN;
  uint64_t len, chunks;
  off_t end;
  if(fseeko(j->in.file, 0, SEEK_END) || (end = ftello(j->in.file)) < 0)
    return; /* a pipe */
  len = (uint64_t)end - head_len(&j->head);
  chunks = (len + sealed_chunk - 1) / sealed_chunk;
  if(len < chunks * TAG_LEN || !chunks)
    return; /* not whole */
  printf("length       %llu\nchunks       %llu\n",
         (unsigned long long)(len - chunks * TAG_LEN),
         (unsigned long long)chunks);
}

static int info(job *j)
{
  const uint8_t *v = j->head.blob + VERSION_AT;
  printf("format       fileseal 1\nchunk_size   %lu\n",
         (unsigned long)j->head.chunk);
  if(j->head.blob_len >= VERSION_AT + 16)
    printf("key_version  %02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
           "%02x%02x%02x%02x%02x%02x\n",
           v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10],
           v[11], v[12], v[13], v[14], v[15]);
  tell_length(j);
  return j->options.store ? ask_for_key(j) : 0;
}

int main(int argc, char **argv)
{
  static int (*const commands[])(job *) = {seal, open_sealed, rewrap, info};
  static job j;
  const options *o = &j.options;
  int code = options_read(&j.options, argc, argv);
  if(code)
    return code;
  code = input_open(&j.in, o->in);
  if(!code && o->command != SEAL)
    code = head_read(&j.head, &j.in);
  if(!code && o->store)
    code = place_open_as(&j.place, o->store,
                         o->key_file ? KMSHSM_UNLOCK_KEY_FILE
                                     : KMSHSM_UNLOCK_PASSPHRASE,
                         o->key_file ? o->key_file : o->passphrase_file,
                         o->account, o->region, o->flags);
  if(!code)
    code = commands[o->command](&j);
  input_close(&j.in);
  place_close(&j.place);
  return code;
}
