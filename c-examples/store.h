/* Opening a store and a session, and what the examples do alike around that.
 */
#ifndef STORE_H
#define STORE_H

#include <kmshsm.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ACCOUNT "111122223333"

/* An open store, and the root of ACCOUNT in one of its regions. */
typedef struct {
  const kmshsm_store *store;
  const kmshsm_session *session;
} place;

/* Takes --allow-unprotected-memory off the front of the arguments:
   KMSHSM_ALLOW_UNPROTECTED_MEMORY if it was there, else 0. */
uint32_t take_flags(int *argc, char ***argv);

/* Opens the store in `directory` with the passphrase in a file, of which one
   trailing newline is not part. Answers 0, or the exit code after having said
   what is wrong. */
int place_open(place *p, const char *directory, const char *passphrase_file,
               const char *region, uint32_t flags);
/* The same with any secret in a file, of which a passphrase loses its newline,
   and for any account. */
int place_open_as(place *p, const char *directory, uint32_t unlock,
                  const char *secret_file, const char *account,
                  const char *region, uint32_t flags);
/* A store in memory, whose clock is moved by hand. With the override, for it
   is gone with the program. */
int place_in_memory(place *p);
void place_close(place *p);

/* Copies the text called `name` out of an answer, if it is there and there is
   room: answers 1 then, else 0. In earnest, use a JSON library. */
int text_of(const char *answer, const char *name, char *out, size_t capacity);

/* Does an action of the API, and copies the text called `name` out of its
   answer, unless that is NULL. */
int ask(const place *p, const char *action, const char *parameters,
        const char *name, char *out, size_t capacity);

/* Says on stderr why the library refused. Answers the exit code: the family of
   the error, which is what the program kmshsm exits with, too. */
int refused(const char *what, kmshsm_status status);

/* Says on stderr what is wrong with an argument or a file; `error` is 0 or an
   errno. Answers the exit code 1. */
int failed(const char *what, const char *why, int error);

/* Reads what is left of a stream, at most `capacity` bytes; `what` is its name
 * in messages. */
int read_all(FILE *in, const char *what, uint8_t *out, size_t capacity,
             size_t *len);
int read_file(const char *path, uint8_t *out, size_t capacity, size_t *len);
int write_file(const char *path, const uint8_t *bytes, size_t len);

#endif
