/* What the tests of the C contract share: TAP, answers, and a store to try
   things on. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long passed, failed;

void is_true(int condition, const char *what)
{
  if(condition)
    passed++;
  else
    failed++;
  printf("%sok %lu - %s\n", condition ? "" : "not ", passed + failed, what);
}

void is_text(const char *text, const char *expected, const char *what)
{
  int same = text && !strcmp(text, expected);
  is_true(same, what);
  if(!same)
    printf("# should be %s and is %s\n", expected, text ? text : "NULL");
}

void is_status(kmshsm_status status, const char *code, const char *what)
{
  is_text(kmshsm_status_name(status), code, what);
}

static void give_up(const char *what)
{
  printf("Bail out! %s: %s\n", what, kmshsm_last_error());
  exit(1);
}

json *answer_of(const kmshsm_session *session, const char *action,
                const char *parameters)
{
  char *text = NULL;
  json *answer;
  if(kmshsm_call(session, action, parameters, &text) || !text)
    give_up(action);
  answer = json_parse(text, strlen(text));
  kmshsm_string_free(text);
  if(!answer)
    give_up("an answer that is no JSON");
  return answer;
}

char *field_of(const kmshsm_session *session, const char *action,
               const char *parameters, const char *path)
{
  json *answer = answer_of(session, action, parameters);
  const json *value = json_path(answer, path);
  char *text;
  if(!value || !value->text)
    give_up(path);
  text = copy_text(value->text, value->len);
  json_free(answer);
  return text;
}

json *operated(const kmshsm_store *store, const char *operation,
               const char *parameters, const char *code, const char *what)
{
  char *text = NULL;
  json *answer = NULL;
  kmshsm_status status = kmshsm_operate(store, operation, parameters, &text);
  is_status(status, code, what);
  if(status)
    is_true(!text, "and nothing comes out");
  else
    answer = json_parse(text, strlen(text));
  kmshsm_string_free(text);
  return answer;
}

char *object_of(const char *name, const char *value, const char *name2,
                const char *value2)
{
  json *object = json_new(JSON_OBJECT);
  buffer text = {0};
  json_set(object, name, json_text(value, strlen(value)));
  if(name2)
    json_set(object, name2, json_text(value2, strlen(value2)));
  json_write(&text, object);
  json_free(object);
  return text.data;
}

char *version_of(const kmshsm_session *session, const char *key)
{
  char *with = object_of("KeyId", key, NULL, NULL);
  char *version = field_of(session, "ListKeyVersions", with,
                           "KeyVersions.KeyVersion.0.KeyVersionId");
  free(with);
  return version;
}

void session_calls_are(const kmshsm_session *session, const char *code,
                       const char *what)
{
  static char nobody[] = "00000000-0000-4000-8000-000000000000";
  world w = {0};
  int i;
  w.session = session;
  w.key = w.external = w.signer = w.version = nobody;
  for(i = 0; i < FUNCTIONS; i++)
    if(functions[i].of == SESSION)
      is_status(functions[i].ask(&w), code, what);
}

void world_open(world *w)
{
  world_open_with(w, "{\"AllowUnprotectedMemory\":true}");
}

void world_open_with(world *w, const char *options)
{
  memset(w, 0, sizeof(*w));
  if(kmshsm_open_with("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL, 0,
                      options, &w->store))
    give_up("open");
  if(kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &w->session))
    give_up("session");
  world_fill(w);
}

void world_fill(world *w)
{
  size_t len = 0;
  w->key = field_of(w->session, "CreateKey", NULL, "KeyMetadata.KeyId");
  w->external = field_of(w->session, "CreateKey", "{\"Origin\":\"EXTERNAL\"}",
                         "KeyMetadata.KeyId");
  w->signer = field_of(w->session, "CreateKey", "{\"KeySpec\":\"EC_P256\"}",
                       "KeyMetadata.KeyId");
  w->version = version_of(w->session, w->signer);
  if(kmshsm_encrypt(w->session, w->key, (const uint8_t *)"hello", 5, NULL,
                    w->blob, sizeof(w->blob), &len) ||
     kmshsm_digest_new(w->session, w->signer, w->version, "ECDSA_SHA_256",
                       NULL, 0, &w->digest))
    give_up("a world");
}

void world_close(world *w)
{
  kmshsm_digest_free(w->digest);
  kmshsm_session_free(w->session);
  kmshsm_close(w->store);
  free(w->key);
  free(w->external);
  free(w->signer);
  free(w->version);
}

int finish(void)
{
  printf("1..%lu\n%lu passed, %lu failed\n", passed + failed, passed, failed);
  return failed ? 1 : 0;
}
