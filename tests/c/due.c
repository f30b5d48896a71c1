/* What falls due: done at the next call that asks for it, by kmshsm_tick, or
   by the keeper, a thread of the library's. */
#include "contract.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOSE "\"AllowUnprotectedMemory\":true"
#define THREADS 4
#define WEEK "{\"Seconds\":604800}"

static int has_keeper(void)
{
  DIR *threads = opendir("/proc/self/task");
  const struct dirent *thread;
  int found = 0;
  while(threads && (thread = readdir(threads)) != NULL) {
    char path[300], name[32] = "";
    FILE *file;
    snprintf(path, sizeof(path), "/proc/self/task/%s/comm", thread->d_name);
    file = fopen(path, "r");
    if(file) {
      found |=
          fgets(name, sizeof(name), file) && !strcmp(name, "kmshsm-keeper\n");
      fclose(file);
    }
  }
  if(threads)
    closedir(threads);
  return found;
}

/* A thread has its name, or leaves the system's list, a moment after it began
   or ended. */
int keeper_is(int there)
{
  static const struct timespec moment = {0, 10000000};
  int tries;
  for(tries = 0; has_keeper() != there && tries < 1000; tries++)
    nanosleep(&moment, NULL);
  return tries < 1000;
}

/* How many keys, versions and materials a tick has seen to, in this order. */
static void ticked(const world *w, const char *expected, const char *what)
{
  char *answer = NULL;
  is_status(kmshsm_tick(w->store, &answer), "OK", what);
  is_text(answer, expected, "and says how much that was");
  kmshsm_string_free(answer);
}

/* A key that is due for destruction once a week has passed. */
static char *doom(const world *w)
{
  char *key = field_of(w->session, "CreateKey", NULL, "KeyMetadata.KeyId");
  char *with = object_of("KeyId", key, "PendingWindowInDays", "7");
  json_free(answer_of(w->session, "ScheduleKeyDeletion", with));
  free(with);
  return key;
}

static void ticking(void)
{
  static const char rotated[] =
      "{\"EnableAutomaticRotation\":true,\"RotationInterval\":\"7d\"}";
  char *key, *with, *answer = NULL;
  world w;
  world_open(&w);
  ticked(&w, "{\"Deleted\":0,\"Rotated\":0,\"Expired\":0}", "nothing is due");
  key = doom(&w);
  with = object_of("KeyId", key, NULL, NULL);
  json_free(answer_of(w.session, "CreateKey", rotated));
  json_free(answer_of(w.session, "AdvanceClock", WEEK));
  ticked(&w, "{\"Deleted\":1,\"Rotated\":1,\"Expired\":0}", "a week later");
  ticked(&w, "{\"Deleted\":0,\"Rotated\":0,\"Expired\":0}", "all is done");
  is_status(kmshsm_call(w.session, "CancelKeyDeletion", with, &answer),
            "Forbidden.KeyNotFound", "what is destroyed does not come back");
  is_true(!answer, "and nothing is answered");
  free(with);
  free(key);
  world_close(&w);
}

typedef struct job {
  const world *w;
  pthread_t thread;
  int deleted;
  int wrong;
} job;

static void *tick_all(void *argument)
{
  job *j = argument;
  int i;
  for(i = 0; i < 20; i++) {
    char *text = NULL;
    json *answer;
    j->wrong += kmshsm_tick(j->w->store, &text) != 0;
    answer = text ? json_parse(text, strlen(text)) : NULL;
    j->deleted += answer ? atoi(json_get(answer, "Deleted")->text) : 0;
    json_free(answer);
    kmshsm_string_free(text);
  }
  return NULL;
}

/* However many threads tick at once, each key is destroyed once. */
static void ticking_at_once(void)
{
  job jobs[THREADS];
  int i, deleted = 0, wrong = 0;
  char *total;
  world w;
  world_open(&w);
  for(i = 0; i < 100; i++)
    free(doom(&w));
  json_free(answer_of(w.session, "AdvanceClock", WEEK));
  memset(jobs, 0, sizeof(jobs));
  for(i = 0; i < THREADS; i++) {
    jobs[i].w = &w;
    if(pthread_create(&jobs[i].thread, NULL, tick_all, &jobs[i]))
      abort();
  }
  for(i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    deleted += jobs[i].deleted;
    wrong += jobs[i].wrong;
  }
  is_true(wrong == 0 && deleted == 100, "four threads destroy 100 keys");
  total = field_of(w.session, "ListKeys", NULL, "TotalCount");
  is_text(total, "3", "and no other");
  free(total);
  world_close(&w);
}

/* This thread may come before the keeper: then there is another key for it. */
static int keeper_destroys(const world *w)
{
  static const struct timespec turn = {1, 500000000};
  int tries;
  for(tries = 0; tries < 100; tries++) {
    char *answer = NULL;
    int mine;
    free(doom(w));
    json_free(answer_of(w->session, "AdvanceClock", WEEK));
    nanosleep(&turn, NULL);
    if(kmshsm_tick(w->store, &answer))
      return 0;
    mine = !strstr(answer, "\"Deleted\":0");
    kmshsm_string_free(answer);
    if(!mine)
      return 1;
  }
  return 0;
}

static void keeping(void)
{
  world w, other;
  is_true(keeper_is(0), "nobody has asked for a keeper");
  world_open_with(&w, "{" LOOSE ",\"KeeperSeconds\":1}");
  is_true(keeper_is(1), "a store with a keeper");
  is_true(keeper_destroys(&w), "which destroys what is due");
  world_open_with(&other, "{" LOOSE ",\"KeeperSeconds\":86400}");
  world_close(&w);
  is_true(keeper_is(1), "another store's keeper stays");
  world_close(&other);
  is_true(keeper_is(0), "closing waits for its end, not for its turn");
  world_open_with(&w, "{" LOOSE ",\"KeeperSeconds\":1}");
  is_status(kmshsm_zeroize(), "OK", "zeroizing");
  is_true(keeper_is(0), "ends keepers, too");
  world_close(&w);
}

void test_due(void)
{
  ticking();
  ticking_at_once();
  keeping();
}
