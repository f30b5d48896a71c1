/* Wrapping of key material by its owner: pointers, buffers, and a key that
   takes what was wrapped. */
#include "contract.h"
#include "rooms.h"

#include <stdio.h>
#include <string.h>

#define REFUSED(call) is_status((call), "Abi.NullArgument", #call)
#define HYBRID "RSAES_OAEP_SHA_256_AES_256_ECB_PKCS7_PAD"

static const char oaep[] = "RSAES_OAEP_SHA_256";
static const uint8_t material[33] = {7, 1, 2, 3};

/* The public key and the token of the key that awaits its material. */
typedef struct parameters {
  uint8_t public_key[KMSHSM_IMPORT_PUBLIC_KEY_MAX];
  uint8_t token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t public_len, token_len;
} parameters;

static void ask(const world *w, parameters *p)
{
  is_status(kmshsm_parameters_for_import(
                w->session, w->external, "RSA_2048", oaep, p->public_key,
                sizeof(p->public_key), &p->public_len, p->token,
                sizeof(p->token), &p->token_len, NULL),
            "OK", "a public key to wrap with");
}

static void null_arguments(const parameters *p)
{
  const uint8_t *key = p->public_key;
  uint8_t out[512];
  size_t n = p->public_len, len = 0;
  REFUSED(
      kmshsm_wrap_key_material(NULL, key, n, material, 32, out, 512, &len));
  REFUSED(
      kmshsm_wrap_key_material(oaep, NULL, n, material, 32, out, 512, &len));
  REFUSED(kmshsm_wrap_key_material(oaep, key, n, NULL, 32, out, 512, &len));
  REFUSED(
      kmshsm_wrap_key_material(oaep, key, n, material, 32, out, 512, NULL));
}

/* What is not wrapped is named. */
static void refuses(const char *algorithm, const uint8_t *key, size_t key_len,
                    const uint8_t *bytes, size_t len, const char *what)
{
  room r;
  clear(&r);
  is_status(kmshsm_wrap_key_material(algorithm, key, key_len, bytes, len,
                                     r.bytes, ROOM, &r.len),
            "InvalidParameter", what);
  is_true(strstr(kmshsm_last_error(), what) != NULL, "the text names it");
  is_true(left_clean(&r, ROOM), "and the buffer is left clean");
}

static void bad_arguments(const parameters *p)
{
  const uint8_t *key = p->public_key;
  size_t n = p->public_len;
  refuses("RSAES", key, n, material, 32, "WrappingAlgorithm");
  refuses("\xff", key, n, material, 32, "WrappingAlgorithm");
  refuses(oaep, key, n - 1, material, 32, "PublicKey");
  refuses(oaep, NULL, 0, material, 32, "PublicKey");
  refuses("SM2PKE", key, n, material, 16, "PublicKey");
  refuses(oaep, key, n, NULL, 0, "KeyMaterial");
  refuses(oaep, key, n, key, 191, "KeyMaterial");
  refuses(HYBRID, key, n, material, 32, "KeyMaterial");
  refuses(oaep, key, n, material, SIZE_MAX, "material");
  refuses(oaep, key, SIZE_MAX, material, 32, "public_key");
}

static void rooms(const parameters *p)
{
  const uint8_t *key = p->public_key;
  const size_t sizes[] = {0, 1, 255};
  uint8_t one[512];
  room r;
  size_t n = p->public_len, i;
  for(i = 0; i < 3; i++) {
    clear(&r);
    is_status(kmshsm_wrap_key_material(oaep, key, n, material, 32, r.bytes,
                                       sizes[i], &r.len),
              "Abi.BufferTooSmall", "wrap into a short buffer");
    is_true(r.len == 256 && untouched(&r), "tells the size, writes nothing");
  }
  clear(&r);
  is_status(
      kmshsm_wrap_key_material(oaep, key, n, material, 32, NULL, ROOM, &r.len),
      "Abi.BufferTooSmall", "wrap into NULL of any size");
  is_true(r.len == 256, "tells the size");
  clear(&r);
  is_status(kmshsm_wrap_key_material(oaep, key, n, material, 32, r.bytes, 256,
                                     &r.len),
            "OK", "wrap into just enough");
  is_true(r.len == 256 && all(&r, 256, ROOM, CANARY), "and not a byte more");
  memcpy(one, material, 32);
  is_status(
      kmshsm_wrap_key_material(oaep, key, n, one, 32, one + 31, 256, &r.len),
      "InvalidParameter", "wrap over the end of the material");
  memcpy(one, key, n);
  is_status(
      kmshsm_wrap_key_material(oaep, one, n, material, 32, one, 256, &r.len),
      "InvalidParameter", "wrap over the public key");
  is_true(!memcmp(one, key, n), "which is as it was");
}

/* A key takes it, and the same again; of other material it takes none. */
static void imported(const world *w, const parameters *p)
{
  static const uint8_t other[32] = {8};
  uint8_t wrapped[32 + KMSHSM_WRAPPING_OVERHEAD], blob[96];
  size_t len = 0;
  int turn;
  for(turn = 0; turn < 3; turn++) {
    is_status(kmshsm_wrap_key_material(oaep, p->public_key, p->public_len,
                                       turn < 2 ? material : other, 32,
                                       wrapped, sizeof(wrapped), &len),
              "OK", "wrap");
    is_status(kmshsm_import_key_material(w->session, w->external, wrapped, len,
                                         p->token, p->token_len, 0),
              turn < 2 ? "OK" : "InvalidKeyMaterial", "import");
  }
  is_status(kmshsm_encrypt(w->session, w->external, (const uint8_t *)"hello",
                           5, NULL, blob, sizeof(blob), &len),
            "OK", "the key encrypts");
}

void test_wrapping(void)
{
  world w;
  parameters p;
  room r;
  world_open(&w);
  ask(&w, &p);
  null_arguments(&p);
  bad_arguments(&p);
  rooms(&p);
  imported(&w, &p);
  world_close(&w);
  clear(&r);
  is_status(kmshsm_wrap_key_material(oaep, p.public_key, p.public_len,
                                     material, 32, r.bytes, ROOM, &r.len),
            "OK", "it takes no open store");
}
