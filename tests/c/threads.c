/* Threads that share a session, and the last error of each. */
#include "contract.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 8
#define ROUNDS 100

typedef struct job {
  const world *w;
  pthread_t thread;
  int number;
  int wrong; /* things that went wrong */
  kmshsm_status last;
} job;

/* Sessions that threads use and free under each other's hands. */
static struct {
  pthread_mutex_t lock;
  const kmshsm_session *sessions[THREADS];
} racing = {PTHREAD_MUTEX_INITIALIZER, {NULL}};

static int round_trip(const world *w, int number, int round)
{
  uint8_t text[64], blob[256], plain[64], other[64];
  size_t len = 1 + (size_t)(number * 7 + round) % 60;
  size_t blob_len = 0, plain_len = 0, other_len = 0;
  memset(text, number * 16 + round % 16, sizeof(text));
  if(kmshsm_encrypt(w->session, w->key, text, len, NULL, blob, sizeof(blob),
                    &blob_len) ||
     kmshsm_decrypt(w->session, blob, blob_len, NULL, plain, sizeof(plain),
                    &plain_len) ||
     plain_len != len || memcmp(plain, text, len))
    return 0;
  return !kmshsm_generate_data_key(w->session, w->key, 32, NULL, plain, 64,
                                   &plain_len, blob, 256, &blob_len) &&
         !kmshsm_decrypt(w->session, blob, blob_len, NULL, other, 64,
                         &other_len) &&
         other_len == 32 && !memcmp(plain, other, 32);
}

static void *work(void *argument)
{
  job *j = argument;
  char *with = object_of("KeyId", j->w->key, NULL, NULL);
  int round;
  for(round = 0; round < ROUNDS; round++) {
    char *answer = NULL;
    j->wrong += !round_trip(j->w, j->number, round);
    if(round % 10 == 0) {
      j->wrong += kmshsm_call(j->w->session, "CreateKey", "{}", &answer) != 0;
      kmshsm_string_free(answer);
      answer = NULL;
    }
    j->wrong += kmshsm_call(j->w->session, "DescribeKey", with, &answer) != 0;
    kmshsm_string_free(answer);
  }
  free(with);
  return NULL;
}

/* Encrypts until it is refused. */
static void *toil(void *argument)
{
  job *j = argument;
  uint8_t blob[96];
  size_t len;
  do
    j->last =
        kmshsm_encrypt(j->w->session, j->w->key, (const uint8_t *)"hello", 5,
                       NULL, blob, 96, &len);
  while(!j->last);
  return NULL;
}

/* Encrypts on sessions that it shares, and frees every fourth one while others
 * may be using it. */
static void *race(void *argument)
{
  job *j = argument;
  int round;
  for(round = 0; round < ROUNDS; round++) {
    uint8_t blob[96];
    size_t len;
    int mine = (j->number + round) % THREADS, calls = 0;
    kmshsm_status status = KMSHSM_OK;
    const kmshsm_session *session;
    pthread_mutex_lock(&racing.lock);
    if(!racing.sessions[mine] &&
       kmshsm_session_open(j->w->store, "111122223333", "cn-hongkong",
                           &racing.sessions[mine]))
      j->wrong++;
    session = racing.sessions[mine];
    if(round % 4 == 3)
      racing.sessions[mine] = NULL;
    pthread_mutex_unlock(&racing.lock);
    for(; !status && calls < 20; calls++)
      status = kmshsm_encrypt(session, j->w->key, (const uint8_t *)"hello", 5,
                              NULL, blob, 96, &len);
    if(status)
      j->wrong += strcmp(kmshsm_status_name(status), "Abi.Closed") != 0;
    if(round % 4 == 3) {
      kmshsm_session_free(session);
      status = kmshsm_encrypt(session, j->w->key, (const uint8_t *)"hello", 5,
                              NULL, blob, 96, &len);
      j->wrong += strcmp(kmshsm_status_name(status), "Abi.Closed") != 0;
    }
  }
  return NULL;
}

static void start(job *jobs, const world *w, void *(*function)(void *))
{
  int i;
  for(i = 0; i < THREADS; i++) {
    memset(&jobs[i], 0, sizeof(jobs[i]));
    jobs[i].w = w;
    jobs[i].number = i;
    if(pthread_create(&jobs[i].thread, NULL, function, &jobs[i]))
      abort();
  }
}

static void *fail_otherwise(void *argument)
{
  job *j = argument;
  char *answer = NULL;
  j->wrong = kmshsm_last_error() == NULL;
  j->last = kmshsm_call(j->w->session, "FlyToMoon", "{}", &answer);
  j->wrong += !strstr(kmshsm_last_error(), "action");
  return NULL;
}

static void last_errors(const world *w)
{
  job j = {0};
  char *answer = NULL, *before;
  j.w = w;
  is_status(kmshsm_call(w->session, "DescribeKey", "{}", &answer),
            "MissingParameter", "a failure here");
  before = copy_text(kmshsm_last_error(), strlen(kmshsm_last_error()));
  is_true(strstr(before, "KeyId") != NULL, "has a text that tells what");
  if(pthread_create(&j.thread, NULL, fail_otherwise, &j))
    abort();
  pthread_join(j.thread, NULL);
  is_status(j.last, "InvalidAction.NotFound", "a failure in another thread");
  is_true(!j.wrong, "has a text of its own");
  is_text(kmshsm_last_error(), before, "the text here has not changed");
  free(before);
}

static void zeroized(void)
{
  job jobs[THREADS];
  int i, wrong, refused = 0;
  world w, other;
  world_open(&w);
  world_open(&other);
  start(jobs, &w, toil);
  for(i = wrong = 0; i < ROUNDS; i++)
    wrong += !round_trip(&other, 1, i);
  is_true(wrong == 0, "another store is in use, too");
  is_status(kmshsm_zeroize(), "OK", "the process is zeroized");
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    refused += !strcmp(kmshsm_status_name(jobs[i].last), "Abi.Closed");
  }
  is_true(refused == THREADS, "under eight threads, which are refused");
  jobs[0].w = &other;
  toil(&jobs[0]);
  is_status(jobs[0].last, "Abi.Closed", "so is the other store");
  world_close(&w);
  world_close(&other);
  world_open(&w);
  is_true(round_trip(&w, 1, 1), "a store opened afterwards works");
  world_close(&w);
}

void test_threads(void)
{
  struct timespec moment = {0, 50000000};
  job jobs[THREADS];
  int i, wrong = 0, refused = 0;
  char *total;
  world w;
  world_open(&w);
  last_errors(&w);
  start(jobs, &w, work);
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    wrong += jobs[i].wrong;
  }
  is_true(wrong == 0, "eight threads share a session");
  total = field_of(w.session, "ListKeys", NULL, "TotalCount");
  is_text(total, "83", "no key is lost");
  free(total);
  start(jobs, &w, race);
  for(i = wrong = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    wrong += jobs[i].wrong;
  }
  is_true(wrong == 0, "eight threads free sessions under each other");
  for(i = 0; i < THREADS; i++)
    kmshsm_session_free(racing.sessions[i]);
  start(jobs, &w, toil);
  nanosleep(&moment, NULL);
  kmshsm_session_free(w.session);
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    refused += !strcmp(kmshsm_status_name(jobs[i].last), "Abi.Closed");
  }
  is_true(refused == THREADS, "a session freed under eight threads is closed");
  if(kmshsm_session_open(w.store, "111122223333", "cn-hongkong", &w.session))
    is_true(0, "a session after it");
  start(jobs, &w, toil);
  nanosleep(&moment, NULL);
  kmshsm_close(w.store);
  for(i = refused = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    refused += !strcmp(kmshsm_status_name(jobs[i].last), "Abi.Closed");
  }
  is_true(refused == THREADS, "a store closed under eight threads is closed");
  world_close(&w);
  zeroized();
}
