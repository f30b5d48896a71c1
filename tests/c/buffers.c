/* Short buffers: the needed size before any work, and not a byte out of place.
 */
#include "contract.h"
#include "rooms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOGUS "00000000-0000-4000-8000-000000000000"

static const char spec[] = "RSA_2048";
static const char algorithm[] = "RSAES_OAEP_SHA_256";
static const uint8_t text[] = "hello";

static void encrypting(const world *w)
{
  const size_t sizes[] = {0, 1, 95};
  room r;
  size_t i;
  for(i = 0; i < 3; i++) {
    clear(&r);
    is_status(kmshsm_encrypt(w->session, w->key, text, 5, NULL, r.bytes,
                             sizes[i], &r.len),
              "Abi.BufferTooSmall", "encrypt into a short buffer");
    is_true(r.len == 96 && untouched(&r), "tells the size, writes nothing");
  }
  clear(&r);
  is_status(
      kmshsm_encrypt(w->session, w->key, text, 5, NULL, NULL, ROOM, &r.len),
      "Abi.BufferTooSmall", "encrypt into NULL of any size");
  is_true(r.len == 96, "tells the size");
  clear(&r);
  is_status(kmshsm_encrypt(w->session, BOGUS, text, 5, NULL, NULL, 0, &r.len),
            "Abi.BufferTooSmall", "the size is told before the key is sought");
  is_true(r.len == 96, "and is the same");
  clear(&r);
  is_status(
      kmshsm_encrypt(w->session, w->key, text, 5, NULL, r.bytes, 96, &r.len),
      "OK", "encrypt into just enough");
  is_true(r.len == 96 && all(&r, 96, ROOM, CANARY), "and not a byte more");
  clear(&r);
  is_status(
      kmshsm_encrypt(w->session, BOGUS, text, 5, NULL, r.bytes, 96, &r.len),
      "Forbidden.KeyNotFound", "encrypt with no key");
  is_true(left_clean(&r, 96), "leaves the buffer clean");
}

static void decrypting(const world *w)
{
  room sealed, r;
  clear(&sealed);
  clear(&r);
  is_status(kmshsm_encrypt(w->session, w->key, text, 5, "{\"a\":\"1\"}",
                           sealed.bytes, ROOM, &sealed.len),
            "OK", "encrypt into more than enough");
  is_true(all(&sealed, 96, ROOM, CANARY), "leaves the rest alone");
  is_status(kmshsm_decrypt(w->session, sealed.bytes, 96, "{\"a\":\"1\"}",
                           r.bytes, 4, &r.len),
            "Abi.BufferTooSmall", "decrypt into a short buffer");
  is_true(r.len == 5 && untouched(&r), "tells the size, writes nothing");
  clear(&r);
  is_status(kmshsm_decrypt(w->session, sealed.bytes, 96, "{\"a\":\"1\"}",
                           r.bytes, 5, &r.len),
            "OK", "decrypt into just enough");
  is_true(r.len == 5 && !memcmp(r.bytes, text, 5) && all(&r, 5, ROOM, CANARY),
          "and not a byte more");
  clear(&r);
  is_status(kmshsm_decrypt(w->session, sealed.bytes, 96, NULL, r.bytes, ROOM,
                           &r.len),
            "InvalidParameter", "decrypt without the context");
  is_true(left_clean(&r, 5), "leaves the buffer clean");
  sealed.bytes[95] ^= 1;
  clear(&r);
  is_status(kmshsm_decrypt(w->session, sealed.bytes, 96, "{\"a\":\"1\"}",
                           r.bytes, ROOM, &r.len),
            "InvalidParameter", "decrypt a changed tag");
  is_true(left_clean(&r, 5), "leaves the buffer clean");
  is_status(kmshsm_decrypt(w->session, sealed.bytes, 96, "{\"a\":\"1\"}",
                           sealed.bytes + 10, ROOM - 10, &r.len),
            "InvalidParameter", "decrypt onto the ciphertext");
  is_status(kmshsm_encrypt(w->session, w->key, sealed.bytes, 50, NULL,
                           sealed.bytes, ROOM, &r.len),
            "InvalidParameter", "encrypt onto the plaintext");
  is_status(kmshsm_generate_data_key(w->session, w->key, 32, NULL, r.bytes, 32,
                                     &r.len, r.bytes + 16, 123, &sealed.len),
            "InvalidParameter", "a data key onto its ciphertext");
}

static void making_keys(const world *w)
{
  const size_t sizes[][2] = {{0, 0}, {31, 123}, {32, 122}};
  room p, c;
  size_t i;
  for(i = 0; i < 3; i++) {
    clear(&p);
    clear(&c);
    is_status(kmshsm_generate_data_key(w->session, w->key, 32, NULL, p.bytes,
                                       sizes[i][0], &p.len, c.bytes,
                                       sizes[i][1], &c.len),
              "Abi.BufferTooSmall", "a data key into a short buffer");
    is_true(p.len == 32 && c.len == 123, "tells both sizes");
    is_true(untouched(&p) && untouched(&c), "writes nothing");
  }
  clear(&p);
  clear(&c);
  is_status(kmshsm_generate_data_key(w->session, w->key, 32, NULL, p.bytes, 32,
                                     &p.len, c.bytes, 123, &c.len),
            "OK", "a data key into just enough");
  is_true(p.len == 32 && c.len == 123 && all(&p, 32, ROOM, CANARY) &&
              all(&c, 123, ROOM, CANARY),
          "and not a byte more");
  clear(&p);
  clear(&c);
  is_status(kmshsm_generate_data_key(w->session, w->external, 32, NULL,
                                     p.bytes, 32, &p.len, c.bytes, 123,
                                     &c.len),
            "Rejected.PendingImport", "a data key of a key without material");
  is_true(left_clean(&p, 32) && left_clean(&c, 123),
          "leaves both buffers clean");
  clear(&c);
  is_status(kmshsm_generate_data_key_without_plaintext(
                w->session, w->key, 32, NULL, c.bytes, 122, &c.len),
            "Abi.BufferTooSmall", "a sealed data key into a short buffer");
  is_true(c.len == 123 && untouched(&c), "tells the size, writes nothing");
  clear(&c);
  is_status(kmshsm_generate_data_key_without_plaintext(
                w->session, w->key, 1024, NULL, c.bytes, 1115, &c.len),
            "OK", "a sealed data key of 1024 bytes into just enough");
  is_true(c.len == 1115 && all(&c, 1115, ROOM, CANARY), "and not a byte more");
}

static void importing(const world *w)
{
  room p, t;
  size_t public_len, token_len;
  uint64_t expires = UNSET;
  clear(&p);
  clear(&t);
  is_status(kmshsm_parameters_for_import(w->session, w->external, spec,
                                         algorithm, NULL, 0, &p.len, NULL, 0,
                                         &t.len, &expires),
            "Abi.BufferTooSmall", "import parameters into NULL");
  public_len = p.len;
  token_len = t.len;
  is_true(public_len && public_len <= KMSHSM_IMPORT_PUBLIC_KEY_MAX &&
              token_len == KMSHSM_IMPORT_TOKEN_LEN,
          "tells both sizes");
  is_true(expires == UNSET, "and no time");
  clear(&p);
  clear(&t);
  is_status(kmshsm_parameters_for_import(
                w->session, w->external, spec, algorithm, p.bytes, public_len,
                &p.len, t.bytes, token_len - 1, &t.len, &expires),
            "Abi.BufferTooSmall", "import parameters with a short token");
  is_true(untouched(&p) && untouched(&t), "writes nothing");
  clear(&p);
  clear(&t);
  is_status(kmshsm_parameters_for_import(
                w->session, w->external, spec, algorithm, p.bytes, public_len,
                &p.len, t.bytes, token_len, &t.len, &expires),
            "OK", "import parameters into just enough");
  is_true(p.len <= public_len && t.len == token_len &&
              all(&p, public_len, ROOM, CANARY) &&
              all(&t, token_len, ROOM, CANARY),
          "and not a byte more");
  is_true(expires == 1562246055u + 86400, "the token's end is a day away");
  clear(&p);
  clear(&t);
  expires = UNSET;
  is_status(kmshsm_parameters_for_import(w->session, w->key, spec, algorithm,
                                         p.bytes, ROOM, &p.len, t.bytes, ROOM,
                                         &t.len, &expires),
            "Unsupported.Origin", "import parameters for the wrong key");
  is_true(left_clean(&p, ROOM) && left_clean(&t, ROOM) &&
              (expires == UNSET || expires == 0),
          "leaves everything clean");
}

void test_buffers(void)
{
  world w;
  world_open(&w);
  encrypting(&w);
  decrypting(&w);
  making_keys(&w);
  importing(&w);
  world_close(&w);
}
