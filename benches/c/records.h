/* What comes of a run: a table to read, and lines of JSON for the report. */
#ifndef RECORDS_H
#define RECORDS_H

#include "rounds.h"

/* A job that all of `who`, up to NULL, do; on two threads, too, if `threads`
   is 2. The first is the one that the others are held against. */
typedef struct {
  const char *name;
  job job;
  int threads;
  const contestant *const *who;
} group;

/* At least how many times as fast `of` shall be as `to` in a group; or, where
   there is no `to`, two threads of `of` as one. */
typedef struct {
  const char *name;
  double goal;
  const char *group;
  size_t size;
  const char *of, *to;
} figure;

void record_peer(FILE *records, const char *peer, const char *version);
void record_group(FILE *records, const group *group, const result *results,
                  size_t number);
/* If it is one of this group. */
void record_figure(FILE *records, const figure *figure, const group *group,
                   const result *results, size_t number);

#endif
