/* The audit trail from C: what is recorded, exporting, verifying, identities.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNPROTECTED "{\"AllowUnprotectedMemory\":true"
#define CREATED KMSHSM_UNLOCK_PASSPHRASE, (const uint8_t *)"x", 1

static json *taken(char *answer)
{
  json *value = answer ? json_parse(answer, strlen(answer)) : NULL;
  kmshsm_string_free(answer);
  return value;
}

static json *export_to(const world *w, const char *path)
{
  char *answer = NULL;
  is_status(kmshsm_audit_export(w->store, path, &answer), "OK", "an export");
  return taken(answer);
}

/* One byte of the file becomes another. */
static void spoil(const char *path, long at)
{
  FILE *file = fopen(path, "r+b");
  int is_done = file && !fseek(file, at, SEEK_END) && fputc('#', file) == '#';
  is_true(file && !fclose(file) && is_done, "the file is changed");
}

static void verifying(const char *path, const char *pem, const char *head,
                      const char *algorithm)
{
  static const char other[] =
      "9:"
      "0000000000000000000000000000000000000000000000000000000000000000";
  char *answer = NULL;
  json *verified;
  is_status(kmshsm_audit_verify(path, pem, head, &answer), "OK",
            "it verifies");
  verified = taken(answer);
  answer = NULL;
  is_text(json_string(verified, "Head"), head, "up to the same head");
  is_text(json_string(verified, "Algorithm"), algorithm, "it is signed so");
  is_true(json_get(verified, "IsKeyTrusted")->type == JSON_TRUE,
          "by the key that was given");
  json_free(verified);
  is_status(kmshsm_audit_verify(path, NULL, NULL, &answer), "OK",
            "or its own");
  kmshsm_string_free(answer);
  answer = NULL;
  is_status(kmshsm_audit_verify(path, pem, other, &answer), "Audit.Damaged",
            "another head");
  is_status(kmshsm_audit_verify(path, "x", NULL, &answer), "InvalidParameter",
            "a key that is none");
  is_status(kmshsm_audit_verify(path, NULL, "x", &answer), "InvalidParameter",
            "a head that is none");
  is_status(kmshsm_audit_verify("/nowhere", NULL, NULL, &answer),
            "InvalidParameter", "a file that is none");
  spoil(path, -20);
  is_status(kmshsm_audit_verify(path, pem, NULL, &answer), "Audit.Damaged",
            "a byte of it changed");
  is_true(!answer, "refusals answer nothing");
}

static void exporting(const char *options, const char *algorithm)
{
  char folder[] = "/tmp/kmshsm-XXXXXX", path[32], *pem = NULL, *again = NULL;
  const char *head;
  json *exported;
  struct stat stat_of;
  world w;
  if(!mkdtemp(folder))
    abort();
  snprintf(path, sizeof(path), "%s/trail", folder);
  world_open_with(&w, options);
  is_status(kmshsm_audit_key(w.store, &pem), "OK", "the trail's key");
  exported = export_to(&w, path);
  head = json_string(exported, "Head");
  is_true(!stat(path, &stat_of) && (stat_of.st_mode & 0777) == 0600,
          "the file is its owner's alone");
  is_status(kmshsm_audit_export(w.store, path, &again), "InvalidParameter",
            "a file that is there stays as it is");
  is_true(!again, "and nothing is answered");
  verifying(path, pem, head, algorithm);
  is_true(!remove(path) && !rmdir(folder), "nothing else was written");
  kmshsm_string_free(pem);
  json_free(exported);
  world_close(&w);
}

/* How many events an account has of calls of an action. */
static size_t events_of(const world *w, const char *action)
{
  char *with = object_of("EventName", action, NULL, NULL);
  json *answer = answer_of(w->session, "LookupEvents", with);
  size_t count = json_count(json_get(answer, "Events"));
  json_free(answer);
  free(with);
  return count;
}

/* A world has encrypted once; one more fails. */
static void recording(const char *options, size_t expected, const char *what)
{
  world w;
  uint8_t blob[96];
  size_t len = 0;
  world_open_with(&w, options);
  is_status(kmshsm_encrypt(w.session, w.external, (const uint8_t *)"hello", 5,
                           NULL, blob, sizeof(blob), &len),
            "Rejected.PendingImport", "a key without material");
  is_status(kmshsm_flush(w.store), "OK", "what waits is written");
  is_true(events_of(&w, "CreateKey") == 3, "changes are recorded always");
  is_true(events_of(&w, "Encrypt") == expected, what);
  world_close(&w);
}

static void identities(void)
{
  char folder[] = "/tmp/kmshsm-XXXXXX", path[32];
  const kmshsm_store *store = NULL;
  if(!mkdtemp(folder))
    abort();
  snprintf(path, sizeof(path), "%s/store", folder);
  is_status(kmshsm_create_with(path, CREATED, "{\"Identity\":\"RSA\"}"),
            "InvalidParameter", "no such identity");
  is_status(kmshsm_create_with(path, CREATED, "{\"Audit\":\"all\"}"),
            "InvalidParameter", "that is for opening");
  is_status(kmshsm_create_with(path, CREATED, "{\"Identity\":\"EC_SM2\"}"),
            "OK", "a store that signs by SM2");
  is_status(
      kmshsm_open_with(path, CREATED, "{\"Identity\":\"EC_SM2\"}", &store),
      "InvalidParameter", "it has its identity");
  is_true(!store, "and does not open");
  is_status(kmshsm_open_with(path, CREATED, "{\"Audit\":\"all\"}", &store),
            "OK", "without it, it does");
  kmshsm_close(store);
  snprintf(path, sizeof(path), "rm -r %s", folder);
  is_true(!system(path), "it is removed");
}

void test_audit(void)
{
  exporting(UNPROTECTED "}", "ECDSA_SHA_256");
  exporting(UNPROTECTED ",\"Identity\":\"EC_SM2\"}", "SM2DSA");
  recording(UNPROTECTED "}", 0, "uses of keys are not by default");
  recording(UNPROTECTED ",\"Audit\":\"denied\"}", 1, "those that fail");
  recording(UNPROTECTED ",\"Audit\":\"all\"}", 2, "all");
  recording(UNPROTECTED ",\"Audit\":\"all\",\"StrictAudit\":true}", 2,
            "and at once");
  identities();
}
