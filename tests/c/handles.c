/* Handles that are forged, closed or of the other type, and two stores at
 * once. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t text[] = "hello";

static void store_is(const kmshsm_store *store, const char *code,
                     const char *what)
{
  const kmshsm_session *session = NULL;
  char *answer = NULL;
  is_status(
      kmshsm_session_open(store, "111122223333", "cn-hongkong", &session),
      code, what);
  is_status(kmshsm_module_status(store, &answer), code, what);
  is_status(kmshsm_tick(store, &answer), code, what);
  is_true(!session && !answer, "and nothing comes out");
}

static void forged(void)
{
  static const uintptr_t numbers[] = {1, 0xdeadbeef, UINTPTR_MAX - 7,
                                      UINTPTR_MAX};
  uint64_t memory[64] = {0};
  size_t i;
  session_calls_are((const kmshsm_session *)(const void *)memory,
                    "Abi.BadHandle", "a session that is somebody's memory");
  store_is((const kmshsm_store *)(const void *)memory, "Abi.BadHandle",
           "a store that is somebody's memory");
  for(i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
    session_calls_are((const kmshsm_session *)numbers[i], "Abi.BadHandle",
                      "a session that is a number");
    store_is((const kmshsm_store *)numbers[i], "Abi.BadHandle",
             "a store that is a number");
  }
  kmshsm_close((const kmshsm_store *)(const void *)memory);
  kmshsm_session_free((const kmshsm_session *)(const void *)memory);
  is_true(1, "closing and freeing them does no harm");
}

static void mistaken(const world *w)
{
  session_calls_are((const kmshsm_session *)(const void *)w->store,
                    "Abi.BadHandle", "a session that is a store");
  store_is((const kmshsm_store *)(const void *)w->session, "Abi.BadHandle",
           "a store that is a session");
  kmshsm_close((const kmshsm_store *)(const void *)w->session);
  kmshsm_session_free((const kmshsm_session *)(const void *)w->store);
  json_free(answer_of(w->session, "ListKeys", NULL));
  is_true(1, "closing a session and freeing a store does nothing");
}

static void closed(void)
{
  world w, other;
  const kmshsm_session *first, *second = NULL;
  world_open(&w);
  first = w.session;
  kmshsm_session_free(w.session);
  session_calls_are(first, "Abi.Closed", "a freed session");
  kmshsm_session_free(first);
  is_status(
      kmshsm_session_open(w.store, "111122223333", "cn-hongkong", &second),
      "OK", "a session after it");
  is_true(second != first, "is not taken for the freed one");
  session_calls_are(first, "Abi.Closed", "a freed session with a successor");
  kmshsm_session_free(first);
  json_free(answer_of(second, "ListKeys", NULL));
  is_true(1, "freeing twice does not hurt the successor");
  kmshsm_close(w.store);
  session_calls_are(second, "Abi.Closed", "a session of a closed store");
  store_is(w.store, "Abi.Closed", "a closed store");
  kmshsm_close(w.store);
  world_open(&other);
  kmshsm_close(w.store);
  store_is(w.store, "Abi.Closed", "a closed store with a successor");
  json_free(answer_of(other.session, "ListKeys", NULL));
  is_true(1, "closing twice does not hurt the successor");
  kmshsm_session_free(second);
  kmshsm_session_free(second);
  world_close(&w);
  world_close(&other);
}

static void two_stores(void)
{
  world a, b;
  uint8_t out[96], plain[8];
  size_t len = 0;
  world_open(&a);
  world_open(&b);
  is_status(kmshsm_encrypt(a.session, a.key, text, 5, NULL, out, 96, &len),
            "OK", "two stores are open at once");
  is_status(kmshsm_decrypt(b.session, out, 96, NULL, plain, 8, &len),
            "Forbidden.KeyNotFound", "and do not share keys");
  json_free(answer_of(a.session, "AdvanceClock", "{\"Seconds\":60}"));
  {
    char *time_a =
        field_of(a.session, "CreateKey", NULL, "KeyMetadata.CreationDate");
    char *time_b =
        field_of(b.session, "CreateKey", NULL, "KeyMetadata.CreationDate");
    is_text(time_a, "2019-07-04T13:15:15Z", "one clock moves");
    is_text(time_b, "2019-07-04T13:14:15Z", "the other one does not");
    free(time_a);
    free(time_b);
  }
  world_close(&a);
  is_status(kmshsm_encrypt(b.session, b.key, text, 5, NULL, out, 96, &len),
            "OK", "one store outlives the other");
  world_close(&b);
}

void test_handles(void)
{
  world w;
  world_open(&w);
  forged();
  mistaken(&w);
  world_close(&w);
  closed();
  two_stores();
}
