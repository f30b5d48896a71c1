/* Sessions of users: what a login says, secrets right and wrong, lock-out. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>

#define ROOT "{\"Account\":\"111122223333\",\"Region\":\"cn-hongkong\"}"
#define USER "{\"UserName\":\"alice\"}"

/* A user's access key. */
typedef struct user {
  char *id, *secret;
} user;

static void user_open(const world *w, user *u)
{
  json *made, *answer;
  const json *key;
  json_free(answer_of(w->session, "CreateUser", USER));
  answer = answer_of(w->session, "CreateAccessKey", USER);
  key = json_get(answer, "AccessKey");
  made = json_copy(key);
  u->id = strdup(json_string(made, "AccessKeyId"));
  u->secret = strdup(json_string(made, "AccessKeySecret"));
  json_free(made);
  json_free(answer);
}

static void user_close(user *u)
{
  free(u->id);
  free(u->secret);
}

/* A session by an access key, from an address if there is one. */
static kmshsm_status login(const world *w, const user *u, const char *secret,
                           const char *source_ip,
                           const kmshsm_session **session)
{
  kmshsm_status status;
  json *request = json_new(JSON_OBJECT);
  buffer text = {0};
  json_set(request, "Region", json_text("cn-hongkong", 11));
  json_set(request, "AccessKeyId", json_text(u->id, strlen(u->id)));
  if(source_ip)
    json_set(request, "SourceIp", json_text(source_ip, strlen(source_ip)));
  json_write(&text, request);
  json_free(request);
  *session = NULL;
  status = kmshsm_session_open_with(
      w->store, text.data, (const uint8_t *)secret, strlen(secret), session);
  is_true(!status == !!*session, "a session only if the login is right");
  buffer_free(&text);
  return status;
}

static kmshsm_status encrypt(const world *w, const kmshsm_session *session)
{
  uint8_t blob[96];
  size_t len = 0;
  return kmshsm_encrypt(session, w->key, (const uint8_t *)"hello", 5, NULL,
                        blob, sizeof(blob), &len);
}

static void reading(const world *w)
{
  static const struct {
    const char *login, *code;
  } bad[] = {
      {"", "InvalidParameter"},
      {"[]", "InvalidParameter"},
      {"{\"Account\":\"1\"}", "MissingParameter"},
      {"{\"Region\":\"cn-hongkong\"}", "MissingParameter"},
      {"{\"Account\":\"x\",\"Region\":\"cn-hongkong\"}", "InvalidParameter"},
      {"{\"Account\":\"1\",\"Region\":\"mars\"}", "InvalidParameter"},
      {"{\"Account\":\"1\",\"Region\":\"cn-hongkong\",\"Secret\":\"x\"}",
       "InvalidParameter"},
      {"{\"Account\":\"1\",\"Region\":\"cn-hongkong\",\"SourceIp\":\"x\"}",
       "InvalidParameter"},
      {"{\"Account\":\"1\",\"Region\":\"cn-hongkong\",\"MFAPresent\":1}",
       "InvalidParameter"},
      {"{\"Account\":\"1\",\"Region\":\"cn-hongkong\",\"AccessKeyId\":\"x\"}",
       "MissingParameter"},
  };
  const kmshsm_session *session = NULL;
  size_t i;
  for(i = 0; i < sizeof(bad) / sizeof(*bad); i++)
    is_status(
        kmshsm_session_open_with(w->store, bad[i].login, NULL, 0, &session),
        bad[i].code, bad[i].login);
  is_status(kmshsm_session_open_with(w->store, ROOT, (const uint8_t *)"x", 1,
                                     &session),
            "MissingParameter", "a secret of no access key");
  is_status(kmshsm_session_open_with(
                w->store, "{\"Region\":\"cn-hongkong\",\"AccessKeyId\":\"x\"}",
                (const uint8_t *)"x", 1, &session),
            "InvalidAccessKeyId.NotFound", "an access key that is none");
  is_true(!session, "none of them opens a session");
  is_status(kmshsm_session_open_with(w->store, ROOT, NULL, 0, &session), "OK",
            "the account itself needs no secret");
  is_status(encrypt(w, session), "OK", "and may do everything");
  kmshsm_session_free(session);
}

static void conditions(const world *w, const user *u)
{
  static const char policy[] =
      "{\"PolicyName\":\"inside\",\"PolicyDocument\":\"{\\\"Version\\\":"
      "\\\"1\\\","
      "\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":"
      "\\\"kms:Encrypt\\\",\\\"Resource\\\":\\\"*\\\",\\\"Condition\\\":{"
      "\\\"IpAddress\\\":{\\\"acs:SourceIp\\\":\\\"192.0.2.0/24\\\"}}}]}\"}";
  static const char attachment[] =
      "{\"PolicyType\":\"Custom\",\"PolicyName\":\"inside\","
      "\"UserName\":\"alice\"}";
  const kmshsm_session *session;
  is_status(login(w, u, u->secret, "192.0.2.7", &session), "OK", "a login");
  is_status(encrypt(w, session), "Forbidden.NoPermission",
            "without a policy nothing is allowed");
  json_free(answer_of(w->session, "CreatePolicy", policy));
  json_free(answer_of(w->session, "AttachPolicyToUser", attachment));
  is_status(encrypt(w, session), "OK", "from inside it is");
  kmshsm_session_free(session);
  is_status(login(w, u, u->secret, "198.51.100.7", &session), "OK", "outside");
  is_status(encrypt(w, session), "Forbidden.NoPermission", "it is not");
  kmshsm_session_free(session);
  is_status(login(w, u, u->secret, NULL, &session), "OK", "from nowhere");
  is_status(encrypt(w, session), "Forbidden.NoPermission", "neither");
  kmshsm_session_free(session);
}

static void locking_out(const world *w, const user *u)
{
  const kmshsm_session *session;
  int i;
  for(i = 0; i < 5; i++)
    is_status(login(w, u, "wrong", NULL, &session), "IncompleteSignature",
              "a wrong secret");
  is_status(login(w, u, u->secret, NULL, &session), "Forbidden.AccessKey",
            "five lock the user out");
  is_true(!strstr(kmshsm_last_error(), u->secret), "no error has the secret");
  json_free(answer_of(w->session, "AdvanceClock", "{\"Seconds\":900}"));
  is_status(login(w, u, u->secret, NULL, &session), "OK",
            "for a quarter of an hour");
  kmshsm_session_free(session);
}

void test_logins(void)
{
  world w;
  user u;
  world_open(&w);
  user_open(&w, &u);
  reading(&w);
  conditions(&w, &u);
  locking_out(&w, &u);
  user_close(&u);
  world_close(&w);
}
