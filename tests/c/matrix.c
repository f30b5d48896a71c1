#include "matrix.h"

#include <string.h>

const char *row_name(const json *row)
{
  const char *name = json_string(row, "name");
  return name ? name : json_string(row, "call");
}

static json *probe(const json *row, const json *column, const char *error)
{
  json *step = json_new(JSON_OBJECT);
  json_set_copy(step, "call", row);
  json_set_copy(step, "with", row);
  json_set_copy(step, "expect", row);
  json_set_copy(step, "account", column);
  json_set_copy(step, "region", column);
  json_set_text(step, "error", error);
  return step;
}

json *matrix_look(const json *row, const json *column)
{
  const char *where = json_string(column, "name");
  const char *state = json_string(json_get(row, "becomes"), where);
  json *step = json_new(JSON_OBJECT);
  json *with = json_new(JSON_OBJECT);
  json *expect = json_new(JSON_OBJECT);
  json_set_text(step, "call", "DescribeKey");
  json_set_text(with, "KeyId", "${key}");
  json_set_text(expect, "KeyMetadata.KeyState",
                state ? state : json_string(column, "state"));
  json_set(step, "with", with);
  json_set(step, "expect", expect);
  return step;
}

static const char *kind_of(const json *row, const json *column)
{
  return json_string(row, json_get(column, "external") ? "external" : "key");
}

void matrix_prepare(json *steps, const json *matrix, const json *row,
                    const json *column, const json *grants)
{
  json_add_copies(steps,
                  json_get(json_get(matrix, "keys"), kind_of(row, column)));
  json_add_copies(steps, grants);
  json_add_copies(steps, json_get(row, "before"));
  json_add_copies(steps, json_get(column, "steps"));
}

const char *matrix_outcome(const json *matrix, const json *row,
                           const json *column)
{
  const json *other = json_get(matrix, "states")->items;
  const json *cell = json_get(row, "states")->items;
  for(; other != column; other = other->next)
    cell = cell->next;
  return json_string(json_get(matrix, "outcomes"), cell->text);
}

/* Without steps, which fails, if the outcome or the key is none. */
static json *cell(const json *matrix, const json *row, const json *column,
                  const char *outcome)
{
  const json *outcomes = json_get(matrix, "outcomes");
  const char *kind = kind_of(row, column);
  const char *where = json_string(column, "name");
  json *test = json_new(JSON_OBJECT), *steps = json_new(JSON_LIST);
  buffer title = {0};
  if(kind && outcome && json_get(json_get(matrix, "keys"), kind) &&
     json_get(outcomes, outcome)) {
    matrix_prepare(steps, matrix, row, column, NULL);
    json_add(steps, probe(row, column, json_string(outcomes, outcome)));
    json_add_copies(steps, json_get(json_get(row, "after"), where));
    json_add(steps, matrix_look(row, column));
  }
  buffer_text(&title, row_name(row));
  buffer_text(&title, " ");
  buffer_text(&title, where);
  json_set_text(test, "name", title.data);
  json_set_copy(test, "region", matrix);
  json_set(test, "steps", steps);
  buffer_free(&title);
  return test;
}

json *matrix_cases(const json *matrix)
{
  static const char *const groups[] = {"states", "names"};
  const json *rows = json_get(matrix, "rows");
  const json *row, *column, *outcome;
  json *cases = json_new(JSON_LIST);
  size_t i;
  for(row = rows ? rows->items : NULL; row; row = row->next)
    for(i = 0; i < 2; i++) {
      const json *columns = json_get(matrix, groups[i]);
      const json *outcomes = json_get(row, groups[i]);
      column = columns ? columns->items : NULL;
      outcome = outcomes ? outcomes->items : NULL;
      for(; column && outcome; column = column->next, outcome = outcome->next)
        json_add(cases, cell(matrix, row, column, outcome->text));
    }
  return cases;
}
