/* Runs the conformance table (../cases, described in ../README.md) through the
   C interface and tells the results as TAP. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "steps.h"

#define SESSIONS_MAX 16

typedef struct space {
  char *account;
  char *region;
  const kmshsm_session *session;
} space;

/* A case under way. */
typedef struct run {
  const json *test;
  const kmshsm_store *store;
  space spaces[SESSIONS_MAX];
  size_t count;
  json *variables;
  int typed;
} run;

static unsigned long passed, failed;

static const char *setting(const run *r, const json *step, const char *name,
                           const char *otherwise)
{
  const char *value = json_string(step, name);
  if(!value)
    value = json_string(r->test, name);
  return value ? value : otherwise;
}

/* The session of the step; NULL and a filed failure if it does not open. */
static const kmshsm_session *session_of(run *r, const json *step, outcome *o)
{
  const char *account = setting(r, step, "account", "111122223333");
  const char *region = setting(r, step, "region", "cn-hongkong");
  kmshsm_status status;
  space *s;
  size_t i;
  for(i = 0; i < r->count; i++)
    if(!strcmp(r->spaces[i].account, account) &&
       !strcmp(r->spaces[i].region, region))
      return r->spaces[i].session;
  if(r->count == SESSIONS_MAX) {
    outcome_fail(o, 0, "too many accounts and regions in one case");
    return NULL;
  }
  s = &r->spaces[r->count];
  status = kmshsm_session_open(r->store, account, region, &s->session);
  if(status) {
    outcome_fail(o, status, NULL);
    return NULL;
  }
  s->account = copy_text(account, strlen(account));
  s->region = copy_text(region, strlen(region));
  r->count++;
  return s->session;
}

static void run_call(run *r, const json *step, const char *call,
                     const json *with, outcome *o)
{
  const char *raw = json_string(step, "raw");
  const kmshsm_session *session;
  buffer text = {0};
  if(run_own_step(call, with, o))
    return;
  session = session_of(r, step, o);
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
  char where[64];
  int number = 0;
  for(step = steps ? steps->items : NULL; step; step = step->next) {
    const char *call = json_string(step, "call");
    buffer what = {0};
    number++;
    run_step(r, step, &what);
    if(what.len) {
      snprintf(where, sizeof(where), "step %d, %.32s: ", number,
               call ? call : "?");
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
  const char *name = json_string(test, "name");
  run r = {0};
  buffer problem = {0};
  kmshsm_status status;
  r.test = test;
  r.typed = typed;
  r.variables = json_new(JSON_OBJECT);
  status = kmshsm_open("memory:?clock=manual", KMSHSM_UNLOCK_NONE, NULL, 0,
                       KMSHSM_ALLOW_UNPROTECTED_MEMORY, &r.store);
  if(status) {
    buffer_text(&problem, "the store does not open: ");
    buffer_text(&problem, kmshsm_last_error());
  } else
    run_steps(&r, &problem);
  while(r.count--) {
    kmshsm_session_free(r.spaces[r.count].session);
    free(r.spaces[r.count].account);
    free(r.spaces[r.count].region);
  }
  if(!status)
    kmshsm_close(r.store);
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

static json *read_cases(const char *path)
{
  buffer text = {0};
  char part[8192];
  size_t len;
  FILE *file = fopen(path, "rb");
  json *cases;
  if(!file)
    return NULL;
  while((len = fread(part, 1, sizeof(part), file)) > 0)
    buffer_add(&text, part, len);
  fclose(file);
  cases = json_parse(text.data, text.len);
  buffer_free(&text);
  if(cases && cases->type == JSON_OBJECT) {
    json *matrix = cases;
    cases = matrix_cases(matrix);
    json_free(matrix);
  }
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
    buffer path = {0};
    const json *test;
    json *cases;
    buffer_text(&path, place);
    buffer_text(&path, "/");
    buffer_text(&path, names[i]);
    cases = read_cases(path.data);
    if(!cases) {
      printf("not ok %lu - %s: no JSON\n", passed + ++failed, path.data);
    }
    for(test = cases ? cases->items : NULL; test; test = test->next) {
      if(json_lane)
        run_case(names[i], test, 0);
      if(typed_lane)
        run_case(names[i], test, 1);
    }
    json_free(cases);
    buffer_free(&path);
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
