/* Messages in pieces: what a digest is of, and whose its handle is. */
#include "contract.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define REFUSED(call) is_status((call), "Abi.NullArgument", #call)
#define LEN KMSHSM_DIGEST_LEN
#define THREADS 8
#define PIECES 250

static const char ecdsa[] = "ECDSA_SHA_256";
static const char sm2[] = "SM2DSA";
static const uint8_t message[] = "abc";
/* SHA-256 of it (FIPS 180-4). */
static const uint8_t of_abc[LEN] = {
    0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
    0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
    0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
/* SHA-256 of a million times 'a' (FIPS 180-4). */
static const uint8_t of_million[LEN] = {
    0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92, 0x81, 0xa1, 0xc7,
    0xe2, 0x84, 0xd7, 0x3e, 0x67, 0xf1, 0x80, 0x9a, 0x48, 0xa4, 0x97,
    0x20, 0x0e, 0x04, 0x6d, 0x39, 0xcc, 0xc7, 0x11, 0x2c, 0xd0};

static const kmshsm_digest *begin(const world *w)
{
  const kmshsm_digest *digest = NULL;
  is_status(kmshsm_digest_new(w->session, w->signer, w->version, ecdsa, NULL,
                              0, &digest),
            "OK", "a digest begins");
  return digest;
}

static int gives(const kmshsm_digest *digest, const uint8_t *expected)
{
  uint8_t out[LEN];
  size_t len = 0;
  int right = !kmshsm_digest_finish(digest, out, LEN, &len) && len == LEN &&
              !memcmp(out, expected, LEN);
  kmshsm_digest_free(digest);
  return right;
}

static void arguments(const world *w)
{
  const kmshsm_digest *digest = NULL;
  uint8_t out[LEN] = {0};
  size_t len = 0;
  REFUSED(
      kmshsm_digest_new(NULL, w->signer, w->version, ecdsa, NULL, 0, &digest));
  REFUSED(kmshsm_digest_new(w->session, NULL, w->version, ecdsa, NULL, 0,
                            &digest));
  REFUSED(
      kmshsm_digest_new(w->session, w->signer, NULL, ecdsa, NULL, 0, &digest));
  REFUSED(kmshsm_digest_new(w->session, w->signer, w->version, NULL, NULL, 0,
                            &digest));
  REFUSED(kmshsm_digest_new(w->session, w->signer, w->version, ecdsa, NULL, 5,
                            &digest));
  REFUSED(kmshsm_digest_new(w->session, w->signer, w->version, ecdsa, NULL, 0,
                            NULL));
  is_status(kmshsm_digest_new(w->session, w->signer, w->version, ecdsa,
                              message, 3, &digest),
            "InvalidParameter", "ECDSA has no user id");
  is_status(kmshsm_digest_new(w->session, w->key, w->version, ecdsa, NULL, 0,
                              &digest),
            "Rejected.UnsupportedOperation",
            "a key that does not sign has no digest");
  is_true(!digest, "refused digests give no handle");
  REFUSED(kmshsm_digest_update(NULL, message, 3));
  REFUSED(kmshsm_digest_finish(NULL, out, LEN, &len));
  REFUSED(kmshsm_digest_update(w->digest, NULL, 3));
  REFUSED(kmshsm_digest_finish(w->digest, out, LEN, NULL));
  kmshsm_digest_free(NULL);
  is_true(len == 0, "nothing comes out");
}

static void pieces(const world *w)
{
  const kmshsm_digest *digest = begin(w);
  uint8_t out[LEN + 1], half[500];
  size_t len = 0;
  int i, wrong = 0;
  memset(out, 0xa5, sizeof(out));
  is_true(!kmshsm_digest_update(digest, message, 1) &&
              !kmshsm_digest_update(digest, NULL, 0) &&
              !kmshsm_digest_update(digest, message + 1, 2),
          "a message in three pieces");
  is_status(kmshsm_digest_finish(digest, out, LEN - 1, &len),
            "Abi.BufferTooSmall", "finish into a short buffer");
  is_true(len == LEN && out[0] == 0xa5, "tells the size, writes nothing");
  is_status(kmshsm_digest_finish(digest, out, LEN, &len), "OK",
            "finish into just enough");
  is_true(!memcmp(out, of_abc, LEN) && out[LEN] == 0xa5,
          "as the whole message, and not a byte more");
  is_status(kmshsm_digest_finish(digest, out, LEN, &len), "Abi.Closed",
            "it finishes once");
  is_status(kmshsm_digest_update(digest, message, 3), "Abi.Closed",
            "and does not go on");
  kmshsm_digest_free(digest);
  digest = begin(w);
  memset(half, 'a', sizeof(half));
  for(i = 0; i < 2000; i++)
    wrong += kmshsm_digest_update(digest, half, sizeof(half)) != 0;
  is_true(!wrong && gives(digest, of_million), "a million bytes");
}

/* What is signed in pieces is signed whole. */
static void signing(const world *w)
{
  const kmshsm_digest *digest = begin(w);
  uint8_t out[LEN], signature[KMSHSM_SIGNATURE_MAX];
  size_t len = 0, signature_len = 0;
  int valid = 7;
  is_true(!kmshsm_digest_update(digest, message, 3) &&
              !kmshsm_digest_finish(digest, out, LEN, &len),
          "a digest");
  is_status(kmshsm_sign(w->session, w->signer, w->version, ecdsa, out, LEN,
                        signature, sizeof(signature), &signature_len),
            "OK", "is signed");
  is_status(kmshsm_verify_message(w->session, w->signer, w->version, ecdsa,
                                  NULL, 0, message, 3, signature,
                                  signature_len, &valid),
            "OK", "and the message verified");
  is_true(valid == 1, "it is right");
  kmshsm_digest_free(digest);
}

static int sm2_verifies(const kmshsm_session *session, const char *key,
                        const char *version, const uint8_t *user,
                        size_t user_len, const uint8_t *signature, size_t len)
{
  const kmshsm_digest *digest = NULL;
  uint8_t out[LEN];
  size_t out_len = 0;
  int whole = 7, split = 7;
  if(kmshsm_verify_message(session, key, version, sm2, user, user_len, message,
                           3, signature, len, &whole) ||
     kmshsm_digest_new(session, key, version, sm2, user, user_len, &digest) ||
     kmshsm_digest_update(digest, message, 2) ||
     kmshsm_digest_update(digest, message + 2, 1) ||
     kmshsm_digest_finish(digest, out, LEN, &out_len) ||
     kmshsm_verify(session, key, version, sm2, out, LEN, signature, len,
                   &split))
    return -1;
  kmshsm_digest_free(digest);
  return whole == split ? whole : -1;
}

static void user_ids(const world *w)
{
  static const uint8_t usual[] = "1234567812345678";
  static uint8_t longest[8192];
  const kmshsm_session *session = NULL;
  const kmshsm_digest *digest = NULL;
  uint8_t signature[KMSHSM_SIGNATURE_MAX];
  char *key, *version;
  size_t len = 0;
  is_status(
      kmshsm_session_open(w->store, "111122223333", "cn-hangzhou", &session),
      "OK", "a session where SM2 is offered");
  key = field_of(session, "CreateKey",
                 "{\"KeySpec\":\"EC_SM2\",\"KeyUsage\":\"SIGN/VERIFY\","
                 "\"ProtectionLevel\":\"HSM\"}",
                 "KeyMetadata.KeyId");
  version = version_of(session, key);
  is_status(kmshsm_sign_message(session, key, version, sm2, NULL, 0, message,
                                3, signature, sizeof(signature), &len),
            "OK", "sign for the usual user id");
  is_true(sm2_verifies(session, key, version, NULL, 0, signature, len) == 1,
          "it verifies without one");
  is_true(sm2_verifies(session, key, version, usual, 16, signature, len) == 1,
          "and with it");
  is_true(sm2_verifies(session, key, version, usual, 15, signature, len) == 0,
          "not with another");
  memset(longest, 'x', sizeof(longest));
  is_status(kmshsm_sign_message(session, key, version, sm2, longest, 8191,
                                message, 3, signature, sizeof(signature),
                                &len),
            "OK", "sign for the longest user id");
  is_true(sm2_verifies(session, key, version, longest, 8191, signature, len) ==
              1,
          "it verifies");
  is_status(
      kmshsm_digest_new(session, key, version, sm2, longest, 8192, &digest),
      "InvalidParameter", "a user id that is too long");
  is_status(kmshsm_digest_new(session, key, version, sm2, longest, 0, &digest),
            "InvalidParameter", "one of no bytes");
  is_true(!digest, "and no digest");
  is_status(kmshsm_sign_message(session, key, version, sm2, longest, 100,
                                message, 3, longest + 50, 100, &len),
            "InvalidParameter", "sign onto the user id");
  free(key);
  free(version);
  kmshsm_session_free(session);
}

static void digest_is(const kmshsm_digest *digest, const char *code,
                      const char *what)
{
  uint8_t out[LEN];
  size_t len = 77;
  is_status(kmshsm_digest_update(digest, message, 3), code, what);
  is_status(kmshsm_digest_finish(digest, out, LEN, &len), code, what);
  is_true(len == 77, "and nothing comes out");
}

static void handles(void)
{
  uint64_t memory[8] = {0};
  const kmshsm_digest *digest, *freed;
  world w;
  world_open(&w);
  digest_is((const kmshsm_digest *)(const void *)memory, "Abi.BadHandle",
            "a digest that is somebody's memory");
  digest_is((const kmshsm_digest *)(const void *)w.session, "Abi.BadHandle",
            "a digest that is a session");
  session_calls_are((const kmshsm_session *)(const void *)w.digest,
                    "Abi.BadHandle", "a session that is a digest");
  kmshsm_digest_free((const kmshsm_digest *)(const void *)memory);
  kmshsm_digest_free((const kmshsm_digest *)(const void *)w.session);
  json_free(answer_of(w.session, "ListKeys", NULL));
  freed = begin(&w);
  kmshsm_digest_free(freed);
  digest_is(freed, "Abi.Closed", "a freed digest");
  digest = begin(&w);
  kmshsm_digest_free(freed);
  is_status(kmshsm_digest_update(digest, message, 1), "OK",
            "freeing twice does not hurt the successor");
  kmshsm_session_free(w.session);
  is_status(kmshsm_digest_update(digest, message + 1, 2), "OK",
            "a digest outlives its session");
  is_true(gives(digest, of_abc), "and is right");
  kmshsm_close(w.store);
  digest_is(w.digest, "Abi.Closed", "a digest of a closed store");
  world_close(&w);
}

static struct {
  const kmshsm_digest *digest;
  int wrong[THREADS];
} shared;

static void *feed(void *argument)
{
  uint8_t piece[500];
  int i;
  memset(piece, 'a', sizeof(piece));
  for(i = 0; i < PIECES; i++)
    *(int *)argument +=
        kmshsm_digest_update(shared.digest, piece, sizeof(piece)) != 0;
  return NULL;
}

/* Eight threads append a million bytes, all of them the same. */
static void threads(const world *w)
{
  pthread_t workers[THREADS];
  int i, wrong = 0;
  shared.digest = begin(w);
  for(i = 0; i < THREADS; i++)
    if(pthread_create(&workers[i], NULL, feed, &shared.wrong[i]))
      abort();
  for(i = 0; i < THREADS; i++) {
    pthread_join(workers[i], NULL);
    wrong += shared.wrong[i];
  }
  is_true(!wrong, "eight threads append to one digest");
  is_true(gives(shared.digest, of_million), "no piece is lost or torn");
}

void test_digests(void)
{
  world w;
  world_open(&w);
  arguments(&w);
  pieces(&w);
  signing(&w);
  user_ids(&w);
  threads(&w);
  world_close(&w);
  handles();
}
