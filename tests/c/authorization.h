/* The matrix of authorization: what each role may do to keys in each state, by
   whatever name, and to all else there is. Its form: ../README.md. */
#ifndef AUTHORIZATION_H
#define AUTHORIZATION_H

#include "json.h"

/* A list with the cases of every role, on the matrix of operations. */
json *authorization_cases(const json *authorization, const json *operations);

#endif
