/* How contestants are timed: in turn in every round, in processor time of the
   thread. */
#ifndef ROUNDS_H
#define ROUNDS_H

#include "bench.h"

/* MOST contestants at a job. */
enum { ROUNDS = 15, MOST = 8 };

/* Nanoseconds of a call, over the rounds: median and quartiles. */
typedef struct {
  double ns, low, high;
} spread;

typedef struct {
  const contestant *who;
  const char *absent; /* why there is nothing else here, or NULL */
  spread one, two;    /* on one thread, and on one of two */
  unsigned long ops;  /* all that were timed on one thread */
  /* What two threads do in the time of one: by the clock on the wall, and by
     the processor time of a call, which a busy machine does not spoil; and
     what arithmetic, which shares nothing, had by the clock between these
     rounds: more could not be had. */
  double scaling, scaling_cpu, to_be_had;
} result;

/* Everybody, up to NULL, at one job; answers how many they are. */
size_t measure(const job *job, const contestant *const *all, int threads,
               result *results);

#endif
