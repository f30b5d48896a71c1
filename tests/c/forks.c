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

static const uint8_t secret[32] = "the bytes of the storms key file";
static char place[] = "/tmp/kmshsm-forks-XXXXXX";

/* --- A child ---------------------------------------------------------------
 */

/* How a child ended: 0, the number of what it could not do, counted from 1, or
   the number of the function that did not refuse, counted from FIRST. */
enum { FIRST = 100 };

static kmshsm_status ask(const world *w, const char *name)
{
  int i = 0;
  while(strcmp(functions[i].name, name))
    i++;
  return functions[i].ask(w);
}

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
  if(where && (ask(&own, "kmshsm_encrypt") || ask(&own, "kmshsm_decrypt") ||
               ask(&own, "kmshsm_sign")))
    return 4;
  wrong = refused(w);
  if(wrong)
    return wrong;
  kmshsm_digest_free(w->digest);
  kmshsm_session_free(w->session);
  kmshsm_close(w->store);
  if(ask(&own, "kmshsm_call"))
    return 5;
  /* It closes the child's store, and leaves the parent's alone. */
  if(kmshsm_zeroize() || ask(&own, "kmshsm_call") != KMSHSM_ERROR_CLOSED)
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
  world w;
  world_open_with(&w,
                  "{\"AllowUnprotectedMemory\":true,\"KeeperSeconds\":86400}");
  is_true(fork_once(&w, NULL), "a child is refused until it opens anew");
  is_status(ask(&w, "kmshsm_decrypt"), "OK",
            "the parent decrypts after the fork");
  is_status(ask(&w, "kmshsm_digest_update"), "OK", "and its digest goes on");
  is_true(keeper_is(1), "and its keeper");
  is_status(ask(&w, "kmshsm_tick"), "OK", "and it does what is due");
  world_close(&w);
  is_true(keeper_is(0), "the keeper ends with its store");
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

/* A thread of the library's works meanwhile, too. */
static const char kept[] =
    "{\"AllowUnprotectedMemory\":true,\"KeeperSeconds\":1}";

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
    } else {
      const function *next = &functions[turn % FUNCTIONS];
      kmshsm_status status = next->ask(j->w);
      if(!strcmp(next->name, "kmshsm_encrypt") ||
         !strcmp(next->name, "kmshsm_decrypt") ||
         !strcmp(next->name, "kmshsm_sign"))
        j->wrong += status != 0;
    }
    turn++;
  }
  return NULL;
}

static int open_place(world *w)
{
  char path[64];
  memset(w, 0, sizeof(*w));
  if(!mkdtemp(place))
    return 0;
  snprintf(path, sizeof(path), "%s/store", place);
  if(kmshsm_create(path, KMSHSM_UNLOCK_KEY_FILE, secret, 32) ||
     kmshsm_open_with(path, KMSHSM_UNLOCK_KEY_FILE, secret, 32, kept,
                      &w->store) ||
     kmshsm_session_open(w->store, "111122223333", "cn-hongkong", &w->session))
    return 0;
  world_fill(w);
  return 1;
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
  is_status(ask(&w, "kmshsm_decrypt"), "OK",
            "the parent decrypts after the forks");
  is_true(keeper_is(1), "its keeper is there");
  world_close(&w);
  snprintf(command, sizeof(command), "rm -rf %s", place);
  if(system(command))
    printf("# %s is still there\n", place);
}
