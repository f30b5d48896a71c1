/* What a thread's last call says of itself: approved in the profile of its
   region, or not. */
#include "contract.h"

#include <pthread.h>
#include <stdlib.h>

static const uint8_t text[] = "hello";

static void is_indicator(int32_t expected, const char *what)
{
  is_true(kmshsm_last_indicator() == expected, what);
}

/* Encrypts under a new key of that level. */
static kmshsm_status use(const kmshsm_session *session, const char *level)
{
  char *parameters = object_of("ProtectionLevel", level, NULL, NULL);
  char *key = field_of(session, "CreateKey", parameters, "KeyMetadata.KeyId");
  uint8_t blob[5 + KMSHSM_CIPHERTEXT_OVERHEAD];
  size_t len;
  kmshsm_status status =
      kmshsm_encrypt(session, key, text, 5, NULL, blob, sizeof(blob), &len);
  free(parameters);
  free(key);
  return status;
}

static void *use_otherwise(void *argument)
{
  static int wrong;
  const world *w = argument;
  wrong = kmshsm_last_indicator() != KMSHSM_INDICATOR_NONE;
  wrong += use(w->session, "SOFTWARE") != KMSHSM_OK;
  wrong += kmshsm_last_indicator() != KMSHSM_INDICATOR_NOT_APPROVED;
  return &wrong;
}

void test_indicator(void)
{
  const kmshsm_session *gm = NULL;
  pthread_t thread;
  uint8_t out[96];
  size_t len;
  void *wrong = NULL;
  world w;
  world_open(&w);
  is_status(use(w.session, "HSM"), "OK", "a key at level HSM in Hong Kong");
  is_indicator(KMSHSM_INDICATOR_APPROVED, "is used as approved");
  if(pthread_create(&thread, NULL, use_otherwise, &w))
    abort();
  pthread_join(thread, &wrong);
  is_true(wrong && !*(int *)wrong,
          "another thread has an indicator of its own");
  is_indicator(KMSHSM_INDICATOR_APPROVED, "and this one keeps its own");

  is_status(kmshsm_encrypt(w.session, w.key, text, 5, NULL, out, 0, &len),
            "Abi.BufferTooSmall", "what fails");
  is_indicator(KMSHSM_INDICATOR_NONE, "has none");
  is_status(use(w.session, "SOFTWARE"), "OK", "a key at level SOFTWARE");
  is_indicator(KMSHSM_INDICATOR_NOT_APPROVED, "is outside of the profile");
  is_status(kmshsm_encrypt(NULL, w.key, text, 5, NULL, out, 96, &len),
            "Abi.NullArgument", "what has no session");
  is_indicator(KMSHSM_INDICATOR_NONE, "has none");

  is_status(kmshsm_session_open(w.store, "111122223333", "cn-beijing", &gm),
            "OK", "a session in Beijing");
  is_status(use(gm, "HSM"), "OK", "a key of SM4");
  is_indicator(KMSHSM_INDICATOR_APPROVED, "is used as approved there");
  is_status(kmshsm_random(gm, 32, out, sizeof(out), &len), "OK",
            "random numbers of AES");
  is_indicator(KMSHSM_INDICATOR_NOT_APPROVED, "are not");
  kmshsm_session_free(gm);
  world_close(&w);
}
