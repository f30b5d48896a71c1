/* Makes a user who may encrypt and decrypt with one key, calls as that user,
 * and lets the audit trail tell of it:
 *
 *   authorization USER STORE PASSPHRASE_FILE REGION KEY_ID TRAIL
 *
 * --allow-unprotected-memory may stand in front. USER and TRAIL must be new.
 * Build: see Makefile. Exit codes: 0, or the family of the error (kmshsm.h).
 */
#include "store.h"

#include <openssl/crypto.h>
#include <string.h>

#define POLICY \
  "{\"PolicyName\":\"%s\",\"PolicyDocument\":\"{\\\"Version\\\":\\\"1\\\"," \
  "\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":" \
  "[\\\"kms:Encrypt\\\",\\\"kms:Decrypt\\\"],\\\"Resource\\\":" \
  "\\\"acs:kms:%s:" ACCOUNT ":key/%s\\\"}]}\"}"
#define ATTACHMENT \
  "{\"PolicyType\":\"Custom\",\"PolicyName\":\"%s\",\"UserName\":\"%s\"}"

/* An access key. */
typedef struct {
  char id[64], secret[64];
} access_key;

/* An action as the account itself, and the access key in its answer; a JSON
   library would do it better. */
static int ask(const place *p, const char *action, const char *with,
               access_key *key)
{
  char *answer = NULL, *at;
  int found = 2;
  kmshsm_status status = kmshsm_call(p->session, action, with, &answer);
  if(status)
    return refused(action, status);
  if(key) {
    at = strstr(answer, "\"AccessKeyId\"");
    found = at ? sscanf(at,
                        "\"AccessKeyId\":\"%63[^\"]\",\"AccessKeySecret\":"
                        "\"%63[^\"]",
                        key->id, key->secret)
               : 0;
  }
  kmshsm_string_free(answer);
  return found == 2 ? 0 : failed(action, "answers no access key", 0);
}

static int make_user(const place *p, const char *user, const char *region,
                     const char *key_id, access_key *key)
{
  char with[1024];
  int code;
  snprintf(with, sizeof(with), "{\"UserName\":\"%s\"}", user);
  code = ask(p, "CreateUser", with, NULL);
  if(!code)
    code = ask(p, "CreateAccessKey", with, key);
  snprintf(with, sizeof(with), POLICY, user, region, key_id);
  if(!code)
    code = ask(p, "CreatePolicy", with, NULL);
  snprintf(with, sizeof(with), ATTACHMENT, user, user);
  return code ? code : ask(p, "AttachPolicyToUser", with, NULL);
}

/* As the user: one thing that the policy allows, and one that it does not. */
static int try_out(const place *p, const char *region, const char *key_id,
                   const access_key *key)
{
  const kmshsm_session *session = NULL;
  char with[256], *answer = NULL;
  uint8_t blob[5 + KMSHSM_CIPHERTEXT_OVERHEAD];
  size_t len;
  kmshsm_status status;
  snprintf(with, sizeof(with),
           "{\"Region\":\"%s\",\"AccessKeyId\":\"%s\",\"SourceIp\":"
           "\"192.0.2.7\",\"UserAgent\":\"authorization.c\"}",
           region, key->id);
  status =
      kmshsm_session_open_with(p->store, with, (const uint8_t *)key->secret,
                               strlen(key->secret), &session);
  if(status)
    return refused("open a session", status);
  status = kmshsm_encrypt(session, key_id, (const uint8_t *)"hello", 5, NULL,
                          blob, sizeof(blob), &len);
  printf("Encrypt: %s\n", status ? kmshsm_status_name(status) : "allowed");
  snprintf(with, sizeof(with), "{\"KeyId\":\"%s\"}", key_id);
  status = kmshsm_call(session, "DisableKey", with, &answer);
  printf("DisableKey: %s\n", kmshsm_status_name(status));
  kmshsm_string_free(answer);
  kmshsm_session_free(session);
  return status == KMSHSM_ERROR_NO_PERMISSION ? 0
                                              : failed("policy", "wrong", 0);
}

static int tell(const place *p, const char *trail)
{
  char *exported = NULL, *pem = NULL, *verified = NULL;
  kmshsm_status status = kmshsm_audit_export(p->store, trail, &exported);
  if(!status)
    status = kmshsm_audit_key(p->store, &pem);
  if(!status)
    status = kmshsm_audit_verify(trail, pem, NULL, &verified);
  if(!status)
    printf("%s\n%s\n", exported, verified);
  kmshsm_string_free(exported);
  kmshsm_string_free(pem);
  kmshsm_string_free(verified);
  return status ? refused("export the trail", status) : 0;
}

int main(int argc, char **argv)
{
  uint32_t flags = take_flags(&argc, &argv);
  access_key key;
  place p;
  int code;
  if(argc != 7)
    return failed("authorization", "see the top of its source", 0);
  code = place_open(&p, argv[2], argv[3], argv[4], flags);
  if(code)
    return code;
  code = make_user(&p, argv[1], argv[4], argv[5], &key);
  if(!code)
    code = try_out(&p, argv[4], argv[5], &key);
  OPENSSL_cleanse(&key, sizeof(key));
  if(!code)
    code = tell(&p, argv[6]);
  place_close(&p);
  return code;
}
