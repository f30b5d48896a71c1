#include "sessions.h"
#include "steps.h"

#include <stdlib.h>
#include <string.h>

typedef struct caller {
  char *login;
  char *secret;
  const kmshsm_session *session;
  struct caller *next;
} caller;

/* A member of the step, or else of its case, with its variables replaced. */
static json *setting(const json *test, const json *step, const char *name,
                     const json *variables, buffer *missing)
{
  const json *value = json_get(step, name);
  if(!value)
    value = json_get(test, name);
  return value ? replace(value, variables, missing) : NULL;
}

/* The login as JSON, all but its secret. */
static json *login_of(const json *key, json *client, const json *account,
                      const json *region)
{
  json *login = client ? client : json_new(JSON_OBJECT);
  if(key)
    json_set_text(login, "AccessKeyId", json_string(key, "id"));
  else
    json_set_text(login, "Account", account ? account->text : "111122223333");
  json_set_text(login, "Region", region ? region->text : "cn-hongkong");
  return login;
}

static kmshsm_status session_open(const kmshsm_store *store, const json *login,
                                  const char *text, const char *secret,
                                  const kmshsm_session **out)
{
  int is_plain = json_get(login, "Account") && json_count(login) == 2;
  if(is_plain)
    return kmshsm_session_open(store, json_string(login, "Account"),
                               json_string(login, "Region"), out);
  return kmshsm_session_open_with(store, text, (const uint8_t *)secret,
                                  secret ? strlen(secret) : 0, out);
}

const kmshsm_session *session_of(sessions *s, const json *test,
                                 const json *step, const json *variables,
                                 outcome *o)
{
  buffer text = {0}, missing = {0};
  json *key = setting(test, step, "access_key", variables, &missing);
  json *account = setting(test, step, "account", variables, &missing);
  json *region = setting(test, step, "region", variables, &missing);
  json *client = setting(test, step, "client", variables, &missing);
  json *login = login_of(key, client, account, region);
  const char *secret = json_string(key, "secret");
  const kmshsm_session *session = NULL;
  kmshsm_status status;
  caller *c;
  if(!secret)
    secret = "";
  json_write(&text, login);
  for(c = s->callers; c; c = c->next)
    if(!strcmp(c->login, text.data) && !strcmp(c->secret, secret))
      break;
  if(missing.len)
    outcome_fail(o, 0, "no such variable in an access key");
  else if(c)
    session = c->session;
  else {
    status = session_open(s->store, login, text.data, key ? secret : NULL,
                          &session);
    if(status) {
      outcome_fail(o, status, NULL);
      session = NULL;
    } else {
      c = take(sizeof(*c));
      c->login = copy_text(text.data, text.len);
      c->secret = copy_text(secret, strlen(secret));
      c->session = session;
      c->next = s->callers;
      s->callers = c;
    }
  }
  buffer_free(&missing);
  buffer_free(&text);
  json_free(login);
  json_free(key);
  json_free(account);
  json_free(region);
  return session;
}

void sessions_free(sessions *s)
{
  while(s->callers) {
    caller *c = s->callers;
    s->callers = c->next;
    kmshsm_session_free(c->session);
    free(c->login);
    free(c->secret);
    free(c);
  }
}
