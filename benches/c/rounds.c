#include "rounds.h"

#include <pthread.h>
#include <time.h>

enum { ROUND_NS = 20000000, PAIRS = 4 * ROUNDS, THREADS = 2 };

static double now(clockid_t clock)
{
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static spread sorted(double *values, size_t number)
{
  qsort(values, number, sizeof *values, by_size);
  return (spread){values[number / 2], values[number / 4],
                  values[number * 3 / 4]};
}

/* The processor time of so many calls. */
static double timed(const contestant *who, void *own, unsigned long calls)
{
  double begun = now(CLOCK_THREAD_CPUTIME_ID);
  for(unsigned long i = 0; i < calls; i++)
    who->run(own);
  return now(CLOCK_THREAD_CPUTIME_ID) - begun;
}

/* How many calls fill a round. */
static unsigned long calibrate(const contestant *who, void *own)
{
  for(unsigned long calls = 1;; calls *= 4) {
    double took = timed(who, own, calls);
    if(took > ROUND_NS / 4)
      return (unsigned long)((double)calls * ROUND_NS / took) + 1;
  }
}

/* What the thread beside the first one has and does. */
typedef struct {
  const contestant *who;
  void *own;
  unsigned long warm, done;
  int ready, over;
} second;

static void *work(void *with)
{
  second *second = with;
  timed(second->who, second->own, second->warm);
  __atomic_store_n(&second->ready, 1, __ATOMIC_RELEASE);
  while(!__atomic_load_n(&second->over, __ATOMIC_RELAXED)) {
    second->who->run(second->own);
    second->done++;
  }
  return NULL;
}

/* Calls in a nanosecond while the first thread does its own, and the processor
   time of one of these. */
static void pace(const contestant *who, void **own, int threads,
                 unsigned long calls, double *rate, double *cost)
{
  second beside = {who, own[1], calls / 20 + 1, 0, threads < THREADS, 0};
  pthread_t thread;
  double begun;
  if(threads == THREADS)
    must(pthread_create(&thread, NULL, work, &beside) == 0, "pthread_create");
  timed(who, own[0], calls / 20 + 1);
  while(!__atomic_load_n(&beside.ready, __ATOMIC_ACQUIRE))
    continue;
  begun = now(CLOCK_MONOTONIC);
  *cost = timed(who, own[0], calls) / (double)calls;
  *rate = now(CLOCK_MONOTONIC) - begun;
  __atomic_store_n(&beside.over, 1, __ATOMIC_RELAXED);
  if(threads == THREADS)
    pthread_join(thread, NULL);
  *rate = (double)(calls + beside.done) / *rate;
}

/* What needs all of a processor, and nothing else: eight rows of numbers,
   which wait for nothing but their own steps (Knuth's constants). One thread
   of a core that another has, too, would have half. */
static void count(void *own)
{
  volatile uint64_t *numbers = own;
  for(int step = 0; step < 100; step++)
    for(int row = 0; row < 8; row++)
      numbers[row] =
          numbers[row] * 6364136223846793005U + 1442695040888963407U;
}

/* On cache lines that nobody shares. */
static void *begin_counting(const job *job, const char **why)
{
  (void)job;
  (void)why;
  return (char *)room(512) + 128;
}

static const contestant arithmetic = {"arithmetic", "none", begin_counting,
                                      count};

static double median_ratio(double (*rates)[PAIRS])
{
  return sorted(rates[1], PAIRS).ns / sorted(rates[0], PAIRS).ns;
}

static void scale(result *results, void *(*own)[THREADS], size_t number,
                  const unsigned long *calls)
{
  double (*rates)[THREADS][PAIRS] = room(number * sizeof *rates);
  double (*costs)[THREADS][PAIRS] = room(number * sizeof *costs);
  double (*most)[THREADS][PAIRS] = room(number * sizeof *most);
  void *counting[THREADS] = {begin_counting(NULL, NULL),
                             begin_counting(NULL, NULL)};
  unsigned long counts = calibrate(&arithmetic, counting[0]) / 4 + 1;
  for(size_t round = 0; round < PAIRS; round++)
    for(size_t at = 0; at < number; at++)
      for(int threads = 1; threads <= THREADS && own[at][0]; threads++) {
        double *cost = &costs[at][threads - 1][round];
        pace(&arithmetic, counting, threads, counts,
             &most[at][threads - 1][round], cost);
        pace(results[at].who, own[at], threads, calls[at] / 4 + 1,
             &rates[at][threads - 1][round], cost);
      }
  for(size_t at = 0; at < number; at++) {
    result *result = &results[at];
    if(own[at][0]) {
      double alone = sorted(costs[at][0], PAIRS).ns;
      result->two = sorted(costs[at][1], PAIRS);
      result->scaling = median_ratio(rates[at]);
      result->scaling_cpu = THREADS * alone / result->two.ns;
      result->to_be_had = median_ratio(most[at]);
    }
  }
  free(most);
  free(rates);
  free(costs);
}

size_t measure(const job *job, const contestant *const *all, int threads,
               result *results)
{
  void *own[MOST][THREADS] = {{NULL}};
  unsigned long calls[MOST] = {0};
  double times[MOST][ROUNDS];
  size_t number = 0;
  for(; all[number]; number++) {
    result *result = &results[number];
    must(number < MOST, "a group is too large");
    result->who = all[number];
    for(int i = 0; i < threads && !result->absent; i++)
      own[number][i] = all[number]->make(job, &result->absent);
    if(own[number][0])
      calls[number] = calibrate(all[number], own[number][0]);
  }
  for(size_t round = 0; round < ROUNDS; round++)
    for(size_t turn = 0; turn < number; turn++) {
      size_t at = (round + turn) % number;
      if(own[at][0])
        times[at][round] =
            timed(all[at], own[at][0], calls[at]) / (double)calls[at];
    }
  for(size_t at = 0; at < number; at++)
    if(own[at][0]) {
      results[at].one = sorted(times[at], ROUNDS);
      results[at].ops = ROUNDS * calls[at];
    }
  if(threads == THREADS)
    scale(results, own, number, calls);
  return number;
}
