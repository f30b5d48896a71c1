/* The examples in the comments of kmshsm.h, compiled and run. TAP on stdout.
   Their variables are here; examples.awk makes functions of them. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OAEP "RSAES_OAEP_SHA_256"

typedef struct example {
  const char *name;
  void (*run)(void);
} example;

static const kmshsm_store *store;
static const kmshsm_session *session;
static const kmshsm_digest *digest;
static kmshsm_status status;
static char *answer;
static const char *key, *external, *signer, *version, *rsa, *rsa_version;
static char place[64], path[64];
static const uint8_t secret[] = "correct horse battery staple";
static const size_t secret_len = sizeof(secret) - 1;
static const uint8_t text[] = "hello", material[32];
static const size_t text_len = 5, material_len = sizeof(material);
static uint8_t blob[256], out[1024], data_key[32], sealed[512], wrapped[512];
static uint8_t public_key[KMSHSM_IMPORT_PUBLIC_KEY_MAX];
static uint8_t token[KMSHSM_IMPORT_TOKEN_LEN], hash[KMSHSM_DIGEST_LEN];
static uint8_t signature[KMSHSM_SIGNATURE_MAX];
static size_t blob_len, out_len, data_key_len, sealed_len, wrapped_len;
static size_t public_key_len, token_len, hash_len, signature_len;
static int is_valid, has_sm4, is_older = 1, http_status, is_approved = -1;

/* Made by examples.awk. */
#include "examples.inc"

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

static char folder[] = "/tmp/kmshsm-examples-XXXXXX";
static world w;
static char *rsa_key, *its_version;

/* A world in a directory, a pair of RSA, and parameters for import. */
static void make_world(void)
{
  static int worlds;
  char where[64];
  snprintf(where, sizeof(where), "%s/world-%d", folder, worlds++);
  memset(&w, 0, sizeof(w));
  is_status(kmshsm_create(where, KMSHSM_UNLOCK_KEY_FILE, material, 32), "OK",
            "a store");
  is_status(kmshsm_open(where, KMSHSM_UNLOCK_KEY_FILE, material, 32,
                        KMSHSM_ALLOW_UNPROTECTED_MEMORY, &w.store),
            "OK", "that opens");
  is_status(
      kmshsm_session_open(w.store, "111122223333", "cn-hongkong", &w.session),
      "OK", "a session");
  world_fill(&w);
  rsa_key =
      field_of(w.session, "CreateKey",
               "{\"KeySpec\":\"RSA_2048\",\"KeyUsage\":\"ENCRYPT/DECRYPT\"}",
               "KeyMetadata.KeyId");
  its_version = version_of(w.session, rsa_key);
  is_status(kmshsm_asymmetric_encrypt(w.session, rsa_key, its_version, OAEP,
                                      text, text_len, sealed, sizeof(sealed),
                                      &sealed_len),
            "OK", "a sealed text");
  is_status(kmshsm_parameters_for_import(w.session, w.external, "RSA_2048",
                                         OAEP, public_key, sizeof(public_key),
                                         &public_key_len, token, sizeof(token),
                                         &token_len, NULL),
            "OK", "parameters for import");
}

static void drop_world(void)
{
  world_close(&w);
  free(rsa_key);
  free(its_version);
}

static void begin(const char *name, int number)
{
  if(kmshsm_flush(w.store) || kmshsm_random(w.session, 1, out, 1, &out_len)) {
    drop_world();
    make_world();
  }
  store = w.store;
  session = w.session;
  key = w.key;
  external = w.external;
  signer = w.signer;
  version = w.version;
  rsa = rsa_key;
  rsa_version = its_version;
  memcpy(blob, w.blob, sizeof(w.blob));
  blob_len = sizeof(w.blob);
  snprintf(place, sizeof(place), "%s/store-%d", folder, number);
  snprintf(path, sizeof(path), "%s/trail-%d", folder, number);
  answer = NULL;
  status = kmshsm_digest_new(session, signer, version, "ECDSA_SHA_256", NULL,
                             0, &digest);
  if(!status && !strcmp(name, "kmshsm_audit_verify"))
    status = kmshsm_audit_export(store, path, &answer);
  kmshsm_string_free(answer);
  answer = NULL;
  if(!status && !strcmp(name, "kmshsm_string_free"))
    status = kmshsm_tick(store, &answer);
  if(!status)
    status = kmshsm_wrap_key_material(OAEP, public_key, public_key_len,
                                      material, material_len, wrapped,
                                      sizeof(wrapped), &wrapped_len);
  is_status(status, "OK", "what the example needs");
}

static void end(const char *name)
{
  is_status(status, "OK", name);
  if(strcmp(name, "kmshsm_string_free"))
    kmshsm_string_free(answer);
  kmshsm_digest_free(digest);
  if(session != w.session)
    kmshsm_session_free(session);
  if(store != w.store)
    kmshsm_close(store);
}

int main(void)
{
  char command[64];
  int i;
  if(!mkdtemp(folder))
    return 1;
  for(i = 0; i < EXAMPLES; i++)
    if(!strcmp(examples[i].name, "kmshsm_set_key_memory"))
      examples[i].run();
  is_status(status, "OK", "kmshsm_set_key_memory, before all others");
  for(i = 0; i < EXAMPLES; i++)
    if(strcmp(examples[i].name, "kmshsm_set_key_memory")) {
      begin(examples[i].name, i);
      examples[i].run();
      end(examples[i].name);
    }
  is_true(is_valid == 1, "the signatures are right");
  is_true(has_sm4 == 1 && is_older == 0 && http_status == 200,
          "the module's answers");
  is_true(is_approved == 0, "nothing is approved at level SOFTWARE");
  drop_world();
  snprintf(command, sizeof(command), "rm -r %s", folder);
  return system(command) || finish();
}
