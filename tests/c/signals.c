/* A storm of signals over 16 threads that share a session changes nothing,
   whether its handler runs on a stack of its own or on the one that is in use:
   then the kernel writes a signal's frame onto it, wherever it lies. */
#include "contract.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 16
/* Of encrypting and decrypting, which are two operations: 10^6 in each storm.
 */
#define ROUNDS (500000 / THREADS)
#define PERIOD 100000 /* nanoseconds: 10 kHz */
#define STACK (64 << 10)

typedef struct job {
  const world *w;
  pthread_t thread;
  char *stack; /* for signals; NULL if they take the thread's */
  int number;
  int wrong;
} job;

static pthread_key_t mine;
static volatile sig_atomic_t misplaced;
static int arrived;

/* Leaves its traces in stack and registers, as any handler would. */
static void handler(int signal)
{
  volatile char room[2048];
  const job *j = pthread_getspecific(mine);
  size_t i;
  (void)signal;
  for(i = 0; i < sizeof(room); i++)
    room[i] = (char)i;
  if(j && j->stack &&
     ((char *)room < j->stack || (char *)room >= j->stack + STACK))
    misplaced = 1;
  __sync_fetch_and_add(&arrived, 1);
}

static int round_trip(const job *j, int round)
{
  uint8_t text[64], blob[160], plain[64];
  size_t len = 1 + (size_t)(j->number * 7 + round) % 60, blob_len, plain_len;
  memset(text, j->number * 16 + round % 16, sizeof(text));
  return !kmshsm_encrypt(j->w->session, j->w->key, text, len, NULL, blob,
                         sizeof(blob), &blob_len) &&
         !kmshsm_decrypt(j->w->session, blob, blob_len, NULL, plain,
                         sizeof(plain), &plain_len) &&
         plain_len == len && !memcmp(plain, text, len);
}

static void *work(void *argument)
{
  job *j = argument;
  stack_t stack = {0};
  sigset_t storm;
  int round;
  if(j->stack) {
    stack.ss_sp = j->stack;
    stack.ss_size = STACK;
    if(sigaltstack(&stack, NULL))
      abort();
  }
  pthread_setspecific(mine, j);
  sigemptyset(&storm);
  sigaddset(&storm, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &storm, NULL);
  for(round = 0; round < ROUNDS; round++)
    j->wrong += !round_trip(j, round);
  pthread_sigmask(SIG_BLOCK, &storm, NULL);
  if(j->stack) {
    stack.ss_flags = SS_DISABLE;
    sigaltstack(&stack, NULL);
  }
  return NULL;
}

/* Signals come to the threads at work alone: all others block them. */
static timer_t begin_storm(int flags)
{
  struct sigaction action;
  struct sigevent event;
  struct itimerspec period = {{0, PERIOD}, {0, PERIOD}};
  sigset_t storm;
  timer_t timer;
  sigemptyset(&storm);
  sigaddset(&storm, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &storm, NULL);
  memset(&action, 0, sizeof(action));
  action.sa_handler = handler;
  action.sa_flags = flags; /* and no SA_RESTART: calls are interrupted */
  sigaction(SIGUSR1, &action, NULL);
  memset(&event, 0, sizeof(event));
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  if(timer_create(CLOCK_MONOTONIC, &event, &timer) ||
     timer_settime(timer, 0, &period, NULL))
    abort();
  return timer;
}

static void storm(const world *w, int flags, const char *what)
{
  job jobs[THREADS];
  timer_t timer = begin_storm(flags);
  int i, wrong = 0;
  memset(jobs, 0, sizeof(jobs));
  arrived = misplaced = 0;
  for(i = 0; i < THREADS; i++) {
    jobs[i].w = w;
    jobs[i].number = i;
    jobs[i].stack = flags & SA_ONSTACK ? malloc(STACK) : NULL;
    if(pthread_create(&jobs[i].thread, NULL, work, &jobs[i]))
      abort();
  }
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    wrong += jobs[i].wrong;
    free(jobs[i].stack);
  }
  timer_delete(timer);
  signal(SIGUSR1, SIG_IGN);
  printf("# %d signals\n", arrived);
  is_true(wrong == 0, what);
  is_true(arrived > 0 && !misplaced, "the signals came, where they should");
}

void test_signals(void)
{
  world w;
  world_open(&w);
  if(pthread_key_create(&mine, NULL))
    abort();
  storm(&w, SA_ONSTACK, "a storm of signals on stacks of their own");
  storm(&w, 0, "a storm of signals on the stack in use");
  world_close(&w);
}
