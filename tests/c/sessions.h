/* The sessions of a case: each stays open for all steps that come from the
   same caller. */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "lanes.h"

typedef struct sessions {
  const kmshsm_store *store;
  struct caller *callers;
} sessions;

/* The session of a step; NULL and a filed failure if it does not open. */
const kmshsm_session *session_of(sessions *s, const json *test,
                                 const json *step, const json *variables,
                                 outcome *o);
void sessions_free(sessions *s);

#endif
