/* A child of fork() gets Module.Forked from every function until it opens
   anew; the parent goes on. Whatever lock of ours a thread of the parent
   held at the fork, the child never waits for it. */
#include "contract.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOSE KMSHSM_ALLOW_UNPROTECTED_MEMORY
#define FORKS 40
#define THREADS 8

static const uint8_t text[] = "hello";
static const uint8_t secret[32] = "the bytes of the storms key file";
static uint8_t blob[96];
static char place[] = "/tmp/kmshsm-forks-XXXXXX";

/* --- Every function that takes a handle ---------------------------------- */

static kmshsm_status session_open(const world *w)
{
  const kmshsm_session *session = NULL;
  return kmshsm_session_open(w->store, "111122223333", "cn-hongkong",
                             &session);
}

static kmshsm_status call(const world *w)
{
  char *answer = NULL;
  return kmshsm_call(w->session, "ListKeys", "{}", &answer);
}

static kmshsm_status module_status(const world *w)
{
  char *answer = NULL;
  return kmshsm_module_status(w->store, &answer);
}

static kmshsm_status encrypt(const world *w)
{
  uint8_t out[96];
  size_t len;
  return kmshsm_encrypt(w->session, w->key, text, 5, NULL, out, 96, &len);
}

static kmshsm_status decrypt(const world *w)
{
  uint8_t out[96];
  size_t len;
  return kmshsm_decrypt(w->session, blob, 96, NULL, out, 96, &len);
}

static kmshsm_status data_key(const world *w)
{
  uint8_t out[256], plain[32];
  size_t len, plain_len;
  return kmshsm_generate_data_key(w->session, w->key, 32, NULL, plain, 32,
                                  &plain_len, out, sizeof(out), &len);
}

static kmshsm_status blind_data_key(const world *w)
{
  uint8_t out[256];
  size_t len;
  return kmshsm_generate_data_key_without_plaintext(w->session, w->key, 32,
                                                    NULL, out, 256, &len);
}

static kmshsm_status draw(const world *w)
{
  uint8_t out[32];
  size_t len;
  return kmshsm_random(w->session, 32, out, 32, &len);
}

static kmshsm_status import_parameters(const world *w)
{
  uint8_t key[KMSHSM_IMPORT_PUBLIC_KEY_MAX], token[KMSHSM_IMPORT_TOKEN_LEN];
  size_t key_len, token_len;
  return kmshsm_parameters_for_import(
      w->session, w->external, "RSA_2048", "RSAES_OAEP_SHA_256", key,
      sizeof(key), &key_len, token, sizeof(token), &token_len, NULL);
}

static kmshsm_status import_material(const world *w)
{
  uint8_t wrapped[256] = {0}, token[KMSHSM_IMPORT_TOKEN_LEN] = {0};
  return kmshsm_import_key_material(w->session, w->external, wrapped, 256,
                                    token, sizeof(token), 0);
}

/* kmshsm_close and kmshsm_session_free answer nothing: a child calls them. */
static const struct {
  const char *name;
  kmshsm_status (*ask)(const world *w);
} functions[] = {
    {"kmshsm_session_open", session_open},
    {"kmshsm_call", call},
    {"kmshsm_module_status", module_status},
    {"kmshsm_encrypt", encrypt},
    {"kmshsm_decrypt", decrypt},
    {"kmshsm_generate_data_key", data_key},
    {"kmshsm_generate_data_key_without_plaintext", blind_data_key},
    {"kmshsm_random", draw},
    {"kmshsm_parameters_for_import", import_parameters},
    {"kmshsm_import_key_material", import_material},
};
enum { FUNCTIONS = sizeof(functions) / sizeof(*functions) };

/* --- A child ---------------------------------------------------------------
 */

/* How a child ended: 0, the number of what it could not do, counted from 1, or
   the number of the function that did not refuse, counted from FIRST. */
enum { FIRST = 100 };

static int refused(const world *w)
{
  int i;
  for(i = 0; i < FUNCTIONS; i++)
    if(functions[i].ask(w) != KMSHSM_ERROR_FORKED)
      return FIRST + i;
  return 0;
}

static int child(const world *w, const char *where)
{
  uint32_t unlock = where ? KMSHSM_UNLOCK_KEY_FILE : KMSHSM_UNLOCK_NONE;
  char *answer = NULL;
  world own = *w;
  int wrong = refused(w);
  if(wrong)
    return wrong;
  if(kmshsm_open(where ? where : "memory:?clock=manual", unlock,
                 where ? secret : NULL, where ? 32 : 0, LOOSE, &own.store))
    return 1;
  if(kmshsm_session_open(own.store, "111122223333", "cn-hongkong",
                         &own.session))
    return 2;
  if(kmshsm_call(own.session, "CreateKey", "{}", &answer) || !answer)
    return 3;
  kmshsm_string_free(answer);
  if(where && (encrypt(&own) || decrypt(&own) || data_key(&own)))
    return 4;
  wrong = refused(w);
  if(wrong)
    return wrong;
  kmshsm_session_free(w->session);
  kmshsm_close(w->store);
  if(call(&own))
    return 5;
  /* It closes the child's store, and leaves the parent's alone. */
  if(kmshsm_zeroize() || call(&own) != KMSHSM_ERROR_CLOSED)
    return 6;
  wrong = refused(w);
  if(wrong)
    return wrong;
  kmshsm_session_free(own.session);
  kmshsm_close(own.store);
  return 0;
}

/* Forks, and says what went wrong in the child, once for every kind of it. */
static int fork_once(const world *w, const char *where)
{
  static const char *const steps[] = {
      "a store of its own",
      "a session in it",
      "a key in it",
      "the parent's key in it",
      "it, once the parent's handles are closed",
      "it closed by zeroizing",
  };
  int result = 0;
  pid_t pid = fork();
  if(pid == 0) {
    alarm(120);
    /* Once as Python's multiprocessing ends children, once with the exit
       handlers of all libraries. */
    int wrong = child(w, where);
    if(wrong && wrong < FIRST)
      printf("# %s\n", kmshsm_last_error());
    if(where)
      exit(wrong);
    _exit(wrong);
  }
  if(pid < 0 || waitpid(pid, &result, 0) != pid)
    printf("# there is no child\n");
  else if(WIFSIGNALED(result))
    printf("# signal %d ended the child%s\n", WTERMSIG(result),
           WTERMSIG(result) == SIGALRM ? ": it waits for something" : "");
  else if(WEXITSTATUS(result) >= FIRST + FUNCTIONS)
    printf("# the child ended with %d\n", WEXITSTATUS(result));
  else if(WEXITSTATUS(result) >= FIRST)
    printf("# %s does not answer Module.Forked\n",
           functions[WEXITSTATUS(result) - FIRST].name);
  else if(WEXITSTATUS(result))
    printf("# the child cannot have %s\n", steps[WEXITSTATUS(result) - 1]);
  return pid > 0 && result == 0;
}

void test_forks(void)
{
  size_t len = 0;
  world w;
  world_open(&w);
  is_status(kmshsm_encrypt(w.session, w.key, text, 5, NULL, blob, 96, &len),
            "OK", "the parent encrypts before the fork");
  is_true(fork_once(&w, NULL), "a child is refused until it opens anew");
  is_status(decrypt(&w), "OK", "the parent decrypts after the fork");
  world_close(&w);
}

/* --- Forks while others work ------------------------------------------------
 */

typedef struct job {
  const world *w;
  pthread_t thread;
  int number;
  int wrong;
} job;

static volatile sig_atomic_t enough;

/* Each thread begins with another function, so that all locks are held by
   somebody most of the time. One of them writes. */
static void *toil(void *argument)
{
  job *j = argument;
  int turn = j->number;
  while(!enough) {
    if(j->number == 0) {
      char *answer = NULL;
      j->wrong += kmshsm_call(j->w->session, "CreateKey", "{}", &answer) != 0;
      kmshsm_string_free(answer);
    } else if(functions[turn % FUNCTIONS].ask == encrypt ||
              functions[turn % FUNCTIONS].ask == decrypt)
      j->wrong += functions[turn % FUNCTIONS].ask(j->w) != 0;
    else
      (void)functions[turn % FUNCTIONS].ask(j->w);
    turn++;
  }
  return NULL;
}

static int open_place(world *w)
{
  char path[64];
  size_t len;
  memset(w, 0, sizeof(*w));
  if(!mkdtemp(place))
    return 0;
  snprintf(path, sizeof(path), "%s/store", place);
  if(kmshsm_create(path, KMSHSM_UNLOCK_KEY_FILE, secret, 32) ||
     kmshsm_open(path, KMSHSM_UNLOCK_KEY_FILE, secret, 32, LOOSE, &w->store) ||
     kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &w->session))
    return 0;
  w->key = field_of(w->session, "CreateKey", NULL, "KeyMetadata.KeyId");
  w->external = field_of(w->session, "CreateKey", "{\"Origin\":\"EXTERNAL\"}",
                         "KeyMetadata.KeyId");
  return !kmshsm_encrypt(w->session, w->key, text, 5, NULL, blob, 96, &len);
}

void test_fork_storm(void)
{
  char path[64], command[64];
  int i, fine = 0, wrong = 0;
  job jobs[THREADS];
  world w;
  is_true(open_place(&w), "a store in a directory");
  snprintf(path, sizeof(path), "%s/store", place);
  memset(jobs, 0, sizeof(jobs));
  for(i = 0; i < THREADS; i++) {
    jobs[i].w = &w;
    jobs[i].number = i;
    if(pthread_create(&jobs[i].thread, NULL, toil, &jobs[i]))
      abort();
  }
  while(fine < FORKS && fork_once(&w, path))
    fine++;
  enough = 1;
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    wrong += jobs[i].wrong;
  }
  is_true(fine == FORKS, "children made while eight threads call open anew");
  is_true(wrong == 0, "the threads of the parent go on");
  is_status(decrypt(&w), "OK", "the parent decrypts after the forks");
  world_close(&w);
  snprintf(command, sizeof(command), "rm -rf %s", place);
  if(system(command))
    printf("# %s is still there\n", place);
}
