/* Tests what the C contract promises and the table of cases cannot say:
   pointers, buffers, handles, threads, forks and places. TAP on stdout.
   With the argument "storms": forks and signals while many threads call. They
   need speed, and sanitizers that stand in forks' and handlers' way be off. */
#include "contract.h"
#include <kmshsm.h> /* twice on purpose */

#include <signal.h>
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

int main(int argc, char **argv)
{
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if(argc > 1 && !strcmp(argv[1], "storms")) {
    test_fork_storm();
    test_signals();
  } else {
    test_arguments();
    test_texts();
    test_buffers();
    test_handles();
    test_crossing();
    test_places();
    test_threads();
    test_forks();
  }
  printf("1..%lu\n%lu passed, %lu failed\n", passed + failed, passed, failed);
  return failed ? 1 : 0;
}
