#include "authorization.h"
#include "matrix.h"

#include <stdio.h>
#include <string.h>

/* Whether a list of texts has this one; one that is not there has none. */
static int has(const json *list, const char *text)
{
  const json *item = list ? list->items : NULL;
  while(item && strcmp(item->text, text))
    item = item->next;
  return item != NULL;
}

static int may(const json *role, const json *row)
{
  return has(json_get(role, "may"), json_string(row, "call"));
}

static int tries(const json *role, const json *row)
{
  const json *rows = json_get(role, "rows");
  return !rows || has(rows, row_name(row));
}

/* The row's request as this role. */
static json *asks(const json *role, const json *row, const char *where,
                  const char *error)
{
  json *step = json_new(JSON_OBJECT);
  buffer name = {0};
  buffer_text(&name, row_name(row));
  buffer_text(&name, where[0] ? " " : "");
  buffer_text(&name, where);
  json_set_text(step, "name", name.data);
  json_set_copy(step, "call", row);
  json_set_copy(step, "with", row);
  json_set_copy(step, "account", role);
  json_set_copy(step, "access_key", role);
  json_set_text(step, "error", error);
  buffer_free(&name);
  return step;
}

/* One round of looks: the first saves what there is, the second expects it. */
static void look(json *steps, const json *looks, int again)
{
  const json *item = looks ? looks->items : NULL;
  char variable[32];
  int at = 0;
  for(; item; item = item->next, at++) {
    json *step = json_copy(item);
    json *seen = json_new(JSON_OBJECT);
    snprintf(variable, sizeof(variable), again ? "${before %d}" : "before %d",
             at);
    json_set_text(seen, again ? "" : variable, again ? variable : "");
    json_set(step, again ? "expect" : "save", seen);
    json_add(steps, step);
  }
}

/* A request that is denied: where it would be a change, all is as before. */
static void add_denied(json *steps, const json *authorization, json *probe,
                       const char *what)
{
  const json *looks = json_get(json_get(authorization, "looks"), what);
  if(!has(json_get(authorization, "changes"), json_string(probe, "call")))
    looks = NULL;
  look(steps, looks, 0);
  json_add(steps, probe);
  look(steps, looks, 1);
}

static void on_keys(json *steps, const json *authorization,
                    const json *operations, const json *role,
                    const json *column)
{
  const char *where = json_string(column, "name");
  const char *denied = json_string(role, "denied");
  const json *row = json_get(operations, "rows")->items;
  for(; row; row = row->next) {
    if(!tries(role, row) || !json_get(row, "states"))
      continue;
    matrix_prepare(steps, operations, row, column, json_get(role, "grants"));
    if(may(role, row)) {
      const char *error = matrix_outcome(operations, row, column);
      json_add(steps, asks(role, row, where, error));
      json_add(steps, matrix_look(row, column));
    } else
      add_denied(steps, authorization, asks(role, row, where, denied), "key");
  }
}

/* Without steps if the role may do everything to whatever key. */
static void by_names(json *steps, const json *authorization,
                     const json *operations, const json *role)
{
  const json *enabled = json_get(operations, "states")->items;
  const json *grants = json_get(role, "grants");
  const json *row = json_get(operations, "rows")->items;
  for(; row; row = row->next) {
    const json *naming = json_get(authorization, "names")->items;
    int prepared = 0;
    if(!tries(role, row) || !json_get(row, "names"))
      continue;
    for(; naming; naming = naming->next) {
      /* What it may do to whatever key is not denied under any name. */
      if(may(role, row) && (!grants || json_get(naming, "is_key")))
        continue;
      if(!steps->items)
        json_add_copies(steps, json_get(authorization, "others"));
      if(!prepared++)
        matrix_prepare(steps, operations, row, enabled, grants);
      json_add_copies(steps, json_get(naming, "steps"));
      json_add(steps, asks(role, row, json_string(naming, "name"),
                           json_string(role, "denied")));
    }
  }
}

static void on_the_account(json *steps, const json *authorization,
                           const json *role)
{
  const char *denied = json_string(role, "denied");
  const json *row = json_get(authorization, "rows")->items;
  json_add_copies(steps, json_get(authorization, "account"));
  for(; row; row = row->next)
    if(may(role, row))
      json_add(steps, asks(role, row, "", json_string(row, "error")));
    else
      add_denied(steps, authorization, asks(role, row, "", denied), "account");
}

/* A case of the role, unless there are no steps. */
static void add_case(json *cases, const json *operations, const json *role,
                     const char *of, json *steps)
{
  json *test = json_new(JSON_OBJECT), *all = json_new(JSON_LIST);
  buffer name = {0};
  buffer_text(&name, json_string(role, "name"));
  buffer_text(&name, ": operations ");
  buffer_text(&name, of);
  json_set_text(test, "name", name.data);
  json_set_copy(test, "region", operations);
  json_add_copies(all, json_get(role, "steps"));
  json_add_copies(all, steps);
  json_set(test, "steps", all);
  if(steps->items)
    json_add(cases, test);
  else
    json_free(test);
  buffer_free(&name);
  json_free(steps);
}

json *authorization_cases(const json *authorization, const json *operations)
{
  const json *role = json_get(authorization, "roles")->items;
  json *cases = json_new(JSON_LIST), *steps;
  for(; role; role = role->next) {
    const json *column = json_get(operations, "states")->items;
    for(; column; column = column->next) {
      steps = json_new(JSON_LIST);
      on_keys(steps, authorization, operations, role, column);
      add_case(cases, operations, role, json_string(column, "name"), steps);
    }
    /* Names mean another thing in another account, and there the account's own
       is its own. */
    if(!json_get(role, "account")) {
      steps = json_new(JSON_LIST);
      by_names(steps, authorization, operations, role);
      add_case(cases, operations, role, "by other names", steps);
      steps = json_new(JSON_LIST);
      on_the_account(steps, authorization, role);
      add_case(cases, operations, role, "on the account", steps);
    }
  }
  return cases;
}
