/* Signatures, public-key encryption and public keys: pointers, buffers, what
 * only the key knows the size of. */
#include "contract.h"
#include "rooms.h"

#include <stdlib.h>
#include <string.h>

#define BOGUS "00000000-0000-4000-8000-000000000000"
#define REFUSED(call) is_status((call), "Abi.NullArgument", #call)

static const char ecdsa[] = "ECDSA_SHA_256";
static const char oaep[] = "RSAES_OAEP_SHA_256";
static const uint8_t text[] = "hello";
/* SHA-256 of it. */
static const uint8_t digest[KMSHSM_DIGEST_LEN] = {
    0x2c, 0xf2, 0x4d, 0xba, 0x5f, 0xb0, 0xa3, 0x0e, 0x26, 0xe8, 0x3b,
    0x2a, 0xc5, 0xb9, 0xe2, 0x9e, 0x1b, 0x16, 0x1e, 0x5c, 0x1f, 0xa7,
    0x42, 0x5e, 0x73, 0x04, 0x33, 0x62, 0x93, 0x8b, 0x98, 0x24};

static void null_signing(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *k = w->signer, *v = w->version;
  uint8_t out[128];
  size_t len = 0;
  int valid = 7;
  REFUSED(kmshsm_sign(NULL, k, v, ecdsa, digest, 32, out, 128, &len));
  REFUSED(kmshsm_sign(s, NULL, v, ecdsa, digest, 32, out, 128, &len));
  REFUSED(kmshsm_sign(s, k, NULL, ecdsa, digest, 32, out, 128, &len));
  REFUSED(kmshsm_sign(s, k, v, NULL, digest, 32, out, 128, &len));
  REFUSED(kmshsm_sign(s, k, v, ecdsa, NULL, 32, out, 128, &len));
  REFUSED(kmshsm_sign(s, k, v, ecdsa, digest, 32, out, 128, NULL));
  REFUSED(kmshsm_verify(NULL, k, v, ecdsa, digest, 32, out, 70, &valid));
  REFUSED(kmshsm_verify(s, NULL, v, ecdsa, digest, 32, out, 70, &valid));
  REFUSED(kmshsm_verify(s, k, NULL, ecdsa, digest, 32, out, 70, &valid));
  REFUSED(kmshsm_verify(s, k, v, NULL, digest, 32, out, 70, &valid));
  REFUSED(kmshsm_verify(s, k, v, ecdsa, NULL, 32, out, 70, &valid));
  REFUSED(kmshsm_verify(s, k, v, ecdsa, digest, 32, NULL, 70, &valid));
  REFUSED(kmshsm_verify(s, k, v, ecdsa, digest, 32, out, 70, NULL));
  REFUSED(kmshsm_public_key(NULL, k, v, out, 128, &len));
  REFUSED(kmshsm_public_key(s, NULL, v, out, 128, &len));
  REFUSED(kmshsm_public_key(s, k, NULL, out, 128, &len));
  REFUSED(kmshsm_public_key(s, k, v, out, 128, NULL));
  is_true(valid == 7 && len == 0, "nothing comes out");
  is_status(kmshsm_verify(s, k, v, ecdsa, digest, 32, NULL, 0, &valid), "OK",
            "a signature of no bytes may be NULL");
  is_true(valid == 0, "and is wrong");
}

static void null_encrypting(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *k = w->signer, *v = w->version;
  uint8_t out[512];
  size_t len = 0;
  REFUSED(kmshsm_asymmetric_encrypt(NULL, k, v, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_encrypt(s, NULL, v, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_encrypt(s, k, NULL, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_encrypt(s, k, v, NULL, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_encrypt(s, k, v, oaep, NULL, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_encrypt(s, k, v, oaep, text, 5, out, 9, NULL));
  REFUSED(kmshsm_asymmetric_decrypt(NULL, k, v, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_decrypt(s, NULL, v, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_decrypt(s, k, NULL, oaep, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_decrypt(s, k, v, NULL, text, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_decrypt(s, k, v, oaep, NULL, 5, out, 9, &len));
  REFUSED(kmshsm_asymmetric_decrypt(s, k, v, oaep, text, 5, out, 9, NULL));
  is_true(len == 0, "nothing comes out");
  is_status(
      kmshsm_asymmetric_encrypt(s, k, v, oaep, text, SIZE_MAX, out, 9, &len),
      "InvalidParameter", "a plaintext of SIZE_MAX bytes");
  is_status(kmshsm_sign(s, "", v, ecdsa, digest, 32, out, sizeof(out), &len),
            "InvalidParameter", "an empty key id");
  is_status(kmshsm_sign(s, k, "", ecdsa, digest, 32, out, sizeof(out), &len),
            "InvalidParameter", "an empty version");
  is_status(kmshsm_sign(s, k, v, "ROT13", digest, 32, out, sizeof(out), &len),
            "InvalidParameter", "an algorithm that there is not");
}

static void signing(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *k = w->signer, *v = w->version;
  const size_t sizes[] = {0, 1, 71};
  int valid = 7;
  size_t i;
  room r;
  for(i = 0; i < 3; i++) {
    clear(&r);
    is_status(
        kmshsm_sign(s, k, v, ecdsa, digest, 32, r.bytes, sizes[i], &r.len),
        "Abi.BufferTooSmall", "sign into a short buffer");
    is_true(r.len == 72 && untouched(&r), "tells the size, writes nothing");
  }
  clear(&r);
  is_status(kmshsm_sign(s, k, v, ecdsa, digest, 32, NULL, ROOM, &r.len),
            "Abi.BufferTooSmall", "sign into NULL of any size");
  is_true(r.len == 72, "tells the size");
  clear(&r);
  is_status(kmshsm_sign(s, BOGUS, v, ecdsa, digest, 32, r.bytes, 72, &r.len),
            "Forbidden.KeyNotFound", "sign with no key");
  is_true(left_clean(&r, 72), "leaves the buffer clean");
  is_status(kmshsm_sign(s, k, v, ecdsa, digest, 31, r.bytes, 72, &r.len),
            "InvalidParameter", "sign 31 bytes");
  is_true(left_clean(&r, 72), "leaves the buffer clean");
  is_status(kmshsm_sign(s, k, v, ecdsa, digest, 32, r.bytes, 72, &r.len), "OK",
            "sign into just enough");
  is_true(r.len >= 8 && r.bytes[0] == 0x30 && well_filled(&r, 72),
          "and not a byte more");
  is_status(kmshsm_verify(s, k, v, ecdsa, digest, 32, r.bytes, r.len, &valid),
            "OK", "verify it");
  is_true(valid == 1, "it is right");
  r.bytes[r.len - 1] ^= 1;
  is_status(kmshsm_verify(s, k, v, ecdsa, digest, 32, r.bytes, r.len, &valid),
            "OK", "verify another");
  is_true(valid == 0, "it is wrong");
  valid = 7;
  is_status(kmshsm_verify(s, k, BOGUS, ecdsa, digest, 32, r.bytes, 70, &valid),
            kmshsm_status_name(KMSHSM_ERROR_KEY_VERSION_NOT_FOUND),
            "verify with no version");
  is_status(kmshsm_verify(s, k, v, ecdsa, digest, 33, r.bytes, 70, &valid),
            "InvalidParameter", "verify 33 bytes");
  is_true(valid == 7, "a failure says nothing of the signature");
  is_status(
      kmshsm_sign(s, k, v, ecdsa, r.bytes + 9, 32, r.bytes, ROOM, &r.len),
      "InvalidParameter", "sign onto the digest");
}

static void messages(const world *w)
{
  const kmshsm_session *s = w->session;
  const char *k = w->signer, *v = w->version;
  int valid = 7;
  room r;
  REFUSED(kmshsm_sign_message(s, k, v, ecdsa, NULL, 0, NULL, 5, r.bytes, 72,
                              &r.len));
  REFUSED(kmshsm_sign_message(s, k, v, ecdsa, NULL, 5, text, 5, r.bytes, 72,
                              &r.len));
  REFUSED(kmshsm_sign_message(s, k, v, ecdsa, NULL, 0, text, 5, r.bytes, 72,
                              NULL));
  REFUSED(
      kmshsm_verify_message(s, k, v, ecdsa, NULL, 0, text, 5, text, 5, NULL));
  clear(&r);
  is_status(kmshsm_sign_message(s, k, v, ecdsa, NULL, 0, text, 5, r.bytes, 71,
                                &r.len),
            "Abi.BufferTooSmall", "sign a message into a short buffer");
  is_true(r.len == 72 && untouched(&r), "tells the size, writes nothing");
  is_status(kmshsm_sign_message(s, k, v, ecdsa, NULL, 0, text, 5, r.bytes, 72,
                                &r.len),
            "OK", "sign a message into just enough");
  is_true(well_filled(&r, 72), "and not a byte more");
  is_status(kmshsm_verify(s, k, v, ecdsa, digest, 32, r.bytes, r.len, &valid),
            "OK", "its digest is SHA-256");
  is_true(valid == 1, "and verifies");
  valid = 7;
  is_status(kmshsm_verify_message(s, k, v, ecdsa, NULL, 0, text, 5, r.bytes,
                                  r.len, &valid),
            "OK", "so is the message verified");
  is_true(valid == 1, "it is right");
  is_status(kmshsm_verify_message(s, k, v, ecdsa, NULL, 0, text, 4, r.bytes,
                                  r.len, &valid),
            "OK", "and a shorter one");
  is_true(valid == 0, "it is wrong");
  valid = 7;
  is_status(kmshsm_verify_message(s, k, v, ecdsa, text, 5, text, 5, r.bytes,
                                  r.len, &valid),
            "InvalidParameter", "ECDSA has no user id");
  is_true(valid == 7, "a failure says nothing of the signature");
  is_status(kmshsm_sign_message(s, k, v, ecdsa, NULL, 0, r.bytes + 9, 32,
                                r.bytes, ROOM, &r.len),
            "InvalidParameter", "sign onto the message");
}

static void encrypting(const world *w)
{
  const kmshsm_session *s = w->session;
  char *k =
      field_of(s, "CreateKey",
               "{\"KeySpec\":\"RSA_2048\",\"KeyUsage\":\"ENCRYPT/DECRYPT\"}",
               "KeyMetadata.KeyId");
  char *v = version_of(s, k);
  room c, p;
  clear(&c);
  is_status(
      kmshsm_asymmetric_encrypt(s, k, v, oaep, text, 5, c.bytes, 255, &c.len),
      "Abi.BufferTooSmall", "encrypt for a key into a short buffer");
  is_true(c.len == 256 && untouched(&c), "tells the size, writes nothing");
  is_status(
      kmshsm_asymmetric_encrypt(s, k, v, oaep, text, 5, c.bytes, 256, &c.len),
      "OK", "encrypt for a key into just enough");
  is_true(c.len == 256 && all(&c, 256, ROOM, CANARY), "and not a byte more");
  clear(&p);
  is_status(kmshsm_asymmetric_decrypt(s, k, v, oaep, c.bytes, 256, p.bytes, 5,
                                      &p.len),
            "Abi.BufferTooSmall", "the longest plaintext must have room");
  is_true(p.len == 190 && untouched(&p), "its size is told");
  is_status(kmshsm_asymmetric_decrypt(s, k, v, oaep, c.bytes, 256, p.bytes,
                                      190, &p.len),
            "OK", "decrypt into as much");
  is_true(p.len == 5 && !memcmp(p.bytes, text, 5) && well_filled(&p, 190),
          "and the plaintext's length is told");
  is_status(kmshsm_asymmetric_decrypt(s, k, v, oaep, c.bytes, 256,
                                      c.bytes + 255, 190, &p.len),
            "InvalidParameter", "decrypt onto the ciphertext");
  is_status(kmshsm_asymmetric_encrypt(s, k, v, oaep, c.bytes, 5, c.bytes, ROOM,
                                      &p.len),
            "InvalidParameter", "encrypt onto the plaintext");
  c.bytes[100] ^= 1;
  clear(&p);
  is_status(kmshsm_asymmetric_decrypt(s, k, v, oaep, c.bytes, 256, p.bytes,
                                      190, &p.len),
            "InvalidParameter", "decrypt what was changed");
  is_true(left_clean(&p, 190), "leaves the buffer clean");
  free(k);
  free(v);
}

static void publishing(const world *w, const char *spec, const char *what)
{
  char *with = object_of("KeySpec", spec, NULL, NULL);
  char *k = field_of(w->session, "CreateKey", with, "KeyMetadata.KeyId");
  char *v = version_of(w->session, k);
  static const char head[] = "-----BEGIN PUBLIC KEY-----\n";
  static const char foot[] = "\n-----END PUBLIC KEY-----\n";
  size_t size;
  room r;
  clear(&r);
  is_status(kmshsm_public_key(w->session, k, v, NULL, 0, &r.len),
            "Abi.BufferTooSmall", what);
  size = r.len;
  is_true(size > 64 && size <= KMSHSM_PUBLIC_KEY_PEM_MAX, "has its size");
  clear(&r);
  is_status(kmshsm_public_key(w->session, k, v, r.bytes, size - 1, &r.len),
            "Abi.BufferTooSmall", "not into less");
  is_true(r.len == size && untouched(&r), "tells the size, writes nothing");
  is_status(kmshsm_public_key(w->session, k, v, r.bytes, size, &r.len), "OK",
            "into just enough");
  is_true(r.len == size && all(&r, size, ROOM, CANARY) &&
              !memcmp(r.bytes, head, strlen(head)) &&
              !memcmp(r.bytes + size - strlen(foot), foot, strlen(foot)),
          "PEM, without a NUL");
  free(with);
  free(k);
  free(v);
}

void test_signing(void)
{
  world w;
  world_open(&w);
  null_signing(&w);
  null_encrypting(&w);
  signing(&w);
  messages(&w);
  encrypting(&w);
  publishing(&w, "EC_P256K", "the public key of secp256k1");
  publishing(&w, "RSA_4096", "the longest public key");
  world_close(&w);
}
