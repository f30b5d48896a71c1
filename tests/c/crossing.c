/* What one lane writes, the other reads: bytes and texts (ARCHITECTURE.md,
 * "Text flag"). */
#include "contract.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

static char *decrypt_json(const world *w, const uint8_t *blob, size_t len)
{
  buffer text = {0};
  char *with, *plaintext;
  base64_encode(&text, blob, len);
  with = object_of("CiphertextBlob", text.data, NULL, NULL);
  plaintext = field_of(w->session, "Decrypt", with, "Plaintext");
  free(with);
  buffer_free(&text);
  return plaintext;
}

static void from_typed(const world *w, const void *bytes, size_t len,
                       const char *expected, const char *what)
{
  uint8_t blob[256];
  size_t blob_len = 0;
  char *plaintext;
  is_status(kmshsm_encrypt(w->session, w->key, bytes, len, NULL, blob,
                           sizeof(blob), &blob_len),
            "OK", what);
  plaintext = decrypt_json(w, blob, blob_len);
  is_text(plaintext, expected, "in JSON");
  free(plaintext);
}

static void from_json(const world *w, const char *text, const void *expected,
                      size_t len, const char *what)
{
  char *with = object_of("KeyId", w->key, "Plaintext", text);
  char *sealed = field_of(w->session, "Encrypt", with, "CiphertextBlob");
  uint8_t plain[256];
  size_t plain_len = 0;
  buffer blob = {0};
  base64_decode(&blob, sealed, strlen(sealed));
  is_status(kmshsm_decrypt(w->session, (const uint8_t *)blob.data, blob.len,
                           NULL, plain, sizeof(plain), &plain_len),
            "OK", what);
  is_true(plain_len == len && !memcmp(plain, expected, len), "in C");
  buffer_free(&blob);
  free(sealed);
  free(with);
}

static void data_keys(const world *w)
{
  uint8_t plain[16], blob[107];
  size_t plain_len = 0, blob_len = 0;
  char *with = object_of("KeyId", w->key, "KeySpec", "AES_128");
  json *answer = answer_of(w->session, "GenerateDataKey", with);
  const char *sealed = json_string(answer, "CiphertextBlob");
  const char *expected = json_string(answer, "Plaintext");
  buffer raw = {0}, key = {0};
  char *text;
  base64_decode(&raw, sealed, strlen(sealed));
  base64_decode(&key, expected, strlen(expected));
  is_status(kmshsm_decrypt(w->session, (const uint8_t *)raw.data, raw.len,
                           NULL, plain, sizeof(plain), &plain_len),
            "OK", "a data key made in JSON");
  is_true(plain_len == key.len && !memcmp(plain, key.data, key.len), "in C");
  is_status(kmshsm_generate_data_key(w->session, w->key, 16, NULL, plain, 16,
                                     &plain_len, blob, 107, &blob_len),
            "OK", "a data key made in C");
  text = decrypt_json(w, blob, blob_len);
  buffer_free(&key);
  base64_encode(&key, plain, plain_len);
  is_text(text, key.data, "in JSON");
  free(text);
  free(with);
  json_free(answer);
  buffer_free(&raw);
  buffer_free(&key);
}

/* Gives an external key the material 00 01 .. 1f. */
static char *import(const world *w)
{
  char *id = field_of(w->session, "CreateKey", "{\"Origin\":\"EXTERNAL\"}",
                      "KeyMetadata.KeyId");
  uint8_t public[KMSHSM_IMPORT_PUBLIC_KEY_MAX], token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t public_len = 0, token_len = 0;
  uint64_t expires;
  buffer text = {0}, wrapped = {0};
  outcome o = {0};
  json *with = json_new(JSON_OBJECT);
  const char *answer;
  is_status(kmshsm_parameters_for_import(w->session, id, "RSA_2048",
                                         "RSAES_OAEP_SHA_256", public,
                                         sizeof(public), &public_len, token,
                                         sizeof(token), &token_len, &expires),
            "OK", "import parameters");
  base64_encode(&text, public, public_len);
  json_set(with, "PublicKey", json_text(text.data, text.len));
  json_set(with, "WrappingAlgorithm", json_text("RSAES_OAEP_SHA_256", 18));
  json_set(with, "KeyMaterial",
           json_text("000102030405060708090a0b0c0d0e0f"
                     "101112131415161718191a1b1c1d1e1f",
                     64));
  run_own_step("wrap", with, &o);
  answer = o.answer ? json_string(o.answer, "EncryptedKeyMaterial") : NULL;
  if(answer)
    base64_decode(&wrapped, answer, strlen(answer));
  is_status(kmshsm_import_key_material(w->session, id,
                                       (const uint8_t *)wrapped.data,
                                       wrapped.len, token, token_len, 0),
            "OK", "import");
  outcome_free(&o);
  json_free(with);
  buffer_free(&text);
  buffer_free(&wrapped);
  return id;
}

/* Two keys of the same material: a ciphertext is its key's alone. */
static void transplant(const world *w)
{
  char *a = import(w), *b = import(w);
  uint8_t one[96], two[96], plain[5];
  size_t len = 0;
  is_status(kmshsm_encrypt(w->session, a, (const uint8_t *)"hello", 5, NULL,
                           one, 96, &len),
            "OK", "encrypt under one key");
  is_status(kmshsm_encrypt(w->session, b, (const uint8_t *)"hello", 5, NULL,
                           two, 96, &len),
            "OK", "encrypt under another");
  is_status(kmshsm_decrypt(w->session, one, 96, NULL, plain, 5, &len), "OK",
            "a ciphertext of imported material");
  memcpy(one + 3, two + 3, 16);
  is_status(kmshsm_decrypt(w->session, one, 96, NULL, plain, 5, &len),
            "InvalidParameter",
            "does not open under another key of the same material");
  free(a);
  free(b);
}

void test_crossing(void)
{
  static const uint8_t bytes[] = {0, 255, 254, 0};
  world w;
  world_open(&w);
  from_typed(&w, bytes, 4, "AP/+AA==", "bytes are Base64");
  from_typed(&w, "hello", 5, "aGVsbG8=", "text made in C is Base64");
  from_typed(&w, "aGVsbG8=", 8, "YUdWc2JHOD0=", "Base64 made in C is twice");
  from_typed(&w, "", 0, "", "nothing is empty");
  from_json(&w, "YourPassword1234!", "YourPassword1234!", 17, "text is UTF-8");
  from_json(&w, "aGVsbG8=", "hello", 5, "Base64 is its bytes");
  from_json(&w, "aGVsbG9=", "aGVsbG9=", 8, "Base64 not canonical is UTF-8");
  from_json(&w, "", "", 0, "empty is nothing");
  data_keys(&w);
  transplant(&w);
  world_close(&w);
}
