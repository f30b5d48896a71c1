/* The system's OpenSSL, by EVP: contexts and keys live on from call to call,
   as in a program that means to be fast. */
#include "bench.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

enum { TAG = 16, NONCE = 12, KEY_MAX = 32 };

typedef struct {
  EVP_CIPHER_CTX *context;
  uint8_t key[KEY_MAX], nonce[NONCE], tag[TAG];
  uint8_t *in, *out;
  int len;
  uint64_t count;
} sealer;

static void seal(sealer *own, const uint8_t *key)
{
  int len;
  must(
      EVP_EncryptInit_ex2(own->context, NULL, key, own->nonce, NULL) &&
          EVP_EncryptUpdate(own->context, own->out, &len, own->in, own->len) &&
          EVP_EncryptFinal_ex(own->context, own->out + len, &len) &&
          EVP_CIPHER_CTX_ctrl(own->context, EVP_CTRL_AEAD_GET_TAG, TAG,
                              own->tag),
      "EVP_Encrypt");
}

static void open(sealer *own, const uint8_t *key)
{
  int len;
  must(
      EVP_DecryptInit_ex2(own->context, NULL, key, own->nonce, NULL) &&
          EVP_DecryptUpdate(own->context, own->out, &len, own->in, own->len) &&
          EVP_CIPHER_CTX_ctrl(own->context, EVP_CTRL_AEAD_SET_TAG, TAG,
                              own->tag) &&
          EVP_DecryptFinal_ex(own->context, own->out + len, &len),
      "EVP_Decrypt");
}

static void encrypt(void *with)
{
  sealer *own = with;
  own->count++;
  memcpy(own->key, &own->count, sizeof own->count);
  seal(own, own->key);
}

static void *make_encrypt(const job *job, const char **why)
{
  static char absent[64];
  const char *name =
      strcmp(job->spec, "Aliyun_SM4") ? "AES-256-GCM" : "SM4-GCM";
  sealer *own = room(sizeof *own);
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
  if(!cipher) {
    snprintf(absent, sizeof absent, "OpenSSL %s has no %s", openssl_version(),
             name);
    *why = absent;
    return NULL;
  }
  own->context = EVP_CIPHER_CTX_new();
  must(own->context &&
           EVP_CipherInit_ex2(own->context, cipher, NULL, NULL, 1, NULL),
       name);
  EVP_CIPHER_free(cipher);
  own->in = room(job->size);
  own->out = room(job->size);
  own->len = (int)job->size;
  encrypt(own);
  return own;
}

static void encrypt_cached(void *with)
{
  seal(with, NULL);
}

static void decrypt(void *with)
{
  sealer *own = with;
  open(own, own->key);
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

static void decrypt_cached(void *with)
{
  open(with, NULL);
}

typedef struct {
  EVP_PKEY_CTX *context;
  uint8_t out[512];
} signer;

static void sign(void *with)
{
  signer *own = with;
  size_t len = sizeof own->out;
  must(EVP_PKEY_sign(own->context, own->out, &len, digest, DIGEST) == 1,
       "EVP_PKEY_sign");
}

static EVP_PKEY *generate(const char *spec)
{
  if(!strcmp(spec, "RSA_2048"))
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
  if(!strcmp(spec, "EC_P256"))
    return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
  return EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
}

static void *make_sign(const job *job, const char **why)
{
  signer *own = room(sizeof *own);
  EVP_PKEY *key = generate(job->spec);
  (void)why;
  own->context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
  must(EVP_PKEY_sign_init(own->context) == 1, "EVP_PKEY_sign_init");
  if(EVP_PKEY_is_a(key, "RSA"))
    must(EVP_PKEY_CTX_set_rsa_padding(own->context, RSA_PKCS1_PADDING) == 1 &&
             EVP_PKEY_CTX_set_signature_md(own->context, EVP_sha256()) == 1,
         "RSA");
  EVP_PKEY_free(key);
  return own;
}

typedef struct {
  size_t len;
  uint8_t *out;
} bytes;

static void random_bytes(void *with)
{
  bytes *own = with;
  must(RAND_bytes(own->out, (int)own->len) == 1, "RAND_bytes");
}

static void *make_random(const job *job, const char **why)
{
  bytes *own = room(sizeof *own);
  (void)why;
  own->len = job->size;
  own->out = room(job->size);
  return own;
}

const char *openssl_version(void)
{
  return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char PEER[] = "OpenSSL";

const contestant openssl_encrypt = {"OpenSSL, fresh key", PEER, make_encrypt,
                                    encrypt};
const contestant openssl_encrypt_cached = {"OpenSSL, cached key", PEER,
                                           make_encrypt, encrypt_cached};
const contestant openssl_decrypt = {"OpenSSL, key set up each time", PEER,
                                    make_decrypt, decrypt};
const contestant openssl_decrypt_cached = {"OpenSSL, cached key", PEER,
                                           make_decrypt, decrypt_cached};
const contestant openssl_sign = {"OpenSSL", PEER, make_sign, sign};
const contestant openssl_random = {"OpenSSL RAND_bytes", PEER, make_random,
                                   random_bytes};
