/* The error state, in a library whose self-tests can be broken (feature
   `testing`): each test in turn, then a panic. While one is broken every
   function refuses or does what it must still do. TAP on stdout. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY "memory:?clock=manual"
#define REFUSED "Module.ErrorState"

/* No header names it. */
kmshsm_status kmshsm_testing_break(const char *name);

static json *parsed(char *text)
{
  json *value = text ? json_parse(text, strlen(text)) : NULL;
  kmshsm_string_free(text);
  return value;
}

/* The report of a run, which is there whatever the run answers. */
static json *report(const char *code, const char *what)
{
  char *answer = NULL;
  is_status(kmshsm_self_test(&answer), code, what);
  is_true(answer != NULL, "it reports");
  return parsed(answer);
}

static int has_failed(const json *outcome)
{
  const char *result = json_string(outcome, "result");
  return result && !strcmp(result, "failed");
}

/* The report names this test, and no other. */
static void blames(const json *found, const char *name)
{
  const json *tests = json_get(found, "tests"), *test;
  const json *integrity = json_get(found, "integrity");
  int right = 0, wrong = 0;
  for(test = tests ? tests->items : NULL; test; test = test->next)
    if(has_failed(test))
      strcmp(json_string(test, "name"), name) ? wrong++ : right++;
  if(has_failed(integrity))
    strcmp("integrity", name) ? wrong++ : right++;
  is_true(right == 1 && wrong == 0, "it blames that test alone");
  is_true(found && json_get(found, "passed")->type == JSON_FALSE,
          "it has not passed");
}

static void status_is(const world *w, const char *state, const char *failure)
{
  char *answer = NULL;
  json *status;
  const char *reason;
  is_status(kmshsm_module_status(w->store, &answer), "OK",
            "the status is answered");
  status = parsed(answer);
  is_text(json_string(status, "state"), state, "it tells the state");
  reason = json_string(status, "failure");
  is_true(failure ? reason && strstr(reason, failure) : !reason,
          "and the reason");
  json_free(status);
}

/* An open store refuses everything but its status. */
static void store_refuses(const world *w, const char *failure)
{
  const kmshsm_session *session = NULL;
  uint8_t digest[KMSHSM_DIGEST_LEN];
  char *answer = NULL;
  size_t len = 0;
  session_calls_are(w->session, REFUSED, failure);
  is_true(kmshsm_last_indicator() == KMSHSM_INDICATOR_NONE,
          "nothing is approved");
  is_true(kmshsm_feature("testing") == 1 &&
              kmshsm_status_http(KMSHSM_ERROR_ERROR_STATE) == 503 &&
              kmshsm_version_number() == KMSHSM_VERSION_NUMBER,
          "what the library is can still be asked");
  is_status(kmshsm_digest_update(w->digest, digest, 0), REFUSED,
            "no digest goes on");
  is_status(kmshsm_digest_finish(w->digest, digest, sizeof(digest), &len),
            REFUSED, "and none ends");
  is_status(
      kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &session),
      REFUSED, "no session opens");
  is_status(kmshsm_session_open_with(
                w->store,
                "{\"Account\":\"111122223333\",\"Region\":\"cn-hongkong\"}",
                NULL, 0, &session),
            REFUSED, "nor with a login");
  is_status(kmshsm_tick(w->store, &answer), REFUSED, "nothing due is done");
  is_status(kmshsm_operate(w->store, "VerifyStore", NULL, &answer), REFUSED,
            "nothing is done to the store as a whole");
  is_status(kmshsm_flush(w->store), REFUSED, "nothing is written down");
  is_status(kmshsm_audit_export(w->store, "/nowhere/trail", &answer), REFUSED,
            "no trail is exported");
  is_status(kmshsm_audit_key(w->store, &answer), REFUSED,
            "the trail's key is not told");
  is_true(!session && !answer && strstr(kmshsm_last_error(), REFUSED),
          "and the last error says why");
  status_is(w, "error", failure);
}

static void nothing_opens(void)
{
  static const uint8_t key[32] = {7};
  const kmshsm_store *store = NULL;
  is_status(kmshsm_create("/nowhere/keys", KMSHSM_UNLOCK_KEY_FILE, key, 32),
            REFUSED, "no store is made");
  is_status(kmshsm_create_with("/nowhere/keys", KMSHSM_UNLOCK_KEY_FILE, key,
                               32, NULL),
            REFUSED, "none with options");
  is_status(
      kmshsm_open("/nowhere", KMSHSM_UNLOCK_KEY_FILE, key, 32, 0, &store),
      REFUSED, "no store opens");
  is_status(kmshsm_open(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, 0, &store),
            REFUSED, "none in memory either");
  is_status(
      kmshsm_open_with(MEMORY, KMSHSM_UNLOCK_NONE, NULL, 0, NULL, &store),
      REFUSED, "none with options");
  is_true(!store, "and there is no handle");
}

/* No store is asked for, and none is needed to refuse. */
static void nothing_wraps(void)
{
  static const uint8_t zeros[32];
  uint8_t out[512];
  size_t len = 0;
  char *answer = NULL;
  is_status(kmshsm_wrap_key_material("SM2PKE", zeros, 32, zeros, 32, out,
                                     sizeof(out), &len),
            REFUSED, "nothing is wrapped");
  is_status(kmshsm_audit_verify("/dev/null", NULL, NULL, &answer), REFUSED,
            "and no trail is verified");
  is_true(!answer, "with no answer");
}

static void no_backup_opens(void)
{
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
  char *answer = NULL;
  is_status(kmshsm_operate(NULL, "VerifyBackup", "{\"Path\":\"/dev/null\"}",
                           &answer),
            REFUSED, "no backup is verified");
  is_status(kmshsm_operate(NULL, "RestoreStore",
                           "{\"Path\":\"/dev/null\",\"Place\":\"/nowhere\","
                           "\"BackupKey\":\"" ZEROS "\","
                           "\"KeyFile\":\"" ZEROS "\"}",
                           &answer),
            REFUSED, "and none restored");
  is_true(!answer, "with no answer");
}

/* Opening anew works, and does not revive what was open. */
static void recovers(const world *failed, const char *failure)
{
  world fresh;
  uint8_t blob[96], plain[5];
  size_t len = 0;
  world_open(&fresh);
  is_status(kmshsm_encrypt(fresh.session, fresh.key, (const uint8_t *)"hello",
                           5, NULL, blob, 96, &len),
            "OK", "a store that is opened anew encrypts");
  is_status(kmshsm_decrypt(fresh.session, blob, 96, NULL, plain, 5, &len),
            "OK", "and decrypts");
  status_is(&fresh, "operational", NULL);
  store_refuses(failed, failure);
  world_close(&fresh);
}

static void break_and_mend(const char *name)
{
  world w;
  json *found;
  printf("# %s\n", name);
  world_open(&w);
  status_is(&w, "operational", NULL);
  is_status(kmshsm_testing_break(name), "OK", "it breaks");
  found = report(REFUSED, "the run fails");
  blames(found, name);
  json_free(found);
  store_refuses(&w, name);
  nothing_opens();
  nothing_wraps();
  no_backup_opens();
  is_status(kmshsm_testing_break(NULL), "OK", "it is mended");
  recovers(&w, name);
  world_close(&w);
}

static void panic(void)
{
  world w;
  char *answer = NULL;
  printf("# a panic\n");
  world_open(&w);
  is_status(kmshsm_testing_break("panic"), "OK", "the next call panics");
  is_status(kmshsm_call(w.session, "ListKeys", NULL, &answer),
            "InternalFailure", "the panic does not cross");
  is_true(!answer, "and nothing comes out");
  store_refuses(&w, "panic");
  recovers(&w, "panic");
  is_status(kmshsm_set_key_memory(1 << 20), "InvalidParameter",
            "keys have their memory already");
  is_status(kmshsm_zeroize(), "OK", "what has failed can be wiped");
  session_calls_are(w.session, "Abi.Closed", "and is closed then");
  world_close(&w);
}

int main(void)
{
  json *found = report("OK", "all is well at first");
  const json *tests = json_get(found, "tests"), *test;
  setvbuf(stdout, NULL, _IOLBF, 0);
  is_true(strstr(kmshsm_version(), "+testing") != NULL,
          "the version says that tests can be broken");
  is_true(json_count(tests) > 20, "there are tests");
  is_text(json_string(json_get(found, "integrity"), "result"), "passed",
          "the library's file is intact");
  is_status(kmshsm_self_test(NULL), "Abi.NullArgument",
            "the report needs a place");
  for(test = tests ? tests->items : NULL; test; test = test->next)
    break_and_mend(json_string(test, "name"));
  break_and_mend("integrity");
  panic();
  json_free(found);
  return finish();
}
