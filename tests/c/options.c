/* What an operator sets when a store is opened: protection, quotas, rates. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

#define MEMORY "memory:?clock=manual"

static kmshsm_status try_open(const char *options)
{
  const kmshsm_store *store = NULL;
  kmshsm_status status =
      kmshsm_open_with(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, options, &store);
  if(!status != !!store)
    is_true(0, "a handle comes of a success alone");
  kmshsm_close(store);
  return status;
}

static int allows(const char *options)
{
  const kmshsm_store *store = NULL;
  char *answer = NULL;
  int found;
  is_status(
      kmshsm_open_with(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, options, &store),
      "OK", options ? options : "no options");
  is_status(kmshsm_module_status(store, &answer), "OK", "its status");
  found = answer && strstr(answer, "\"allows_unprotected_memory\":true");
  kmshsm_string_free(answer);
  kmshsm_close(store);
  return found;
}

static void reading(void)
{
  static const char *const good[] = {
      "{}",
      "{\"Quotas\":\"service\"}",
      "{\"Quotas\":{}}",
      "{\"Quotas\":{\"Keys\":0,\"RequestsPerSecond\":{\"Read\":1}}}",
      "{\"Quotas\":null,\"KeeperSeconds\":null}",
      "{\"KeeperSeconds\":4294967295}",
  };
  static const char *const bad[] = {
      "",
      "null",
      "[]",
      "{",
      "{\"Quota\":\"service\"}",
      "{\"Quotas\":\"none\"}",
      "{\"Quotas\":200}",
      "{\"Quotas\":{\"Keys\":-1}}",
      "{\"Quotas\":{\"RequestsPerSecond\":\"service\"}}",
      "{\"KeeperSeconds\":0}",
      "{\"KeeperSeconds\":1.5}",
      "{\"KeeperSeconds\":4294967296}",
      "{\"AllowUnprotectedMemory\":1}",
      "{\"AllowUnprotectedMemory\":\"\xff\"}",
  };
  size_t i;
  for(i = 0; i < sizeof(good) / sizeof(*good); i++)
    is_status(try_open(good[i]), "OK", good[i]);
  for(i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    is_status(try_open(bad[i]), "InvalidParameter", bad[i]);
  is_true(!allows(NULL), "without options nothing is overridden");
  is_true(allows("{\"AllowUnprotectedMemory\":true}"), "as with the flag");
}

static kmshsm_status create_key(const world *w)
{
  char *answer = NULL;
  kmshsm_status status = kmshsm_call(w->session, "CreateKey", "{}", &answer);
  kmshsm_string_free(answer);
  return status;
}

/* A world has three keys. The service makes ten in a second, 200 in all. */
static void keys_of_the_service(void)
{
  int made = 3, throttled = 0;
  kmshsm_status status = KMSHSM_OK;
  world w;
  world_open_with(&w, "{\"Quotas\":\"service\"}");
  while(made < 200 && !status) {
    status = create_key(&w);
    if(status == KMSHSM_ERROR_THROTTLED) {
      throttled++;
      json_free(answer_of(w.session, "AdvanceClock", "{\"Seconds\":1}"));
      status = KMSHSM_OK;
    } else if(!status)
      made++;
  }
  is_true(made == 200, "200 keys");
  is_true(throttled == 19, "are refused once after each ten");
  json_free(answer_of(w.session, "AdvanceClock", "{\"Seconds\":1}"));
  status = create_key(&w);
  is_status(status, "Rejected.LimitExceeded", "the 201st is one too many");
  is_true(status == KMSHSM_ERROR_LIMIT_EXCEEDED, "by that number");
  world_close(&w);
}

static kmshsm_status encrypt(const world *w)
{
  uint8_t blob[96];
  size_t len;
  return kmshsm_encrypt(w->session, w->key, (const uint8_t *)"hello", 5, NULL,
                        blob, sizeof(blob), &len);
}

/* Typed functions and JSON are counted together; a world has encrypted once.
 */
static void calls_in_a_second(void)
{
  world w;
  uint8_t plain[5];
  size_t len;
  char *with;
  world_open_with(&w,
                  "{\"Quotas\":{\"RequestsPerSecond\":{\"Symmetric\":3}}}");
  with = object_of("KeyId", w.key, "Plaintext", "aGVsbG8=");
  is_status(encrypt(&w), "OK", "the second call of a second");
  json_free(answer_of(w.session, "Encrypt", with));
  is_status(encrypt(&w), "Rejected.Throttling", "the fourth one, after JSON");
  is_status(kmshsm_decrypt(w.session, w.blob, 96, NULL, plain, 5, &len),
            "Rejected.Throttling", "no other function either");
  json_free(answer_of(w.session, "ListKeys", NULL));
  json_free(answer_of(w.session, "AdvanceClock", "{\"Seconds\":1}"));
  is_status(encrypt(&w), "OK", "another second begins anew");
  free(with);
  world_close(&w);
}

void test_options(void)
{
  reading();
  keys_of_the_service();
  calls_in_a_second();
}
