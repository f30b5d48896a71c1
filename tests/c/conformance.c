/* Runs the conformance table (../cases, described in ../README.md) through the
   C interface and tells the results as TAP. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authorization.h"
#include "matrix.h"
#include "sessions.h"
#include "steps.h"

/* A case under way. */
typedef struct run {
  const json *test;
  sessions sessions;
  json *variables;
  int typed;
} run;

static unsigned long passed, failed;

static void run_call(run *r, const json *step, const char *call,
                     const json *with, outcome *o)
{
  const char *raw = json_string(step, "raw");
  const kmshsm_session *session;
  buffer text = {0};
  if(run_own_step(call, with, o))
    return;
  session = session_of(&r->sessions, r->test, step, r->variables, o);
  if(!session)
    return;
  if(raw)
    call_json(session, call, raw, o);
  else if(!r->typed || !call_typed(session, call, with, o)) {
    json_write(&text, with);
    call_json(session, call, text.data, o);
  }
  buffer_free(&text);
}

static void run_step(run *r, const json *step, buffer *problem)
{
  const char *call = json_string(step, "call");
  json *with = replace(json_get(step, "with"), r->variables, problem);
  json *expect = replace(json_get(step, "expect"), r->variables, problem);
  outcome o = {0};
  if(!call || !with || !expect) {
    buffer_text(problem, ": no such variable, or a step without call");
  } else {
    run_call(r, step, call, with, &o);
    check(step, expect, &o, problem);
    if(!problem->len && !o.code)
      save(step, &o, r->variables, problem);
  }
  outcome_free(&o);
  json_free(with);
  json_free(expect);
}

static void run_steps(run *r, buffer *problem)
{
  const json *steps = json_get(r->test, "steps");
  const json *step;
  char where[128];
  int number = 0;
  for(step = steps ? steps->items : NULL; step; step = step->next) {
    const char *name = json_string(step, "name");
    buffer what = {0};
    if(!name)
      name = json_string(step, "call");
    number++;
    run_step(r, step, &what);
    if(what.len) {
      snprintf(where, sizeof(where), "step %d, %.90s: ", number,
               name ? name : "?");
      buffer_text(problem, where);
      buffer_add(problem, what.data, what.len);
      buffer_free(&what);
      return;
    }
  }
  if(!number)
    buffer_text(problem, "a case without steps");
}

static void run_case(const char *file, const json *test, int typed)
{
  static const char options[] =
      "{\"AllowUnprotectedMemory\":true,\"Audit\":\"all\"}";
  const char *name = json_string(test, "name");
  run r = {0};
  buffer problem = {0};
  kmshsm_status status;
  r.test = test;
  r.typed = typed;
  r.variables = json_new(JSON_OBJECT);
  status = kmshsm_open_with("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL,
                            0, options, &r.sessions.store);
  if(status) {
    buffer_text(&problem, "the store does not open: ");
    buffer_text(&problem, kmshsm_last_error());
  } else
    run_steps(&r, &problem);
  sessions_free(&r.sessions);
  if(!status)
    kmshsm_close(r.sessions.store);
  printf("%sok %lu - %s: %s (%s)\n", problem.len ? "not " : "",
         passed + failed + 1, file, name ? name : "(no name)",
         typed ? "typed" : "json");
  if(problem.len)
    printf("# %s\n", problem.data);
  if(problem.len)
    failed++;
  else
    passed++;
  buffer_free(&problem);
  json_free(r.variables);
}

static json *read_json(const char *place, const char *name)
{
  buffer text = {0};
  char part[8192];
  size_t len;
  FILE *file;
  json *value;
  buffer_text(&text, place);
  buffer_text(&text, "/");
  buffer_text(&text, name);
  file = fopen(text.data, "rb");
  buffer_free(&text);
  if(!file)
    return NULL;
  while((len = fread(part, 1, sizeof(part), file)) > 0)
    buffer_add(&text, part, len);
  fclose(file);
  value = json_parse(text.data, text.len);
  buffer_free(&text);
  return value;
}

/* A list of cases as it stands, or the cases that a matrix stands for. */
static json *read_cases(const char *place, const char *name)
{
  json *read = read_json(place, name), *cases, *operations;
  if(!read || read->type != JSON_OBJECT)
    return read;
  if(!json_get(read, "roles"))
    cases = matrix_cases(read);
  else {
    operations = read_json(place, json_string(read, "operations"));
    cases = operations ? authorization_cases(read, operations) : NULL;
    json_free(operations);
  }
  json_free(read);
  return cases;
}

static int is_table(const char *name)
{
  size_t len = strlen(name);
  return len > 5 && !strcmp(name + len - 5, ".json");
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Runs every table of the directory, in the order of their names. */
static int run_tables(const char *place, int json_lane, int typed_lane)
{
  char *names[64];
  size_t count = 0, i;
  struct dirent *entry;
  DIR *dir = opendir(place);
  if(!dir)
    return 0;
  while((entry = readdir(dir)) && count < 64)
    if(is_table(entry->d_name))
      names[count++] = copy_text(entry->d_name, strlen(entry->d_name));
  closedir(dir);
  qsort(names, count, sizeof(*names), by_name);
  for(i = 0; i < count; i++) {
    json *cases = read_cases(place, names[i]);
    const json *test;
    if(!cases)
      printf("not ok %lu - %s: no JSON\n", passed + ++failed, names[i]);
    for(test = cases ? cases->items : NULL; test; test = test->next) {
      if(json_lane)
        run_case(names[i], test, 0);
      if(typed_lane)
        run_case(names[i], test, 1);
    }
    json_free(cases);
    free(names[i]);
  }
  return count > 0;
}

int main(int argc, char **argv)
{
  const char *lane = argc > 2 ? argv[2] : "both";
  int both = !strcmp(lane, "both");
  int json_lane = both || !strcmp(lane, "json");
  int typed_lane = both || !strcmp(lane, "typed");
  if(argc < 2 || argc > 3 || (!json_lane && !typed_lane)) {
    fprintf(stderr, "usage: %s CASES-DIRECTORY [json|typed|both]\n", argv[0]);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if(!run_tables(argv[1], json_lane, typed_lane)) {
    fprintf(stderr, "%s: no tables\n", argv[1]);
    return 2;
  }
  printf("1..%lu\n%lu passed, %lu failed\n", passed + failed, passed, failed);
  return failed ? 1 : 0;
}
