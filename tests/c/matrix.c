#include "matrix.h"

#include <string.h>

static void add(json *list, json *item)
{
  json **tail = &list->items;
  while(*tail)
    tail = &(*tail)->next;
  *tail = item;
}

static void add_steps(json *list, const json *steps)
{
  const json *step = steps ? steps->items : NULL;
  for(; step; step = step->next)
    add(list, json_copy(step));
}

static void set_text(json *object, const char *name, const char *text)
{
  if(text)
    json_set(object, name, json_text(text, strlen(text)));
}

static void set_copy(json *object, const char *name, const json *from)
{
  const json *value = json_get(from, name);
  if(value)
    json_set(object, name, json_copy(value));
}

static json *probe(const json *row, const json *column, const char *error)
{
  json *step = json_new(JSON_OBJECT);
  set_copy(step, "call", row);
  set_copy(step, "with", row);
  set_copy(step, "expect", row);
  set_copy(step, "account", column);
  set_copy(step, "region", column);
  set_text(step, "error", error);
  return step;
}

static json *check_state(const char *state)
{
  json *step = json_new(JSON_OBJECT);
  json *with = json_new(JSON_OBJECT);
  json *expect = json_new(JSON_OBJECT);
  set_text(step, "call", "DescribeKey");
  set_text(with, "KeyId", "${key}");
  set_text(expect, "KeyMetadata.KeyState", state);
  json_set(step, "with", with);
  json_set(step, "expect", expect);
  return step;
}

/* Without steps, which fails, if the outcome or the key is none. */
static json *cell(const json *matrix, const json *row, const json *column,
                  const char *outcome)
{
  const json *keys = json_get(matrix, "keys");
  const json *outcomes = json_get(matrix, "outcomes");
  int external = json_get(column, "external") != NULL;
  const char *kind = json_string(row, external ? "external" : "key");
  const char *where = json_string(column, "name");
  const char *name = json_string(row, "name");
  const char *state = json_string(json_get(row, "becomes"), where);
  json *test = json_new(JSON_OBJECT), *steps = json_new(JSON_LIST);
  buffer title = {0};
  if(kind && outcome && json_get(keys, kind) && json_get(outcomes, outcome)) {
    add_steps(steps, json_get(keys, kind));
    add_steps(steps, json_get(row, "before"));
    add_steps(steps, json_get(column, "steps"));
    add(steps, probe(row, column, json_string(outcomes, outcome)));
    add_steps(steps, json_get(json_get(row, "after"), where));
    add(steps, check_state(state ? state : json_string(column, "state")));
  }
  buffer_text(&title, name ? name : json_string(row, "call"));
  buffer_text(&title, " ");
  buffer_text(&title, where);
  set_text(test, "name", title.data);
  set_copy(test, "region", matrix);
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
        add(cases, cell(matrix, row, column, outcome->text));
    }
  return cases;
}
