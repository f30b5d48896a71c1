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

void session_calls_are(const kmshsm_session *s, const char *code,
                       const char *what)
{
  const char key[] = "00000000-0000-4000-8000-000000000000";
  uint8_t p[512] = {0}, c[512] = {0};
  size_t p_len = 0, c_len = 0;
  uint64_t expires = 0;
  char *answer = NULL;
  is_status(kmshsm_call(s, "ListKeys", "{}", &answer), code, what);
  is_status(kmshsm_encrypt(s, key, p, 5, NULL, c, 512, &c_len), code, what);
  is_status(kmshsm_decrypt(s, c, 96, NULL, p, 512, &p_len), code, what);
  is_status(kmshsm_generate_data_key(s, key, 16, NULL, p, 512, &p_len, c, 512,
                                     &c_len),
            code, what);
  is_status(kmshsm_generate_data_key_without_plaintext(s, key, 16, NULL, c,
                                                       512, &c_len),
            code, what);
  is_status(kmshsm_random(s, 16, c, 512, &c_len), code, what);
  is_status(kmshsm_parameters_for_import(s, key, "RSA_2048",
                                         "RSAES_OAEP_SHA_256", p, 512, &p_len,
                                         c, 512, &c_len, &expires),
            code, what);
  is_status(kmshsm_import_key_material(s, key, p, 256, c, 57, 0), code, what);
  is_true(!answer && !expires, "and nothing comes out");
}

void world_open(world *w)
{
  memset(w, 0, sizeof(*w));
  if(kmshsm_open("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL, 0,
                 KMSHSM_ALLOW_UNPROTECTED_MEMORY, &w->store))
    give_up("open");
  if(kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &w->session))
    give_up("session");
  w->key = field_of(w->session, "CreateKey", NULL, "KeyMetadata.KeyId");
  w->external = field_of(w->session, "CreateKey", "{\"Origin\":\"EXTERNAL\"}",
                         "KeyMetadata.KeyId");
}

void world_close(world *w)
{
  kmshsm_session_free(w->session);
  kmshsm_close(w->store);
  free(w->key);
  free(w->external);
}

int finish(void)
{
  printf("1..%lu\n%lu passed, %lu failed\n", passed + failed, passed, failed);
  return failed ? 1 : 0;
}
