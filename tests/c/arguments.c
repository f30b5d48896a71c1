/* Every pointer of every function as NULL, and texts that no caller should
 * send. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCOUNT "111122223333"
#define REGION "cn-hongkong"
#define LOGIN "{\"Account\":\"" ACCOUNT "\",\"Region\":\"" REGION "\"}"
#define MEMORY "memory:?clock=manual"
#define REFUSED(call) is_status((call), "Abi.NullArgument", #call)

static const char spec[] = "RSA_2048";
static const char algorithm[] = "RSAES_OAEP_SHA_256";
static const uint8_t text[] = "hello";

static void opening(const kmshsm_store *store)
{
  const kmshsm_store *out = NULL;
  const kmshsm_session *session = NULL;
  REFUSED(kmshsm_create(NULL, KMSHSM_UNLOCK_PASSPHRASE, text, 5));
  REFUSED(kmshsm_create("/nowhere", KMSHSM_UNLOCK_PASSPHRASE, NULL, 5));
  REFUSED(kmshsm_create_with(NULL, KMSHSM_UNLOCK_PASSPHRASE, text, 5, NULL));
  REFUSED(
      kmshsm_create_with("/nowhere", KMSHSM_UNLOCK_PASSPHRASE, NULL, 5, NULL));
  REFUSED(kmshsm_open(NULL, KMSHSM_UNLOCK_NONE, NULL, 0, 0, &out));
  REFUSED(kmshsm_open("/nowhere", KMSHSM_UNLOCK_PASSPHRASE, NULL, 5, 0, &out));
  REFUSED(kmshsm_open(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, 0, NULL));
  REFUSED(kmshsm_open_with(NULL, KMSHSM_UNLOCK_NONE, NULL, 0, NULL, &out));
  REFUSED(kmshsm_open_with("/nowhere", KMSHSM_UNLOCK_PASSPHRASE, NULL, 5, NULL,
                           &out));
  REFUSED(kmshsm_open_with(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, NULL, NULL));
  REFUSED(kmshsm_session_open(NULL, ACCOUNT, REGION, &session));
  REFUSED(kmshsm_session_open(store, NULL, REGION, &session));
  REFUSED(kmshsm_session_open(store, ACCOUNT, NULL, &session));
  REFUSED(kmshsm_session_open(store, ACCOUNT, REGION, NULL));
  REFUSED(kmshsm_session_open_with(NULL, LOGIN, NULL, 0, &session));
  REFUSED(kmshsm_session_open_with(store, NULL, NULL, 0, &session));
  REFUSED(kmshsm_session_open_with(store, LOGIN, NULL, 5, &session));
  REFUSED(kmshsm_session_open_with(store, LOGIN, NULL, 0, NULL));
  is_true(!out && !session, "refused opens give no handle");
  kmshsm_close(NULL);
  kmshsm_session_free(NULL);
  kmshsm_string_free(NULL);
  is_true(1, "closing and freeing NULL is fine");
}

static void calling(const world *w)
{
  const kmshsm_session *s = w->session;
  char *answer = NULL;
  REFUSED(kmshsm_call(NULL, "ListKeys", "{}", &answer));
  REFUSED(kmshsm_call(s, NULL, "{}", &answer));
  REFUSED(kmshsm_call(s, "ListKeys", "{}", NULL));
  REFUSED(kmshsm_module_status(NULL, &answer));
  REFUSED(kmshsm_module_status(w->store, NULL));
  REFUSED(kmshsm_tick(NULL, &answer));
  REFUSED(kmshsm_tick(w->store, NULL));
  REFUSED(kmshsm_flush(NULL));
  REFUSED(kmshsm_audit_export(NULL, "/nowhere/trail", &answer));
  REFUSED(kmshsm_audit_export(w->store, NULL, &answer));
  REFUSED(kmshsm_audit_export(w->store, "/nowhere/trail", NULL));
  REFUSED(kmshsm_audit_verify(NULL, NULL, NULL, &answer));
  REFUSED(kmshsm_audit_verify("/nowhere/trail", NULL, NULL, NULL));
  REFUSED(kmshsm_audit_key(NULL, &answer));
  REFUSED(kmshsm_audit_key(w->store, NULL));
  is_true(!answer, "refused calls give no answer");
  is_status(kmshsm_call(s, "ListKeys", NULL, &answer), "OK",
            "parameters may be NULL");
  kmshsm_string_free(answer);
}

static void crypting(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *key = w->key;
  uint8_t out[256];
  size_t len = 0;
  REFUSED(kmshsm_encrypt(NULL, key, text, 5, NULL, out, 256, &len));
  REFUSED(kmshsm_encrypt(s, NULL, text, 5, NULL, out, 256, &len));
  REFUSED(kmshsm_encrypt(s, key, NULL, 5, NULL, out, 256, &len));
  REFUSED(kmshsm_encrypt(s, key, text, 5, NULL, out, 256, NULL));
  REFUSED(kmshsm_decrypt(NULL, out, 96, NULL, out, 256, &len));
  REFUSED(kmshsm_decrypt(s, NULL, 96, NULL, out, 256, &len));
  REFUSED(kmshsm_decrypt(s, out, 96, NULL, out, 256, NULL));
  is_status(kmshsm_encrypt(s, key, NULL, 0, NULL, out, 256, &len), "OK",
            "a plaintext of no bytes may be NULL");
  is_true(len == KMSHSM_CIPHERTEXT_OVERHEAD, "it has the overhead's length");
  is_status(kmshsm_decrypt(s, out, len, NULL, out + 128, 0, &len), "OK",
            "no bytes decrypt into no room");
  is_true(len == 0, "and are none");
  is_status(kmshsm_decrypt(s, NULL, 0, NULL, out, 256, &len),
            "InvalidParameter", "a ciphertext of no bytes is refused");
}

static void making_keys(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *key = w->key;
  uint8_t p[32], c[128];
  size_t p_len = 0, c_len = 0;
  REFUSED(kmshsm_generate_data_key(NULL, key, 32, NULL, p, 32, &p_len, c, 128,
                                   &c_len));
  REFUSED(kmshsm_generate_data_key(s, NULL, 32, NULL, p, 32, &p_len, c, 128,
                                   &c_len));
  REFUSED(
      kmshsm_generate_data_key(s, key, 32, NULL, p, 32, NULL, c, 128, &c_len));
  REFUSED(
      kmshsm_generate_data_key(s, key, 32, NULL, p, 32, &p_len, c, 128, NULL));
  REFUSED(kmshsm_generate_data_key_without_plaintext(NULL, key, 32, NULL, c,
                                                     128, &c_len));
  REFUSED(kmshsm_generate_data_key_without_plaintext(s, NULL, 32, NULL, c, 128,
                                                     &c_len));
  REFUSED(kmshsm_generate_data_key_without_plaintext(s, key, 32, NULL, c, 128,
                                                     NULL));
}

static void importing(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *key = w->external;
  uint8_t p[KMSHSM_IMPORT_PUBLIC_KEY_MAX], t[KMSHSM_IMPORT_TOKEN_LEN] = {0};
  size_t p_len = 0, t_len = 0;
  uint64_t expires = 0;
  REFUSED(kmshsm_parameters_for_import(NULL, key, spec, algorithm, p,
                                       sizeof(p), &p_len, t, sizeof(t), &t_len,
                                       &expires));
  REFUSED(kmshsm_parameters_for_import(s, NULL, spec, algorithm, p, sizeof(p),
                                       &p_len, t, sizeof(t), &t_len,
                                       &expires));
  REFUSED(kmshsm_parameters_for_import(s, key, NULL, algorithm, p, sizeof(p),
                                       &p_len, t, sizeof(t), &t_len,
                                       &expires));
  REFUSED(kmshsm_parameters_for_import(s, key, spec, NULL, p, sizeof(p),
                                       &p_len, t, sizeof(t), &t_len,
                                       &expires));
  REFUSED(kmshsm_parameters_for_import(s, key, spec, algorithm, p, sizeof(p),
                                       NULL, t, sizeof(t), &t_len, &expires));
  REFUSED(kmshsm_parameters_for_import(s, key, spec, algorithm, p, sizeof(p),
                                       &p_len, t, sizeof(t), NULL, &expires));
  REFUSED(kmshsm_import_key_material(NULL, key, t, 32, t, sizeof(t), 0));
  REFUSED(kmshsm_import_key_material(s, NULL, t, 32, t, sizeof(t), 0));
  REFUSED(kmshsm_import_key_material(s, key, NULL, 32, t, sizeof(t), 0));
  REFUSED(kmshsm_import_key_material(s, key, t, 32, NULL, sizeof(t), 0));
}

static void naming(void)
{
  is_text(kmshsm_status_name(KMSHSM_OK), "OK", "the name of success");
  is_text(kmshsm_status_name(402), "Rejected.Disabled",
          "the name of a status is its wire code");
  is_true(kmshsm_status_name(4000000000u) != NULL,
          "a status that is none has a name too");
  is_true(kmshsm_status_http(KMSHSM_OK) == 200 &&
              kmshsm_status_http(KMSHSM_ERROR_KEY_NOT_FOUND) == 404 &&
              kmshsm_status_http(KMSHSM_ERROR_INTERNAL) == 500,
          "statuses have those of HTTP");
  is_true(kmshsm_status_http(4000000000u) == 500, "also one that is none");
  is_true(kmshsm_last_error() != NULL, "the last error is never NULL");
}

/* The version in text and number, and what the library has. */
static void features(void)
{
  static const char *const there[] = {
      "CreateKey",      "DescribeRegions", "CreateBackup", "RestoreStore",
      "Aliyun_SM4",     "EC_P256K",        "SM2DSA",       "RSAES_OAEP_SHA_1",
      "SM2PKE_SM4_ECB", "cn-hongkong",     "FIPS",         "GM"};
  static const char *const absent[] = {"",     "createkey",   "CreateKey ",
                                       "none", "kmshsm_open", "\xff"};
  char text[32];
  unsigned number = kmshsm_version_number();
  size_t i;
  snprintf(text, sizeof(text), "%u.%u.%u", number / 1000000,
           number / 1000 % 1000, number % 1000);
  is_true(!strncmp(kmshsm_version(), text, strlen(text)),
          "the version is a text and a number");
  is_true(number == KMSHSM_VERSION_NUMBER, "which is the header's");
  for(i = 0; i < sizeof(there) / sizeof(*there); i++)
    is_true(kmshsm_feature(there[i]) == 1, there[i]);
  for(i = 0; i < sizeof(absent) / sizeof(*absent); i++)
    is_true(kmshsm_feature(absent[i]) == 0, "what is not there");
  is_true(kmshsm_feature(NULL) == 0, "nothing is not there");
  is_true(kmshsm_feature("awslc") + kmshsm_feature("portable") == 1,
          "there is one provider");
  is_true(kmshsm_feature("testing") == !!strstr(kmshsm_version(), "testing"),
          "a test build says so twice");
}

void test_arguments(void)
{
  world w;
  world_open(&w);
  opening(w.store);
  calling(&w);
  crypting(&w);
  making_keys(&w);
  importing(&w);
  naming();
  features();
  world_close(&w);
}

static void bad_json(const world *w)
{
  const size_t depth = 100000;
  buffer deep = {0};
  char *answer = NULL;
  size_t i;
  is_status(
      kmshsm_call(w->session, "ListKeys", "{\"PageSize\":\"\xff\"}", &answer),
      "InvalidParameter", "parameters that are no UTF-8");
  is_status(kmshsm_call(w->session, "\xff\xfe", "{}", &answer),
            "InvalidParameter", "an action that is no UTF-8");
  buffer_text(&deep, "{\"Filters\":");
  for(i = 0; i < depth; i++)
    buffer_text(&deep, "[");
  is_status(kmshsm_call(w->session, "ListKeys", deep.data, &answer),
            "ParseRequestParameterException", "100000 lists, none closed");
  for(i = 0; i < depth; i++)
    buffer_text(&deep, "]");
  buffer_text(&deep, "}");
  is_true(kmshsm_call(w->session, "ListKeys", deep.data, &answer) != 0,
          "100000 lists, one in another");
  is_true(!answer, "none of them is answered");
  buffer_free(&deep);
}

static void bad_texts(const world *w)
{
  uint8_t out[256];
  size_t len = 0;
  const kmshsm_session *session = NULL;
  is_status(kmshsm_encrypt(w->session, "\xff", text, 5, NULL, out, 256, &len),
            "InvalidParameter", "a key id that is no UTF-8");
  is_status(kmshsm_encrypt(w->session, w->key, text, 5, "{\"a\":\"\xff\"}",
                           out, 256, &len),
            "InvalidParameter", "a context that is no UTF-8");
  is_status(kmshsm_session_open(w->store, "\xff", REGION, &session),
            "InvalidParameter", "an account that is no UTF-8");
  is_status(kmshsm_session_open(w->store, ACCOUNT, "\xff", &session),
            "InvalidParameter", "a region that is no UTF-8");
  is_status(kmshsm_session_open(w->store, "", REGION, &session),
            "InvalidParameter", "an empty account");
  is_status(kmshsm_session_open(w->store, ACCOUNT, "", &session),
            "InvalidParameter", "an empty region");
}

/* Lengths beyond every limit are refused before the memory is looked at. */
static void bad_lengths(const world *w)
{
  uint8_t p[256], c[256];
  size_t p_len = 0, c_len = 0;
  is_status(
      kmshsm_encrypt(w->session, w->key, text, SIZE_MAX, NULL, c, 256, &c_len),
      "InvalidParameter", "a plaintext of SIZE_MAX bytes");
  is_status(kmshsm_decrypt(w->session, text, SIZE_MAX, NULL, c, 256, &c_len),
            "InvalidParameter", "a ciphertext of SIZE_MAX bytes");
  is_status(kmshsm_generate_data_key(w->session, w->key, SIZE_MAX, NULL, p,
                                     256, &p_len, c, 256, &c_len),
            "InvalidParameter", "a data key of SIZE_MAX bytes");
  is_status(kmshsm_generate_data_key_without_plaintext(
                w->session, w->key, SIZE_MAX - 90, NULL, c, 256, &c_len),
            "InvalidParameter", "a data key whose ciphertext overflows");
  is_true(kmshsm_import_key_material(w->session, w->external, text, SIZE_MAX,
                                     text, 5, 0) != KMSHSM_OK,
          "material of SIZE_MAX bytes");
  is_true(kmshsm_import_key_material(w->session, w->external, text, 5, text,
                                     SIZE_MAX, 0) != KMSHSM_OK,
          "a token of SIZE_MAX bytes");
}

void test_texts(void)
{
  world w;
  world_open(&w);
  bad_json(&w);
  bad_texts(&w);
  bad_lengths(&w);
  world_close(&w);
}
