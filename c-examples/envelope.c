/* Envelope encryption: encrypts a file of any size with a data key of its own,
 * which stands in the file's head, encrypted under a key that never leaves the
 * store.
 *
 *   envelope encrypt STORE PASSPHRASE_FILE REGION KEY_ID IN OUT
 *   envelope decrypt STORE PASSPHRASE_FILE REGION - IN OUT
 *
 * --allow-unprotected-memory may stand in front. The file's head tells which
 * key decrypts it.
 * ../python/examples/envelope.py reads and writes the same files.
 *
 * The file:
 *
 *   8 bytes   "KMSENV1\n"
 *   2 bytes   n, the length of the encrypted data key, big-endian
 *   n bytes   the encrypted data key: 32 bytes for AES-256-GCM, encrypted with
 * the encryption context {"Format":"KMSENV1"}, so that it is of no use under
 * another head chunks    each is the ciphertext of 65536 bytes, of the last
 * one of 0 to 65536, and a tag of 16
 *
 * Chunk i (from 0) has the nonce i, a 12-byte big-endian number: no other file
 * has the same data key. Its additional data is one byte, 1 for the last chunk
 * and else 0. So a file whose chunks were reordered, cut off or added to does
 * not decrypt.
 *
 * OUT appears when all of it is written and authentic; until then there is
 * OUT.part.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h.
 */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "KMSENV1\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define CONTEXT "{\"Format\":\"KMSENV1\"}"
#define DATA_KEY_LEN 32
#define BLOB_MAX (DATA_KEY_LEN + KMSHSM_CIPHERTEXT_OVERHEAD)
#define CHUNK 65536
#define TAG_LEN 16
#define CRYPTOGRAPHY 5 /* the exit code for what is not authentic */

/* AES-256-GCM over the chunks of one file. */
typedef struct {
  EVP_CIPHER_CTX *cipher;
  int encrypting;
  uint64_t next;
  uint8_t data[CHUNK + TAG_LEN];
} chunks;

static int chunks_begin(chunks *c, const uint8_t *data_key, int encrypting)
{
  c->next = 0;
  c->encrypting = encrypting;
  c->cipher = EVP_CIPHER_CTX_new();
  return c->cipher && EVP_CipherInit_ex(c->cipher, EVP_aes_256_gcm(), NULL,
                                        data_key, NULL, encrypting);
}

/* Wipes the key, too. */
static void chunks_end(chunks *c)
{
  EVP_CIPHER_CTX_free(c->cipher);
  OPENSSL_cleanse(c->data, sizeof(c->data));
}

/* Encrypts or decrypts the next chunk where it lies. `len` is that of the
   plaintext; the tag is behind it. */
static int chunks_next(chunks *c, int len, int last)
{
  uint8_t nonce[12] = {0}, flag = (uint8_t)last, *tag = c->data + len;
  int i, done;
  for(i = 0; i < 8; i++)
    nonce[11 - i] = (uint8_t)(c->next >> 8 * i);
  c->next++;
  return EVP_CipherInit_ex(c->cipher, NULL, NULL, NULL, nonce, -1) &&
         (c->encrypting ||
          EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LEN,
                              tag)) &&
         EVP_CipherUpdate(c->cipher, NULL, &done, &flag, 1) &&
         EVP_CipherUpdate(c->cipher, c->data, &done, c->data, len) &&
         EVP_CipherFinal_ex(c->cipher, tag, &done) &&
         (!c->encrypting ||
          EVP_CIPHER_CTX_ctrl(c->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag));
}

/* Says why the input is refused. Answers the exit code. */
static int bad_input(FILE *in, const char *why)
{
  if(ferror(in))
    return failed("the input", "cannot be read", errno);
  failed("the input", why, 0);
  return CRYPTOGRAPHY;
}

/* Streams all chunks of a file through the cipher. */
static int pass(FILE *in, FILE *out, const uint8_t *data_key, int encrypting)
{
  static chunks c;
  const size_t more = encrypting ? 0 : TAG_LEN; /* behind what is read */
  int code = 0, last = 0;
  if(!chunks_begin(&c, data_key, encrypting))
    code = failed("AES-256-GCM", "is not to be had", 0);
  while(!code && !last) {
    size_t len = fread(c.data, 1, CHUNK + more, in);
    int peeked = getc(in);
    last = peeked == EOF || ungetc(peeked, in) == EOF;
    if(ferror(in) || len < more || !chunks_next(&c, (int)(len - more), last))
      code = bad_input(in, "has been changed or cut off");
    else {
      len = encrypting ? len + TAG_LEN : len - TAG_LEN;
      if(fwrite(c.data, 1, len, out) != len)
        code = failed("the output", "cannot be written", errno);
    }
  }
  chunks_end(&c);
  return code;
}

static int encrypt(const place *p, const char *key_id, FILE *in, FILE *out)
{
  uint8_t data_key[DATA_KEY_LEN], blob[BLOB_MAX], length[2];
  size_t data_key_len, blob_len;
  int code = 0;
  kmshsm_status status = kmshsm_generate_data_key(
      p->session, key_id, sizeof(data_key), CONTEXT, data_key,
      sizeof(data_key), &data_key_len, blob, sizeof(blob), &blob_len);
  if(status)
    return refused("make a data key", status);
  length[0] = (uint8_t)(blob_len >> 8);
  length[1] = (uint8_t)blob_len;
  if(fwrite(MAGIC, 1, MAGIC_LEN, out) != MAGIC_LEN ||
     fwrite(length, 1, 2, out) != 2 ||
     fwrite(blob, 1, blob_len, out) != blob_len)
    code = failed("the output", "cannot be written", errno);
  if(!code)
    code = pass(in, out, data_key, 1);
  OPENSSL_cleanse(data_key, sizeof(data_key));
  return code;
}

static int decrypt(const place *p, FILE *in, FILE *out)
{
  uint8_t head[MAGIC_LEN + 2], blob[BLOB_MAX], data_key[DATA_KEY_LEN];
  size_t blob_len, data_key_len;
  int code;
  kmshsm_status status;
  if(fread(head, 1, sizeof(head), in) != sizeof(head) ||
     memcmp(head, MAGIC, MAGIC_LEN))
    return bad_input(in, "is not an envelope");
  blob_len = (size_t)head[MAGIC_LEN] << 8 | head[MAGIC_LEN + 1];
  if(blob_len > sizeof(blob) || fread(blob, 1, blob_len, in) != blob_len)
    return bad_input(in, "has no encrypted data key");
  status = kmshsm_decrypt(p->session, blob, blob_len, CONTEXT, data_key,
                          sizeof(data_key), &data_key_len);
  if(status)
    return refused("decrypt the data key", status);
  if(data_key_len == sizeof(data_key))
    code = pass(in, out, data_key, 0);
  else
    code = failed("the data key", "is not for AES-256", 0);
  OPENSSL_cleanse(data_key, sizeof(data_key));
  return code;
}

/* Makes a new file that only its owner may read. */
static FILE *create(const char *path)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
  if(fd >= 0 && !file)
    close(fd);
  return file;
}

/* From file to file, by way of OUT.part. `key_id` is NULL for decrypting. */
static int convert(const place *p, const char *key_id, const char *from,
                   const char *to)
{
  FILE *in = NULL, *out = NULL;
  size_t len = strlen(to) + sizeof(".part");
  char *part = malloc(len);
  int code = 0;
  if(!part)
    return failed(to, "no memory", 0);
  snprintf(part, len, "%s.part", to);
  in = fopen(from, "rb");
  if(!in)
    code = failed(from, "cannot be opened", errno);
  if(!code) {
    out = create(part);
    if(!out)
      code = failed(part, "cannot be made", errno);
  }
  if(!code)
    code = key_id ? encrypt(p, key_id, in, out) : decrypt(p, in, out);
  if(out && fclose(out) && !code)
    code = failed(part, "cannot be written", errno);
  if(in)
    fclose(in);
  if(!code && rename(part, to))
    code = failed(to, "cannot be made", errno);
  if(out && code)
    remove(part);
  free(part);
  return code;
}

int main(int argc, char **argv)
{
  uint32_t flags = take_flags(&argc, &argv);
  int encrypting = argc == 8 && !strcmp(argv[1], "encrypt");
  int code;
  place p;
  if(!encrypting &&
     (argc != 8 || strcmp(argv[1], "decrypt") || strcmp(argv[5], "-"))) {
    fputs("usage: envelope [--allow-unprotected-memory] encrypt STORE "
          "PASSPHRASE_FILE REGION "
          "KEY_ID IN OUT\n"
          "       envelope [--allow-unprotected-memory] decrypt STORE "
          "PASSPHRASE_FILE REGION "
          "- IN OUT\n",
          stderr);
    return 1;
  }
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  code = convert(&p, encrypting ? argv[5] : NULL, argv[6], argv[7]);
  place_close(&p);
  return code;
}
