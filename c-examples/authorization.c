/* Makes a user who may use one key, calls as that user, and audits that:
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

typedef struct {
  char id[64], secret[64];
} access_key;

/* The answer tells the secret, this once. */
static int create_access_key(const place *p, const char *with, access_key *key)
{
  char *answer = NULL;
  int found;
  kmshsm_status status =
      kmshsm_call(p->session, "CreateAccessKey", with, &answer);
  if(status)
    return refused("make an access key", status);
  found = text_of(answer, "AccessKeyId", key->id, sizeof(key->id)) &&
          text_of(answer, "AccessKeySecret", key->secret, sizeof(key->secret));
  kmshsm_string_free(answer);
  return found ? 0 : failed("CreateAccessKey", "answers no access key", 0);
}

static int make_user(const place *p, const char *user, const char *region,
                     const char *key_id, access_key *key)
{
  char with[1024];
  int code;
  snprintf(with, sizeof(with), "{\"UserName\":\"%s\"}", user);
  if((code = ask(p, "CreateUser", with, NULL, NULL, 0)) ||
     (code = create_access_key(p, with, key)))
    return code;
  snprintf(with, sizeof(with), POLICY, user, region, key_id);
  if((code = ask(p, "CreatePolicy", with, NULL, NULL, 0)))
    return code;
  snprintf(with, sizeof(with), ATTACHMENT, user, user);
  return ask(p, "AttachPolicyToUser", with, NULL, NULL, 0);
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
  if((code = place_open(&p, argv[2], argv[3], argv[4], flags)))
    return code;
  if(!(code = make_user(&p, argv[1], argv[4], argv[5], &key)))
    code = try_out(&p, argv[4], argv[5], &key);
  OPENSSL_cleanse(&key, sizeof(key));
  if(!code)
    code = tell(&p, argv[6]);
  place_close(&p);
  return code;
}
