/* libgcrypt's SM4-GCM; the handle of the cipher lives on from call to call. */
#include "bench.h"

#include <gcrypt.h>
#include <string.h>

enum { TAG = 16, NONCE = 12, KEY = 16 };

typedef struct {
  gcry_cipher_hd_t cipher;
  uint8_t key[KEY], nonce[NONCE], tag[TAG];
  uint8_t *in, *out;
  size_t len;
  uint64_t count;
} sealer;

static void fine(gcry_error_t code)
{
  must(!code, gcry_strerror(code));
}

static void set_key(sealer *own)
{
  fine(gcry_cipher_setkey(own->cipher, own->key, KEY));
}

static void encrypt_cached(void *with)
{
  sealer *own = with;
  fine(gcry_cipher_setiv(own->cipher, own->nonce, NONCE));
  fine(
      gcry_cipher_encrypt(own->cipher, own->out, own->len, own->in, own->len));
  fine(gcry_cipher_gettag(own->cipher, own->tag, TAG));
}

static void encrypt(void *with)
{
  sealer *own = with;
  own->count++;
  memcpy(own->key, &own->count, sizeof own->count);
  set_key(own);
  encrypt_cached(own);
}

static void *make_encrypt(const job *job, const char **why)
{
  sealer *own = room(sizeof *own);
  gcry_error_t code;
  (void)gcrypt_version();
  code =
      gcry_cipher_open(&own->cipher, GCRY_CIPHER_SM4, GCRY_CIPHER_MODE_GCM, 0);
  if(code) {
    *why = gcry_strerror(code);
    return NULL;
  }
  own->in = room(job->size);
  own->out = room(job->size);
  own->len = job->size;
  encrypt(own);
  return own;
}

static void decrypt_cached(void *with)
{
  sealer *own = with;
  fine(gcry_cipher_setiv(own->cipher, own->nonce, NONCE));
  fine(
      gcry_cipher_decrypt(own->cipher, own->out, own->len, own->in, own->len));
  fine(gcry_cipher_checktag(own->cipher, own->tag, TAG));
}

static void decrypt(void *with)
{
  set_key(with);
  decrypt_cached(with);
}

static void *make_decrypt(const job *job, const char **why)
{
  sealer *own = make_encrypt(job, why);
  if(own) {
    uint8_t *sealed = own->out;
    own->out = own->in;
    own->in = sealed;
    decrypt(own);
  }
  return own;
}

/* Its first call readies the library. */
const char *gcrypt_version(void)
{
  const char *version = gcry_check_version(NULL);
  if(!gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P)) {
    fine(gcry_control(GCRYCTL_DISABLE_SECMEM, 0));
    fine(gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0));
  }
  return version;
}

static const char PEER[] = "libgcrypt";

const contestant gcrypt_encrypt = {"libgcrypt, fresh key", PEER, make_encrypt,
                                   encrypt};
const contestant gcrypt_encrypt_cached = {"libgcrypt, cached key", PEER,
                                          make_encrypt, encrypt_cached};
const contestant gcrypt_decrypt = {"libgcrypt, key set up each time", PEER,
                                   make_decrypt, decrypt};
const contestant gcrypt_decrypt_cached = {"libgcrypt, cached key", PEER,
                                          make_decrypt, decrypt_cached};
