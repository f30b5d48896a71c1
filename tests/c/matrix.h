/* Matrices: a row for each operation, a column for each state of its key and
   each way to name it; every cell is a case. Their form: ../README.md. */
#ifndef MATRIX_H
#define MATRIX_H

#include "json.h"

/* A list with a case for every cell. */
json *matrix_cases(const json *matrix);

#endif
