#include "records.h"

#include <string.h>

/* A member that is a text. */
static void text(FILE *out, const char *name, const char *value)
{
  fprintf(out, ",\"%s\":\"", name);
  for(; *value; value++)
    fprintf(out, (unsigned char)*value < ' ' ? " " : "%s%c",
            strchr("\"\\", *value) ? "\\" : "", *value);
  fputc('"', out);
}

static void number(FILE *out, const char *name, double value)
{
  fprintf(out, ",\"%s\":%.6g", name, value);
}

static void begin(FILE *out, const char *kind)
{
  fprintf(out, "{\"kind\":\"%s\",\"harness\":\"c\"", kind);
}

static void size(FILE *out, size_t size)
{
  if(size)
    fprintf(out, ",\"size\":%zu", size);
  else
    fputs(",\"size\":null", out);
}

void record_peer(FILE *records, const char *peer, const char *version)
{
  begin(records, "peer");
  text(records, "peer", peer);
  text(records, *version ? "version" : "absent",
       *version ? version : "not installed");
  fputs("}\n", records);
}

static void record(FILE *out, const group *group, const result *first,
                   const result *result, int threads)
{
  const spread *times = threads == 2 ? &result->two : &result->one;
  const spread *reference = threads == 2 ? &first->two : &first->one;
  begin(out, "result");
  text(out, "group", group->name);
  size(out, group->job.size);
  fprintf(out, ",\"threads\":%d", threads);
  text(out, "contestant", result->who->name);
  text(out, "peer", result->who->peer);
  text(out, "reference", first->who->name);
  if(result->absent) {
    text(out, "absent", result->absent);
  } else {
    number(out, "ns", times->ns);
    number(out, "ns_low", times->low);
    number(out, "ns_high", times->high);
    if(!first->absent)
      number(out, "ratio", reference->ns / times->ns);
  }
  if(!result->absent && threads == 1)
    fprintf(out, ",\"rounds\":%d,\"ops\":%lu", ROUNDS, result->ops);
  if(!result->absent && threads == 2) {
    number(out, "scaling", result->scaling);
    number(out, "scaling_cpu", result->scaling_cpu);
    number(out, "to_be_had", result->to_be_had);
  }
  fputs("}\n", out);
}

static void print(const result *first, const result *result)
{
  printf("  %-32s", result->who->name);
  if(result->absent) {
    printf(" absent: %s\n", result->absent);
    return;
  }
  printf(" %10.0f ns", result->one.ns);
  if(!first->absent)
    printf(" %8.3f of the first", first->one.ns / result->one.ns);
  if(result->scaling > 0)
    printf("   two threads %.2f of one (%.2f by CPU time; arithmetic %.2f)",
           result->scaling, result->scaling_cpu, result->to_be_had);
  putchar('\n');
}

void record_group(FILE *records, const group *group, const result *results,
                  size_t number)
{
  printf("\n%s", group->name);
  if(group->job.size)
    printf(", %zu bytes", group->job.size);
  putchar('\n');
  for(const result *at = results; at < results + number; at++) {
    print(results, at);
    record(records, group, results, at, 1);
    if(group->threads == 2 && !at->absent)
      record(records, group, results, at, 2);
  }
  fflush(stdout);
}

static const result *find(const result *results, size_t number,
                          const char *name)
{
  for(const result *at = results; at < results + number; at++)
    if(strcmp(at->who->name, name) == 0)
      return at;
  must(0, name);
  return NULL;
}

void record_figure(FILE *records, const figure *figure, const group *group,
                   const result *results, size_t count)
{
  const result *of, *to;
  double reached;
  if(strcmp(figure->group, group->name) != 0 ||
     figure->size != group->job.size)
    return;
  of = find(results, count, figure->of);
  to = figure->to ? find(results, count, figure->to) : of;
  begin(records, "figure");
  text(records, "figure", figure->name);
  text(records, "bound", "at least");
  number(records, "goal", figure->goal);
  text(records, "group", figure->group);
  size(records, figure->size);
  fprintf(records, ",\"threads\":%d", figure->to ? 1 : 2);
  text(records, "of", figure->of);
  text(records, "to", figure->to ? figure->to : "the same on one thread");
  if(of->absent || to->absent) {
    text(records, "why", of->absent ? of->absent : to->absent);
  } else {
    reached = figure->to ? to->one.ns / of->one.ns : of->scaling;
    number(records, "reached", reached);
    fprintf(records, ",\"met\":%s",
            reached >= figure->goal ? "true" : "false");
    if(!figure->to)
      number(records, "to_be_had", of->to_be_had);
  }
  fputs("}\n", records);
}
