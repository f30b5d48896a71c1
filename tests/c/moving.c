/* ReEncrypt and exported data keys: pointers and buffers. */
#include "contract.h"
#include "rooms.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

#define REFUSED(call) is_status((call), "Abi.NullArgument", #call)
#define BOGUS "00000000-0000-4000-8000-000000000000"

static const char spec[] = "RSA_2048";
static const char oaep[] = "RSAES_OAEP_SHA_256";

/* An RSA key for ENCRYPT/DECRYPT, whose public half data keys go to. */
typedef struct outsider {
  char *key, *version;
  buffer der;
} outsider;

static void outsider_open(outsider *o, const world *w)
{
  uint8_t pem[KMSHSM_PUBLIC_KEY_PEM_MAX];
  json *with = json_new(JSON_OBJECT);
  outcome step = {0};
  size_t len = 0;
  const char *text;
  memset(o, 0, sizeof(*o));
  o->key =
      field_of(w->session, "CreateKey",
               "{\"KeySpec\":\"RSA_2048\",\"KeyUsage\":\"ENCRYPT/DECRYPT\"}",
               "KeyMetadata.KeyId");
  o->version = version_of(w->session, o->key);
  is_status(kmshsm_public_key(w->session, o->key, o->version, pem, sizeof(pem),
                              &len),
            "OK", "a public key");
  json_set(with, "PublicKey", json_text((const char *)pem, len));
  run_own_step("der", with, &step);
  text = json_string(step.answer, "PublicKeyBlob");
  is_true(text && base64_decode(&o->der, text, strlen(text)), "in DER");
  outcome_free(&step);
  json_free(with);
}

static void outsider_close(outsider *o)
{
  free(o->key);
  free(o->version);
  buffer_free(&o->der);
}

static void null_arguments(const world *w)
{
  const kmshsm_session *s = w->session;
  const uint8_t *b = w->blob;
  uint8_t out[256], more[256];
  size_t len = 0, more_len = 0;
  REFUSED(kmshsm_re_encrypt(NULL, b, 96, NULL, NULL, NULL, NULL, w->key, NULL,
                            out, 256, &len));
  REFUSED(kmshsm_re_encrypt(s, NULL, 96, NULL, NULL, NULL, NULL, w->key, NULL,
                            out, 256, &len));
  REFUSED(kmshsm_re_encrypt(s, b, 96, NULL, NULL, NULL, NULL, NULL, NULL, out,
                            256, &len));
  REFUSED(kmshsm_re_encrypt(s, b, 96, NULL, NULL, NULL, NULL, w->key, NULL,
                            out, 256, NULL));
  is_status(kmshsm_re_encrypt(s, b, 96, w->signer, NULL, NULL, NULL, w->key,
                              NULL, out, 256, &len),
            "MissingParameter", "a source of one parameter");
  is_status(kmshsm_re_encrypt(s, b, 96, w->signer, w->version, NULL, NULL,
                              w->key, NULL, out, 256, &len),
            "MissingParameter", "a source of two parameters");
  REFUSED(kmshsm_export_data_key(NULL, b, 96, NULL, b, 96, spec, oaep, out,
                                 256, &len));
  REFUSED(kmshsm_export_data_key(s, NULL, 96, NULL, b, 96, spec, oaep, out,
                                 256, &len));
  REFUSED(kmshsm_export_data_key(s, b, 96, NULL, NULL, 96, spec, oaep, out,
                                 256, &len));
  REFUSED(kmshsm_export_data_key(s, b, 96, NULL, b, 96, NULL, oaep, out, 256,
                                 &len));
  REFUSED(kmshsm_export_data_key(s, b, 96, NULL, b, 96, spec, NULL, out, 256,
                                 &len));
  REFUSED(kmshsm_export_data_key(s, b, 96, NULL, b, 96, spec, oaep, out, 256,
                                 NULL));
  REFUSED(kmshsm_generate_and_export_data_key(NULL, w->key, 32, NULL, b, 96,
                                              spec, oaep, out, 256, &len, more,
                                              256, &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, NULL, 32, NULL, b, 96, spec,
                                              oaep, out, 256, &len, more, 256,
                                              &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, w->key, 32, NULL, NULL, 96,
                                              spec, oaep, out, 256, &len, more,
                                              256, &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, w->key, 32, NULL, b, 96, NULL,
                                              oaep, out, 256, &len, more, 256,
                                              &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, w->key, 32, NULL, b, 96, spec,
                                              NULL, out, 256, &len, more, 256,
                                              &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, w->key, 32, NULL, b, 96, spec,
                                              oaep, out, 256, NULL, more, 256,
                                              &more_len));
  REFUSED(kmshsm_generate_and_export_data_key(s, w->key, 32, NULL, b, 96, spec,
                                              oaep, out, 256, &len, more, 256,
                                              NULL));
  is_true(len == 0 && more_len == 0, "nothing comes out");
}

static void re_encrypting(const world *w, const outsider *o)
{
  const kmshsm_session *s = w->session;
  uint8_t sealed[256], plain[8];
  size_t len = 0;
  room r;
  clear(&r);
  is_status(kmshsm_re_encrypt(s, w->blob, 96, NULL, NULL, NULL, NULL, w->key,
                              "{\"a\":\"1\"}", r.bytes, 95, &r.len),
            "Abi.BufferTooSmall", "re-encrypt into a short buffer");
  is_true(r.len == 96 && untouched(&r), "tells the size, writes nothing");
  is_status(kmshsm_re_encrypt(s, w->blob, 96, NULL, NULL, NULL, NULL, w->key,
                              "{\"a\":\"1\"}", r.bytes, 96, &r.len),
            "OK", "re-encrypt into just enough");
  is_true(r.len == 96 && all(&r, 96, ROOM, CANARY), "and not a byte more");
  is_status(kmshsm_decrypt(s, r.bytes, 96, "{\"a\":\"1\"}", plain, 5, &len),
            "OK", "decrypt it");
  is_true(len == 5 && !memcmp(plain, "hello", 5), "it is the same");
  is_status(kmshsm_re_encrypt(s, r.bytes, 96, NULL, NULL, NULL,
                              "{\"a\":\"1\"}", w->key, NULL, r.bytes + 95, 96,
                              &len),
            "InvalidParameter", "re-encrypt onto the ciphertext");
  clear(&r);
  is_status(kmshsm_re_encrypt(s, w->blob, 96, NULL, NULL, NULL, NULL, BOGUS,
                              NULL, r.bytes, 96, &r.len),
            "Forbidden.KeyNotFound", "re-encrypt for no key");
  is_true(left_clean(&r, 96), "leaves the buffer clean");
  is_status(kmshsm_asymmetric_encrypt(s, o->key, o->version, oaep,
                                      (const uint8_t *)"hello", 5, sealed,
                                      sizeof(sealed), &len),
            "OK", "what a public key has encrypted");
  is_status(kmshsm_re_encrypt(s, sealed, 256, o->key, o->version, oaep, NULL,
                              w->key, NULL, r.bytes, 96, &r.len),
            "Abi.BufferTooSmall", "takes room for the longest plaintext");
  is_true(r.len == 190 + KMSHSM_CIPHERTEXT_OVERHEAD && untouched(&r),
          "tells the size, writes nothing");
  is_status(kmshsm_re_encrypt(s, sealed, 256, o->key, o->version, oaep, NULL,
                              w->key, NULL, r.bytes, r.len, &r.len),
            "OK", "and is as long as it is");
  is_true(r.len == 96 && well_filled(&r, 281), "once it is encrypted");
  is_status(kmshsm_decrypt(s, r.bytes, 96, NULL, plain, 5, &len), "OK",
            "decrypt it");
  is_true(len == 5 && !memcmp(plain, "hello", 5), "it is the same");
}

static void exporting(const world *w, const outsider *o)
{
  const kmshsm_session *s = w->session;
  const uint8_t *der = (const uint8_t *)o->der.data;
  const size_t sizes[][2] = {{0, 0}, {122, 256}, {123, 255}};
  uint8_t key[32], again[190];
  size_t i, len = 0;
  room c, e;
  for(i = 0; i < 3; i++) {
    clear(&c);
    clear(&e);
    is_status(kmshsm_generate_and_export_data_key(
                  s, w->key, 32, NULL, der, o->der.len, spec, oaep, c.bytes,
                  sizes[i][0], &c.len, e.bytes, sizes[i][1], &e.len),
              "Abi.BufferTooSmall", "a data key into a short buffer");
    is_true(c.len == 123 && e.len == 256, "tells both sizes");
    is_true(untouched(&c) && untouched(&e), "writes nothing");
  }
  is_status(kmshsm_generate_and_export_data_key(
                s, w->key, 32, NULL, der, o->der.len, spec, oaep, c.bytes, 123,
                &c.len, e.bytes, 256, &e.len),
            "OK", "a data key into just enough");
  is_true(c.len == 123 && e.len == 256 && all(&c, 123, ROOM, CANARY) &&
              all(&e, 256, ROOM, CANARY),
          "and not a byte more");
  is_status(kmshsm_decrypt(s, c.bytes, 123, NULL, key, 32, &len), "OK",
            "it decrypts");
  is_status(kmshsm_asymmetric_decrypt(s, o->key, o->version, oaep, e.bytes,
                                      256, again, sizeof(again), &len),
            "OK", "both ways");
  is_true(len == 32 && !memcmp(key, again, 32), "to the same");
  clear(&e);
  is_status(kmshsm_export_data_key(s, c.bytes, 123, NULL, der, o->der.len,
                                   spec, oaep, e.bytes, 255, &e.len),
            "Abi.BufferTooSmall", "export into a short buffer");
  is_true(e.len == 256 && untouched(&e), "tells the size, writes nothing");
  is_status(kmshsm_export_data_key(s, c.bytes, 123, NULL, der, o->der.len,
                                   spec, oaep, e.bytes, 256, &e.len),
            "OK", "export into just enough");
  is_true(e.len == 256 && all(&e, 256, ROOM, CANARY), "and not a byte more");
  clear(&e);
  is_status(kmshsm_export_data_key(s, c.bytes, 123, "{\"a\":\"1\"}", der,
                                   o->der.len, spec, oaep, e.bytes, 256,
                                   &e.len),
            "InvalidParameter", "export with another context");
  is_true(left_clean(&e, 256), "leaves the buffer clean");
  is_status(kmshsm_export_data_key(s, c.bytes, 90, NULL, der, o->der.len, spec,
                                   oaep, e.bytes, 256, &e.len),
            "InvalidParameter", "a ciphertext that is none");
  is_status(kmshsm_export_data_key(s, c.bytes, 123, NULL, der, o->der.len,
                                   spec, oaep, c.bytes + 122, 256, &e.len),
            "InvalidParameter", "export onto the ciphertext");
  memcpy(e.bytes, der, o->der.len);
  is_status(kmshsm_export_data_key(s, c.bytes, 123, NULL, e.bytes, o->der.len,
                                   spec, oaep, e.bytes + 9, 256, &e.len),
            "InvalidParameter", "export onto the public key");
  is_status(kmshsm_generate_and_export_data_key(
                s, w->key, 32, NULL, der, o->der.len, spec, oaep, c.bytes, 123,
                &c.len, c.bytes + 122, 256, &e.len),
            "InvalidParameter", "one output onto the other");
}

void test_moving(void)
{
  outsider o;
  world w;
  world_open(&w);
  outsider_open(&o, &w);
  null_arguments(&w);
  re_encrypting(&w, &o);
  exporting(&w, &o);
  outsider_close(&o);
  world_close(&w);
}
