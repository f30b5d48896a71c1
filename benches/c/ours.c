/* libkmshsm: one session on a store in memory, and a key of each kind, which
   all threads share. */
#include "bench.h"

#include <kmshsm.h>
#include <stdbool.h>
#include <string.h>

typedef struct {
  const char *spec, *usage, *algorithm;
  char id[37], version[37];
} key;

static key keys[] = {
    {"Aliyun_AES_256", "ENCRYPT/DECRYPT", NULL, "", ""},
    {"Aliyun_SM4", "ENCRYPT/DECRYPT", NULL, "", ""},
    {"RSA_2048", "SIGN/VERIFY", "RSA_PKCS1_SHA_256", "", ""},
    {"EC_P256", "SIGN/VERIFY", "ECDSA_SHA_256", "", ""},
    {"EC_SM2", "SIGN/VERIFY", "SM2DSA", "", ""},
};

static void fine(kmshsm_status status)
{
  must(status == KMSHSM_OK, kmshsm_last_error());
}

static const kmshsm_session *session(void)
{
  static const kmshsm_session *session;
  const kmshsm_store *store;
  if(!session) {
    fine(kmshsm_open("memory:", KMSHSM_UNLOCK_NONE, NULL, 0,
                     KMSHSM_ALLOW_UNPROTECTED_MEMORY, &store));
    fine(kmshsm_session_open(store, "111122223333", "cn-hangzhou", &session));
  }
  return session;
}

static void ask(const char *action, const char *with, const char *name,
                char out[37])
{
  char *answer, *at, pattern[40];
  fine(kmshsm_call(session(), action, with, &answer));
  snprintf(pattern, sizeof pattern, "\"%s\":\"", name);
  at = strstr(answer, pattern);
  must(at != NULL, action);
  snprintf(out, 37, "%.36s", at + strlen(pattern));
  kmshsm_string_free(answer);
}

static const key *key_of(const char *spec)
{
  char with[160];
  key *key = keys;
  while(strcmp(key->spec, spec) != 0)
    key++;
  if(!*key->id) {
    snprintf(with, sizeof with,
             "{\"KeySpec\":\"%s\",\"KeyUsage\":\"%s\","
             "\"ProtectionLevel\":\"HSM\"}",
             spec, key->usage);
    ask("CreateKey", with, "KeyId", key->id);
    if(key->algorithm) {
      snprintf(with, sizeof with, "{\"KeyId\":\"%s\"}", key->id);
      ask("ListKeyVersions", with, "KeyVersionId", key->version);
    }
  }
  return key;
}

typedef struct {
  const key *key;
  uint8_t *in, *out;
  size_t in_len, capacity;
} own;

static void *make(const job *job, size_t in_len, size_t capacity)
{
  own *own = room(sizeof *own);
  own->key = job->spec ? key_of(job->spec) : NULL;
  own->in = room(in_len);
  own->in_len = in_len;
  own->out = room(capacity);
  own->capacity = capacity;
  return own;
}

static void encrypt(void *with)
{
  own *own = with;
  size_t len;
  fine(kmshsm_encrypt(session(), own->key->id, own->in, own->in_len, NULL,
                      own->out, own->capacity, &len));
}

static void *make_encrypt(const job *job, const char **why)
{
  (void)why;
  return make(job, job->size, job->size + KMSHSM_CIPHERTEXT_OVERHEAD);
}

static void decrypt(void *with)
{
  own *own = with;
  size_t len;
  fine(kmshsm_decrypt(session(), own->in, own->in_len, NULL, own->out,
                      own->capacity, &len));
}

static void *make_decrypt(const job *job, const char **why)
{
  own *sealed = make_encrypt(job, why);
  own *own = make(job, sealed->capacity, job->size);
  encrypt(sealed);
  memcpy(own->in, sealed->out, own->in_len);
  memset(own->out, 0, job->size);
  decrypt(own);
  must(memcmp(own->out, sealed->in, job->size) == 0, "kmshsm_decrypt");
  return own;
}

static void data_key(void *with)
{
  own *own = with;
  size_t plain_len, len;
  fine(kmshsm_generate_data_key(session(), own->key->id, own->in_len, NULL,
                                own->in, own->in_len, &plain_len, own->out,
                                own->capacity, &len));
}

static void sign_into(const own *own, size_t *len)
{
  fine(kmshsm_sign(session(), own->key->id, own->key->version,
                   own->key->algorithm, digest, DIGEST, own->out,
                   own->capacity, len));
}

static void sign(void *with)
{
  size_t len;
  sign_into(with, &len);
}

static void *make_sign(const job *job, const char **why)
{
  (void)why;
  return make(job, DIGEST, KMSHSM_SIGNATURE_MAX);
}

static void verify(void *with)
{
  own *own = with;
  int is_valid;
  fine(kmshsm_verify(session(), own->key->id, own->key->version,
                     own->key->algorithm, digest, DIGEST, own->out,
                     own->capacity, &is_valid));
  must(is_valid, "kmshsm_verify");
}

static void *make_verify(const job *job, const char **why)
{
  own *own = make_sign(job, why);
  sign_into(own, &own->capacity);
  return own;
}

static void random_bytes(void *with)
{
  own *own = with;
  size_t len;
  fine(kmshsm_random(session(), own->capacity, own->out, own->capacity, &len));
}

static void *make_random(const job *job, const char **why)
{
  (void)why;
  return make(job, job->size, job->size);
}

static const char PEER[] = "libkmshsm";

const contestant ours_encrypt = {"kmshsm_encrypt", PEER, make_encrypt,
                                 encrypt};
const contestant ours_decrypt = {"kmshsm_decrypt", PEER, make_decrypt,
                                 decrypt};
const contestant ours_data_key = {"kmshsm_generate_data_key", PEER,
                                  make_encrypt, data_key};
const contestant ours_sign = {"kmshsm_sign", PEER, make_sign, sign};
const contestant ours_verify = {"kmshsm_verify", PEER, make_verify, verify};
const contestant ours_random = {"kmshsm_random", PEER, make_random,
                                random_bytes};
