/* Stores on disk: making, opening, and everything that is not one. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSPHRASE KMSHSM_UNLOCK_PASSPHRASE
#define KEY_FILE KMSHSM_UNLOCK_KEY_FILE
#define LOOSE KMSHSM_ALLOW_UNPROTECTED_MEMORY

static const uint8_t words[] = "correct horse battery staple";
static const size_t words_len = sizeof(words) - 1;
static char root[] = "/tmp/kmshsm-places-XXXXXX";

/* The path of a place under the root; the next call but three reuses it. */
static const char *at(const char *name)
{
  static char paths[4][128];
  static int turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
  return path;
}

static kmshsm_status try_open(const char *place, uint32_t unlock,
                              const uint8_t *secret, size_t len)
{
  const kmshsm_store *store = NULL;
  kmshsm_status status =
      kmshsm_open(place, unlock, secret, len, LOOSE, &store);
  if(store)
    kmshsm_close(store);
  if(status)
    is_true(!store, "a failed open gives no handle");
  return status;
}

static void write_text(const char *path, const char *text, size_t size)
{
  FILE *file = fopen(path, "wb");
  size_t i;
  if(!file)
    return;
  for(i = 0; i < size; i++)
    fputc(text[i % strlen(text)], file);
  fclose(file);
}

static const kmshsm_session *session_in(const kmshsm_store *store)
{
  const kmshsm_session *session = NULL;
  is_status(
      kmshsm_session_open(store, "111122223333", "cn-hongkong", &session),
      "OK", "a session on disk");
  return session;
}

/* Makes a store with some keys; the last one's id, and a ciphertext of it. */
static char *fill(const char *place, uint8_t blob[96])
{
  const kmshsm_store *store = NULL;
  const kmshsm_session *session;
  char *key = NULL;
  size_t len = 0;
  int i;
  is_status(kmshsm_create(place, PASSPHRASE, words, words_len), "OK",
            "make a store");
  is_status(kmshsm_open(place, PASSPHRASE, words, words_len, LOOSE, &store),
            "OK", "open it");
  if(!store)
    return NULL;
  session = session_in(store);
  for(i = 0; i < 20; i++) {
    free(key);
    key = field_of(session, "CreateKey", NULL, "KeyMetadata.KeyId");
  }
  is_status(kmshsm_encrypt(session, key, (const uint8_t *)"hello", 5, NULL,
                           blob, 96, &len),
            "OK", "encrypt in it");
  kmshsm_session_free(session);
  kmshsm_close(store);
  return key;
}

static void coming_back(void)
{
  const char *place = at("kept");
  const kmshsm_store *store = NULL;
  const kmshsm_session *session;
  uint8_t blob[96] = {0}, plain[5] = {0};
  size_t len = 0;
  struct stat about;
  char *key = fill(place, blob);
  if(!key)
    return;
  is_true(stat(place, &about) == 0 && (about.st_mode & 077) == 0,
          "the directory is its owner's alone");
  is_status(kmshsm_create(place, PASSPHRASE, words, words_len), "Store.Exists",
            "make a store where one is");
  is_status(kmshsm_open(place, PASSPHRASE, words, words_len, LOOSE, &store),
            "OK", "open it again");
  if(store) {
    char *answer = NULL;
    session = session_in(store);
    is_status(kmshsm_decrypt(session, blob, 96, NULL, plain, 5, &len), "OK",
              "decrypt what was encrypted before");
    is_true(len == 5 && !memcmp(plain, "hello", 5), "and get it back");
    is_status(kmshsm_call(session, "AdvanceClock", "{\"Seconds\":1}", &answer),
              "InvalidAction.NotFound", "nobody moves a store's clock");
    kmshsm_session_free(session);
    kmshsm_close(store);
  }
  is_status(try_open(place, PASSPHRASE, words, words_len - 1),
            "Store.UnlockFailed", "a wrong passphrase");
  is_status(try_open(place, PASSPHRASE, words, 0), "Store.UnlockFailed",
            "an empty passphrase");
  is_status(try_open(place, KEY_FILE, words, words_len), "InvalidParameter",
            "a key file of 28 bytes");
  is_status(try_open(place, KMSHSM_UNLOCK_NONE, NULL, 0), "InvalidParameter",
            "nothing to unlock a store with");
  is_status(try_open(place, 77, words, words_len), "InvalidParameter",
            "an unknown way to unlock");
  free(key);
}

/* The format number of the database, in its header. */
static void set_format(const char *place, int format)
{
  char path[160];
  FILE *file;
  snprintf(path, sizeof(path), "%s/store.db", place);
  file = fopen(path, "r+b");
  if(!file)
    return;
  fseek(file, 63, SEEK_SET);
  fputc(format, file);
  fclose(file);
}

static void from_the_future(void)
{
  const char *place = at("future");
  uint8_t blob[96] = {0}, plain[5];
  const kmshsm_store *store = NULL;
  const kmshsm_session *session;
  size_t len = 0;
  char *key = fill(place, blob);
  if(!key)
    return;
  set_format(place, 2);
  is_status(try_open(place, PASSPHRASE, words, words_len), "Store.TooNew",
            "a store of a newer format");
  set_format(place, 1);
  is_status(kmshsm_open(place, PASSPHRASE, words, words_len, LOOSE, &store),
            "OK", "it has been left as it was");
  if(store) {
    session = session_in(store);
    is_status(kmshsm_decrypt(session, blob, 96, NULL, plain, 5, &len), "OK",
              "and still decrypts");
    kmshsm_session_free(session);
    kmshsm_close(store);
  }
  free(key);
}

static void key_files(void)
{
  uint8_t secret[33];
  memset(secret, 7, sizeof(secret));
  is_status(kmshsm_create(at("file"), KEY_FILE, secret, 31),
            "InvalidParameter", "make a store by a key file of 31 bytes");
  is_status(kmshsm_create(at("file"), KEY_FILE, secret, 33),
            "InvalidParameter", "make a store by a key file of 33 bytes");
  is_status(try_open(at("file"), KEY_FILE, secret, 32), "Store.NotFound",
            "neither has made one");
  is_status(kmshsm_create(at("file"), KEY_FILE, secret, 32), "OK",
            "make a store by a key file");
  is_status(try_open(at("file"), KEY_FILE, secret, 32), "OK", "open it");
  is_status(try_open(at("file"), KEY_FILE, secret, 31), "InvalidParameter",
            "open it by 31 bytes");
  is_status(try_open(at("file"), PASSPHRASE, secret, 32), "Store.UnlockFailed",
            "open it by a passphrase of the same bytes");
  secret[31] ^= 1;
  is_status(try_open(at("file"), KEY_FILE, secret, 32), "Store.UnlockFailed",
            "open it by another key file");
}

static void no_stores(void)
{
  const kmshsm_store *store = NULL;
  is_status(try_open(at("missing"), PASSPHRASE, words, words_len),
            "Store.NotFound", "a place that is not there");
  mkdir(at("empty"), 0700);
  is_status(try_open(at("empty"), PASSPHRASE, words, words_len),
            "Store.NotFound", "an empty directory");
  mkdir(at("strange"), 0700);
  write_text(at("strange/store.db"), "This is a letter. ", 8192);
  is_status(try_open(at("strange"), PASSPHRASE, words, words_len),
            "Store.NotAStore", "a directory with a file that is no store");
  mkdir(at("hollow"), 0700);
  write_text(at("hollow/store.db"), "x", 0);
  is_status(try_open(at("hollow"), PASSPHRASE, words, words_len),
            "Store.NotAStore", "a directory with an empty file");
  write_text(at("file.txt"), "x", 10);
  is_true(try_open(at("file.txt"), PASSPHRASE, words, words_len) != 0,
          "a file in place of the directory");
  is_true(try_open("", PASSPHRASE, words, words_len) != 0, "an empty place");
  is_status(try_open("memory:?clock=wrong", KMSHSM_UNLOCK_NONE, NULL, 0),
            "InvalidParameter", "a store in memory with an unknown clock");
  is_status(
      kmshsm_open("memory:", KMSHSM_UNLOCK_NONE, NULL, 0, 0x80000000u, &store),
      "InvalidParameter", "an unknown flag");
  is_true(!store, "a failed open gives no handle");
}

static void damaged(void)
{
  const char *const names[] = {"half", "head", "tail"};
  int i;
  for(i = 0; i < 3; i++) {
    uint8_t blob[96];
    char *key = fill(at(names[i]), blob);
    char path[160];
    struct stat about;
    off_t size;
    snprintf(path, sizeof(path), "%s/store.db", at(names[i]));
    if(!key || stat(path, &about)) {
      is_true(0, "the store is in store.db");
      free(key);
      continue;
    }
    size = i == 0 ? about.st_size / 2 : i == 1 ? 4096 : about.st_size - 4096;
    is_true(truncate(path, size) == 0, names[i]);
    is_status(try_open(at(names[i]), PASSPHRASE, words, words_len),
              "Store.Damaged", "a store cut short");
    free(key);
  }
}

static void wall_clock(void)
{
  const kmshsm_store *store = NULL;
  char *answer = NULL;
  is_status(kmshsm_open("memory:", KMSHSM_UNLOCK_NONE, NULL, 0, LOOSE, &store),
            "OK", "a store in memory with the real time");
  if(store) {
    const kmshsm_session *session = session_in(store);
    is_status(kmshsm_call(session, "AdvanceClock", "{\"Seconds\":1}", &answer),
              "InvalidAction.NotFound", "nobody moves its clock");
    kmshsm_session_free(session);
    is_status(kmshsm_module_status(store, &answer), "OK", "the status");
    if(answer) {
      json *object = json_parse(answer, strlen(answer));
      is_true(object && object->type == JSON_OBJECT, "is a JSON object");
      json_free(object);
      kmshsm_string_free(answer);
    }
    kmshsm_close(store);
  }
}

void test_places(void)
{
  char command[64];
  if(!mkdtemp(root)) {
    is_true(0, "a directory for the test's stores");
    return;
  }
  wall_clock();
  no_stores();
  coming_back();
  key_files();
  from_the_future();
  damaged();
  snprintf(command, sizeof(command), "rm -rf %s", root);
  is_true(system(command) == 0, "the test's stores are gone");
}
