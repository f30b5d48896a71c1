/* Matrices: a row for each operation, a column for each state of its key and
   each way to name it; every cell is a case. Their form: ../README.md. */
#ifndef MATRIX_H
#define MATRIX_H

#include "json.h"

/* A list with a case for every cell. */
json *matrix_cases(const json *matrix);

/* What tells a row from the others. */
const char *row_name(const json *row);
/* Adds the steps that make a key, grant what is to be granted on it, and bring
   it to where the column wants it. */
void matrix_prepare(json *steps, const json *matrix, const json *row,
                    const json *column, const json *grants);
/* What the row's call fails with in the column of a state; NULL if it does
   not. */
const char *matrix_outcome(const json *matrix, const json *row,
                           const json *column);
/* The look at the key after the call. */
json *matrix_look(const json *row, const json *column);

#endif
