/* Envelope encryption: encrypts a file with a data key of its own, which
 * stands in front of it, encrypted under a key that never leaves the store.
 *
 *   envelope encrypt STORE PASSPHRASE_FILE REGION KEY_ID <plain >sealed
 *   envelope decrypt STORE PASSPHRASE_FILE REGION - <sealed >plain
 *
 * --allow-unprotected-memory may stand in front. Sealed is the encrypted data
 * key, the ciphertext by AES-256-GCM, and its tag of 16 bytes. The nonce is 0,
 * for the data key is of this file alone. The file must fit into memory, as
 * nothing may be used before the tag has been verified: fileseal/ does without
 * that, in chunks. ../python/examples/envelope.py reads and writes the same.
 *
 * Build: see Makefile. Exit codes: 0, or the family of the error, see
 * kmshsm.h.
 */
#include "store.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT "{\"Format\":\"envelope\"}"
#define KEY_LEN 32
#define BLOB_LEN (KEY_LEN + KMSHSM_CIPHERTEXT_OVERHEAD)
#define TAG_LEN 16
#define FILE_MAX 1000000
#define CRYPTOGRAPHY 5 /* the exit code for what is not authentic */

/* Encrypts or decrypts `len` bytes where they lie; the tag is behind them. */
static int gcm(int encrypting, const uint8_t key[KEY_LEN], uint8_t *data,
               size_t len)
{
  const uint8_t nonce[12] = {0};
  uint8_t *tag = data + len;
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  int done;
  int ok =
      c &&
      EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, nonce, encrypting) &&
      EVP_CipherUpdate(c, data, &done, data, (int)len) &&
      (encrypting ||
       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag)) &&
      EVP_CipherFinal_ex(c, tag, &done) &&
      (!encrypting ||
       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag));
  EVP_CIPHER_CTX_free(c);
  return ok;
}

/* `file` has room for the encrypted data key in front and the tag behind; its
   `len` bytes begin behind the former. Answers what to print. */
static int encrypt(const place *p, const char *key_id, uint8_t *file,
                   size_t *len)
{
  uint8_t key[KEY_LEN];
  size_t key_len, blob_len;
  kmshsm_status status =
      kmshsm_generate_data_key(p->session, key_id, KEY_LEN, CONTEXT, key,
                               KEY_LEN, &key_len, file, BLOB_LEN, &blob_len);
  int ok;
  if(status)
    return refused("make a data key", status);
  ok = gcm(1, key, file + BLOB_LEN, *len);
  OPENSSL_cleanse(key, sizeof(key));
  *len += BLOB_LEN + TAG_LEN;
  return ok ? 0 : failed("AES-256-GCM", "does not work", 0);
}

static int decrypt(const place *p, uint8_t *file, size_t *len)
{
  uint8_t key[KEY_LEN];
  size_t key_len;
  kmshsm_status status;
  int ok;
  if(*len < BLOB_LEN + TAG_LEN)
    return failed("the input", "is no envelope", 0);
  status = kmshsm_decrypt(p->session, file, BLOB_LEN, CONTEXT, key, KEY_LEN,
                          &key_len);
  if(status)
    return refused("open the data key", status);
  *len -= BLOB_LEN + TAG_LEN;
  ok = gcm(0, key, file + BLOB_LEN, *len);
  OPENSSL_cleanse(key, sizeof(key));
  if(ok)
    return 0;
  failed("the input", "has been changed", 0);
  return CRYPTOGRAPHY;
}

int main(int argc, char **argv)
{
  static uint8_t file[BLOB_LEN + FILE_MAX + TAG_LEN];
  uint32_t flags = take_flags(&argc, &argv);
  int encrypting = argc == 6 && !strcmp(argv[1], "encrypt"), code;
  uint8_t *data = encrypting ? file + BLOB_LEN : file, *out;
  size_t len;
  place p;
  if(!encrypting && (argc != 6 || strcmp(argv[1], "decrypt")))
    return failed("envelope", "see the top of its source", 0);
  if((code = place_open(&p, argv[2], argv[3], argv[4], flags)))
    return code;
  code = read_all(stdin, "the input", data,
                  encrypting ? FILE_MAX : sizeof(file), &len);
  if(!code)
    code = encrypting ? encrypt(&p, argv[5], file, &len)
                      : decrypt(&p, file, &len);
  place_close(&p);
  out = encrypting ? file : file + BLOB_LEN;
  if(!code && (fwrite(out, 1, len, stdout) != len || fflush(stdout)))
    code = failed("the output", "cannot be written", errno);
  OPENSSL_cleanse(file, sizeof(file));
  return code;
}
