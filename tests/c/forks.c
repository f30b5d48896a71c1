/* A child of fork() gets Module.Forked until it opens anew; the parent goes
 * on. */
#include "contract.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t text[] = "hello";

static int is_forked(kmshsm_status status)
{
  return !strcmp(kmshsm_status_name(status), "Module.Forked");
}

static int refused(const world *w, uint8_t *blob)
{
  const kmshsm_session *session = NULL;
  uint8_t out[96];
  size_t len = 0;
  char *answer = NULL;
  return is_forked(kmshsm_call(w->session, "ListKeys", "{}", &answer)) &&
         is_forked(kmshsm_encrypt(w->session, w->key, text, 5, NULL, out, 96,
                                  &len)) &&
         is_forked(
             kmshsm_decrypt(w->session, blob, 96, NULL, out, 96, &len)) &&
         is_forked(kmshsm_session_open(w->store, "111122223333", "cn-hongkong",
                                       &session)) &&
         !answer && !session;
}

/* The number of the first thing that is wrong, or 0. */
static int child(const world *w, uint8_t *blob)
{
  const kmshsm_store *store = NULL;
  const kmshsm_session *session = NULL;
  char *answer = NULL;
  if(!refused(w, blob))
    return 1;
  if(kmshsm_open("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL, 0,
                 KMSHSM_ALLOW_UNPROTECTED_MEMORY, &store))
    return 2;
  if(kmshsm_session_open(store, "111122223333", "cn-hongkong", &session))
    return 3;
  if(kmshsm_call(session, "CreateKey", "{}", &answer) || !answer)
    return 4;
  kmshsm_string_free(answer);
  if(!refused(w, blob))
    return 5;
  kmshsm_session_free(w->session);
  kmshsm_close(w->store);
  answer = NULL;
  if(kmshsm_call(session, "ListKeys", "{}", &answer))
    return 6;
  kmshsm_string_free(answer);
  if(kmshsm_zeroize() || strcmp(kmshsm_status_name(kmshsm_call(
                                    session, "ListKeys", "{}", &answer)),
                                "Abi.Closed"))
    return 7;
  if(!refused(w, blob))
    return 8;
  kmshsm_session_free(session);
  kmshsm_close(store);
  return 0;
}

void test_forks(void)
{
  static const char *const what[] = {
      "the child is refused until it opens anew",
      "the child opens a store of its own",
      "and a session",
      "and makes a key",
      "the parent's handles stay refused in the child",
      "and closing them there harms nobody",
      "zeroizing closes the child's own store",
      "and touches none of the parent's",
  };
  uint8_t blob[96], plain[5];
  size_t len = 0;
  int result = 0, i;
  pid_t pid;
  world w;
  world_open(&w);
  is_status(kmshsm_encrypt(w.session, w.key, text, 5, NULL, blob, 96, &len),
            "OK", "the parent encrypts before the fork");
  pid = fork();
  if(pid == 0)
    _exit(child(&w, blob));
  is_true(pid > 0 && waitpid(pid, &result, 0) == pid && WIFEXITED(result),
          "the child comes to its end");
  result = WIFEXITED(result) ? WEXITSTATUS(result) : 1;
  for(i = 1; i <= 8; i++)
    is_true(result == 0 || i < result, what[i - 1]);
  is_status(kmshsm_decrypt(w.session, blob, 96, NULL, plain, 5, &len), "OK",
            "the parent decrypts after the fork");
  world_close(&w);
}
