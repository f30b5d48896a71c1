/* The two ways into the library: JSON through kmshsm_call, and the typed
 * functions. */
#ifndef LANES_H
#define LANES_H

#include <kmshsm.h>

#include "json.h"

/* What a step came to. A step of the runner's own has status 0 and no message,
 * or a message. */
typedef struct outcome {
  kmshsm_status status;
  char *code;    /* on failure: the wire code */
  char *message; /* on failure: the text for people */
  json *answer;  /* on success: a JSON object */
  int typed;     /* the answer holds what a typed function returns */
} outcome;

void outcome_free(outcome *o);
/* Files a failure; text of the runner's own when `status` is 0. */
void outcome_fail(outcome *o, kmshsm_status status, const char *text);

void call_json(const kmshsm_session *session, const char *action,
               const char *parameters, outcome *o);
/* 0 if no typed function takes just these parameters. */
int call_typed(const kmshsm_session *session, const char *action,
               const json *with, outcome *o);

#endif
