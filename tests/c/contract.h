/* What the C contract tests share. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <kmshsm.h>

#include "json.h"

/* A store in memory with a manual clock, a session and some keys. */
typedef struct world {
  const kmshsm_store *store;
  const kmshsm_session *session;
  const kmshsm_digest *digest; /* of nothing yet, for the signer */
  char *key;                   /* AES-256, enabled */
  char *external;              /* awaits its material */
  char *signer;                /* EC_P256, for SIGN/VERIFY */
  char *version;               /* the signer's */
  uint8_t blob[96];            /* 5 bytes under the key */
} world;

/* A function that takes a handle, and which. */
typedef struct function {
  const char *name;
  enum { STORE, SESSION, DIGEST } of;
  kmshsm_status (*ask)(const world *w);
} function;
enum { FUNCTIONS = 29 };
extern const function functions[FUNCTIONS];

void world_open(world *w);
/* With these options besides kmshsm_open's flag. */
void world_open_with(world *w, const char *options);
/* Of a world with a store and a session, all that is in them. */
void world_fill(world *w);
void world_close(world *w);

/* One line of TAP each. */
void is_true(int condition, const char *what);
void is_status(kmshsm_status status, const char *code, const char *what);
void is_text(const char *text, const char *expected, const char *what);
/* The plan and the sum; the exit code. */
int finish(void);

/* Each entry point that takes a session answers that. */
void session_calls_are(const kmshsm_session *session, const char *code,
                       const char *what);

/* The newest version of a key; to be freed. */
char *version_of(const kmshsm_session *session, const char *key);
/* The answer to a call that must succeed; to be freed with json_free. */
json *answer_of(const kmshsm_session *session, const char *action,
                const char *parameters);
/* A field of such an answer, by its path; to be freed. */
char *field_of(const kmshsm_session *session, const char *action,
               const char *parameters, const char *path);
/* What an operation on the store as a whole answers, if its outcome is `code`
   and that is OK, else NULL; to be freed with json_free. */
json *operated(const kmshsm_store *store, const char *operation,
               const char *parameters, const char *code, const char *what);
/* {"name": "value"}, or the first pair and a second one; to be freed. */
char *object_of(const char *name, const char *value, const char *name2,
                const char *value2);

void test_arguments(void);
void test_texts(void);
void test_buffers(void);
void test_wrapping(void);
void test_signing(void);
void test_moving(void);
void test_digests(void);
void test_handles(void);
void test_crossing(void);
void test_places(void);
void test_options(void);
void test_due(void);
void test_indicator(void);
void test_logins(void);
void test_audit(void);
void test_operator(void);
void test_backups(void);
/* Whether this process has a keeper's thread, or soon has none any more. */
int keeper_is(int there);
void test_threads(void);
void test_forks(void);
void test_fork_storm(void);
void test_signals(void);

#endif
