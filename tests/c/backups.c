/* Backups: made, verified, restored whole and key by key; and stores that have
   gone back to an earlier state. */
#include "contract.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE KMSHSM_UNLOCK_KEY_FILE
#define LOOSE "\"AllowUnprotectedMemory\":true"
/* 32 bytes of 7. */
#define SEVENS "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="

static char root[] = "/tmp/kmshsm-backups-XXXXXX";
static uint8_t secret[32];

/* A text of a format; to be freed. */
static char *text_of(const char *format, ...)
{
  va_list values;
  int len;
  char *text;
  va_start(values, format);
  len = vsnprintf(NULL, 0, format, values);
  va_end(values);
  text = take((size_t)len + 1);
  va_start(values, format);
  vsnprintf(text, (size_t)len + 1, format, values);
  va_end(values);
  return text;
}

/* A command of the shell in the root. */
static void run(const char *command, const char *what)
{
  char *line = text_of("cd %s && %s", root, command);
  is_true(system(line) == 0, what);
  free(line);
}

/* The answer to an operation whose parameters are freed. */
static json *asked(const kmshsm_store *store, const char *operation,
                   char *parameters, const char *code, const char *what)
{
  json *answer = operated(store, operation, parameters, code, what);
  free(parameters);
  return answer;
}

static void is_at(const json *answer, const char *path, const char *expected,
                  const char *what)
{
  const json *value = json_path(answer, path);
  is_text(value ? value->text : NULL, expected, what);
}

static const kmshsm_store *opened(const char *name, const char *options)
{
  const kmshsm_store *store = NULL;
  char *place = text_of("%s/%s", root, name);
  is_status(kmshsm_open_with(place, KEY_FILE, secret, 32, options, &store),
            "OK", name);
  free(place);
  return store;
}

static void create(const char *name)
{
  char *place = text_of("%s/%s", root, name);
  is_status(kmshsm_create(place, KEY_FILE, secret, 32), "OK", name);
  free(place);
}

static const kmshsm_session *session_in(const kmshsm_store *store)
{
  const kmshsm_session *session = NULL;
  is_status(
      kmshsm_session_open(store, "111122223333", "cn-hongkong", &session),
      "OK", "a session");
  return session;
}

/* The store there opens what another one has encrypted. */
static void decrypts(const kmshsm_store *store, const uint8_t *blob,
                     const char *what)
{
  const kmshsm_session *session = session_in(store);
  uint8_t plain[5] = {0};
  size_t len = 0;
  is_status(kmshsm_decrypt(session, blob, 96, NULL, plain, 5, &len), "OK",
            what);
  is_true(!memcmp(plain, "hello", 5), "to what it was");
  kmshsm_session_free(session);
}

/* A member with two of the shares of an answer. */
static char *two_shares(const json *answer)
{
  return text_of("\"Shares\":[\"%s\",\"%s\"]",
                 json_path(answer, "Shares.2")->text,
                 json_path(answer, "Shares.0")->text);
}

static void verifying(const kmshsm_store *store, const char *open)
{
  char *pem = NULL, *key, *member;
  json *answer, *quoted;
  buffer text = {0};
  is_status(kmshsm_audit_key(store, &pem), "OK", "the store's public key");
  quoted = json_text(pem, strlen(pem));
  json_write(&text, quoted);
  member = text_of("\"PublicKey\":%s", text.data);
  answer = asked(NULL, "VerifyBackup",
                 text_of("{\"Path\":\"%s/backup\"}", root), "OK", "a backup");
  is_true(json_get(answer, "Opened")->type == JSON_FALSE, "is not opened");
  is_at(answer, "Manifest.Counts.Keys", "1", "has a key");
  is_at(answer, "Manifest.Shares.Threshold", "2", "and shares");
  key = copy_text(json_string(answer, "KeyFingerprint"), 64);
  json_free(answer);
  answer = asked(NULL, "VerifyBackup",
                 text_of("{\"Path\":\"%s/backup\",%s,%s}", root, member, open),
                 "OK", "with shares");
  is_true(json_get(answer, "Opened")->type == JSON_TRUE, "it is opened");
  is_at(answer, "KeyFingerprint", key, "it is of that key");
  json_free(answer);
  json_free(asked(
      NULL, "VerifyBackup",
      text_of("{\"Path\":\"%s/backup\",\"BackupKey\":\"%s\"}", root, SEVENS),
      "Store.UnlockFailed", "with another key"));
  json_free(asked(NULL, "VerifyBackup",
                  text_of("{\"Path\":\"%s/backup\",\"BackupKey\":\"%s\",%s}",
                          root, SEVENS, open),
                  "InvalidParameter", "with two secrets"));
  run("cp backup spoilt && printf '#' | "
      "dd of=spoilt bs=1 seek=900 conv=notrunc 2>dd.log",
      "a byte of it is changed");
  json_free(asked(NULL, "VerifyBackup",
                  text_of("{\"Path\":\"%s/spoilt\"}", root), "Backup.Damaged",
                  "which is seen"));
  run("echo nothing >letter", "a letter");
  json_free(asked(NULL, "VerifyBackup",
                  text_of("{\"Path\":\"%s/letter\"}", root),
                  "Backup.NotABackup", "is no backup"));
  buffer_free(&text);
  json_free(quoted);
  kmshsm_string_free(pem);
  free(key);
  free(member);
}

static void restoring(const char *open, const world *w)
{
  const char *with = "{\"Path\":\"%s/backup\",\"Place\":\"%s/again\",%s,"
                     "\"KeyFile\":\"" SEVENS "\"}";
  const kmshsm_store *store;
  json *answer = asked(NULL, "RestoreStore", text_of(with, root, root, open),
                       "OK", "a store of a backup");
  is_at(answer, "Taken.Keys", "1", "with its key");
  is_true(json_count(json_get(answer, "LeftOut")) == 0, "and all the rest");
  json_free(answer);
  json_free(asked(NULL, "RestoreStore", text_of(with, root, root, open),
                  "Store.Exists", "in no place that is taken"));
  store = opened("again", "{" LOOSE "}");
  decrypts(store, w->blob, "the restored store decrypts");
  kmshsm_close(store);

  create("other");
  store = opened("other", "{" LOOSE "}");
  answer = asked(store, "RestoreKeys",
                 text_of("{\"Path\":\"%s/backup\",%s,\"KeyIds\":[\"%s\","
                         "\"00000000-0000-4000-8000-000000000000\"]}",
                         root, open, w->key),
                 "OK", "a key of a backup");
  is_at(answer, "Taken.Keys", "1", "comes into another store");
  is_at(answer, "LeftOut.0.Reason", "NotInBackup", "and one does not");
  json_free(answer);
  decrypts(store, w->blob, "there it decrypts");
  answer = asked(store, "RestoreKeys",
                 text_of("{\"Path\":\"%s/backup\",%s}", root, open), "OK",
                 "once more");
  is_at(answer, "LeftOut.0.Reason", "Exists", "it is there already");
  is_at(answer, "LeftOut.0.KeyId", w->key, "that one");
  json_free(answer);
  kmshsm_close(store);
}

/* What our own AsymmetricDecrypt makes of a ciphertext; in Base64, to be
   freed. */
static char *recovered(const world *w, const char *key, const char *ciphertext)
{
  char *version = version_of(w->session, key);
  char *with =
      text_of("{\"KeyId\":\"%s\",\"KeyVersionId\":\"%s\",\"Algorithm\""
              ":\"RSAES_OAEP_SHA_256\",\"CiphertextBlob\":\"%s\"}",
              key, version, ciphertext);
  char *plain = field_of(w->session, "AsymmetricDecrypt", with, "Plaintext");
  free(version);
  free(with);
  return plain;
}

/* A recipient and custodians, whose keys are in a store of their own. */
static void for_others(const kmshsm_store *store)
{
  world w;
  char *key, *version, *with, *pem, *share, *open;
  json *answer, *quoted;
  buffer text = {0}, words = {0};
  world_open(&w);
  key = field_of(w.session, "CreateKey",
                 "{\"KeySpec\":\"RSA_2048\",\"KeyUsage\":\"ENCRYPT/DECRYPT\"}",
                 "KeyMetadata.KeyId");
  version = version_of(w.session, key);
  with = object_of("KeyId", key, "KeyVersionId", version);
  pem = field_of(w.session, "GetPublicKey", with, "PublicKey");
  quoted = json_text(pem, strlen(pem));
  json_write(&text, quoted);
  answer = asked(
      store, "CreateBackup",
      text_of("{\"Path\":\"%s/sealed\",\"Recipients\":[%s],\"Threshold\":2,"
              "\"Shares\":2,\"Custodians\":[%s,%s],\"IncludeImported\":true}",
              root, text.data, text.data, text.data),
      "OK", "a backup for others");
  is_true(!json_get(answer, "Shares"), "no share in words");
  is_true(json_count(json_get(answer, "SealedShares")) == 2, "but sealed");
  share =
      recovered(&w, key, json_path(answer, "SealedShares.0.Ciphertext")->text);
  is_true(base64_decode(&words, share, strlen(share)) && words.len > 33 * 4,
          "to words");
  open = recovered(
      &w, key, json_path(answer, "Manifest.Recipients.0.Ciphertext")->text);
  json_free(answer);
  answer = asked(
      NULL, "VerifyBackup",
      text_of("{\"Path\":\"%s/sealed\",\"BackupKey\":\"%s\"}", root, open),
      "OK", "the recipient's key");
  is_true(json_get(answer, "Opened")->type == JSON_TRUE, "opens it");
  json_free(answer);
  json_free(asked(store, "CreateBackup",
                  text_of("{\"Path\":\"%s/none\",\"Threshold\":2,\"Shares\":3,"
                          "\"Custodians\":[%s]}",
                          root, text.data),
                  "InvalidParameter", "too few custodians"));
  json_free(quoted);
  buffer_free(&text);
  buffer_free(&words);
  free(key);
  free(version);
  free(with);
  free(pem);
  free(share);
  free(open);
  world_close(&w);
}

static void backups(void)
{
  world w = {0};
  char *open;
  json *made;
  size_t len;
  create("first");
  w.store = opened("first", "{" LOOSE "}");
  w.session = session_in(w.store);
  w.key = field_of(w.session, "CreateKey", NULL, "KeyMetadata.KeyId");
  is_status(kmshsm_encrypt(w.session, w.key, (const uint8_t *)"hello", 5, NULL,
                           w.blob, 96, &len),
            "OK", "a ciphertext");
  made = asked(
      w.store, "CreateBackup",
      text_of("{\"Path\":\"%s/backup\",\"Threshold\":2,\"Shares\":3}", root),
      "OK", "make a backup");
  is_true(json_get(json_get(made, "Manifest"), "Complete")->type == JSON_TRUE,
          "of everything");
  json_free(asked(
      w.store, "CreateBackup",
      text_of("{\"Path\":\"%s/backup\",\"Threshold\":2,\"Shares\":3}", root),
      "InvalidParameter", "never over a file"));
  open = two_shares(made);
  verifying(w.store, open);
  restoring(open, &w);
  for_others(w.store);
  json_free(made);
  free(open);
  kmshsm_session_free(w.session);
  kmshsm_close(w.store);
  free(w.key);
}

static void status_is(const kmshsm_store *store, const char *name,
                      const char *expected)
{
  char *text = NULL;
  json *status;
  is_status(kmshsm_module_status(store, &text), "OK", "the status");
  status = json_parse(text, strlen(text));
  is_text(json_string(status, name), expected, name);
  json_free(status);
  kmshsm_string_free(text);
}

static void changes_are(const kmshsm_store *store, const char *code)
{
  const kmshsm_session *session = session_in(store);
  char *answer = NULL;
  is_status(kmshsm_call(session, "CreateKey", NULL, &answer), code,
            "a change");
  kmshsm_string_free(answer);
  answer = NULL;
  is_status(kmshsm_call(session, "ListKeys", NULL, &answer), "OK", "reading");
  kmshsm_string_free(answer);
  kmshsm_session_free(session);
}

/* A copy of the directory that somebody puts back. */
static void going_back(void)
{
  char *options = text_of("{" LOOSE ",\"Anchor\":\"%s/anchor\"}", root);
  const kmshsm_store *store;
  json *answer;
  create("kept");
  store = opened("kept", options);
  status_is(store, "anchor", "new");
  status_is(store, "store", "writable");
  status_is(store, "shred", "done");
  kmshsm_close(store);
  run("cp -a kept copy", "a copy");
  store = opened("kept", options);
  status_is(store, "anchor", "found");
  status_is(store, "rollback", "anchored");
  changes_are(store, "OK");
  kmshsm_close(store);
  run("rm -r kept && mv copy kept", "the copy is put back");
  store = opened("kept", options);
  status_is(store, "rollback", "suspect");
  changes_are(store, "Store.Suspect");
  answer = operated(store, "AcceptRollback", NULL, "OK", "it is accepted");
  is_true(json_get(answer, "Accepted")->type == JSON_TRUE,
          "as it was suspect");
  json_free(answer);
  status_is(store, "rollback", "anchored");
  changes_are(store, "OK");
  answer = operated(store, "AcceptRollback", NULL, "OK", "once more");
  is_true(json_get(answer, "Accepted")->type == JSON_FALSE, "is not needed");
  json_free(answer);
  kmshsm_close(store);
  store = opened("kept", "{" LOOSE ",\"MinGeneration\":1000000}");
  status_is(store, "rollback", "suspect");
  kmshsm_close(store);
  store = opened(
      "kept", "{" LOOSE ",\"MinGeneration\":1000000,\"AcceptRollback\":true}");
  changes_are(store, "OK");
  kmshsm_close(store);
  store = NULL;
  is_status(kmshsm_open_with("memory:", KMSHSM_UNLOCK_NONE, NULL, 0, options,
                             &store),
            "InvalidParameter", "a store in memory has no past");
  is_true(!store, "and is not opened");
  free(options);
}

void test_backups(void)
{
  memset(secret, 7, sizeof(secret));
  if(!mkdtemp(root)) {
    is_true(0, "a directory for the test's stores");
    return;
  }
  backups();
  going_back();
  run("rm -rf ../\"$(basename \"$PWD\")\"", "the test's stores are gone");
}
