/* Operations on a store as a whole: how they are asked for, unlock slots and
   the keys behind them, the walk. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSPHRASE KMSHSM_UNLOCK_PASSPHRASE
#define KEY_FILE KMSHSM_UNLOCK_KEY_FILE
#define SHARES KMSHSM_UNLOCK_SHARES
#define LOOSE KMSHSM_ALLOW_UNPROTECTED_MEMORY
/* 32 bytes of 7. */
#define SEVENS "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="

static char root[] = "/tmp/kmshsm-operator-XXXXXX";
static char place[64];

static void opens(uint32_t unlock, const char *secret, size_t len,
                  const char *code, const char *what)
{
  const kmshsm_store *store = NULL;
  is_status(
      kmshsm_open(place, unlock, (const uint8_t *)secret, len, LOOSE, &store),
      code, what);
  kmshsm_close(store);
}

static void opens_with_text(uint32_t unlock, const char *secret,
                            const char *code, const char *what)
{
  opens(unlock, secret, strlen(secret), code, what);
}

/* An operation of which nothing is wanted but its outcome. */
static void does(const kmshsm_store *store, const char *operation,
                 const char *parameters, const char *code, const char *what)
{
  json_free(operated(store, operation, parameters, code, what));
}

static void is_at(const json *answer, const char *path, const char *expected,
                  const char *what)
{
  const json *value = json_path(answer, path);
  is_text(value ? value->text : NULL, expected, what);
}

static void asking(void)
{
  static const struct {
    const char *operation, *parameters, *code, *what;
  } wrong[] = {
      {"", NULL, "InvalidAction.NotFound", "no name"},
      {"listunlockslots", NULL, "InvalidAction.NotFound", "a wrong case"},
      {"ListKeys", NULL, "InvalidAction.NotFound", "an action"},
      {"VerifyBackup", "{\"Path\":\"/dev/null\"}", "InvalidAction.NotFound",
       "an operation that needs no store, asked of one"},
      {"ListUnlockSlots", "{", "ParseRequestParameterException", "no JSON"},
      {"ListUnlockSlots", "[]", "ParseRequestParameterException", "a list"},
      {"ListUnlockSlots", "{\"Slot\":1}", "InvalidParameter",
       "a member that nobody knows"},
      {"VerifyStore", "{\"\":1}", "InvalidParameter", "one without a name"},
      {"AddUnlockSlot", NULL, "MissingParameter", "no secret"},
      {"AddUnlockSlot", "{\"Threshold\":2}", "MissingParameter", "no Count"},
      {"AddUnlockSlot", "{\"KeyFile\":\"AAAA\"}", "InvalidParameter",
       "a short key file"},
      {"AddUnlockSlot", "{\"Passphrase\":\"\"}", "InvalidParameter",
       "an empty passphrase"},
      {"AddUnlockSlot", "{\"Passphrase\":\"x\",\"KeyFile\":\"" SEVENS "\"}",
       "InvalidParameter", "two secrets"},
      {"AddUnlockSlot", "{\"Threshold\":1,\"Count\":3}", "InvalidParameter",
       "shares of which one is enough"},
      {"AddUnlockSlot", "{\"Threshold\":4,\"Count\":3}", "InvalidParameter",
       "more shares than there are"},
      {"AddUnlockSlot", "{\"Threshold\":2,\"Count\":17}", "InvalidParameter",
       "too many shares"},
      {"AddUnlockSlot", "{\"Passphrase\":\"x\"}", "InvalidParameter",
       "a slot for a store in memory"},
      {"RemoveUnlockSlot", "{\"Slot\":0}", "InvalidParameter",
       "a slot that is not there"},
      {"RemoveUnlockSlot", "{\"Slot\":-1}", "InvalidParameter",
       "a slot that cannot be"},
      {"RekeyRoot", "{\"Passphrase\":\"x\"}", "InvalidParameter",
       "a root key for a store in memory"},
      {"CreateBackup", "{\"Path\":\"/nowhere/b\"}", "InvalidParameter",
       "a backup for nobody"},
      {"RestoreKeys", "{\"Path\":\"/nowhere/b\"}", "MissingParameter",
       "nothing that opens the backup"},
      {"ImportSoftHsmToken",
       "{\"Account\":\"111122223333\",\"Region\":\"cn-hongkong\","
       "\"Directory\":\"/nowhere\",\"Pin\":\"1234\"}",
       "Token.Failed", "a token where there is none"},
  };
  world w;
  char *answer = NULL;
  size_t i;
  world_open(&w);
  for(i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
    does(w.store, wrong[i].operation, wrong[i].parameters, wrong[i].code,
         wrong[i].what);
  does(NULL, "ListUnlockSlots", NULL, "Abi.NullArgument", "without a store");
  does(NULL, "Nothing", NULL, "Abi.NullArgument", "nothing without a store");
  does(w.store, NULL, NULL, "Abi.NullArgument", "no operation at all");
  does(w.store, "\xff", NULL, "InvalidParameter", "a name that is no text");
  is_status(kmshsm_operate(w.store, "ListUnlockSlots", NULL, NULL),
            "Abi.NullArgument", "nowhere to answer to");
  is_status(kmshsm_operate(NULL, "VerifyBackup", "{\"Path\":\"x\"}", NULL),
            "Abi.NullArgument", "without a store, either");
  does((const kmshsm_store *)w.session, "ListUnlockSlots", NULL,
       "Abi.BadHandle", "a session in the store's place");
  does(w.store, "AcceptRollback", "{}", "OK", "there is nothing to accept");
  world_close(&w);
  is_status(kmshsm_operate(w.store, "ListUnlockSlots", NULL, &answer),
            "Abi.Closed", "a store that has been closed");
}

/* A backup that is not there is asked for without a store. */
static void without_a_store(void)
{
  does(NULL, "VerifyBackup", "{\"Path\":\"/nowhere/b\"}", "InvalidParameter",
       "no backup");
  does(NULL, "VerifyBackup", "{\"Path\":\"/dev/null\",\"Place\":\"x\"}",
       "InvalidParameter", "a member that it does not take");
  does(NULL, "VerifyBackup", NULL, "MissingParameter", "no path");
  does(NULL, "RestoreStore", "{\"Path\":\"x\",\"Place\":\"y\"}",
       "MissingParameter", "nothing that opens it");
}

/* Shares of an answer, by their indexes, each on a line of its own. */
static char *lines(const json *answer, const char *indexes, const char *end)
{
  buffer text = {0};
  char path[16];
  for(; *indexes; indexes++) {
    const json *share;
    snprintf(path, sizeof(path), "Shares.%c", *indexes);
    share = json_path(answer, path);
    buffer_text(&text, share ? share->text : "?");
    buffer_text(&text, end);
  }
  return text.data;
}

static void opens_with(const json *answer, const char *indexes,
                       const char *end, const char *code, const char *what)
{
  char *text = lines(answer, indexes, end);
  opens_with_text(SHARES, text, code, what);
  free(text);
}

static void shares(const kmshsm_store *store)
{
  json *made =
      operated(store, "AddUnlockSlot", "{\"Threshold\":2,\"Count\":3}", "OK",
               "a slot for shares");
  json *others = operated(store, "ReplaceUnlockSlot",
                          "{\"Slot\":1,\"Threshold\":2,\"Count\":3}", "OK",
                          "shares in place of the key file");
  char *text = lines(made, "02", "\n"), *other = lines(others, "1", "\n");
  buffer mixed = {0};
  is_at(made, "Slot", "2", "it is the third");
  is_at(others, "Slot", "1", "it has the number of the other");
  is_true(json_count(json_get(made, "Shares")) == 3, "there are three");
  opens(KEY_FILE,
        "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7"
        "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7",
        32, "Store.UnlockFailed", "the key file opens it no more");
  opens_with(made, "02", "\n", "OK", "two of three");
  opens_with(made, "21", "\r\n\r\n", "OK", "other two, from other systems");
  opens_with(made, "012", "\n", "OK", "all three");
  opens_with(others, "01", "\n", "OK", "those of the other slot");
  opens_with(made, "1", "\n", "Shares.Invalid", "one is not enough");
  opens_with(made, "11", "\n", "Shares.Invalid", "nor the same one twice");
  opens_with(made, "02", " ", "Shares.Invalid", "all on one line");
  buffer_text(&mixed, other);
  buffer_text(&mixed, text);
  opens_with_text(SHARES, mixed.data, "Shares.Invalid", "of different sets");
  memcpy(text + strlen(text) - 9, "academic\n", 9);
  opens_with_text(SHARES, text, "Shares.Invalid", "a wrong word");
  opens_with_text(SHARES, "\xff", "InvalidParameter", "no words");
  opens_with_text(SHARES, "", "Shares.Invalid", "none");
  is_status(kmshsm_create(place, SHARES, (const uint8_t *)"x", 1),
            "InvalidParameter", "no store is created with shares");
  buffer_free(&mixed);
  free(text);
  free(other);
  json_free(made);
  json_free(others);
}

static void slots(const kmshsm_store *store)
{
  json *answer =
      operated(store, "ListUnlockSlots", NULL, "OK", "the first slot");
  is_at(answer, "Slots.0.Number", "0", "has the number 0");
  is_at(answer, "Slots.0.Kind", "Passphrase", "is a passphrase's");
  is_true(json_path(answer, "Slots.0.MemoryKib") != NULL, "and how hard");
  json_free(answer);
  answer = operated(store, "AddUnlockSlot", "{\"KeyFile\":\"" SEVENS "\"}",
                    "OK", "a key file, too");
  is_at(answer, "Slot", "1", "in the next slot");
  is_true(!json_get(answer, "Shares"), "and no shares");
  json_free(answer);
  opens(KEY_FILE,
        "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7"
        "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7",
        32, "OK", "the key file opens it");
  shares(store);
  answer = operated(store, "ListUnlockSlots", "{}", "OK", "all slots");
  is_true(json_count(json_get(answer, "Slots")) == 3, "are three");
  is_at(answer, "Slots.2.Kind", "Shares", "shares");
  is_at(answer, "Slots.2.Threshold", "2", "so many of them");
  is_at(answer, "Slots.2.Count", "3", "of so many");
  json_free(answer);
  does(store, "ReplaceUnlockSlot", "{\"Slot\":0,\"Passphrase\":\"other\"}",
       "OK", "another passphrase");
  does(store, "ReplaceUnlockSlot", "{\"Slot\":9,\"Passphrase\":\"other\"}",
       "InvalidParameter", "for a slot that is not there");
  opens_with_text(PASSPHRASE, "first", "Store.UnlockFailed", "not the first");
  opens_with_text(PASSPHRASE, "other", "OK", "but the other");
  does(store, "RemoveUnlockSlot", "{\"Slot\":2}", "OK", "no shares");
  does(store, "RemoveUnlockSlot", "{\"Slot\":2}", "InvalidParameter", "twice");
  does(store, "RemoveUnlockSlot", "{\"Slot\":1}", "OK", "nor the other ones");
  does(store, "RemoveUnlockSlot", "{\"Slot\":0}", "InvalidParameter",
       "the last one stays");
}

/* The new root key, and what it means to others that have the store open. */
static void keys_behind(const kmshsm_store *store)
{
  const kmshsm_store *other = NULL;
  json *answer =
      operated(store, "RotateDomainKey", "{}", "OK", "a domain key");
  is_at(answer, "DomainKey", "2", "the second");
  json_free(answer);
  is_status(kmshsm_open(place, PASSPHRASE, (const uint8_t *)"other", 5, LOOSE,
                        &other),
            "OK", "another handle of the store");
  answer = operated(store, "RekeyRoot", "{\"Passphrase\":\"last\"}", "OK",
                    "a root key");
  is_at(answer, "Slot", "0", "behind one slot");
  json_free(answer);
  does(other, "RotateDomainKey", NULL, "Store.Rekeyed", "others must reopen");
  kmshsm_close(other);
  opens_with_text(PASSPHRASE, "other", "Store.UnlockFailed", "not the old");
  opens_with_text(PASSPHRASE, "last", "OK", "only the new one opens it");
  does(store, "RotateDomainKey", NULL, "OK", "whoever did it goes on");
  answer = operated(store, "VerifyStore", NULL, "OK", "the walk");
  is_at(answer, "Found", "0", "finds nothing wrong");
  is_true(json_count(json_get(answer, "Findings")) == 0, "nothing at all");
  is_true(answer && json_get(answer, "Complete")->type == JSON_TRUE,
          "and came to its end");
  json_free(answer);
}

void test_operator(void)
{
  const kmshsm_store *store = NULL;
  char command[64];
  asking();
  without_a_store();
  if(!mkdtemp(root)) {
    is_true(0, "a directory for the test's stores");
    return;
  }
  snprintf(place, sizeof(place), "%s/store", root);
  is_status(kmshsm_create(place, PASSPHRASE, (const uint8_t *)"first", 5),
            "OK", "make a store");
  is_status(kmshsm_open(place, PASSPHRASE, (const uint8_t *)"first", 5, LOOSE,
                        &store),
            "OK", "open it");
  slots(store);
  keys_behind(store);
  kmshsm_close(store);
  snprintf(command, sizeof(command), "rm -rf %s", root);
  is_true(system(command) == 0, "the test's stores are gone");
}
