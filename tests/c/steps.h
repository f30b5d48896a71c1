/* Steps that the runner serves itself, what a case expects, and its variables.
 */
#ifndef STEPS_H
#define STEPS_H

#include "lanes.h"

/* wrap, flip, cut, der, repeat. 0 if `call` is none of them. */
int run_own_step(const char *call, const json *with, outcome *o);

/* A copy with every ${name} in its strings replaced; NULL and the name of the
   variable if one has not been saved. */
json *replace(const json *value, const json *variables, buffer *missing);

/* What does not hold of the step's `error`, `message` and `expect`, or an
   empty buffer. */
void check(const json *step, const json *expect, const outcome *o,
           buffer *problem);

/* Saves the step's variables; the problem is as above. */
void save(const json *step, const outcome *o, json *variables,
          buffer *problem);

#endif
